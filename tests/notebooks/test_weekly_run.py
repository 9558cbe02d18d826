"""The weekly run end to end, by the real command: the report says the truth first, and bad input is one sentence."""

import json
import re

import pytest

GRID = """
pairs = ["EURUSD", "EURCHF", "USDJPY", "GBPCHF"]
risk_profiles = ["conservative", "aggressive"]
"""
SHORT = ("--set", "strategy_selection.replay_from=2025-01-02", "--set", "strategy_selection.bootstraps=200")


@pytest.fixture(scope="module")
def weekly_home(tmp_path_factory, workbench):
    home = tmp_path_factory.mktemp("weekly_home")
    (home / "grid.toml").write_text(GRID, encoding="utf-8")
    ended = workbench(home, "select", "--grid", str(home / "grid.toml"), *SHORT)
    assert ended.returncode == 0, ended.stderr
    return home, ended.stdout


@pytest.fixture(scope="module")
def folder(weekly_home):
    return weekly_home[0] / "weekly" / "2026-10-30"


def test_the_run_says_the_truth_first(weekly_home):
    _, said = weekly_home
    assert "Significant after 64 trials: no; what is deployed, on paper, is the most robust" in said
    assert re.search(r"Strategy set 2026-10-30-[0-9a-f]{12}: ADOPTED", said)
    assert all(step in said for step in ("Data quality", "Sweep, walk-forward, selection", "adopt or refuse", "Report"))


def test_the_report_shows_every_configuration_and_the_sentence(folder):
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "Significant after 64 trials: no" in page
    table = page.split("All 64 configurations")[1].split("</table>")[0]
    assert table.count("<tr>") == 65
    for column in ("costs 2×", "costs 3×", "1990s", "2020s", "trending", "high volatility"):
        assert f">{column}</th>" in table
    assert page.count('<img src="data:image/png;base64,') == 9
    assert "<script" not in page and "http://" not in page and "https://" not in page.replace("https://www.ecb", "")


def test_the_summary_agrees_with_the_set_that_was_adopted(weekly_home, folder, workbench):
    home, _ = weekly_home
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["trials"] == {"ever": 64, "new": 64, "swept": 64}
    assert len(summary["grid"]) == 64 and summary["engine"]["trades"] > 0
    shown = workbench(home, "strategies", "show", "--json")
    live = json.loads(shown.stdout)
    assert [one["name"] for one in live["members"]] == [one["name"] for one in summary["strategy_set"]["members"]]
    assert live["status"] == "adopted" == summary["strategy_set"]["status"]
    effects = sum(summary["engine"]["effects"].values())
    difference = summary["engine"]["profit_controlled"] - summary["engine"]["profit_free"]
    assert effects == pytest.approx(difference, abs=1e-6)


def test_executed_notebooks_are_kept_with_their_pictures(folder):
    executed = json.loads((folder / "strategy_selection.ipynb").read_text(encoding="utf-8"))
    outputs = [output for cell in executed["cells"] for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output["output_type"] in {"error", "stream"}]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 9


def test_the_set_is_listed_shown_and_its_trials_counted(weekly_home, workbench):
    home, _ = weekly_home
    listed = workbench(home, "strategies", "list").stdout
    assert "▶" in listed and "robust-not-significant" in listed and " 64 " in listed
    shown = workbench(home, "strategies", "show").stdout
    assert "significant after 64 trials: no" in shown and "✗ significance" in shown and "✓ one book" in shown
    counted = workbench(home, "strategies", "trials").stdout
    assert "64 trials ever" in counted and "first tried in: weekly run" in counted


def test_sweep_prints_the_best_keeps_all_and_counts_nothing_twice(weekly_home, workbench):
    home, _ = weekly_home
    ended = workbench(home, "sweep", "--grid", str(home / "grid.toml"), "--rows", "3")
    assert ended.returncode == 0, ended.stderr
    assert "64 trials ever, 0 new now" in ended.stdout and "The 3 best" in ended.stdout
    rows = (home / "sweeps" / "2026-10-30.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 65 and rows[0].startswith("configuration,pair,timeframe,signal,profile")


BAD = {
    "an unknown signal": (
        'signals = ["tea leaves"]',
        "unknown signal 'tea leaves': expected one of conservative, moderate",
    ),
    "a negative window": ("signals = [{name = 'moderate', parameters = [-5, 20]}]", "two whole numbers of bars"),
    "an unknown pair": ('pairs = ["EURSEK"]', "pairs names 'EURSEK', expected some of EURUSD"),
    "no TOML": ("signals = [", "is not valid TOML"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["sweep", "select"])
def test_a_grid_file_that_cannot_be_meant_is_one_sentence(name, command, tmp_path, workbench, one_sentence):
    text, expected = BAD[name]
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    sentence = one_sentence(workbench(tmp_path, command, "--grid", str(path)))
    assert expected in sentence and "mine.toml" in sentence
    assert not (tmp_path / "research").exists()


OTHER = {
    "too little history": (("sweep", "--as-of", "1999-01-15"), "nothing to sweep: none of 384 configurations"),
    "no such file": (("select", "--grid", "nowhere.toml"), "cannot read the grid file nowhere.toml"),
    "no set yet": (("strategies", "show"), "no strategy set has been adopted yet; run `workbench select`"),
    "nothing to go back to": (("strategies", "rollback", "--by", "desk"), "nothing to go back to"),
    "equity": (("select", "--equity", "-5"), "equity"),
    "misspelt parameter": (("select", "--set", "strategy_selection.bootstrap=9"), "bootstrap"),
}


@pytest.mark.parametrize("name", OTHER)
def test_what_cannot_be_done_is_one_sentence(name, tmp_path, workbench, one_sentence):
    arguments, expected = OTHER[name]
    assert expected in one_sentence(workbench(tmp_path, *arguments))


def test_a_window_without_history_refuses_the_run_and_leaves_no_set(tmp_path, workbench, one_sentence):
    grid = tmp_path / "grid.toml"
    grid.write_text('pairs = ["EURUSD"]\nsignals = ["aggressive"]\n', encoding="utf-8")
    ended = workbench(tmp_path, "select", "--as-of", "2001-06-29", "--grid", str(grid), *SHORT)
    sentence = one_sentence(ended)
    assert "too little history for a window: 36 months of training and 6 of test were asked for" in sentence
    assert not (tmp_path / "strategy_sets").exists()
