"""Every number of the policy that research and portfolio own changes what they do."""

import re

import numpy as np
import pandas as pd
import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.domain.trading.modes import Tier
from workbench.portfolio import TierReading, rebalancing_reasons, simulate_rebalancing, tier_weights
from workbench.portfolio.rebalancing import BookState, rebalance
from workbench.research import ResearchMarket, sweep
from workbench.research.selection import tier_weights_by_rank
from workbench.strategies import strategy_grid

POLICY = read_policy(None)
OWNED = ("strategies.", "tiers.", "costs.")
KEYS = [key for key in POLICY.numbers() if key.startswith(OWNED)]


def market():
    index = pd.bdate_range("2015-01-01", periods=1_400)
    generator = np.random.default_rng(0)
    closes = np.exp(np.cumsum(generator.normal(0.0, 0.007, (len(index), 2)), axis=0))
    return ResearchMarket.of(pd.DataFrame(closes, index, ["EURUSD", "EURGBP"]))


def history():
    index = pd.bdate_range("2018-01-01", periods=700)
    generator = np.random.default_rng(1)
    values = generator.normal(0.0, 0.004, (len(index), 3))
    values[400:, 1:] = values[400:, [0]] + generator.normal(0.0, 0.0002, (300, 2))
    values[500:520] -= 0.006
    return pd.DataFrame(values, index, ["a", "b", "c"])


MARKET, HISTORY = market(), history()
MEMBERS = {"a": Tier.CORE, "b": Tier.GROWTH, "c": Tier.TACTICAL}
GOOD, BAD = (2.0, 0.0, -1.0, 2.0), (-2.0, 1.0, 1.0, -2.0)


def readings(*, swapped):
    best, worst = (BAD, GOOD) if swapped else (GOOD, BAD)
    return [
        TierReading(f"{tier.name} {place}", tier, *(best if place % 2 else worst))
        for tier in (Tier.CORE, Tier.GROWTH)
        for place in range(2)
    ]


def one_factor(place):
    """Readings in which one strategy of a tier is good in one respect only, the other bad in it only."""
    nothing = [np.nan] * 4
    up, down = list(nothing), list(nothing)
    up[place], down[place] = GOOD[place], BAD[place]
    return [TierReading("up", Tier.CORE, *up), TierReading("neutral", Tier.CORE, *nothing),
            TierReading("down", Tier.GROWTH, *down), TierReading("still", Tier.GROWTH, *nothing)]  # fmt: skip


def states():
    quiet = {"new_week": False, "tier_drift": 0.0, "risk_over_share": np.zeros(3), "days_correlated": 0,
             "drawdown_over_history": np.zeros(3)}  # fmt: skip
    for level in np.linspace(0.0, 4.0, 401):
        yield BookState(**{**quiet, "risk_over_share": np.array([level, 0.0, 0.0])})
        yield BookState(**{**quiet, "drawdown_over_history": np.array([level, 0.0, 0.0])})
        yield BookState(**{**quiet, "tier_drift": level / 10})
        yield BookState(**{**quiet, "days_correlated": int(level * 10)})


def outcome(policy):
    """Everything research and portfolio make of a policy, as plain numbers."""
    rules = policy.tiers.rebalancing
    swept = sweep(MARKET, [one for one in strategy_grid(policy) if one.pair in MARKET.closes], policy)
    simulated = simulate_rebalancing(HISTORY, np.zeros(len(HISTORY), dtype=int), MEMBERS, policy)
    moves = [rebalance(rules, np.array([0.5]), np.array([0.7]), np.array([rate])).done
             for rate in np.geomspace(1e-5, 1e-1, 60)]  # fmt: skip
    return (
        swept.returns.to_numpy().tobytes(),
        tuple(tier_weights_by_rank(policy)),
        tuple(tuple(tier_weights(policy.tiers, one_factor(place)).weights.values()) for place in range(4)),
        tuple(rebalancing_reasons(rules, state) for state in states()),
        simulated.weights.to_numpy().tobytes(),
        tuple(simulated.log["reasons"]),
        tuple(moves),
    )


BEFORE = outcome(POLICY)


def changed(key):
    """Policies that differ in one number, and in what must follow it for the policy to be valid."""
    value = POLICY.numbers()[key]
    for other in (value + 1, value - 1) if isinstance(value, int) else (value * 0.9, value * 1.1, value + 0.01, 0.02):
        table = POLICY.model_dump(mode="json")
        inner, parts = table, [int(one) if one.isdigit() else one for one in re.findall(r"[^.\[\]]+", key)]
        for part in parts[:-1]:
            inner = inner[part]
        inner[parts[-1]] = other
        if key.startswith("tiers.") and key.endswith(".share"):
            next_one = "growth" if "core" in key else "core"
            table["tiers"][next_one]["share"] -= other - value
        try:
            yield Policy.from_mapping(table)
        except ConfigError:
            continue


@pytest.mark.parametrize("key", KEYS)
def test_every_number_changes_an_outcome(key):
    assert any(outcome(policy) != BEFORE for policy in changed(key)), f"nothing changes when {key} does"


def test_an_outcome_is_the_same_when_nothing_is_changed():
    assert outcome(POLICY) == BEFORE
    assert {"schedule"} < {reason for reasons in BEFORE[5] for reason in reasons}
