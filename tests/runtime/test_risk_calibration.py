"""The VaR step on a slice of real fixes: complete, consistent with itself, blind to what comes after."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from workbench.data.rates import DailyRates
from workbench.domain.book import Book
from workbench.domain.currencies import LEGS
from workbench.domain.errors import ConfigError, DataError
from workbench.risk.models import CONFIDENCES
from workbench.risk.volatility import ewma_volatility
from workbench.runtime.daily.forecast_store import ForecastStore
from workbench.runtime.daily.risk_calibration import RaceSettings, RiskCalibration, calibrate_risk, race_schedule

AS_OF = "2026-06-30"
SETTINGS = RaceSettings("2025-06-02", ("EURUSD", "GBPJPY"), recent_days=250, mcs_size=0.1)
BOOK = Book({"EURUSD": 2e5, "USDJPY": -3e5, "EURCHF": 1e5}, equity=1e6, name="small")


@pytest.fixture(scope="module")
def rates(ecb) -> DailyRates:
    """Five and a half years, so that the race has about 270 days."""
    return DailyRates(ecb.leg_values.loc["2021-01-01":"2026-07-31"], "ECB")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> ForecastStore:
    return ForecastStore(tmp_path_factory.mktemp("forecasts"))


def quiet(what: str, done: int, total: int) -> None:
    """Tell nobody."""


def calibrate(rates: DailyRates, store: ForecastStore, book: Book = BOOK, **changes: object) -> RiskCalibration:
    return calibrate_risk(rates, book, dataclasses.replace(SETTINGS, **changes), store, quiet)


def text(risk: RiskCalibration) -> str:
    return json.dumps(risk.summary(), allow_nan=False)


@pytest.fixture(scope="module")
def risk(rates, store) -> RiskCalibration:
    return calibrate(rates.up_to(AS_OF), store)


def test_the_summary_has_what_is_promised_and_no_nan(risk):
    summary = json.loads(text(risk))
    assert summary.keys() >= {
        "champion",
        "confidence",
        "portfolio_95",
        "portfolio_99",
        "expected_shortfall_975",
        "race",
    }
    promised = {"model", "mean_fz0", "kupiec_p", "christoffersen_p", "dq_p", "in_mcs"}
    assert all(row.keys() >= promised for row in summary["race"])
    assert summary["confidence"] == 0.99
    assert summary["days"] == len(risk.dates) == risk.race.days
    assert [line["pair"] for line in summary["pairs"]] == list(SETTINGS.pairs)
    assert {row["model"] for row in summary["race"]} | summary["refused"].keys() == set(risk.forecasts.names)


def test_the_champion_is_the_first_of_the_race_inside_the_set(risk):
    summary = risk.summary()
    assert summary["champion"] == next(row["model"] for row in summary["race"] if row["in_mcs"])


def test_value_at_risk_is_positive_and_rises_with_the_level(risk):
    summary = risk.summary()
    assert 0 < summary["portfolio_95"] < summary["portfolio_99"]
    assert summary["expected_shortfall_975"] >= risk.next_day(0.975)[0]


def test_components_add_up_to_the_portfolio(risk):
    parts = [position["component_99"] for position in risk.summary()["positions"]]
    assert sum(parts) == pytest.approx(risk.summary()["portfolio_99"], rel=1e-9)
    assert [position["pair"] for position in risk.summary()["positions"]] == ["EURUSD", "USDJPY", "EURCHF"]
    assert risk.contribution_frame["component_99"].sum() == pytest.approx(risk.contributions.total)


def test_component_shortfalls_add_up_to_the_mean_of_the_worst_fortieth_of_the_last_thousand_days(risk):
    weights = BOOK.pair_weights(risk.rates.last_values())
    moves = risk.rates.pair_simple_returns(BOOK.pairs).to_numpy()[-1000:] @ weights
    plain = -np.sort(moves)[:25].mean()
    parts = [position["component_shortfall_975"] for position in risk.summary()["positions"]]
    assert sum(parts) == pytest.approx(plain, rel=1e-9)


def test_every_backtest_of_the_champion_is_plain_json_and_shown(risk):
    rows = risk.summary()["champion_tests"]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert len(rows) == len(risk.champion_tests.lines) == 20
    promised = {"test", "question", "level", "statistic", "p", "asymptotic_p", "power", "verdict", "rejects", "meaning"}
    assert all(row.keys() >= promised for row in rows)
    own = next(row for row in risk.summary()["race"] if row["model"] == risk.summary()["champion"])
    kupiec_99 = next(row for row in rows if (row["test"], row["level"]) == ("Kupiec", "99 %"))
    assert (kupiec_99["p"], kupiec_99["asymptotic_p"]) == (own["exact_p"], own["kupiec_p"])
    page = risk.champion_tests._repr_html_()
    assert all(row["question"] in page for row in rows)


def test_residual_quantiles_times_volatility_are_the_champions_forecasts(risk):
    assert list(risk.residual_quantiles) == [f"{confidence:g}" for confidence in CONFIDENCES]
    for level, (quantile, shortfall) in risk.residual_quantiles.items():
        scaled = (quantile * risk.portfolio_volatility, shortfall * risk.portfolio_volatility)
        assert scaled == pytest.approx(risk.next_day(float(level)), rel=1e-12)
    # between half and double a normal quantile, else the scale is not a daily volatility
    assert 0.5 < risk.residual_quantiles["0.99"][0] / 2.326 < 2.0


def test_the_returns_raced_are_those_of_the_book_held_today(risk):
    legs = risk.rates.leg_simple_returns().to_numpy()
    assert np.array_equal(risk.forecasts.returns, legs @ BOOK.leg_weights(risk.rates.last_values()))
    assert risk.portfolio_volatility == float(ewma_volatility(risk.forecasts.returns)[-1])


def test_covariance_of_the_legs_gives_the_volatility_of_the_book(risk):
    weights = BOOK.leg_weights(risk.rates.last_values())
    assert np.sqrt(weights @ risk.covariance @ weights) == pytest.approx(risk.portfolio_volatility, rel=1e-9)
    assert list(risk.legs) == list(LEGS)
    diagonal = [state.current for state in risk.legs.values()]
    assert np.sqrt(np.diag(risk.covariance)) == pytest.approx(diagonal, rel=1e-9)
    assert risk.legs["JPY"].ratio == risk.legs["JPY"].current / risk.legs["JPY"].normal


def test_the_path_ends_on_the_as_of_date_and_counts_the_same_exceedances(risk):
    path = risk.path(0.99)
    assert path.index[-1] == pd.Timestamp(AS_OF)
    assert path.index[0] == risk.rates.dates[1:][risk.forecasts.schedule.first] >= pd.Timestamp(SETTINGS.start)
    assert int((path["return"] < -path["value_at_risk"]).sum()) == risk.race.champion.coverage[0.99].exceedances


def test_what_the_notebook_shows_has_its_shape(risk):
    assert risk.volatility_frame.shape == (1000, 2)
    assert risk.volatility_frame.index[-1] == pd.Timestamp(AS_OF)
    assert risk.standardised_residuals.std() == pytest.approx(1.0, abs=0.1)
    assert list(risk.race_frame.index) == [score.name for score in risk.race.scores]
    assert risk.race.champion.title in risk._repr_html_()
    assert risk.summary()["volatility_ratio"] == risk.volatility_ratio > 0


def test_pair_lines_count_recent_exceedances_of_their_own_champion(risk, store):
    for line in risk.pair_lines:
        forecasts = store.load(line.pair)
        own, _ = forecasts.of(line.champion, 0.99)
        assert line.value_at_risk_99 == own[-1]
        assert (line.days, line.exceedances) == (250, int(np.sum(forecasts.realised[-250:] < -own[:-1][-250:])))


def test_garbage_after_the_as_of_date_changes_not_one_digit(rates, risk, tmp_path):
    garbage = rates.leg_values.copy()
    after = garbage.index > AS_OF
    assert after.sum() > 20
    garbage.loc[after] = 1e12
    assert text(calibrate(DailyRates(garbage, "ECB").up_to(AS_OF), ForecastStore(tmp_path))) == text(risk)


def test_a_store_that_knows_later_garbage_changes_not_one_digit(rates, risk, tmp_path):
    garbage = rates.leg_values.copy()
    after = garbage.index > AS_OF
    garbage.loc[after] *= np.exp(np.random.default_rng(3).normal(0, 0.05, (int(after.sum()), len(LEGS))))
    dirty, store = DailyRates(garbage, "ECB"), ForecastStore(tmp_path)
    calibrate(dirty, store)
    assert store.load("EURUSD").returns.size == len(dirty) - 1
    assert text(calibrate(dirty.up_to(AS_OF), store)) == text(risk)
    assert store.load("EURUSD").returns.size == len(dirty) - 1


def test_the_next_day_on_top_of_stored_days_equals_a_run_from_nothing(rates, risk, tmp_path):
    store = ForecastStore(tmp_path)
    calibrate(rates.up_to("2026-06-29"), store)
    assert text(calibrate(rates.up_to(AS_OF), store)) == text(risk)
    assert store.load("EURUSD").returns.size == len(rates.up_to(AS_OF)) - 1


def test_the_race_needs_no_pairs(rates, risk, tmp_path):
    alone = calibrate(rates.up_to(AS_OF), ForecastStore(tmp_path), pairs=())
    assert alone.pair_lines == ()
    assert alone.summary()["race"] == risk.summary()["race"]


@pytest.mark.parametrize("units", [{}, {"EURUSD": 0.0}])
def test_a_flat_book_is_refused(rates, store, units):
    with pytest.raises(DataError, match="the mine book holds no position"):
        calibrate(rates, store, Book(units, equity=1e6, name="mine"))


def test_a_book_whose_positions_cancel_out_is_refused(rates, store):
    values = rates.last_values()
    triangle = {"EURUSD": -1e5, "GBPUSD": 1e5 * values["EUR"] / values["GBP"], "EURGBP": 1e5}
    with pytest.raises(DataError, match="positions of the mine book cancel out in every currency"):
        calibrate(rates, store, Book(triangle, equity=1e6, name="mine"))


def test_data_that_is_too_short_is_refused_with_what_is_needed(rates, store):
    said = "needs 1350 daily returns and 250 days after 2025-06-02, but up to 2022-06-01 there are 363"
    with pytest.raises(DataError, match=said):
        calibrate(rates.up_to("2022-06-01"), store)
    with pytest.raises(DataError, match="250 days after 2026-06-01"):
        calibrate(rates, store, start="2026-06-01")


@pytest.mark.parametrize("start", ["", "foo", "2005-13-01", "01/03/2005"])
def test_a_race_start_that_is_no_date_is_refused(rates, start):
    with pytest.raises(ConfigError, match=f"ISO date such as 2005-01-03, got '{start}'"):
        race_schedule(rates, start)


def test_an_unknown_pair_is_refused(rates, store):
    with pytest.raises(DataError, match="unknown pair 'EURXXX'"):
        calibrate(rates, store, pairs=("EURXXX",))


def test_the_race_starts_on_the_first_day_asked_for_or_when_there_is_history(rates):
    days = rates.dates[1:]
    assert days[race_schedule(rates, "2025-06-01").first] == pd.Timestamp("2025-06-02")
    assert race_schedule(rates, "2005-01-03").first == 1100
