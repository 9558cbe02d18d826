"""From a choice to a candidate strategy set, its gates, and the decision."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.controls.conditions import is_eligible
from workbench.data.files import write_atomically
from workbench.data.rates import DailyRates
from workbench.domain.policy import Policy
from workbench.domain.strategy_set import StrategySet
from workbench.domain.trading.modes import Condition, Tier
from workbench.domain.trading.strategies import Strategy
from workbench.portfolio import tier_readings, tier_weights
from workbench.research.records import market_conditions, record_of
from workbench.research.selection import TIERS
from workbench.research.sweep import looks_ahead
from workbench.runtime.calibrations.gates import WARN, GateResult
from workbench.runtime.provenance import code_version
from workbench.runtime.session import as_json
from workbench.runtime.weekly.attribution import attribute_controls
from workbench.runtime.weekly.choice import Choice
from workbench.runtime.weekly.parity import Parity
from workbench.runtime.weekly.registry import StrategySetRegistry
from workbench.runtime.weekly.replayed import StrategyReplay
from workbench.strategies import Configuration

OVERFITTING_WARNING = 0.5
"""Probability of backtest overfitting above which the best in sample is no better than a coin out of sample."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A strategy set that waits for the decision, and the numbers the decision and the report need."""

    strategy_set: StrategySet
    gates: tuple[GateResult, ...]
    result: dict[str, Any] = field(repr=False)

    def _repr_html_(self) -> str:
        return self.strategy_set._repr_html_()


def chosen_strategies(choice: Choice, policy: Policy) -> list[tuple[Configuration, Strategy]]:
    """The chosen as the engine runs them: with the tier rule's weight of the last day, and their record.

    Parameters
    ----------
    choice : Choice
        Strategies and evidence.
    policy : Policy
        Tiers, scenarios and limits.

    Returns
    -------
    list of (Configuration, Strategy)
        In the order of their tiers.
    """
    base, returns = choice.grid.swept, choice.returns
    if returns.empty:
        return []
    known = {one.name: one for one in base.configurations}
    evening = np.concatenate([[-1], market_conditions(choice.grid.history.ratio, policy)[:-1]])
    readings = tier_readings(returns, choice.tiers, base.market.regimes, periods_per_year=base.market.periods_per_year)
    weights = tier_weights(policy.tiers, readings).weights
    found = []
    for name, tier in choice.tiers.items():
        one = known[name]
        profile = getattr(policy.strategies.risk_profiles, one.profile)
        record = record_of(
            returns[name],
            evening,
            policy,
            walk_forward=float(choice.robustness.windows[name]),
            robustness=float(choice.robustness.score[name]),
        )
        strategy = Strategy(
            name, one.pair, tier, weights[name], profile.risk_per_trade, profile.reward_to_risk, one.timeframe,
            defensive=one.profile == "conservative", record=record,
        )  # fmt: skip
        found.append((one, strategy))
    return found


def candidate_of(
    choice: Choice, replayed: StrategyReplay | None, parity: Parity | None, rates: DailyRates, policy: Policy
) -> Candidate:
    """Put a strategy set together and measure its gates.

    Parameters
    ----------
    choice : Choice
        Strategies and evidence.
    replayed : StrategyReplay or None
        Through the engine; None when nothing was chosen.
    parity : Parity or None
        Engine against sweep; None when nothing was chosen.
    rates : DailyRates
        The data.
    policy : Policy
        In force.

    Returns
    -------
    Candidate
    """
    chosen = chosen_strategies(choice, policy)
    rows = choice.selection.chosen
    members = [
        {
            **{key: getattr(one, key) for key in ("name", "pair", "timeframe", "signal", "parameters", "profile")},
            "tier": strategy.tier.name.lower(),
            "weight": strategy.allocation,
            "risk_per_trade": strategy.risk_per_trade,
            "reward_to_risk": strategy.reward_to_risk,
            "verdict": rows.loc[one.name, "verdict"],
            "record": _finite(asdict(strategy.record)),
            "evidence": _finite(rows.loc[one.name].drop(["tier", "weight", "verdict"]).to_dict()),
        }
        for one, strategy in chosen
    ]
    found = StrategySet.from_mapping(
        {
            "as_of": rates.as_of,
            "created": datetime.now(UTC).isoformat(),
            "data_hash": rates.content_hash,
            "code_version": code_version(),
            "policy_hash": policy.hash,
            "verdict": str(choice.selection.verdict),
            "trial_count": choice.selection.evidence.trial_count,
            "members": members,
            "evidence": dict(choice.selection.evidence.lines()),
        }
    )
    gates = gates_of(choice, chosen, parity, policy)
    result = {
        "strategy_set": found.model_dump(mode="json"),
        "gates": [asdict(gate) for gate in gates],
        "summary": summary_of(choice, replayed, parity),
    }
    return Candidate(found, gates, result)


def gates_of(
    choice: Choice, chosen: list[tuple[Configuration, Strategy]], parity: Parity | None, policy: Policy
) -> tuple[GateResult, ...]:
    """Gates of a strategy set; those of the data are added when it is decided.

    Parameters
    ----------
    choice : Choice
        Strategies and evidence.
    chosen : list of (Configuration, Strategy)
        As the engine runs them.
    parity : Parity or None
        Engine against sweep.
    policy : Policy
        Tiers and tolerances.

    Returns
    -------
    tuple of GateResult
        Refusals: nothing robust, look-ahead, books that differ, tier weights. Warnings: not significant, overfitting,
        an out-of-sample line that loses, unfilled places, strategies that may not be active.
    """
    selection, evidence, base = choice.selection, choice.selection.evidence, choice.grid.swept
    guilty = looks_ahead(base.market, [one for one, _ in chosen], policy) if chosen else ()
    drift = _tier_drift(chosen, policy)
    eligible = sum(is_eligible(policy, strategy, Condition.NORMAL) for _, strategy in chosen)
    line, places = choice.walked.sharpe, policy.tiers.strategies
    found = [
        GateResult("robust", bool(chosen), float(len(chosen)), 1.0, f"{len(chosen)} robust strategies were found"),
        GateResult("no look-ahead", not guilty, float(len(guilty)), 0.0,
                   f"{', '.join(guilty) or 'no strategy'} changes its past when the future is cut off"),
        GateResult("one book", parity is None or parity.holds, float(0 if parity is None else (~parity.agree).sum()),
                   0.0, "nothing was replayed" if parity is None else parity.sentence),
        GateResult("tier weights", drift <= policy.success.technical.tier_weights_within, drift,
                   policy.success.technical.tier_weights_within, f"a tier is {drift:.3f} away from its share"),
        GateResult("significance", evidence.is_significant, evidence.predictive_ability.consistent, 0.05,
                   evidence.sentence, WARN),
        GateResult("out of sample", line > 0.0, line, 0.0,
                   f"choosing in training and trading afterwards has a Sharpe ratio of {line:+.2f}", WARN),
        GateResult("places", len(chosen) == places, float(len(chosen)), float(places),
                   f"{len(chosen)} of {places} places are filled, the rest is cash", WARN),
        GateResult("eligible", eligible == len(chosen), float(eligible), float(len(chosen)),
                   f"{eligible} of {len(chosen)} have a record that lets them be active in normal markets", WARN),
    ]  # fmt: skip
    if evidence.overfitting is not None:
        chance = evidence.overfitting.probability
        words = f"the best of one half of history is below the median of the other in {100 * chance:.0f} % of splits"
        found.append(GateResult("overfitting", chance <= OVERFITTING_WARNING, chance, OVERFITTING_WARNING, words, WARN))
    return (*found, *(GateResult("note", passed=False, value=note, limit="", sentence=note, consequence=WARN)
                      for note in selection.notes if "places are filled" not in note))  # fmt: skip


def _tier_drift(chosen: list[tuple[Configuration, Strategy]], policy: Policy) -> float:
    """Largest distance of a tier's weight from its share, over tiers that have all their members."""
    largest = 0.0
    for name in TIERS:
        tier = getattr(policy.tiers, name)
        weights = [strategy.allocation for _, strategy in chosen if strategy.tier == Tier[name.upper()]]
        if len(weights) == tier.strategies:
            largest = max(largest, abs(sum(weights) - tier.share))
    return largest


def summary_of(choice: Choice, replayed: StrategyReplay | None, parity: Parity | None) -> dict[str, Any]:
    """Figures of the report.

    Parameters
    ----------
    choice : Choice
        Strategies and evidence.
    replayed : StrategyReplay or None
        Through the engine.
    parity : Parity or None
        Engine against sweep.

    Returns
    -------
    dict
        Plain JSON.
    """
    selection, walked, table = choice.selection, choice.walked, choice.grid.table()
    summary: dict[str, Any] = {
        "sentence": selection.sentence,
        "significant": selection.evidence.is_significant,
        "evidence": [list(line) for line in selection.evidence.lines()],
        "trials": {"ever": choice.grid.tally.trials, "new": choice.grid.tally.added, "swept": len(table)},
        "refused": dict(choice.grid.swept.refused),
        "first": choice.grid.swept.returns.index[0].date().isoformat(),
        "last": choice.grid.swept.returns.index[-1].date().isoformat(),
        "costs": _records(choice.grid.overview()),
        "walk_forward": {
            "windows": len(walked.windows),
            "sharpe": walked.sharpe,
            "drawdown": walked.drawdown,
            "rank_correlation": walked.correlation_of_ranks,
        },
        "grid": _records(table),
        "chosen": _records(selection.chosen),
    }
    if replayed is not None and parity is not None and replayed.controlled is not None:
        effects = attribute_controls(replayed).groupby("reason")["effect"].sum()
        engine = {
            "parity": parity.sentence,
            "trades": len(parity.agree),
            "largest_difference": parity.largest_difference,
            "first": replayed.free.path.index[0].date().isoformat(),
            "profit_free": float(replayed.free.path["equity"].iloc[-1] - replayed.free.path["equity"].iloc[0]),
            "profit_controlled": float(
                replayed.controlled.path["equity"].iloc[-1] - replayed.controlled.path["equity"].iloc[0]
            ),
            "drawdown_free": replayed.free.largest_drawdown,
            "drawdown_controlled": replayed.controlled.largest_drawdown,
            "effects": {str(name): float(value) for name, value in effects.sort_values().items()},
        }
        summary["engine"] = _finite(engine)
    return summary


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{"name": str(name), **_finite(row.to_dict())} for name, row in table.iterrows()]


def _finite(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Plain JSON values; what is not known is None."""
    plain = {str(key): value.item() if isinstance(value, np.generic) else value for key, value in row.items()}
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in plain.items()
    }


def decide_set(folder: Path, home: Path, *, live: bool) -> dict[str, Any]:
    """Judge the candidate of a run, adopt or refuse it, and write summary.json.

    Parameters
    ----------
    folder : Path
        Of the run.
    home : Path
        ``WORKBENCH_HOME``, where the registry is.
    live : bool
        Whether a set of this day may trade at all; a historical one is only judged.

    Returns
    -------
    dict
        The summary.
    """
    quality, found = (
        json.loads((folder / "results" / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("data_quality", "strategy_selection")
    )
    data = quality["summary"]
    words = "; ".join(data["reasons"]) or "the data may carry a strategy set"
    gates = [
        GateResult("data quality", bool(data["passed"]), float(data["flagged"] != []), 0.0, words),
        *(GateResult(**gate) for gate in found["gates"]),
    ]
    decided = StrategySetRegistry(home).decide(
        StrategySet.from_mapping(found["strategy_set"]), gates, when=datetime.now(UTC).isoformat(), historical=not live
    )
    summary = {
        "as_of": decided.as_of.isoformat(),
        "data": data,
        **found["summary"],
        "strategy_set": {
            "id": decided.id,
            "status": decided.status,
            "verdict": decided.verdict,
            "reasons": list(decided.reasons),
            "policy_hash": decided.policy_hash,
            "members": [member.model_dump(mode="json") for member in decided.members],
            "gates": [gate.told for gate in gates],
        },
    }
    write_atomically(folder / "summary.json", as_json(summary))
    write_atomically(folder / "strategy_set.json", (decided.model_dump_json(indent=2) + "\n").encode())
    return summary
