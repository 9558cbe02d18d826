"""Rows of the VaR step as they stand in summary.json and in tables."""

from dataclasses import asdict
from typing import Any

from workbench.risk.champion import BacktestLine
from workbench.risk.race import ModelScore


def race_row(score: ModelScore) -> dict[str, Any]:
    """One model of the race as it stands in summary.json.

    Parameters
    ----------
    score : ModelScore
        Line of the race.

    Returns
    -------
    dict
        Tests at 99 % under the plain names, at 95 % with the suffix ``_95``.
    """
    row: dict[str, Any] = {
        "model": score.name,
        "mean_fz0": score.mean_fz0,
        "in_mcs": score.in_mcs,
        "mcs_p": score.mcs_p,
        "dm_p": score.dm_p,
        "es_z2": score.shortfall.z2,
        "es_p": score.shortfall.p,
        "es_power": score.shortfall.power,
    }
    for confidence, suffix in ((0.99, ""), (0.95, "_95")):
        check = score.coverage[confidence]
        row |= {
            f"kupiec_p{suffix}": check.kupiec_p,
            f"exact_p{suffix}": check.exact_p,
            f"christoffersen_p{suffix}": check.christoffersen_p,
            f"christoffersen_exact_p{suffix}": check.christoffersen_exact_p,
            f"independence_p{suffix}": check.independence_p,
            f"dq_p{suffix}": check.dynamic_quantile_p,
            f"dq_exact_p{suffix}": check.dynamic_quantile_exact_p,
            f"kupiec_power{suffix}": check.kupiec_power,
            f"christoffersen_power{suffix}": check.christoffersen_power,
            f"dq_power{suffix}": check.dynamic_quantile_power,
            f"exceedances{suffix}": check.exceedances,
            f"expected{suffix}": check.expected,
        }
    return row


def backtest_row(line: BacktestLine) -> dict[str, Any]:
    """One backtest of the champion as it stands in summary.json.

    Parameters
    ----------
    line : BacktestLine
        Of the champion.

    Returns
    -------
    dict
        Plain JSON; null where a test has no such number, the note then says why it could not be run.
    """
    return asdict(line) | {"rejects": line.rejects}
