"""The crises of the policy: three runs of one book, and sentences that follow from their numbers."""

import numpy as np
import pytest

from workbench.data.book import read_book
from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy import Policy
from workbench.runtime.crises.crisis import RUNS
from workbench.runtime.crises.historical import replay_crises
from workbench.stress import resilience, survival

POLICY = read_policy(None)


@pytest.fixture(scope="module")
def crises(ecb):
    return replay_crises(ecb, POLICY, volatility=0.15)


def test_every_historical_scenario_and_gap_path_of_the_policy_is_there(crises):
    names = [one.name for one in POLICY.stress.historical]
    gaps = [f"{one.name} (SYNTHETIC mark)" for one in POLICY.stress.gap_paths]
    assert list(crises.table().index) == names + gaps and crises.left_out == ()


def test_a_gap_between_two_fixes_hurts_more_than_the_fixes_show(crises):
    table = crises.table()
    for gap, day in (("Sterling gap", "Sterling flash crash"), ("Yen gap", "Yen flash crash"),
                     ("Franc gap", "Swiss floor dropped")):  # fmt: skip
        assert table.loc[f"{gap} (SYNTHETIC mark)", "drawdown_without"] > table.loc[day, "drawdown_without"]


def test_the_placebo_has_the_average_exposure_of_the_controlled_run(crises):
    for one in crises.crises:
        gross = [one.path(run)["gross"].mean() for run in RUNS]
        assert gross[2] == pytest.approx(gross[0]) and gross[0] < gross[1]
        assert one.drawdown("placebo") <= one.drawdown("without")


def test_drawdowns_are_those_of_the_equity_paths(crises):
    for one in crises.crises:
        for run in RUNS[:2]:
            equity = one.path(run)["equity"]
            # the peak is that of the account, which may lie between two marks: at the fill of a position
            assert one.drawdown(run) == pytest.approx((1 - equity / equity.cummax()).max(), abs=2e-3)


def test_a_15_per_cent_book_is_hurt_most_by_the_franc_and_controls_do_not_save_it(crises):
    table = crises.table()
    franc = ["Swiss floor dropped", "Franc gap (SYNTHETIC mark)"]
    assert set(table["drawdown_without"].nlargest(2).index) == set(franc)
    assert not table.loc[franc, "survived"].any() and table.drop(franc)["survived"].all()
    assert table.loc["Swiss floor dropped", "amplification"] > 5.0


def test_figures_together_are_those_of_the_rows(crises):
    table = crises.table()
    rate = survival(table["drawdown_with"].tolist(), drawdown_below=0.2)
    assert crises.survival("with controls") == rate and rate.survived == 13
    hours = POLICY.success.technical.recovery_hours
    own = resilience(survival_rate=rate.rate, degradation=table["degradation"].mean(),
                     amplification=table["amplification"].mean(),
                     recovered=(table["recovery_hours"] <= hours).mean())  # fmt: skip
    assert crises.resilience("with controls").score == pytest.approx(own.score)
    saved, by_placebo = crises.savings
    assert saved == pytest.approx((1 - table["drawdown_with"] / table["drawdown_without"]).tolist())
    assert crises.skill(np.random.default_rng(0)).difference == pytest.approx(np.mean(saved) - np.mean(by_placebo))


def test_the_sentences_say_what_the_numbers_say(crises):
    told = " | ".join(crises.told)
    assert "13 of 15 crises survived with controls" in told
    assert "it cannot be told whether controls do more than a smaller book would" in told
    assert "targets missed: amplification" in told and "recovery within 24 market hours" in told
    assert "Largest drawdowns in 15 crises" in crises._repr_html_()


def test_a_book_ten_times_too_large_fails_and_says_so(ecb):
    large = replay_crises(ecb, POLICY, volatility=1.5)
    assert large.survival("with controls").rate < POLICY.success.technical.survival_above
    assert any(line.startswith("targets missed: survival") for line in large.told)


def test_the_same_again_is_the_same_to_the_last_digit(ecb, crises):
    again = replay_crises(ecb, POLICY, volatility=0.15)
    assert again.table().equals(crises.table()) and again.told == crises.told


def test_scenarios_outside_the_data_are_left_out_by_name(ecb):
    table = POLICY.model_dump(mode="json")
    table["stress"]["historical"] = [
        {"name": "Before the data", "start": "1998-01-05", "end": "1998-02-05"},
        {"name": "Brexit vote", "start": "2016-06-23", "end": "2016-06-24"},
    ]
    table["stress"]["gap_paths"] = table["stress"]["gap_paths"][:1]
    found = replay_crises(ecb, Policy.from_mapping(table), volatility=0.15)
    assert len(found.crises) == 2 and "Before the data is left out" in found.left_out[0]
    table["stress"]["historical"] = table["stress"]["historical"][:1]
    table["stress"]["gap_paths"][0] |= {"start": "1998-03-02", "end": "1998-03-02"}
    with pytest.raises(DataError, match="no scenario of the policy lies in the data"):
        replay_crises(ecb, Policy.from_mapping(table))


def test_progress_is_told_by_scenario(ecb):
    heard = []
    replay_crises(ecb, POLICY, tell=lambda what, done, total: heard.append((what, done, total)))
    assert heard[0] == (POLICY.stress.historical[0].name, 0, 15) and heard[-1] == ("crises", 15, 15)


def test_the_command_prints_and_keeps_every_crisis(tmp_path, workbench):
    ended = workbench(tmp_path, "stress", "--volatility", "0.15")
    assert ended.returncode == 0, ended.stderr
    assert "Swiss floor dropped" in ended.stdout and "resilience: with controls" in ended.stdout
    assert "drawdown rung 4" in ended.stdout and "the loss to be feared" in ended.stdout
    rows = (tmp_path / "stress" / "crises.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 16 and rows[0].startswith("crisis,drawdown_with,drawdown_without,drawdown_placebo")


def test_a_book_that_cannot_be_read_is_one_sentence(tmp_path, workbench, one_sentence):
    assert "nobody.csv" in one_sentence(workbench(tmp_path, "stress", "--book", "nobody.csv"))
    with pytest.raises((ConfigError, DataError)):
        read_book(tmp_path / "nobody.csv", equity=1e6)
