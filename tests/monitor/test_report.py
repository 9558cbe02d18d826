"""What the report says about the models: which tests fail, what that means, what could not be tested."""

from typing import Any

from workbench.monitor.report import TESTS, honest_findings


def race_row(model: str, **low: float) -> dict[str, Any]:
    return {"model": model, "in_mcs": True} | {key: 0.5 for key, _, _ in TESTS} | low


def backtest(test: str, **other: Any) -> dict[str, Any]:
    row = {"test": test, "level": "99 %", "p": 0.5, "power": 0.9, "rejects": False, "meaning": "clusters", "note": ""}
    return row | other


def findings(race: list[dict[str, Any]], tests: list[dict[str, Any]]) -> list[str]:
    return honest_findings({"value_at_risk": {"champion": "fhs", "race": race, "champion_tests": tests}})


def test_a_clean_race_still_says_how_little_the_tests_can_see():
    tests = [backtest("Kupiec")] * 15 + [backtest("time until first failure", power=0.06)] * 5
    found = findings([race_row("fhs"), race_row("garch")], tests)
    assert found[0] == (
        "None of 20 backtests of the champion fhs speaks against it at 5 %, about 1 would by luck; "
        "5 of them would miss the error they look for more often than not."
    )
    assert found[-1].startswith("2 of 2 models are inside the 90 % confidence set")
    assert len(found) == 2


def test_a_test_every_model_fails_is_said_first():
    race = [race_row("fhs", dq_exact_p_95=0.01), race_row("garch", dq_exact_p_95=0.02)]
    found = findings(race, [backtest("Kupiec")])
    assert found[0] == (
        "No model passes the test of dynamic quantile at 95 %: past days foretell exceedances at 95 %: "
        "VaR reacts too slowly."
    )


def test_a_test_only_the_champion_fails_names_the_models_that_pass():
    found = findings([race_row("fhs", exact_p=0.004), race_row("garch")], [backtest("Kupiec", p=0.004, rejects=True)])
    assert found[0].startswith("The champion fhs fails the test of number of exceedances at 99 %")
    assert "(p = 0.004)" in found[0]
    assert found[0].endswith("1 of 2 models pass it (garch).")
    assert not [sentence for sentence in found if sentence.startswith("Against the champion")]


def test_rejections_the_race_does_not_run_are_told_once_per_meaning():
    tests = [
        backtest("durations (Weibull)", p=0.012, rejects=True),
        backtest("Christoffersen independence", p=0.03, rejects=True),
        backtest("traffic light", p=0.11, rejects=True, meaning="too many of late", note="yellow zone"),
    ]
    found = findings([race_row("fhs")], tests)
    assert found[0].startswith("3 of 3 backtests of the champion fhs speak against it")
    assert found[1] == (
        "Against the champion: clusters (durations (Weibull) at 99 %, p = 0.012; "
        "Christoffersen independence at 99 %, p = 0.03)."
    )
    assert found[2] == "Against the champion: too many of late (traffic light at 99 %, p = 0.11, yellow zone)."


def test_a_test_that_could_not_be_run_is_said_with_its_reason():
    missing = backtest("McNeil–Frey", p=None, power=None, note="fewer than two exceedances")
    found = findings([race_row("fhs")], [backtest("Kupiec"), missing])
    assert found[0].startswith("None of 1 backtests")
    assert found[1] == "McNeil–Frey could not be run on the champion: fewer than two exceedances."
