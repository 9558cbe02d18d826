"""Stress validation: the book of today and a reference book through every scenario, and a verdict on the calibration.

A small book survives by being small: each figure is given for the book as it is, and for the same book scaled to the
reference volatility, where the controls have work to do. Only the book as it is decides the verdict.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.domain.calibration import Calibration
from workbench.domain.errors import ConfigError
from workbench.domain.strategy_set import StrategySet
from workbench.domain.tables import html_list, html_table, percent
from workbench.domain.trading.decisions import RaiseAlert, RungReleased
from workbench.domain.trading.modes import Ladder, Mode
from workbench.engine.script import ScriptRun
from workbench.runtime.crises.strategies import StrategyCrises
from workbench.stress import (
    Ablation,
    MonteCarlo,
    ReverseTable,
    StressTable,
)
from workbench.stress.evaluation.tuning import Tuning
from workbench.stress.monte_carlo import LEVELS
from workbench.stress.runs import WITH, WITHOUT
from workbench.stress.scenarios import SyntheticScenario

Verdict = Literal["pass", "fail"]
TODAY = "book of today"
NOT_CALIBRATED = (
    "no calibration is there to be judged: shocks to today's book and simulated paths use the zero-fit one (EWMA)"
)
NOTHING_TRADES = "no strategy set is adopted yet: only books are replayed, and the factors of sizing hardly act on them"


@dataclass(frozen=True, slots=True)
class InForce:
    """What is judged and what trades beside the book.

    Attributes
    ----------
    calibration : Calibration or None
        The candidate, for shocks to today's book and for simulated paths; None for the zero-fit one.
    strategy_set : StrategySet or None
        The one adopted; its strategies are replayed through the historical crises beside the books.
    """

    calibration: Calibration | None = None
    strategy_set: StrategySet | None = None


@dataclass(frozen=True, slots=True)
class StressOrder:
    """What is validated.

    Attributes
    ----------
    paths, days, seed : int
        Of the Monte Carlo, all models and both books together; 0 paths for none.
    reference_volatility : float
        Annual volatility of the reference book.
    scenarios : tuple of str
        Ids of the scenarios run; empty for all.
    own : tuple of SyntheticScenario
        The user's.
    """

    paths: int = 10_000
    days: int = 250
    seed: int = 0
    reference_volatility: float = 0.15
    scenarios: tuple[str, ...] = ()
    own: tuple[SyntheticScenario, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.paths < 0 or self.days < 1:
            raise ConfigError(f"Monte Carlo takes at least 0 paths of at least 1 day, got {self.paths} and {self.days}")
        if not (np.isfinite(self.reference_volatility) and self.reference_volatility > 0.0):
            raise ConfigError(f"the reference volatility must be positive, got {self.reference_volatility!r}")


def reference_name(volatility: float) -> str:
    """What the reference book is called.

    Parameters
    ----------
    volatility : float
        Annual.

    Returns
    -------
    str
    """
    return f"reference book at {100 * volatility:g} % a year"


@dataclass(frozen=True, slots=True)
class Simulation:
    """One book under one model of paths, with controls and without."""

    book: str
    controlled: MonteCarlo = field(repr=False)
    free: MonteCarlo = field(repr=False)

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.controlled.model


@dataclass(frozen=True, slots=True, eq=False)
class StressValidation:
    """Everything the stress notebook shows.

    Attributes
    ----------
    as_is, reference : StressTable
        The book of today; the same book at the reference volatility.
    ablation : Ablation
        What each control saved and cost, reference book.
    tuning : Tuning or None
        The way back with one scenario left out; None when fewer than six scenarios lost anything.
    simulations : tuple of Simulation
        SYNTHETIC paths.
    reverse : ReverseTable
        Smallest moves that trip each rung, book of today.
    order : StressOrder
        What was asked for.
    strategies : StrategyCrises or None
        The adopted strategies in the historical crises; None while none are adopted.
    calibration : str
        Id of the one that was judged; empty when there was none.
    """

    as_is: StressTable = field(repr=False)
    reference: StressTable = field(repr=False)
    ablation: Ablation = field(repr=False)
    tuning: Tuning | None = field(repr=False)
    simulations: tuple[Simulation, ...] = field(repr=False)
    reverse: ReverseTable = field(repr=False)
    order: StressOrder
    strategies: StrategyCrises | None = field(default=None, repr=False)
    calibration: str = ""

    @property
    def verdict(self) -> Verdict:
        """Fail when the book as it is does not survive enough of the scenarios."""
        needed = self.as_is.policy.success.technical.survival_above
        return "pass" if self.as_is.survival().rate > needed else "fail"

    @property
    def sentence(self) -> str:
        """The verdict in words, with its number."""
        rate, needed = self.as_is.survival(), self.as_is.policy.success.technical.survival_above
        asked = f"more than {100 * needed:g} % are asked for"
        left_out = f"; {len(self.as_is.left_out)} could not be run" if self.as_is.left_out else ""
        return f"the book of today survives {rate.survived} of {rate.total} scenarios, {asked}{left_out}"

    @property
    def reasons(self) -> list[str]:
        """What to know, the bad news first: both books, and which control is the reason."""
        tables = ((TODAY, self.as_is), (self.reference_name, self.reference))
        return [f"{name}: {line}" for name, table in tables for line in table.findings] + self.notes[2:]

    @property
    def notes(self) -> list[str]:
        """What a table of figures does not say: whether it is the controls, and which control is the reason."""
        tables = ((TODAY, self.as_is), (self.reference_name, self.reference))
        found = [f"{name}: {table.skill_sentence}" for name, table in tables]
        for name, table in tables:
            worst = max(table.runs, key=lambda one: one.drawdown(WITH)).staged.title
            for target in table.missed:
                why = reason_of(table) if target.startswith("recovery") else f"worst in {worst}"
                found.append(f"{name} misses {target}: {why}")
        found += self._effects()
        found += [self.tuning.sentence] if self.tuning is not None else []
        found += [] if self.calibration else [NOT_CALIBRATED]
        return [*found, self.strategies.sentence if self.strategies is not None else NOTHING_TRADES]

    @property
    def reference_name(self) -> str:
        """What the reference book is called."""
        return reference_name(self.order.reference_volatility)

    def _effects(self) -> list[str]:
        """The dearest control and the one that makes drawdowns larger, with their sizes, reference book."""
        effects, found = self.ablation.effects.astype(float), list[str]()
        dear, bad = self.ablation.culprit("cost"), self.ablation.culprit("drawdown")
        if dear:
            words = f"{100 * float(effects['cost'][dear]):.1f} % a year"
            found.append(f"{self.reference_name}: the dearest control in quiet times is the {dear}, {words}")
        elif np.isfinite(self.reference.premium):
            found.append(f"{self.reference_name}: switching any one control off earned nothing more in quiet times")
        if bad:
            words = f"{100 * float(effects['drawdown'][bad]):.1f} points on average"
            found.append(f"{self.reference_name}: drawdowns are larger with the {bad} than without it, {words}")
        return found

    def simulation(self, model: str) -> Simulation:
        """Simulated paths of the reference book under one model.

        Parameters
        ----------
        model : str
            Its name.

        Returns
        -------
        Simulation

        Raises
        ------
        ConfigError
            With the ones there are.
        """
        known = {one.model: one for one in self.simulations if one.book == self.reference_name}
        if model not in known:
            raise ConfigError(f"no paths of {model!r}: there are {', '.join(known) or 'none'}")
        return known[model]

    @property
    def drawdown_levels(self) -> pd.DataFrame:
        """Quantiles of the largest drawdown of the reference book: run, model, p50, p95, p99."""
        rows = []
        for one in self.simulations:
            if one.book == self.reference_name:
                for run, simulated in ((WITH, one.controlled), (WITHOUT, one.free)):
                    levels = {f"p{100 * level:.0f}": simulated.drawdown_not_above(level) for level in LEVELS}
                    rows.append({"run": run, "model": one.model, **levels})
        return pd.DataFrame(rows)

    def summary(self) -> dict[str, Any]:
        """The ``stress`` part of summary.json: the book of today, with the reference book beside it.

        Returns
        -------
        dict
            Plain JSON; what is not a number is null.
        """
        return {
            **_figures(self.as_is),
            "verdict": self.verdict,
            "sentence": self.sentence,
            "notes": [*self.notes, *self.as_is.left_out],
            "reference": {"name": self.reference_name, **_figures(self.reference)},
            "strategies": self.strategies.summary() if self.strategies is not None else None,
            "monte_carlo": [
                {
                    "book": one.book,
                    "model": one.model,
                    "paths": one.controlled.plan.paths,
                    "days": one.controlled.plan.days,
                    "drawdown_95_with": one.controlled.drawdown_not_above(0.95),
                    "drawdown_95_without": one.free.drawdown_not_above(0.95),
                }
                for one in self.simulations
            ],
        }

    def _repr_html_(self) -> str:
        rows = [
            [
                name, f"{table.survival().survived} of {table.survival().total}",
                *(f"{table.resilience(run).score:.2f}" for run in (WITH, WITHOUT, "placebo")),
                percent(table.lock_in_rate, 0), percent(table.premium, 1),
            ]
            for name, table in ((TODAY, self.as_is), (self.reference_name, self.reference))
        ]  # fmt: skip
        head = [
            "book", "survived", "resilience with controls", "without", "placebo", "frozen at the end", "premium a year",
        ]  # fmt: skip
        caption = f"Stress verdict: {self.verdict.upper()}: {self.sentence}"
        return html_table(head, rows, caption=caption) + html_list(self.notes)


def reason_of(table: StressTable) -> str:
    """What keeps a book from coming back in time: what holds at the end of most scenarios.

    Parameters
    ----------
    table : StressTable
        With at least one scenario.

    Returns
    -------
    str
    """
    limit, held, late = table.policy.success.technical.recovery_hours, dict[str, int](), 0
    for one in table.runs:
        if np.isfinite(one.recovery_hours):
            late += one.recovery_hours > limit
            continue
        for name in held_at_the_end(one.controlled):
            held[name] = held.get(name, 0) + 1
    if not held:
        return f"exposure comes back, but later, in {late} scenarios"
    name = max(held, key=lambda key: held[key])
    return f"the {name} still holds at the end of {held[name]} of {len(table.runs)} scenarios"


def held_at_the_end(run: ScriptRun) -> list[str]:
    """Rungs that cap or stop and have not been released by the end; market conditions where none does.

    Parameters
    ----------
    run : ScriptRun
        With controls.

    Returns
    -------
    list of str
    """
    up: set[tuple[Ladder, int]] = set()
    for one in run.decisions:
        if isinstance(one, RaiseAlert) and one.ladder is not None and one.rung is not None:
            up.add((one.ladder, one.rung))
        elif isinstance(one, RungReleased):
            up.discard((one.ladder, one.rung))
    numbers = run.settings[-1].numbers
    acting = [
        f"{ladder.name.lower().replace('_', ' ')} ladder, rung {rung},"
        for ladder, rung in sorted(up)
        if numbers["cap"][0, ladder, rung - 1] < 1.0 or numbers["rung_mode"][0, ladder, rung - 1] != Mode.ACTIVE
    ]
    return acting or ["market condition"]


def _figures(table: StressTable) -> dict[str, Any]:
    """Numbers of one book as plain JSON."""
    rows, rate = table.table(), table.survival()
    names = ("title", "synthetic", "drawdown_with", "drawdown_without", "drawdown_placebo", "degradation",
             "amplification", "recovery_hours", "premium", "survived")  # fmt: skip
    worse, louder = (
        table.estimate(measure) for measure in (lambda one: one.degradation(WITH), lambda one: one.amplification(WITH))
    )
    return {
        "scenarios": [{"name": str(name), **{key: _plain(one[key]) for key in names}} for name, one in rows.iterrows()],
        "count": rate.total,
        "synthetic": int(rows["synthetic"].sum()),
        "survival_rate": rate.rate,
        "survival_interval": list(rate.interval),
        "degradation": worse.value,
        "degradation_interval": list(worse.interval),
        "amplification": louder.value,
        "amplification_interval": list(louder.interval),
        "resilience": table.resilience().score,
        "resilience_interval": list(table.resilience_interval()),
        "resilience_without": table.resilience(WITHOUT).score,
        "resilience_placebo": table.resilience("placebo").score,
        "premium": _plain(table.premium),
        "lock_in_rate": table.lock_in_rate,
        "recovered": table.resilience().recovery,
        "missed": table.missed,
        "left_out": list(table.left_out),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, str | bool | np.bool_):
        return bool(value) if not isinstance(value, str) else value
    return float(value) if np.isfinite(value) else None
