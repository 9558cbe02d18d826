"""From the results of the steps to a calibration, its gates, and summary.json."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from workbench.data.files import write_atomically
from workbench.domain.calibration import Calibration
from workbench.domain.policy import Policy
from workbench.runtime.calibrations import CalibrationRegistry
from workbench.runtime.calibrations import gates as gate
from workbench.runtime.calibrations.gates import GateResult
from workbench.runtime.provenance import code_version
from workbench.runtime.session import as_json

BACKTEST_LEVELS = (0.95, 0.99)
CALIBRATED = ("data_quality", "value_at_risk", "regime")
"""Results a calibration is made of."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How a candidate is judged: the day it is judged on, who confirms, whether it may go live at all."""

    today: date
    confirmed_by: str
    live: bool


def results_of(folder: Path) -> dict[str, Any]:
    """Results the steps left in a run folder.

    Parameters
    ----------
    folder : Path
        Of the run.

    Returns
    -------
    dict
        Step → result.
    """
    return read_results(folder, (*CALIBRATED, "stress"))


def read_results(folder: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Results of some steps.

    Parameters
    ----------
    folder : Path
        Of the run.
    names : tuple of str
        Of the results.

    Returns
    -------
    dict
        Name → result.
    """
    return {name: json.loads((folder / "results" / f"{name}.json").read_text(encoding="utf-8")) for name in names}


def candidate_of(results: dict[str, Any], policy: Policy, created: datetime) -> Calibration:
    """Put the parts of a calibration together.

    Parameters
    ----------
    results : dict
        Of `results_of`.
    policy : Policy
        In force.
    created : datetime
        UTC.

    Returns
    -------
    Calibration

    Raises
    ------
    ModelError
        When a part is missing or inconsistent.
    """
    risk, regime = results["value_at_risk"], results["regime"]
    summary = risk["summary"]
    return Calibration.from_mapping(
        {
            "as_of": results["data_quality"]["summary"]["last"],
            "created": created.isoformat(),
            "data_hash": results["data_quality"]["summary"]["content_hash"],
            "code_version": code_version(),
            "policy_hash": policy.hash,
            "legs": risk["calibration"]["legs"],
            "normal_correlation": regime["calibration"]["normal_correlation"],
            "current_correlation": regime["calibration"]["current_correlation"],
            "residual_quantiles": risk["calibration"]["residual_quantiles"],
            "value_at_risk": {
                **{key: summary[key] for key in ("champion", "book", "equity", "portfolio_95", "portfolio_99")},
                "expected_shortfall_975": summary["expected_shortfall_975"],
                "backtests": risk["gates"],
            },
            "regime": regime["calibration"]["regime"],
            "evidence": {"race": summary["race"], "correlation": regime["correlation"], "regime": regime["summary"]},
        }
    )


def gates_of(
    results: dict[str, Any], policy: Policy, predecessor: Calibration | None, decision: Decision
) -> list[GateResult]:
    """Every gate of the policy for the results of one run.

    Parameters
    ----------
    results : dict
        Of `results_of`.
    policy : Policy
        In force.
    predecessor : Calibration or None
        What the candidate is compared with.
    decision : Decision
        Day of the decision.

    Returns
    -------
    list of GateResult
    """
    limits, quality, risk = policy.calibration, results["data_quality"]["gates"], results["value_at_risk"]
    as_of = date.fromisoformat(results["data_quality"]["summary"]["last"])
    summary, checks = risk["summary"], risk["gates"]
    unaccepted = [(pair, date.fromisoformat(day), reason) for pair, day, reason in quality["unaccepted"]]
    same_book = predecessor is not None and predecessor.value_at_risk.book == summary["book"]
    before = predecessor.value_at_risk.portfolio_99 if predecessor is not None and same_book else None
    refusals = quality["refusals"]
    found = [
        gate.daily_coverage_gate(quality["coverage"], limits),
        gate.intraday_capture_gate(quality["captured"], limits),
        gate.flagged_gate(unaccepted, as_of, limits),
        GateResult("refused series", not refusals, float(len(refusals)), 0.0, "; ".join(refusals) or "none is refused"),
        *(
            gate.coverage_gate(
                confidence=level,
                p_value=checks["recent"][f"{level:g}"]["exact_p"],
                days=checks["recent"][f"{level:g}"]["days"],
                gates=limits,
            )
            for level in BACKTEST_LEVELS
        ),
        gate.traffic_light_gate(checks["recent"]["0.99"]["zone"], limits),
        gate.confidence_set_gate(summary["champion"], checks["members"], limits),
        gate.shortfall_gate(checks["shortfall_p"], limits),
        gate.convergence_gate([*checks["unconverged"], *results["regime"]["gates"]["unconverged"]]),
        gate.stress_gate(results["stress"]["verdict"], results["stress"]["sentence"]),
        gate.value_at_risk_move_gate(summary["portfolio_99"], before, limits),
    ]
    for level in BACKTEST_LEVELS:
        check = checks["coverage"][f"{level:g}"]
        found += [
            gate.independence_warning(confidence=level, p_value=check["independence_p"], gates=limits),
            gate.dynamic_quantile_warning(confidence=level, p_value=check["dynamic_quantile_exact_p"], gates=limits),
        ]
    return [*found, gate.age_gate(as_of, decision.today, limits)] if decision.live else found


def decide(folder: Path, home: Path, policy: Policy, decision: Decision) -> dict[str, Any]:
    """Judge the candidate of a run, adopt or refuse it, and write summary.json.

    Parameters
    ----------
    folder : Path
        Of the run.
    home : Path
        ``WORKBENCH_HOME``, where the registry is.
    policy : Policy
        In force.
    decision : Decision
        How.

    Returns
    -------
    dict
        The summary.
    """
    results = results_of(folder)
    registry = CalibrationRegistry(home)
    now = datetime.now(UTC)
    candidate = candidate_of(results, policy, now)
    judged = gates_of(results, policy, registry.predecessor(candidate.as_of), decision)
    decided = registry.decide(
        candidate,
        judged,
        when=now.isoformat(),
        confirmed_by=decision.confirmed_by or None,
        historical=not decision.live,
    )
    summary = {
        "as_of": results["data_quality"]["summary"]["last"],
        "data": results["data_quality"]["summary"],
        "value_at_risk": results["value_at_risk"]["summary"],
        "recent": results["value_at_risk"]["gates"]["recent"],
        "regime": results["regime"]["summary"],
        "correlation": results["regime"]["correlation"],
        "stress": results["stress"],
        "calibration": {
            "id": decided.id,
            "status": decided.status,
            "reasons": list(decided.reasons),
            "policy_hash": policy.hash,
            "gates": [one.told for one in judged],
        },
    }
    write_atomically(folder / "summary.json", as_json(summary))
    write_atomically(folder / "calibration.json", (decided.model_dump_json(indent=2) + "\n").encode())
    return summary
