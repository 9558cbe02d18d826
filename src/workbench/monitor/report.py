"""The daily report: one page a risk manager reads in a minute, self-contained, escaped, without script."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, select_autoescape
from markupsafe import Markup

from workbench.data.files import write_atomically
from workbench.domain.policy import Policy

SIGNIFICANT = 0.05
TESTS = (
    ("exact_p", "number of exceedances at 99 % (exact binomial)", "VaR 99 % is exceeded too often or too seldom"),
    ("exact_p_95", "number of exceedances at 95 % (exact binomial)", "VaR 95 % is exceeded too often or too seldom"),
    ("christoffersen_exact_p", "conditional coverage at 99 %", "exceedances at 99 % are too many, or come in clusters"),
    (
        "christoffersen_exact_p_95",
        "conditional coverage at 95 %",
        "exceedances at 95 % are too many, or come in clusters",
    ),
    ("dq_exact_p", "dynamic quantile at 99 %", "past days foretell exceedances at 99 %: VaR reacts too slowly"),
    ("dq_exact_p_95", "dynamic quantile at 95 %", "past days foretell exceedances at 95 %: VaR reacts too slowly"),
    (
        "es_p",
        "expected shortfall at 97.5 % (Acerbi–Szekely Z2, last 500 days)",
        "losses were worse than shortfall says",
    ),
)
"""Column of the race, what the test is called, what a failure means."""
IN_THE_RACE = ("Kupiec", "Christoffersen conditional coverage", "dynamic quantile")
"""Backtests of the champion that a sentence about the race already speaks of; its Z2 there sees the last days only."""
EVEN_CHANCE = 0.5

FIGURES = {
    "risk": (("value_at_risk", "Returns of the book against VaR 99 %, exceedances marked"),),
    "risk_more": (
        ("contributions", "Component VaR by pair"),
        ("volatility", "Volatility of the book"),
        ("model_race", "Model race by FZ0 loss"),
        ("residual_quantiles", "Q–Q plots of the standardised returns"),
    ),
    "market": (
        ("regimes", "Regime probabilities under the seven-leg index"),
        ("volatility_ratio", "Volatility over normal, rungs of the policy"),
        ("correlations", "Correlations of the legs: now, normal, change"),
        ("alarms", "Correlation drift, turbulence and absorption shift against their block-bootstrap thresholds"),
    ),
    "stress": (("crisis_drawdowns", "Largest drawdown in every scenario, reference book"),),
    "stress_more": (
        ("control_waterfall", "What each control saved in the scenarios, and cost in quiet times"),
        ("drawdown_fan", "Largest drawdown of simulated years, with controls and without (SYNTHETIC)"),
    ),
    "data": (("leg_values", "Seven USD legs"), ("largest_moves", "Largest one-day moves")),
}


@dataclass(frozen=True, slots=True)
class Light:
    """One measure against its ladder: calm, watch or act; the word is always beside the colour."""

    name: str
    value: str
    level: str
    word: str
    note: str


def lights(summary: dict[str, Any], policy: Policy) -> list[Light]:
    """Measures of the book and the market against the ladders of the policy.

    Parameters
    ----------
    summary : dict
        Of summary.json.
    policy : Policy
        In force.

    Returns
    -------
    list of Light
    """
    risk, correlation, ladders = summary["value_at_risk"], summary["correlation"], policy.ladders
    equity, var_rungs = risk["equity"], list(triggers_of(ladders.value_at_risk))
    ratio_rungs = list(triggers_of(ladders.volatility))
    return [
        _light(
            "VaR 95 %, one day",
            risk["portfolio_95"],
            var_rungs,
            f"{risk['portfolio_95']:.3%}",
            f"{equity * risk['portfolio_95']:,.0f} USD; rungs at {', '.join(f'{rung:.1%}' for rung in var_rungs)}",
        ),
        Light(
            "VaR 99 %, one day",
            f"{risk['portfolio_99']:.3%}",
            "plain",
            "",
            f"{equity * risk['portfolio_99']:,.0f} USD, lost or exceeded once in a hundred days",
        ),
        Light(
            "Expected shortfall 97.5 %",
            f"{risk['expected_shortfall_975']:.3%}",
            "plain",
            "",
            f"{equity * risk['expected_shortfall_975']:,.0f} USD, mean of the worst day in forty",
        ),
        _light(
            "Volatility over normal",
            risk["volatility_ratio"],
            ratio_rungs,
            f"{risk['volatility_ratio']:.2f} ×",
            f"of the book; rungs at {', '.join(f'{rung:g}' for rung in ratio_rungs)}",
        ),
        _light(
            "Correlation of the legs",
            correlation["mean_absolute"],
            [ladders.correlation.rung_2.trigger],
            f"{correlation['mean_absolute']:.2f}",
            f"mean absolute; moved {correlation['drift']:.2f} from normal",
        ),
        _stress_light(summary["stress"], policy),
        Light(
            "Regime",
            str(summary["regime"]["state"]),
            "watch" if summary["regime"]["state"] in {"high volatility", "crisis"} else "calm",
            "read from the volatility ratio" if not summary["regime"]["adopted"] else "Markov model",
            f"probability {summary['regime']['probability']:.0%}; "
            f"market volatility {summary['regime']['volatility_ratio']:.2f} × normal",
        ),
    ]


def _stress_light(stress: Mapping[str, Any], policy: Policy) -> Light:
    passed = stress["verdict"] == "pass"
    return Light(
        "Stress survival",
        f"{100 * stress['survival_rate']:.0f} %",
        "calm" if passed else "act",
        "survives enough" if passed else "does not survive enough",
        f"of {stress['count']} scenarios, book of today; more than "
        f"{100 * policy.success.technical.survival_above:g} % asked for",
    )


def triggers_of(ladder: Any) -> tuple[float, ...]:
    """Triggers of a ladder measured by one number, lowest rung first.

    Parameters
    ----------
    ladder : Ladder
        Volatility, drawdown or value at risk.

    Returns
    -------
    tuple of float
    """
    return tuple(float(rung.trigger) for rung in ladder.rungs)


def _light(name: str, value: float, rungs: list[float], shown: str, note: str) -> Light:
    passed = sum(value > rung for rung in rungs)
    level, word = ("calm", "below every rung") if passed == 0 else ("watch", f"above rung {passed}")
    return Light(name, shown, "act" if passed == len(rungs) and len(rungs) > 1 else level, word, note)


def honest_findings(summary: dict[str, Any]) -> list[str]:
    """What no model, or not the champion, passes, in plain words.

    Parameters
    ----------
    summary : dict
        Of summary.json.

    Returns
    -------
    list of str
        A sentence per test that fails; one that says so when none does.
    """
    race = summary["value_at_risk"]["race"]
    champion = next(row for row in race if row["model"] == summary["value_at_risk"]["champion"])
    found = []
    for key, name, meaning in TESTS:
        passing = [row["model"] for row in race if row[key] >= SIGNIFICANT]
        if not passing:
            found.append(f"No model passes the test of {name}: {meaning}.")
        elif champion[key] < SIGNIFICANT:
            others = (
                f"{len(passing)} of {len(race)} models pass it ({', '.join(passing[:4])}{'…' if passing[4:] else ''})"
            )
            found.append(
                f"The champion {champion['model']} fails the test of {name} (p = {champion[key]:.3g}): "
                f"{meaning}; {others}."
            )
    found += _champion_findings(champion["model"], summary["value_at_risk"]["champion_tests"])
    inside = [row["model"] for row in race if row["in_mcs"]]
    found.append(
        f"{len(inside)} of {len(race)} models are inside the 90 % confidence set: the race cannot tell them apart, "
        "the champion is the one of smallest mean loss, not the proven best."
    )
    return found


def _champion_findings(model: str, tests: list[dict[str, Any]]) -> list[str]:
    """How many backtests speak against the champion, what those mean that the race does not run, what could not run."""
    ran = [row for row in tests if row["p"] is not None]
    against = [row for row in ran if row["rejects"]]
    weak = sum(row["power"] < EVEN_CHANCE for row in ran)
    found = [
        f"{len(against) or 'None'} of {len(ran)} backtests of the champion {model} "
        f"{'speaks' if len(against) <= 1 else 'speak'} against it at 5 %, about {len(ran) * SIGNIFICANT:.0f} would by "
        f"luck; {weak} of them would miss the error they look for more often than not."
    ]
    by_meaning: dict[str, list[str]] = {}
    for row in against:
        if row["test"] not in IN_THE_RACE:
            note = f", {row['note']}" if row["note"] else ""
            by_meaning.setdefault(row["meaning"], []).append(
                f"{row['test']} at {row['level']}, p = {row['p']:.2g}{note}"
            )
    found += [f"Against the champion: {meaning} ({'; '.join(names)})." for meaning, names in by_meaning.items()]
    found += [f"{row['test']} could not be run on the champion: {row['note']}." for row in tests if row["p"] is None]
    return found


def picture(folder: Path, name: str) -> str:
    """A figure of the run as a data address.

    Parameters
    ----------
    folder : Path
        Of the run.
    name : str
        Figure.

    Returns
    -------
    str
        Empty when the figure was not drawn.
    """
    path = folder / "figures" / f"{name}.png"
    if not path.is_file():
        return ""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def write_report(folder: Path, policy: Policy) -> None:
    """Write ``index.html`` of a run from its summary and figures.

    Parameters
    ----------
    folder : Path
        Of the run.
    policy : Policy
        In force, for the rungs.
    """
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    write_page(
        folder, "daily_report.html", FIGURES, summary=summary, lights=lights(summary, policy),
        findings=honest_findings(summary), targets=policy.success.technical,
    )  # fmt: skip


def write_page(folder: Path, template: str, figures: Mapping[str, Sequence[tuple[str, str]]], **content: Any) -> None:
    """Write ``index.html`` of a run: one file, its figures and style inside it.

    Parameters
    ----------
    folder : Path
        Of the run.
    template : str
        File of the monitor room.
    figures : mapping of str to sequence of (str, str)
        Part of the page to its figures: file name without ending, and title.
    **content : object
        What the template shows; all text is escaped.
    """
    parts = resources.files("workbench.monitor")
    environment = Environment(
        loader=FunctionLoader(lambda name: parts.joinpath(name).read_text(encoding="utf-8")),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
    )
    pictures = {
        part: [(title, picture(folder, name)) for name, title in names if picture(folder, name)]
        for part, names in figures.items()
    }
    page = environment.get_template(template).render(
        **content,
        style=Markup(parts.joinpath("report.css").read_text(encoding="utf-8")),  # noqa: S704 -- our own file
        pictures=pictures,
        notebooks=sorted(path.name for path in folder.glob("*.html") if path.name != "index.html"),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )
    write_atomically(folder / "index.html", page.encode())
