"""Every historical scenario of the policy through the engine, and what they say together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.data.rates import DailyRates
from workbench.domain.book import Book
from workbench.domain.currencies import LEGS
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.tables import Number, html_list, html_table, number, percent
from workbench.risk.volatility import ewma_covariance
from workbench.runtime.crises.crisis import RUNS, Crisis, measured
from workbench.runtime.replay.market import MarkPlan, Scenario, scenarios_of
from workbench.runtime.replay.scenario import WARM_UP, ReplayOrder, reference_book, replay_scenario
from workbench.stress import (
    Resilience,
    ReverseTable,
    Skill,
    SurvivalRate,
    control_saving,
    lock_in_rate,
    resilience,
    reverse_stress,
    skill,
    survival,
    whipsaw,
)


def replay_crises(
    rates: DailyRates,
    policy: Policy,
    *,
    book: Book | None = None,
    volatility: float | None = None,
    tell: Callable[[str, int, int], None] = lambda _what, _done, _total: None,
) -> "CrisisTable":
    """Replay every historical scenario of the policy, and the days of its gap paths with the gap put in.

    Parameters
    ----------
    rates : DailyRates
        All history; what is later than a moment is never used at it.
    policy : Policy
        Scenarios, ladders, targets.
    book : Book, optional
        Put on at the start of each; a reference book, long every pair at equal risk, when left out.
    volatility : float, optional
        Annual volatility of the reference book; as large as the first VaR rung lets it be when left out.
    tell : callable
        Who is told how far it is: what, done, total.

    Returns
    -------
    CrisisTable

    Raises
    ------
    DataError
        When no scenario lies in the data.
    """
    found, left_out = [], []
    known = [(scenario, MarkPlan()) for scenario in scenarios_of(policy)] + gap_scenarios(policy)
    for place, (scenario, plan) in enumerate(known):
        tell(scenario.name, place, len(known))
        try:
            order = ReplayOrder(scenario, plan, book, 1e6, volatility)
            found.append(measured(replay_scenario(rates, policy, order), rates))
        except DataError as error:
            left_out.append(f"{scenario.name} is left out: {error}")
    tell("crises", len(known), len(known))
    if not found:
        raise DataError("no scenario of the policy lies in the data: " + "; ".join(left_out))
    return CrisisTable(tuple(found), tuple(left_out), policy)


def reverse_today(
    rates: DailyRates, policy: Policy, *, book: Book | None = None, volatility: float | None = None
) -> ReverseTable:
    """Smallest moves that trip each drawdown rung of a book at its peak on the last evening of the data.

    Parameters
    ----------
    rates : DailyRates
        Their last 2,000 days give the EWMA covariance.
    policy : Policy
        Its drawdown ladder.
    book : Book, optional
        The reference book when left out.
    volatility : float, optional
        Annual, of the reference book.

    Returns
    -------
    ReverseTable
    """
    held = book if book is not None else reference_book(rates, policy, equity=1e6, volatility=volatility)
    legs = rates.leg_simple_returns()[list(LEGS)].to_numpy()[-WARM_UP:]
    return reverse_stress(held.leg_weights(rates.last_values()), ewma_covariance(legs), policy)


def gap_scenarios(policy: Policy) -> list[tuple[Scenario, MarkPlan]]:
    """Days on which a fall came and went between two fixes, with the fall put in; that mark is synthetic.

    Parameters
    ----------
    policy : Policy
        Its gap paths.

    Returns
    -------
    list of (Scenario, MarkPlan)
    """
    return [
        (Scenario(f"gap-{gap.start}", f"{gap.name} (SYNTHETIC mark)", gap.start, gap.end), MarkPlan(gaps=(gap,)))
        for gap in policy.stress.gap_paths
    ]


@dataclass(frozen=True, slots=True, eq=False)
class CrisisTable:
    """All crises, and what they say together.

    Attributes
    ----------
    crises : tuple of Crisis
        In the order of the policy.
    left_out : tuple of str
        Scenarios that could not be replayed, and why.
    policy : Policy
        Its targets.
    """

    crises: tuple[Crisis, ...] = field(repr=False)
    left_out: tuple[str, ...]
    policy: Policy = field(repr=False)

    def survival(self, run: str) -> SurvivalRate:
        """Share of the crises survived by one of the runs.

        Parameters
        ----------
        run : str
            One of `RUNS`.

        Returns
        -------
        SurvivalRate
        """
        limit = self.policy.success.technical.survival_drawdown_below
        return survival([one.drawdown(run) for one in self.crises], drawdown_below=limit)

    def resilience(self, run: str) -> Resilience:
        """Score of one of the runs; without controls nothing has to recover.

        Parameters
        ----------
        run : str
            One of `RUNS`.

        Returns
        -------
        Resilience
        """
        hours = self.policy.success.technical.recovery_hours
        recovered = [one.recovery_hours <= hours for one in self.crises] if run == RUNS[0] else [True]
        return resilience(
            survival_rate=self.survival(run).rate,
            degradation=float(np.mean([one.degradation(run) for one in self.crises])),
            amplification=float(np.mean([one.amplification(run) for one in self.crises])),
            recovered=float(np.mean(recovered)),
        )

    @property
    def lock_in_rate(self) -> float:
        """Share of crises at whose end the controlled book is still frozen."""
        return lock_in_rate([one.path(RUNS[0]) for one in self.crises], [one.path(RUNS[1]) for one in self.crises])

    @property
    def savings(self) -> tuple[list[float], list[float]]:
        """Share of the peak loss taken away, by the controls and by the placebo, one a crisis."""
        saved: Sequence[list[float]] = [
            [control_saving(one.drawdown(run), one.drawdown(RUNS[1])) for one in self.crises]
            for run in (RUNS[0], RUNS[2])
        ]
        return saved[0], saved[1]

    def skill(self, generator: np.random.Generator) -> Skill:
        """Whether controls do more than a smaller book would.

        Parameters
        ----------
        generator : numpy Generator
            Of the bootstrap.

        Returns
        -------
        Skill
        """
        return skill(*self.savings, generator=generator)

    def table(self) -> pd.DataFrame:
        """One row a crisis.

        Returns
        -------
        DataFrame
            Drawdowns of the three runs, exposure of the placebo, degradation, amplification, recovery in market hours,
            whipsaw (fraction of starting equity), survived.
        """
        limit = self.policy.success.technical.survival_drawdown_below
        rows = {
            one.scenario.name: {
                "drawdown_with": one.drawdown(RUNS[0]),
                "drawdown_without": one.drawdown(RUNS[1]),
                "drawdown_placebo": one.drawdown(RUNS[2]),
                "exposure": one.scale,
                "degradation": one.degradation(RUNS[0]),
                "amplification": one.amplification(RUNS[0]),
                "recovery_hours": one.recovery_hours,
                "whipsaw": whipsaw(one.path(RUNS[0]), one.path(RUNS[1])),
                "survived": one.drawdown(RUNS[0]) < limit,
            }
            for one in self.crises
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    @property
    def told(self) -> list[str]:
        """The findings, their bootstrap seeded with 0."""
        return self.findings(np.random.default_rng(0))

    def findings(self, generator: np.random.Generator) -> list[str]:
        """What the crises say together, each with how few they are.

        Parameters
        ----------
        generator : numpy Generator
            Of the bootstrap.

        Returns
        -------
        list of str
        """
        targets, own = self.policy.success.technical, self.resilience(RUNS[0])
        rate, table = self.survival(RUNS[0]), self.table()
        low, high = rate.interval
        worse, louder = float(table["degradation"].mean()), float(table["amplification"].mean())
        scores = ", ".join(f"{run} {self.resilience(run).score:.2f}" for run in RUNS)
        missed = [
            words
            for holds, words in (
                (rate.rate > targets.survival_above, f"survival {rate.rate:.0%}"),
                (worse < targets.degradation_below, f"degradation {worse:.0%}"),
                (louder < targets.amplification_below, f"amplification {louder:.2f}"),
                (own.recovery >= 1.0, f"recovery within {targets.recovery_hours:g} market hours in {own.recovery:.0%}"),
            )
            if not holds
        ]  # fmt: skip
        found = [
            f"{rate.survived} of {rate.total} crises survived with controls (90 % interval {100 * low:.0f} to "
            f"{100 * high:.0f} % of such crises)",
            f"resilience: {scores}",
            self.skill(generator).sentence,
            f"{100 * self.lock_in_rate:.0f} % of the crises end with the book still frozen a month later",
            f"targets missed: {', '.join(missed)}".replace("%", " %") if missed else "every target is met",
        ]
        return [*found, *self.left_out]

    def _repr_html_(self) -> str:
        rows = [
            [
                str(name),
                *(percent(one[f"drawdown_{run}"], 1) for run in ("with", "without", "placebo")),
                percent(one.exposure, 0),
                percent(one.degradation, 1),
                number(one.amplification, ".2f"),
                _hours(one.recovery_hours),
                percent(one.whipsaw, 1),
            ]
            for name, one in self.table().iterrows()
        ]
        head = [
            "crisis", "with controls", "without", "placebo", "exposure", "degradation", "amplification",
            "recovery, market hours", "missed rebound",
        ]  # fmt: skip
        caption = f"Largest drawdowns in {len(self.crises)} crises"
        return html_table(head, rows, caption=caption) + html_list(self.left_out)


def _hours(value: float) -> Number:
    return number(value, ".0f") if np.isfinite(value) else Number("not by the end")
