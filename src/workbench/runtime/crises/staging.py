"""The crises of the policy staged for a book: recorded fixes, a calibration every evening, a quiet window before each.

Everything a moment could know was known then: the calibrations of an evening see its own past only. What people do is
assumed: they look once a day and resume what the engine lets them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.calendar import fix_times
from workbench.data.rates import DailyRates
from workbench.domain.book import Book
from workbench.domain.calibration import Calibration
from workbench.domain.currencies import LEGS
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.events import (
    AnyEvent,
    CalibrationAdopted,
    Fixing,
    Heartbeat,
    OperatorResume,
    PositionHeld,
)
from workbench.engine.risk_engine import Start
from workbench.engine.script import Script, write_script
from workbench.runtime.replay.market import MarkPlan, Scenario, marks_between, scenarios_of
from workbench.runtime.replay.scenario import (
    ADOPTED_AFTER_NS,
    WARM_UP,
    Evening,
    held_strategies,
    own_volatility,
    quick_calibration,
    reference_book,
)
from workbench.stress.course import REVIEW_AFTER_NS, REVIEWERS
from workbench.stress.runs import DAYS_PER_YEAR, Staged
from workbench.stress.situation import Situation

Floats = NDArray[np.float64]

CALM_DAYS = 500
"""Days before a crisis that its calm windows are taken from."""
DAYS_BEFORE, DAYS_AFTER = 7, 30
"""Calendar days replayed around a crisis."""
RECENT_DAYS = 20
SOURCE = "ECB euro foreign exchange reference rates"


@dataclass
class History:
    """All rates, and the calibration of any evening, made once.

    Attributes
    ----------
    rates : DailyRates
        Recorded.
    policy : Policy
        In force.
    book : Book or None
        Held in every crisis; None asks for the reference book of each eve.
    """

    rates: DailyRates
    policy: Policy
    book: Book | None = None
    _made: dict[int, Calibration] = field(default_factory=dict, repr=False)

    @cached_property
    def returns(self) -> Floats:
        """Simple leg returns, row k from fix k to fix k + 1."""
        return self.rates.leg_simple_returns()[list(LEGS)].to_numpy()

    @cached_property
    def values(self) -> Floats:
        """Legs at every fix."""
        return self.rates.leg_values[list(LEGS)].to_numpy()

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """Nanoseconds of the fixes, UTC."""
        return np.asarray(fix_times(self.rates.dates).as_unit("ns").asi8)

    @cached_property
    def _hashes(self) -> list[str]:
        """One a row, each over the row and the hash before: of everything up to it, and of nothing later."""
        days = self.rates.dates.to_numpy().astype("datetime64[D]").astype("<i8")
        found, last = list[str](), hashlib.sha256(",".join(LEGS).encode()).digest()
        for day, row in zip(days, np.ascontiguousarray(self.values, dtype="<f8"), strict=True):
            last = hashlib.sha256(last + day.tobytes() + row.tobytes()).digest()
            found.append(last.hex())
        return found

    def row_of(self, moment: pd.Timestamp) -> int:
        """Row of the last fix on or before a day.

        Parameters
        ----------
        moment : Timestamp
            Without timezone.

        Returns
        -------
        int
            −1 when there is none.
        """
        return int(self.rates.dates.searchsorted(moment, side="right")) - 1

    def evening(self, row: int) -> Evening:
        """What is known on the evening of a row.

        Parameters
        ----------
        row : int
            Of the fix.

        Returns
        -------
        Evening
        """
        values = dict(zip(LEGS, self.values[row].tolist(), strict=True))
        past = self.returns[max(row - WARM_UP, 0) : row]
        return Evening(self.rates.dates[row].date(), self._hashes[row], past, values)

    def calibration(self, row: int, book: Book) -> Calibration:
        """The zero-fit calibration of an evening; made once, whatever the size of the book.

        Parameters
        ----------
        row : int
            Of the fix.
        book : Book
            The same composition every time.

        Returns
        -------
        Calibration
        """
        if self.book is None:
            return quick_calibration(self.evening(row), book, self.policy)
        if row not in self._made:
            self._made[row] = quick_calibration(self.evening(row), book, self.policy)
        return self._made[row]

    def book_at(self, row: int) -> Book:
        """The book put on at a row.

        Parameters
        ----------
        row : int
            Of the fix.

        Returns
        -------
        Book

        Raises
        ------
        ConfigError
            When it holds nothing.
        """
        book = self.book
        if book is None:
            before = self.rates.up_to(self.rates.dates[row])
            book = reference_book(before, self.policy, equity=1e6, volatility=None)
        if not book.pairs:
            raise ConfigError(f"the {book.name} book holds no position: there is nothing to stress")
        return book


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
        (Scenario(f"gap-{gap.pair.lower()}-{gap.start.year}", gap.name, gap.start, gap.end), MarkPlan(gaps=(gap,)))
        for gap in policy.stress.gap_paths
    ]


def recorded_scenarios(policy: Policy) -> list[tuple[Scenario, MarkPlan]]:
    """Every historical scenario of the policy, and the days of its gap paths with the gap put in.

    Parameters
    ----------
    policy : Policy
        Its stress section.

    Returns
    -------
    list of (Scenario, MarkPlan)
    """
    return [(scenario, MarkPlan()) for scenario in scenarios_of(policy)] + gap_scenarios(policy)


def stage_recorded(history: History, scenario: Scenario, plan: MarkPlan) -> Staged:
    """Stage a stretch of recorded fixes for the book.

    Parameters
    ----------
    history : History
        Rates, policy and book.
    scenario : Scenario
        Its days.
    plan : MarkPlan
        Gaps put in between.

    Returns
    -------
    Staged

    Raises
    ------
    DataError
        When there is too little history.
    ConfigError
        When the book holds nothing.
    """
    first, last = scenario.start - timedelta(days=DAYS_BEFORE), scenario.end + timedelta(days=DAYS_AFTER)
    marks = marks_between(history.rates, first, last, plan)
    rows = np.flatnonzero(np.isin(history.times, [one.event.time_ns for one in marks]))
    eve = int(rows[0])
    if eve < len(rows) + CALM_DAYS:
        raise DataError(f"too little history before {scenario.start}: {eve} fixes")
    book = history.book_at(eve)
    calibration, evening = history.calibration(eve, book), history.evening(eve)
    daily = evening.returns[-CALM_DAYS:] @ book.leg_weights(evening.values)
    length = min(len(rows) - 1, len(daily))
    ends = np.cumsum(np.concatenate([[0.0], daily]))
    quiet = None
    if not plan.gaps:  # a gap day has the quiet window of the crisis it belongs to
        before = [
            Fixing(int(history.times[row]), _named(history.values[row])) for row in range(eve - len(rows) + 1, eve)
        ]
        quiet = _script(history, book, [(one, False) for one in [*before, marks[0].event]])
    gaps = ", ".join(f"{gap.pair} {100 * gap.move:+.1f} %" for gap in plan.gaps)
    sentence = f"{scenario.start} to {scenario.end}, replayed from a week before to a month after" + (
        f"; between two fixes {gaps} for ten minutes (SYNTHETIC mark)" if gaps else ""
    )
    return Staged(
        name=scenario.id,
        title=scenario.name,
        sentence=sentence,
        source=SOURCE + (" and stress.gap_paths of the policy" if gaps else ""),
        script=_script(history, book, [(one.event, one.synthetic) for one in marks]),
        synthetic=bool(plan.gaps),
        calm=float(np.maximum(1.0 + ends[length:] - ends[:-length], 0.0).mean()),
        forecast=calibration.value_at_risk.expected_shortfall_975,
        volatility=float(np.sqrt(DAYS_PER_YEAR)) * own_volatility(evening, book)[0],
        quiet=quiet,
    )


def _named(values: Floats) -> dict[str, float]:
    return dict(zip(LEGS, values.tolist(), strict=True))


def _script(history: History, book: Book, marks: list[tuple[Fixing, bool]]) -> Script:
    eve = history.row_of(pd.Timestamp(marks[0][0].time_ns).normalize())
    start, strategies = Start(marks[0][0].time_ns, book.equity), held_strategies(book)
    events = _events(history, book, marks)
    return write_script(history.policy, history.calibration(eve, book), strategies, start, events)


def _events(history: History, book: Book, marks: list[tuple[Fixing, bool]]) -> Iterator[tuple[AnyEvent, bool]]:
    first = marks[0][0]
    yield Fixing(first.time_ns, first.values, closes_day=False), False
    for pair in book.pairs:
        price = first.values.get(pair[:3], 1.0) / first.values.get(pair[3:], 1.0)
        yield PositionHeld(first.time_ns, pair, book.units[pair], price), False
    yield Heartbeat(first.time_ns), False
    for mark, synthetic in marks[1:]:
        yield mark, synthetic
        if mark.closes_day:
            row = history.row_of(pd.Timestamp(mark.time_ns).normalize())
            yield CalibrationAdopted(mark.time_ns + ADOPTED_AFTER_NS, history.calibration(row, book)), False
            yield OperatorResume(mark.time_ns + REVIEW_AFTER_NS, *REVIEWERS), False


def situation_of(history: History, calibration: Calibration | None = None) -> Situation:
    """The book on the last evening, ready for a shock.

    Parameters
    ----------
    history : History
        Rates, policy and book.
    calibration : Calibration, optional
        The one to be judged; the zero-fit one of that evening when left out.

    Returns
    -------
    Situation
    """
    last = len(history.rates) - 1
    book = history.book_at(last)
    return Situation(
        policy=history.policy,
        calibration=calibration if calibration is not None else history.calibration(last, book),
        units={pair: book.units[pair] for pair in book.pairs},
        equity=book.equity,
        values=history.rates.last_values(),
        time_ns=int(history.times[-1]),
        recent=history.returns[-RECENT_DAYS:],
    )
