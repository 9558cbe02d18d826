"""Strategy sets: content names them, gates decide, people go back, and a damaged file is never used."""

import json
from datetime import date

import pytest

from workbench.controls.conditions import is_eligible
from workbench.domain.errors import ConfigError, DataError, ModelError
from workbench.domain.strategy_set import StrategySet
from workbench.domain.trading.modes import Condition, Tier
from workbench.runtime.calibrations.gates import WARN, GateResult
from workbench.runtime.weekly.registry import StrategySetRegistry

WHEN = "2026-10-30T18:00:00+00:00"
PASS = GateResult("look-ahead", passed=True, value=0.0, limit=0.0, sentence="nothing looks ahead")
FAIL = GateResult("one book", passed=False, value=3.0, limit=0.0, sentence="3 trades differ")
WARNED = GateResult("significance", passed=False, value=0.7, limit=0.05, sentence="not significant", consequence=WARN)


def member(name="EURUSD daily moderate moderate", weight=0.12, **other):
    return {
        "name": name, "pair": "EURUSD", "timeframe": "daily", "signal": "moderate", "parameters": (),
        "profile": "moderate", "tier": "core", "weight": weight, "risk_per_trade": 0.02, "reward_to_risk": 1.5,
        "verdict": "robust-not-significant",
        "record": {"drawdown": 0.1, "stress_survival": 0.9, "walk_forward": 0.8, "robustness": 0.9,
                   "negative_conditions": ()},
        "evidence": {"sharpe": 0.3}, **other,
    }  # fmt: skip


def strategy_set(as_of="2026-10-30", **other):
    table = {
        "as_of": as_of, "created": WHEN, "data_hash": "d", "code_version": "c", "policy_hash": "p",
        "verdict": "robust-not-significant", "trial_count": 384, "members": [member()], "evidence": {}, **other,
    }  # fmt: skip
    return StrategySet.from_mapping(table)


def test_the_id_follows_the_content_alone():
    one = strategy_set()
    assert strategy_set(created="2026-10-31T18:00:00+00:00").id == one.id
    assert strategy_set(members=[member(weight=0.11)]).id != one.id
    assert one.sentence == "significant after 384 trials: no"


def test_a_member_becomes_the_strategy_the_engine_runs(policy):
    (strategy,) = strategy_set().strategies()
    assert (strategy.allocation, strategy.tier, strategy.risk_per_trade) == (0.12, Tier.CORE, 0.02)
    assert is_eligible(policy, strategy, Condition.NORMAL) and not strategy.defensive
    unknown = member(record={"drawdown": None, "stress_survival": None, "walk_forward": None, "robustness": None,
                             "negative_conditions": ()})  # fmt: skip
    assert not is_eligible(policy, strategy_set(members=[unknown]).strategies()[0], Condition.NORMAL)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"members": [member(), member()]}, "each strategy once"),
        ({"members": [member(weight=0.6), member("other", weight=0.5)]}, "add up to at most 1"),
        ({"members": []}, "expected members, or the verdict rejected"),
        ({"verdict": "rejected"}, "expected members, or the verdict rejected"),
        ({"members": [member(weight=float("nan"))]}, "members.0.weight"),
        ({"trial_count": 0}, "trial_count"),
        ({"created": "2026-10-30T18:00:00"}, "created"),
        ({"surprise": 1}, "surprise"),
        ({"evidence": {"sharpe": float("nan")}}, "evidence.sharpe"),
    ],
)
def test_a_set_that_cannot_be_is_refused_by_name(change, sentence):
    with pytest.raises(ModelError, match=sentence):
        strategy_set(**change)


def test_gates_adopt_or_refuse_and_warnings_are_kept(tmp_path):
    registry = StrategySetRegistry(tmp_path)
    assert registry.adopted() is None
    refused = registry.decide(strategy_set(), [PASS, FAIL, WARNED], when=WHEN)
    assert refused.status == "refused" and registry.adopted() is None
    assert refused.reasons == ("refused: 3 trades differ", "warning: not significant")
    later = registry.decide(strategy_set("2026-11-06"), [PASS, WARNED], when=WHEN)
    assert later.status == "adopted" and registry.adopted().id == later.id
    assert registry.gates(later.id)[1].sentence == "not significant"
    assert [line["act"] for line in registry.history()] == ["refuse", "adopt"]
    with pytest.raises(ConfigError, match="no gate was evaluated"):
        registry.decide(strategy_set(), [], when=WHEN)


def test_the_newer_set_takes_over_and_the_same_again_changes_nothing(tmp_path):
    registry = StrategySetRegistry(tmp_path)
    first, second = strategy_set("2026-10-30"), strategy_set("2026-11-06")
    registry.decide(first, [PASS], when=WHEN)
    registry.decide(second, [PASS], when=WHEN)
    registry.decide(second, [PASS], when=WHEN)
    assert [one.status for one in registry.catalogue()] == ["superseded", "adopted"]
    assert len(registry.history()) == 2


def test_a_historical_set_is_judged_and_never_trades(tmp_path):
    registry = StrategySetRegistry(tmp_path)
    past = registry.decide(strategy_set("2008-10-27"), [PASS], when=WHEN, historical=True)
    assert past.status == "candidate" and registry.adopted() is None
    assert "historical run" in past.reasons[-1]
    registry.decide(strategy_set("2026-10-30"), [PASS], when=WHEN)
    older = registry.decide(strategy_set("2026-10-23"), [PASS], when=WHEN)
    assert older.status == "candidate" and registry.adopted().as_of == date(2026, 10, 30)


def test_people_go_back_and_the_withdrawn_set_stays_away(tmp_path):
    registry = StrategySetRegistry(tmp_path)
    first, second = strategy_set("2026-10-30"), strategy_set("2026-11-06")
    with pytest.raises(ConfigError, match="nothing to go back to"):
        registry.rollback("risk desk", WHEN)
    registry.decide(first, [PASS], when=WHEN)
    registry.decide(second, [PASS], when=WHEN)
    assert registry.rollback("risk desk", WHEN, reason="too large").id == first.id
    assert registry.adopted().id == first.id
    again = registry.decide(second, [PASS], when=WHEN)
    assert again.status != "adopted" and "a person went back from this set" in again.reasons[-1]
    assert registry.history()[2]["reason"] == "too large"
    with pytest.raises(ConfigError, match="nothing to go back to"):
        registry.rollback("risk desk", WHEN)


def test_going_back_to_what_never_traded_is_refused(tmp_path):
    registry = StrategySetRegistry(tmp_path)
    for day in ("2026-10-30", "2026-11-06"):
        registry.decide(strategy_set(day), [PASS], when=WHEN)
    refused = registry.decide(strategy_set("2026-11-13"), [FAIL], when=WHEN)
    with pytest.raises(ConfigError, match="was not adopted before"):
        registry.rollback("risk desk", WHEN, to=refused.id)
    with pytest.raises(ConfigError, match="0 begin with 'nobody'"):
        registry.show("nobody")
    with pytest.raises(ConfigError, match="3 begin with '2026'"):
        registry.show("2026")


def test_a_set_that_was_tampered_with_is_never_used(tmp_path):
    registry = StrategySetRegistry(tmp_path)
    kept = registry.decide(strategy_set(), [PASS], when=WHEN)
    path = registry.folder / f"{kept.id}.json"
    sealed = json.loads(path.read_text(encoding="utf-8"))
    sealed["content"]["strategy_set"]["members"][0]["weight"] = 0.9
    path.write_text(json.dumps(sealed), encoding="utf-8")
    with pytest.raises(DataError, match="its content does not match its hash"):
        registry.adopted()
    path.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="not complete JSON"):
        registry.show(kept.id)


def test_show_before_anything_was_adopted_says_what_to_run(tmp_path):
    with pytest.raises(ConfigError, match="run `workbench select`"):
        StrategySetRegistry(tmp_path).show("adopted")
