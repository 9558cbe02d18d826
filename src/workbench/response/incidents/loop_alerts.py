"""What the live loop's journal says that people are told: its alerts, rungs that let go, and who asked what of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workbench.data.journal import codec
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind, StoredRow
from workbench.data.journal.storage import DATABASE
from workbench.domain.errors import DataError, ExecutionError
from workbench.domain.policy import Policy
from workbench.domain.policy.risk import Rung
from workbench.domain.trading.decisions import RaiseAlert, RungReleased, ScopeEnabled
from workbench.domain.trading.modes import Ladder
from workbench.response.incidents.alert import EMERGENCY, Alert, Answer, Gone
from workbench.response.incidents.manual_acts import HEARD_OF, heard_by_loop

TOLD = {bytes([codec.DECISION_TAGS[kind]]) for kind in (RaiseAlert, RungReleased, ScopeEnabled)}
"""First byte of the rows that are read in full."""


@dataclass(frozen=True, slots=True)
class Position:
    """Up to which row a journal has been read; an empty name: none was."""

    journal: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class News:
    """What was read, up to where, and why nothing could be; empty when all is well."""

    items: tuple[Alert | Answer | Gone, ...]
    position: Position
    trouble: str = ""
    new_journal: bool = False


class LoopAlerts:
    """Reads the loop's journal, which may be written, replaced or missing meanwhile.

    Parameters
    ----------
    folder : Path
        Of the loop's journal.
    policy : Policy
        To say what a rung does.
    """

    def __init__(self, folder: Path, policy: Policy) -> None:
        self._folder = folder
        self._policy = policy

    def read(self, position: Position) -> News:
        """What is new.

        Parameters
        ----------
        position : Position
            Up to where it is known.

        Returns
        -------
        News
            Of a journal that was never read, or that is not the one that was: only what holds now. What is long over
            wakes nobody.
        """
        if not (self._folder / DATABASE).exists():
            return News((), position)
        try:
            with JournalReader(self._folder) as reader:
                return self._news(reader, position)
        except (DataError, ExecutionError) as error:
            return News((), position, trouble=f"the loop's journal cannot be read: {error}")

    def _news(self, reader: JournalReader, position: Position) -> News:
        head = reader.head
        same = reader.id == position.journal and head.sequence >= position.sequence
        rows = reader.rows(
            position.sequence if same else 0, kinds=(RowKind.DECISION, RowKind.COMMAND), upto=head.sequence
        )
        items = (self._told(row, reader.id) for row in rows if row.kind is RowKind.COMMAND or row.body[:1] in TOLD)
        found = [one for one in items if one is not None]
        new = Position(reader.id, head.sequence)
        return News(tuple(found if same else standing(found)), new, new_journal=not same and bool(position.journal))

    def _told(self, row: StoredRow, journal: str) -> Alert | Answer | Gone | None:
        try:
            if row.kind is RowKind.COMMAND:
                return heard_by_loop(codec.decode_table(row.body), row.time_ns)
            decision = codec.decode_decision(row.body, row.time_ns)
        except DataError as error:
            sentence = f"row {row.sequence} of the loop's journal may be an alert and cannot be read: {error}"
            return Alert(f"{journal}:{row.sequence}", EMERGENCY, "unreadable alert", row.time_ns, sentence)
        if isinstance(decision, RungReleased):
            return Gone(decision.ladder.name.lower(), row.time_ns, decision.rung)
        if isinstance(decision, ScopeEnabled):
            return Gone(f"strategy {decision.scope}", row.time_ns)
        if isinstance(decision, RaiseAlert) and decision.reason not in HEARD_OF:
            return self._alert(decision, f"{journal}:{row.sequence}")
        return None

    def _alert(self, one: RaiseAlert, name: str) -> Alert:
        if one.ladder is None:
            cause = f"strategy {one.strategy}" if one.reason // 100 == 4 else one.reason.name.lower()
            sentence = f"{one.strategy}: {one.reason.sentence}" if one.strategy else one.reason.sentence
            lasts = one.reason // 100 == 4
            waits = {"waits": "two people to enable it again"} if lasts else {}
            return Alert(name, one.level, cause, one.time_ns, sentence, waits, lasts=lasts)
        ladder = one.ladder.name.lower()
        sentence = (
            f"{ladder.replace('_', ' ')} rung {one.rung}: {_reading(one.ladder, one.metric)} against a trigger of "
            f"{_reading(one.ladder, one.trigger)}; {one.reason.sentence}"
        )
        facts = {"did": self._did(ladder, one.rung), "waits": self._waits(ladder, one.rung)}
        return Alert(name, one.level, ladder, one.time_ns, sentence, facts, one.rung, lasts=True)

    def _rung(self, ladder: str, number: int) -> Rung | None:
        """None where the loop runs under another policy than this process."""
        found: Rung | None = getattr(getattr(self._policy.ladders, ladder), f"rung_{number}", None)
        return found

    def _did(self, ladder: str, number: int) -> str:
        """What a rung does, from the policy."""
        rung = self._rung(ladder, number)
        if rung is None:
            return "what its own policy says: this one has no such rung"
        acts = [
            f"mode {rung.mode}" if rung.mode != "ACTIVE" else "",
            f"exposure at most {rung.cap:.0%} of full size".replace("%", " %") if rung.cap < 1 else "",
            f"closes {rung.close_fraction:.0%} of what is held".replace("%", " %") if rung.close_fraction else "",
            f"stops {rung.stops_tighter:.0%} tighter".replace("%", " %") if rung.stops_tighter else "",
            f"{rung.extra_confirmations} more confirmations" if rung.extra_confirmations else "",
            "defensive strategies only" if rung.defensive_only else "",
            "the backup feed takes over" if getattr(rung, "fail_over", False) else "",
        ]
        return ", ".join(act for act in acts if act) or "nothing but watch"

    def _waits(self, ladder: str, number: int) -> str:
        """What lets a rung go, from the policy."""
        rung = self._rung(ladder, number)
        if rung is not None and rung.people_to_resume:
            return f"{rung.people_to_resume} people to resume, and somebody to acknowledge"
        rules = self._policy.ladders.rules
        calm = f"under {rules.release_fraction:.0%} of the trigger for {rules.dwell_market_minutes:g} market minutes"
        return f"somebody to acknowledge; it lets go {calm}".replace("%", " %")


def _reading(ladder: Ladder, value: float) -> str:
    """A metric with its unit."""
    if ladder in (Ladder.DRAWDOWN, Ladder.VALUE_AT_RISK):
        return f"{value:.2%}".replace("%", " %")
    return f"{value:.0f} s" if ladder is Ladder.TECHNICAL else f"{value:.2f}"


def standing(items: Iterable[Alert | Answer | Gone]) -> list[Alert | Gone]:
    """Of a whole history, only alerts of what has not let go since.

    Parameters
    ----------
    items : iterable of Alert, Answer or Gone
        In order.

    Returns
    -------
    list of Alert or Gone
    """
    holding: dict[tuple[str, int], Alert] = {}
    for one in items:
        if isinstance(one, Gone):
            gone = [key for key in holding if key[0] == one.cause and one.rung in (0, key[1])]
            for key in gone:
                del holding[key]
        elif isinstance(one, Alert) and one.lasts:
            holding.pop((one.cause, one.rung), None)
            holding[one.cause, one.rung] = one
    return list(holding.values())
