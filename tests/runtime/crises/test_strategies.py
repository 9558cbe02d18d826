"""The adopted strategies in the crises: they trade, the factors of sizing act, and nothing later is known."""

import numpy as np
import pandas as pd
import pytest

from workbench.data.policy_file import read_policy
from workbench.data.rates import DailyRates
from workbench.domain.errors import DataError
from workbench.domain.strategy_set import StrategySet
from workbench.engine.settings import CONTROLS, FACTORS
from workbench.runtime.crises.running import validate_stress
from workbench.runtime.crises.staging import History
from workbench.runtime.crises.strategies import strategy_crises
from workbench.runtime.crises.validation import NOTHING_TRADES, InForce, StressOrder
from workbench.runtime.replay.scenario import reference_book
from workbench.strategies import strategy_grid

POLICY = read_policy(None)
RECORD = {"drawdown": 0.1, "stress_survival": 0.9, "walk_forward": 0.9, "robustness": 0.9, "negative_conditions": []}
QUICK = StressOrder(paths=0, scenarios=("brexit-2016", "swiss-2015"))


def set_of(names, weight=0.3):
    known = {one.name: one for one in strategy_grid(POLICY)}
    members = []
    for name in names:
        one = known.get(name, next(iter(known.values())))
        risk = getattr(POLICY.strategies.risk_profiles, one.profile)
        members.append(
            {
                "name": name, "pair": one.pair, "timeframe": one.timeframe, "signal": one.signal,
                "parameters": [float(value) for value in one.parameters], "profile": one.profile, "tier": "core",
                "weight": weight, "risk_per_trade": risk.risk_per_trade, "reward_to_risk": risk.reward_to_risk,
                "verdict": "robust-not-significant", "record": RECORD, "evidence": {},
            }
        )  # fmt: skip
    about = {"as_of": "2026-10-30", "created": "2026-10-30T18:00:00+00:00", "data_hash": "x", "code_version": "y"}
    return StrategySet.from_mapping(
        about | {"policy_hash": POLICY.hash, "verdict": "robust-not-significant", "trial_count": 384,
                 "members": members, "evidence": {}}
    )  # fmt: skip


ADOPTED = set_of(
    ["EURUSD daily aggressive moderate", "USDJPY daily moderate moderate", "GBPJPY daily aggressive moderate"]
)


@pytest.fixture(scope="module")
def history(ecb):
    return History(ecb, POLICY, reference_book(ecb, POLICY, equity=1e6, volatility=None))


@pytest.fixture(scope="module")
def found(history):
    return strategy_crises(history, ADOPTED)


def test_every_historical_crisis_is_there_and_strategies_lose_something(found):
    assert len(found.table) == len(POLICY.stress.historical)
    assert (found.table.to_numpy() >= 0.0).all() and (found.table["drawdown_without"] > 0.0).mean() > 0.8
    assert found.table["drawdown_with"].mean() < found.table["drawdown_without"].mean()


def test_factors_of_sizing_act_on_strategies(found):
    assert list(found.effects.index) == [*CONTROLS, *FACTORS]
    assert any(found.effects[name] != 0.0 for name in FACTORS)


def test_the_sentence_says_what_the_table_says(found):
    mean = 100 * found.table.mean()
    assert f"survives {len(found.table)} of {len(found.table)} crises" in found.sentence
    assert f"{mean['drawdown_with']:.2f} % with controls" in found.sentence
    assert f"the {found.effects.idxmin()} saves most" in found.sentence
    assert found.summary()["set"] == ADOPTED.id and ADOPTED.id in found._repr_html_()


def test_garbage_after_a_crisis_changes_nothing_in_it(ecb, history, found):
    values = ecb.leg_values.copy()
    later = values.index > pd.Timestamp("2012-01-02")
    values.loc[later] *= np.exp(np.random.default_rng(0).normal(0.0, 0.1, (int(later.sum()), 7)))
    spoiled = DailyRates(values, ecb.source)
    again = strategy_crises(History(spoiled, POLICY, history.book), ADOPTED)
    before = ["lehman-2008", "october-2008", "greek-2010", "swiss-2011"]
    pd.testing.assert_frame_equal(again.table.loc[before], found.table.loc[before], check_exact=True)
    assert not again.table.loc["brexit-2016"].equals(found.table.loc["brexit-2016"])


def test_what_cannot_be_replayed_is_said(ecb, history):
    with pytest.raises(DataError, match="cannot be replayed: EURUSD hourly dreams"):
        strategy_crises(history, set_of(["EURUSD hourly dreams"]))
    early = History(ecb.up_to("2006-01-02"), POLICY, history.book)
    with pytest.raises(DataError, match="no historical crisis lies in the data"):
        strategy_crises(early, ADOPTED)


def test_the_validation_carries_them_or_says_that_nothing_trades(ecb, history):
    with_them = validate_stress(ecb, POLICY, history.book, in_force=InForce(strategy_set=ADOPTED), order=QUICK)
    assert with_them.strategies is not None and with_them.reasons[-1] == with_them.strategies.sentence
    assert with_them.summary()["strategies"]["set"] == ADOPTED.id
    without = validate_stress(ecb, POLICY, history.book, order=QUICK)
    assert without.reasons[-1] == NOTHING_TRADES and without.summary()["strategies"] is None
