"""The weekly report: is any of it significant, which ten, and how the capital is divided."""

import json
from pathlib import Path
from typing import Any

from workbench.monitor.report import write_page

FIGURES: dict[str, tuple[tuple[str, str], ...]] = {
    "line": (("walk_forward", "Chosen in three years of training, traded in the half-year after: the one headline"),),
    "luck": (
        ("overfitting", "Rank, on the other half of history, of what was best on one half"),
        ("degradation", "Sharpe ratio of the best of one half, on that half and on the other"),
    ),
    "chosen": (
        ("decades", "The chosen by decade"),
        ("regimes_of_chosen", "The chosen by regime of the evening before"),
    ),
    "capital": (("tier_weights", "Weights by the tier rule, put back every week and when a trigger is met"),),
    "engine": (
        ("engine", "The chosen strategies through the risk engine, on the recorded fixes"),
        ("effects", "The difference the controls made, by the reason of the decision in force"),
    ),
    "grid": (("grid", "Every rule on every pair"),),
}
FIXED_COLUMNS = (
    "name", "pair", "timeframe", "signal", "profile", "annual_return", "annual_volatility", "sharpe", "drawdown",
    "trades", "win_rate", "in_market",
)  # fmt: skip


def weekly_findings(summary: dict[str, Any]) -> list[str]:
    """What a reader must know before trusting the ten, most important first.

    Parameters
    ----------
    summary : dict
        Of the run.

    Returns
    -------
    list of str
    """
    walked, costs = summary["walk_forward"], {line["name"]: line for line in summary["costs"]}
    evidence = dict(summary["evidence"])
    found = [
        f"{summary['sentence'][0].upper()}{summary['sentence'][1:]}.",
        f"Choosing in training and trading afterwards has a Sharpe ratio of {walked['sharpe']:+.2f} over "
        f"{walked['windows']} half-years; training and test rank the strategies with a correlation of "
        f"{walked['rank_correlation']:+.3f}, where 0 is no memory at all.",
        "Of the whole grid "
        + ", ".join(f"{100 * line['positive']:.0f} % earned at {name} costs" for name, line in costs.items())
        + f"; the mean Sharpe ratio is {next(iter(costs.values()))['mean']:+.2f}.",
    ]
    if "probability of backtest overfitting" in evidence:
        found.append(
            "The probability that the best of one half of history is below the median on the other is "
            f"{evidence['probability of backtest overfitting']}."
        )
    if "engine" in summary:
        engine = summary["engine"]
        found.append(
            f"Through the engine since {engine['first']}, {engine['parity']}; with controls the profit is "
            f"{engine['profit_controlled']:+,.0f} USD instead of {engine['profit_free']:+,.0f}, the largest drawdown "
            f"{100 * engine['drawdown_controlled']:.1f} % instead of {100 * engine['drawdown_free']:.1f} %. That "
            "replay is hindsight too: the ten are those of today."
        )
    if summary["refused"]:
        why = next(iter(summary["refused"].values()))
        found.append(f"{len(summary['refused'])} configurations could not be tried: {why}.")
    return found


def write_weekly_report(folder: Path) -> None:
    """Write ``index.html`` of a weekly run from its summary and figures.

    Parameters
    ----------
    folder : Path
        Of the run.
    """
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    columns = list(summary["grid"][0]) if summary["grid"] else []
    write_page(
        folder, "weekly_report.html", FIGURES, summary=summary, findings=weekly_findings(summary),
        parts_of_history=[name for name in columns if name not in FIXED_COLUMNS],
    )  # fmt: skip
