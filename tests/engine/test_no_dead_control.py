"""No dead control: every number of the policy is changed, and a decision changes; or it is listed for a room to come.

The list can only shrink: a prefix that matches no number that is left over fails the test.
"""

import importlib.util
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.domain.policy.risk import CONDITIONS

RESEARCH = "research and portfolio, shown in tests/research/test_no_dead_number.py"
LATER = {
    "people.": "response: authority, alerts and procedures",
    "stress.": "stress: scenarios and shocks",
    "success.": "monitor: readiness for going live",
    "strategies.signals.reversion": RESEARCH,
    "strategies.risk_profiles.": RESEARCH,
    "tiers.core.": RESEARCH,
    "tiers.growth.": RESEARCH,
    "tiers.tactical.": RESEARCH,
    "tiers.weights.": RESEARCH,
    "tiers.rebalancing.tier_drift": RESEARCH,
    "tiers.rebalancing.value_at_risk_of_share": RESEARCH,
    "tiers.rebalancing.correlation_": RESEARCH,
    "tiers.rebalancing.cost_below": RESEARCH,
    "costs.financing_annual": RESEARCH,
    "pre_trade.collar_": "execution: pre-trade limits",
    "pre_trade.orders_per_": "execution: pre-trade limits",
    "calibration.minimum_": "runtime: gates, shown in tests/runtime/test_gates.py",
    "calibration.flagged_window_days": "runtime: gates, shown in tests/runtime/test_gates.py",
    "calibration.backtest_": "runtime: gates, shown in tests/runtime/test_gates.py",
    "calibration.traffic_light_days": "runtime: gates, shown in tests/runtime/test_gates.py",
    "calibration.model_confidence_set": "runtime: gates, shown in tests/runtime/test_gates.py",
    "calibration.unconfirmed_move": "runtime: gates, shown in tests/runtime/test_gates.py",
}
"""Prefix of numbers the engine does not own, and the room that does."""
FIXED = {
    "sizing.stress.scores[5]": "no other value is valid: the curve ends at a score of 100",
    "ladders.technical.rung_3.extra_confirmations": "the last technical rung stops entries in every valid policy",
}
"""Numbers that cannot matter in any valid policy, and why."""
LOOK_FIRST = {
    "ladders.drawdown.": ("falling",),
    "ladders.volatility.": ("wild_neighbours", "storm", "falling", "calm_then_storm", "cluster"),
    "ladders.value_at_risk.": ("heavy", "large", "falling", "trends"),
    "ladders.correlation.": ("together", "cluster"),
    "ladders.technical.": ("silence",),
    "ladders.rules.": ("ticks", "storm", "not_a_number"),
    "sizing.": ("storm", "together", "regimes_read", "extremes"),
    "stress_score.": ("ticks", "storm"),
    "market_conditions.": ("rising", "storm", "calm_then_storm", "extremes"),
    "adaptation.": ("regimes_read", "calm_then_storm", "storm"),
    "calibration.": ("old_calibration",),
    "pre_trade.": ("limits", "whipsaw"),
    "costs.": ("storm",),
    "tiers.": ("trends", "falling"),
    "strategies.signals.": ("regimes_read",),
}
"""Lives in which numbers of a section have most to do; only these are lived again."""
RUNG = re.compile(r"^ladders\.(\w+)\.rung_(\d)\.(\w+)$")


def load_lives() -> Any:
    path = Path(__file__).with_name("lives.py")
    spec = importlib.util.spec_from_file_location("lives", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LIVES = load_lives().LIVES


def candidates(value: float) -> Iterator[float]:
    """Other values to try; whole numbers stay whole."""
    if isinstance(value, int):
        yield from (value + 1, value - 1, value + 2, value - 2, value + 10)
        return
    for factor in (0.9, 1.1, 0.7, 1.4, 0.5, 2.0, 3.0, 0.25):
        yield value * factor
    yield from (value + 0.1, value - 0.1, value + 0.3, 5.0)


def _put(table: Any, key: str, value: float) -> None:
    parts = [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", key)]
    for part in parts[:-1]:
        table = table[part]
    table[parts[-1]] = value


def _follow(ladder: dict[str, Any], rung: int, field: str, value: float) -> None:
    """Higher rungs do at least as much, lower ones at most; one that closes needs an order, a latched one stops."""
    if field == "trigger":
        return
    for name, one in ladder.items():
        number = int(name[-1])
        if field in one and number != rung:
            higher = number > rung
            one[field] = (min if higher == (field == "cap") else max)(one[field], value)
        if field == "close_fraction":
            one["close_order"] = "every_position_alike" if one["close_fraction"] else "nothing"
        if field == "people_to_resume" and one[field] and one["mode"] == "ACTIVE":
            one["mode"] = "REDUCING"


def as_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_lists(part) for key, part in value.items()}
    return [as_lists(part) for part in value] if isinstance(value, list | tuple) else value


@pytest.fixture(scope="module")
def told(policy, market) -> dict[str, Any]:
    return {name: life(policy, market) for name, life in LIVES.items()}


def bared(policy: Policy, ladder: str) -> Policy:
    """The policy with a ladder that only caps, confirms and tightens: what hides those actions is taken away."""
    table = as_lists(policy.model_dump())
    for rung in table["ladders"][ladder].values():
        rung |= {"mode": "ACTIVE", "people_to_resume": 0, "close_fraction": 0.0, "close_order": "nothing"}
    for other in table["ladders"].values():
        for rung in other.values() if other is not table["ladders"]["rules"] else ():
            rung["extra_confirmations"] = 0
    for condition in CONDITIONS:
        table["market_conditions"][condition] |= {"confirmations": 1, "timeframes": 1}
    if ladder == "technical":
        # one technical rung has to stop entries: the last one
        table["ladders"]["technical"]["rung_3"] |= {"mode": "REDUCING", "cap": 0.9}
        table["ladders"]["rules"]["fail_closed_technical_rung"] = table["calibration"]["stale_technical_rung"] = 3
    return Policy.from_mapping(table)


def roomy(policy: Policy) -> Policy:
    """The policy with hardly any minimum multiplier, so that the smallest factors can be seen."""
    table = as_lists(policy.model_dump())
    table["sizing"]["multiplier_minimum"] = 1e-4
    return Policy.from_mapping(table)


def others(policy: Policy, key: str) -> Iterator[Policy]:
    """Policies that differ by one number, and by what its neighbours must follow."""
    for value in candidates(policy.numbers()[key]):
        table = as_lists(policy.model_dump())
        _put(table, key, value)
        rung = RUNG.match(key)
        if rung:
            _follow(table["ladders"][rung[1]], int(rung[2]), rung[3], value)
        _balance(table, key, value, policy)
        try:
            yield Policy.from_mapping(table)
        except ConfigError:
            continue


def _balance(table: Any, key: str, value: float, policy: Policy) -> None:
    """Points add up to a hundred; no condition asks for fewer timeframes than a calmer one."""
    section, _, name = key.rpartition(".")
    if section == "stress_score":
        names = list(table[section])
        other = names[(names.index(name) + 1) % len(names)]
        table[section][other] -= value - policy.numbers()[key]
    if name == "timeframes":
        names = list(CONDITIONS)
        for place in range(names.index(section.split(".")[1]), len(names)):
            condition = table["market_conditions"][names[place]]
            condition["timeframes"] = max(condition["timeframes"], int(value))


def is_alive(policy: Policy, key: str, told: dict[str, Any], market: Any) -> bool:
    """Whether some life is another one when this number is."""
    lives = {name: LIVES[name] for prefix, names in LOOK_FIRST.items() if key.startswith(prefix) for name in names}
    for other in others(policy, key):
        if any(life(other, market) != told[name] for name, life in lives.items()):
            return True
    if key in FIXED:
        return True
    rung = RUNG.match(key)
    plain = bared(policy, rung[1]) if rung else roomy(policy)
    before = {name: life(plain, market) for name, life in lives.items()}
    return any(life(other, market) != before[name] for other in others(plain, key) for name, life in lives.items())


def test_every_number_changes_a_decision_or_waits_for_its_room(policy, told, market):
    dead, waiting = [], dict.fromkeys(LATER, 0)
    for key in policy.numbers():
        prefix = next((prefix for prefix in LATER if key.startswith(prefix)), None)
        if prefix is not None:
            waiting[prefix] += 1
        elif not is_alive(policy, key, told, market):
            dead.append(key)
    assert not dead, f"nothing changes when these numbers do: {', '.join(dead)}"
    assert not [prefix for prefix, count in waiting.items() if count == 0]


def test_a_life_is_the_same_when_nothing_is_changed(policy, told, market):
    for name, life in LIVES.items():
        assert life(policy, market) == told[name]
    assert all(math.isfinite(money) for decisions in told.values() for money in decisions[-1][1:])
