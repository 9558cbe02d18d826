"""What an incident review shows: a banner, events and decisions in words, and one event whole. Plain data in."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Protocol, cast

import pandas as pd

from workbench.domain.tables import Number, Unbroken, html_table
from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import AnyDecision
from workbench.monitor.decisions import Line, line_of, plain_name

MOST_LETTERS = 9
MOST_LINES = 200
TOLD_EVERY_SECONDS = 0.3
LETTERS = "ABCDEFGHI"
GOOD, BAD, CAREFUL = "#009E73", "#B00020", "#B45309"
READINGS = {
    "drawdown": ("drawdown from the peak", "%"),
    "value_at_risk": ("value at risk, 95 %, one day", "%"),
    "volatility_ratio": ("volatility over normal", "times"),
    "correlation_drift": ("change of the leg correlations", ""),
    "correlation_mean": ("mean leg correlation", ""),
}
"""Readings with a ladder: field of the book, words, unit."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of HTML for a notebook; everything in it is escaped."""

    html: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.html


class Shown(Protocol):
    """The book after an event."""

    @property
    def equity(self) -> float:
        """US dollars."""
        ...

    @property
    def cap(self) -> float:
        """Largest exposure multiplier."""
        ...

    @property
    def gross(self) -> float:
        """Exposure over equity."""
        ...

    @property
    def mode(self) -> str:
        """ACTIVE, REDUCING or HALTED."""
        ...

    @property
    def condition(self) -> str:
        """Market condition."""
        ...


class Moment(Protocol):
    """An event that was stepped."""

    @property
    def sequence(self) -> int:
        """Row of the journal."""
        ...

    @property
    def event(self) -> happened.AnyEvent:
        """What happened."""
        ...

    @property
    def decisions(self) -> tuple[AnyDecision, ...]:
        """What it led to."""
        ...

    @property
    def book(self) -> Shown:
        """After it."""
        ...

    @property
    def refused(self) -> str:
        """Why the engine did not take it."""
        ...


def banner(sentence: str, colour: str, more: Sequence[str] = ()) -> Piece:
    """A sentence nobody overlooks.

    Parameters
    ----------
    sentence : str
        In bold.
    colour : str
        Of its edge.
    more : sequence of str
        Lines under it.

    Returns
    -------
    Piece
    """
    lines = "".join(f'<div style="margin-top:4px">{escape(line)}</div>' for line in more)
    return Piece(
        f'<div role="note" style="border-left:6px solid {colour};padding:8px 14px;margin:6px 0;font-size:14px;'
        f'background:#f6f7f9;color:#16181d"><strong>{escape(sentence)}</strong>{lines}</div>'
    )


def stamp(time_ns: int) -> str:
    """A moment for people.

    Parameters
    ----------
    time_ns : int
        UTC nanoseconds.

    Returns
    -------
    str
        To the millisecond.
    """
    return f"{pd.Timestamp(time_ns, tz='UTC'):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def words_of(event: happened.AnyEvent) -> str:
    """An event in words.

    Parameters
    ----------
    event : Event
        Any.

    Returns
    -------
    str
    """
    if isinstance(event, happened.Quote):
        feed = "backup" if event.feed else "primary"
        return f"quote {event.pair} {event.bid:.5f} / {event.ask:.5f}, {feed} feed"
    if isinstance(event, happened.Fill):
        act = "bought" if event.units > 0 else "sold"
        return f"fill: {act} {abs(event.units):,.0f} of {event.strategy} at {event.price:.5f}"
    if isinstance(event, happened.PositionHeld):
        return f"position there before: {event.strategy} {event.units:+,.0f} at {event.price:.5f}"
    plain = _PLAIN.get(type(event))
    return plain(event) if plain else type(event).__name__


_PLAIN: dict[type, Callable[[Any], str]] = {
    happened.Heartbeat: lambda _: "heartbeat: time has passed",
    happened.Fixing: lambda one: "daily fixing" if one.closes_day else "prices of every currency",
    happened.DayClosed: lambda _: "the trading day is over",
    happened.BarClosed: lambda one: f"a bar of {one.strategy} is complete, signal {one.signal:+.2f}",
    happened.RegimeRead: lambda one: f"regime read: {plain_name(one.regime)}",
    happened.ScheduledRisk: lambda one: f"scheduled risk {one.level:.2f} until {stamp(one.until_ns)}",
    happened.OrderRejected: lambda one: f"the broker rejected an order of {one.strategy}",
    happened.OrderUnknown: lambda one: f"nobody knows what became of an order of {one.strategy}",
    happened.Reconciled: lambda _: "positions agree with the broker's",
    happened.BookMismatch: lambda one: (
        f"the broker holds {one.theirs:+,.0f} for {one.strategy or 'nobody'}, we hold {one.ours:+,.0f}"
    ),
    happened.RepeatedIntent: lambda one: f"an entry of {one.strategy} was tried too often",
    happened.BrokerStatus: lambda one: "the broker can be reached" if one.connected else "the broker is away",
    happened.CalibrationAdopted: lambda one: f"calibration of {one.calibration.as_of} adopted",
    happened.PolicyChanged: lambda one: f"another policy is in force: {one.policy.hash[:12]}",
    happened.OperatorHalt: lambda one: f"{one.actor} halts",
    happened.OperatorReduce: lambda one: f"{one.actor} reduces by {one.fraction:.0%}".replace("%", " %"),
    happened.OperatorResume: lambda one: f"{one.proposer} and {one.approver} resume",
    happened.OperatorEnable: lambda one: (
        f"{one.actor} and {one.approver} enable {one.strategy}"
        if one.approver
        else f"{one.actor} enables {one.strategy}"
    ),
    happened.OperatorCancel: lambda one: f"{one.actor} cancels every order that grows a position",
}


def lettered(lines: Sequence[Line]) -> list[tuple[str, Line]]:
    """The weightiest decisions, marked A to I in the order of time.

    Parameters
    ----------
    lines : sequence of Line
        Decisions in words.

    Returns
    -------
    list of (str, Line)
    """
    in_time = sorted(lines, key=lambda line: line.time)
    heaviest = sorted((line for line in in_time if line.weight > 1), key=lambda line: -line.weight)[:MOST_LETTERS]
    chosen = {id(line) for line in heaviest}
    # of one moment, those written first come first: as in the table
    return list(zip(LETTERS, (line for line in in_time if id(line) in chosen), strict=False))


def decisions_in_words(decisions: Sequence[AnyDecision], weight: int = 1, *, marks: bool = True) -> Piece:
    """Decisions with their reasons.

    Parameters
    ----------
    decisions : sequence of Decision
        In order, no snapshots.
    weight : int
        0 shows all; 1 leaves refused entries out; 2 single orders too.
    marks : bool
        Whether they have the letters of a figure.

    Returns
    -------
    Piece
    """
    lines = sorted((line_of(one) for one in decisions), key=lambda line: line.time)
    names = {id(line): letter for letter, line in lettered(lines)}
    wanted = [line for line in lines if line.weight >= weight]
    rows = [
        [names.get(id(line), ""), Unbroken(f"{line.time:%Y-%m-%d %H:%M:%S}"), line.what, line.why]
        for line in wanted[:MOST_LINES]
    ]
    rest = f", the first {MOST_LINES} shown" if len(wanted) > MOST_LINES else ""
    caption = f"{len(wanted):,} decisions{rest}; {len(lines) - len(wanted):,} lighter ones left out"
    columns = ["mark", "time (UTC)", "decision", "because"]
    first = 0 if marks else 1
    return Piece(html_table(columns[first:], [row[first:] for row in rows], caption=caption))


class Progress:
    """Tells in a notebook how far a long computation is, in one line that is written over."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._told = self._began = time.monotonic()
        self._what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Tell it, if enough time has passed or it is done."""
        from IPython.display import DisplayHandle

        now = time.monotonic()
        if what != self._what:
            self._what, self._began = what, now
        if done < total and now - self._told < TOLD_EVERY_SECONDS:
            return
        self._told = now
        shown = banner(
            f"{what}: {min(done / max(total, 1), 1.0):.0%}, {now - self._began:.0f} s".replace("%", " %"), GOOD
        )
        if self._handle is None:
            self._handle = cast("Any", DisplayHandle)()
            self._handle.display(shown)
        else:
            self._handle.update(shown)


def moment_table(moment: Moment, rungs: Mapping[str, Sequence[float]]) -> str:
    """One event: what happened, what was decided and why, and the book after it against its rungs.

    Parameters
    ----------
    moment : Moment
        Stepped.
    rungs : mapping of str to sequence of float
        Triggers by field of the book.

    Returns
    -------
    str
        HTML.
    """
    said = [line_of(one) for one in moment.decisions]
    rows = [[line.what, line.why] for line in said] or [["nothing", "no rule asked for anything"]]
    if moment.refused:
        rows = [["the event was not taken", moment.refused]]
    book = moment.book
    facts = [
        ["mode", Number(book.mode), Number("")],
        ["market condition", Number(book.condition.lower()), Number("")],
        ["equity", Number(f"{book.equity:,.0f} USD"), Number("")],
        ["exposure", Number(f"{book.gross:.3f} × equity"), Number(f"cap {book.cap:.2f}")],
        *[_reading_row(book, name, rungs[name]) for name in READINGS if rungs.get(name)],
    ]
    head = (
        f"<h4 style='margin:8px 0 2px'>{escape(stamp(moment.event.time_ns))} UTC, journal row {moment.sequence:,}</h4>"
    )
    what = f"<p style='margin:2px 0 8px'>{escape(words_of(moment.event))}</p>"
    return (
        head
        + what
        + html_table(["decided", "because"], rows)
        + "<div style='height:8px'></div>"
        + html_table(["the book after it", "", "next rung"], facts)
    )


def _reading_row(book: Shown, name: str, rungs: Sequence[float]) -> list[str]:
    words, unit = READINGS[name]
    scale, value = (100.0 if unit == "%" else 1.0), float(getattr(book, name))
    above = [place for place, rung in enumerate(rungs, start=1) if value <= rung]
    if not above:
        ahead = f"above the last rung, {scale * rungs[-1]:.4g} {unit}"
    else:
        ahead = f"rung {above[0]} at {scale * rungs[above[0] - 1]:.4g} {unit}"
    return [words, Number(f"{scale * value:.3f} {unit}".strip()), Number(ahead.strip())]
