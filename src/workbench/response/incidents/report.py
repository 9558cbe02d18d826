"""An incident report as plain values: what happened, what was done in which time, and what people learned from it.

Made in `runtime.incidents` from the journals, shown in `monitor.incidents`. Times are UTC nanoseconds of this machine's
clock but where a name says that they are the loop's: a replayed day has a clock of its own.
"""

from dataclasses import dataclass, field

from workbench.domain.trading.decisions import AnyDecision
from workbench.response.incidents.checklists import Checklist


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a person wrote, and by which way: ``page`` (logged in) or ``shell`` (a name taken on trust)."""

    time_ns: int
    person: str
    text: str
    via: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline.

    Attributes
    ----------
    time_ns : int
        This machine's clock.
    kind : str
        ``alert``, ``decision``, ``orders``, ``page``, ``answer``, ``act``, ``check`` or ``course``.
    what, why : str
        In words; empty for a decision, which is put in words where it is shown.
    by : str
        Person or channel; empty: the system.
    loop_ns : int or None
        The loop's clock, where it has another one.
    decision : Decision or None
        What the engine said.
    good : bool or None
        Whether it went as it should; None: neither.
    """

    time_ns: int
    kind: str
    what: str = ""
    why: str = ""
    by: str = ""
    loop_ns: int | None = None
    decision: AnyDecision | None = None
    good: bool | None = None


@dataclass(frozen=True, slots=True)
class Timed:
    """A time against its target; `met` is None where it cannot be judged, and `note` says why."""

    what: str
    asked: str
    took: str
    note: str = ""
    met: bool | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order and what became of it.

    Attributes
    ----------
    id, strategy, pair : str
        Whose.
    units, filled : float
        Signed base units, asked for and executed.
    reduce_only : bool
        Whether it could only shrink the position.
    state, reason : str
        How it stands, and why where it failed.
    made_ns : int
        This machine's clock.
    loop_ns : int or None
        The loop's clock, where it has another one.
    done_seconds : float or None
        From the order to its end, on the loop's clock; None: not over.
    price : float or None
        Average of the fills.
    slippage_pips : float or None
        Against the price at which it was made; positive is worse.
    """

    id: str
    strategy: str
    pair: str
    units: float
    filled: float
    reduce_only: bool
    state: str
    reason: str
    made_ns: int
    loop_ns: int | None
    done_seconds: float | None
    price: float | None
    slippage_pips: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The book over the incident, on the loop's clock: a row a minute, and a little before and after.

    Attributes
    ----------
    times_ns : tuple of int
        Oldest first.
    equity, reading : tuple of float
        US dollars; the metric of the cause.
    name, unit : str
        Of the metric; unit is ``fraction`` or empty.
    triggers : tuple of float
        Of its ladder.
    marks : tuple of (int, Decision)
        The decisions that matter most, in order; told apart by letters.
    begins_ns, ends_ns : int
        The incident itself.
    clock : str
        Whose times these are.
    """

    times_ns: tuple[int, ...]
    equity: tuple[float, ...]
    reading: tuple[float, ...]
    name: str
    unit: str
    triggers: tuple[float, ...]
    marks: tuple[tuple[int, AnyDecision], ...]
    begins_ns: int
    ends_ns: int
    clock: str


@dataclass(frozen=True, slots=True)
class Report:
    """All of it.

    Attributes
    ----------
    id, cause, title : str
        Of the incident; the title is what happened at its worst.
    level : int
        1 to 4.
    opened_ns, closed_ns : int, int or None
        None while it is open.
    made_ns : int
        When the report was made.
    summary : tuple of str
        Sentences: what happened, what the system did, who answered, how it ended, what it cost.
    facts : tuple of (str, str, str)
        Name, value, note: what stands in large letters.
    times : tuple of Timed
        Against the policy.
    timeline : tuple of Entry
        Oldest first.
    orders : tuple of OrderLine
        Oldest first.
    checklists : tuple of Checklist
        With their ticks.
    lessons : tuple of Lesson
        Oldest first.
    curve : Curve or None
        None where the book is not known.
    notes : tuple of str
        What to know when reading it: what is missing, whose clock it is, where prices come from.
    sources : tuple of (str, str)
        Journals and where they ended, the policy.
    """

    id: str
    cause: str
    title: str
    level: int
    opened_ns: int
    closed_ns: int | None
    made_ns: int
    summary: tuple[str, ...]
    facts: tuple[tuple[str, str, str], ...]
    times: tuple[Timed, ...]
    timeline: tuple[Entry, ...]
    orders: tuple[OrderLine, ...]
    checklists: tuple[Checklist, ...]
    lessons: tuple[Lesson, ...]
    curve: Curve | None
    notes: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it still goes on."""
        return self.closed_ns is None
