"""How each thing stands that is to be drilled: one row for the terminal and for the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from workbench.domain.policy import Policy
from workbench.response.drills.duties import Duty
from workbench.response.drills.names import CHANNEL, CONTROL, PERSON, UNHEARD
from workbench.response.drills.record import Drilled, Record
from workbench.response.people.roster import Roster

PASSED, SOON, NEVER, OVERDUE, FAILED = "passed", "due soon", "never drilled", "overdue", "failed"
MARKS = {PASSED: "✓", SOON: "△", NEVER: "△", OVERDUE: "✗", FAILED: "✗"}
CLASSES = {PASSED: "pass", SOON: "warn", NEVER: "warn", OVERDUE: "fail", FAILED: "fail"}
KINDS = {CONTROL: "Controls", CHANNEL: "Channels", PERSON: "People"}
MINUTE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything there is to say.

    Attributes
    ----------
    record : Record
        What was drilled.
    duties : sequence of Duty
        What is to be, and by when.
    roster : Roster
        Levels of people.
    policy : Policy
        How soon is soon.
    now_ns : int
        Now.
    left : tuple of str
        What was left alone just now, and why.
    """

    record: Record
    duties: Sequence[Duty]
    roster: Roster
    policy: Policy
    now_ns: int
    left: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Row:
    """One thing."""

    kind: str
    name: str
    state: str
    decided: str
    sent: str
    seconds: str
    target: str
    last: str
    due: str
    sentence: str

    @property
    def mark(self) -> str:
        """A sign that is told apart without colour."""
        return MARKS[self.state]

    @property
    def css(self) -> str:
        """Class of the page's style."""
        return CLASSES[self.state]


def day_of(time_ns: int | None) -> str:
    """A day for people.

    Parameters
    ----------
    time_ns : int or None
        UTC nanoseconds.

    Returns
    -------
    str
        An en dash where there is none.
    """
    return "–" if time_ns is None else f"{datetime.fromtimestamp(time_ns // 10**9, tz=UTC):%Y-%m-%d}"


def duration(seconds: float | None) -> str:
    """A duration for people.

    Parameters
    ----------
    seconds : float or None
        How long.

    Returns
    -------
    str
        Seconds up to three minutes, else minutes; an en dash where there is none.
    """
    if seconds is None:
        return "–"
    minutes = seconds / MINUTE_SECONDS
    return f"{seconds:.1f} s" if minutes < 3 else f"{minutes:.1f} min"


def rows_of(standing: Standing) -> Mapping[str, Sequence[Row]]:
    """One row for each thing.

    Parameters
    ----------
    standing : Standing
        How everything stands.

    Returns
    -------
    mapping of str to sequence of Row
        By kind.
    """
    found: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    newest = {kind: standing.record.newest(kind) for kind in KINDS}
    for duty in standing.duties:
        found[duty.kind].append(_row(duty, newest[duty.kind].get(duty.name), standing))
    return found


def _row(duty: Duty, drilled: Drilled | None, standing: Standing) -> Row:
    person = standing.roster.people.get(duty.name) if duty.kind == PERSON else None
    name = f"{duty.name}, {person.level.name}" if person is not None else duty.name
    last = duty.last_ns if duty.kind == PERSON or drilled is None else drilled.time_ns
    seconds, target = (drilled.seconds, drilled.target_seconds) if drilled is not None else (None, None)
    sentence = drilled.sentence if drilled is not None else ""
    state = _state(duty, drilled, standing)
    taken = (drilled.decided_seconds, drilled.sent_seconds) if drilled is not None else (None, None)
    decided, sent = (duration(one) for one in taken)
    took, allowed = duration(seconds), duration(target)
    due = "now" if duty.failed else day_of(duty.due_ns)
    return Row(duty.kind, name, state, decided, sent, took, allowed, day_of(last), due, sentence)


def _state(duty: Duty, drilled: Drilled | None, standing: Standing) -> str:
    if drilled is not None and not drilled.passed:
        return FAILED
    if duty.overdue(standing.now_ns):
        return OVERDUE
    if duty.last_ns is None:
        return NEVER
    return SOON if duty.due_soon(standing.now_ns, standing.policy) else PASSED


def verdict_of(rows: Mapping[str, Sequence[Row]]) -> tuple[str, str, list[str]]:
    """The verdict, first of all.

    Parameters
    ----------
    rows : mapping of str to sequence of Row
        From `rows_of`.

    Returns
    -------
    tuple of (str, str, list of str)
        Class of the style, one sentence, and a sentence for each kind.
    """
    everything = [row for kind in rows.values() for row in kind]
    bad = [row for row in everything if row.css == "fail"]
    unsure = [row for row in everything if row.css == "warn"]
    counts = [_counted(kind, found) for kind, found in rows.items()]
    alone = _nobody_hears(rows)
    if bad:
        return "act", f"NOT READY: {_named(bad)}", counts
    if unsure:
        return "watch", f"NOT ALL DRILLED: {_named(unsure)}", counts
    if alone:
        return "watch", f"NOT READY: {alone}", counts
    return "calm", "READY: every control, every channel and everybody passed a drill in time", counts


def _nobody_hears(rows: Mapping[str, Sequence[Row]]) -> str:
    """Why drills that all passed are not enough: there is nobody to page, or no way to."""
    if not rows[PERSON]:
        return "nobody is in the roster (workbench people add)"
    if all(row.name == UNHEARD for row in rows[CHANNEL]):
        return "no channel leaves this machine (channels.toml)"
    return ""


def _named(rows: Sequence[Row]) -> str:
    shown = ", ".join(f"{row.name} ({row.state})" for row in rows[:3])
    return f"{shown} and {len(rows) - 3} more" if len(rows) > 3 else shown


def _counted(kind: str, rows: Sequence[Row]) -> str:
    if not rows:
        return f"{KINDS[kind]}: there are none"
    parts = [(state, sum(row.state == state for row in rows)) for state in MARKS]
    return f"{KINDS[kind]}: " + ", ".join(f"{count} {state}" for state, count in parts if count)
