"""The loop as the control service sees it: what it shows, what it is asked through its inbox, and what came of it."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from workbench.data.inbox import Command, Inbox
from workbench.data.journal.codec import decode_table
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.data.journal.storage import DATABASE, lock_holder
from workbench.domain.errors import DataError, ExecutionError
from workbench.monitor.board.source import Source
from workbench.monitor.control.parts import Asked, Outcome, Table
from workbench.monitor.incidents.left_behind import ended_in_order, unprotected

LOOK_SECONDS = 0.05
TAKEN_SECONDS, SETTLED_SECONDS, ENDED_SECONDS = 5.0, 3.0, 8.0
"""How long an answer waits for the loop to take a message, and then for the broker, or for its end; the page follows
what is left."""
SHOWN_ROWS = 12
MOVING = {"INTENT", "SENT", "ACKNOWLEDGED", "UNKNOWN"}
BOOK = (
    "mode", "mode_since_ns", "condition", "condition_since_ns", "equity", "peak", "drawdown", "value_at_risk_95",
    "expected_shortfall_975", "volatility_ratio", "stress_score", "cap", "cap_allowed", "cap_by",
    "held_by", "lets_go", "ladders",
)  # fmt: skip
COMMANDS = {
    "halt": "halt", "reduce": "reduce", "close_all": "flatten", "cancel_all": "cancel_all", "full_halt": "full_halt",
    "shut_down": "shut_down", "resume": "resume", "enable": "enable",
}  # fmt: skip
"""What the loop calls the acts."""
LOOSENING = ("resume", "enable")
"""Acts judged by what `Loop.state` saw last: the loop refuses them when it was restricted since."""
HALTING = ("halt", "full_halt", "shut_down")
"""Acts of which a signal to the loop's process does the most important part."""


class Sent(Enum):
    """What of an act is in the loop's inbox."""

    WHOLE = "whole"
    HALT_ALONE = "halt alone"
    SIGNAL = "signal"
    """Nothing of it: the loop's process was sent a signal to halt."""


class Loop:
    """One live loop, looked at through its journal and asked through its inbox.

    Parameters
    ----------
    folder : Path
        Of its journal.
    signal_halt : callable
        Asks the process itself to halt when the inbox does not help; returns whether there was one.
    clock_ns : callable
        This machine's clock.
    demo : bool
        Asked by made-up people, whose passwords were printed: nothing reaches a loop that does not show made-up prices.
    """

    def __init__(
        self,
        folder: Path,
        signal_halt: Callable[[], bool],
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        demo: bool = False,
    ) -> None:
        self.folder, self._demo = folder, demo
        self.inbox = Inbox(folder / "inbox")
        self._source = Source(folder, clock_ns=clock_ns)
        self._signal_halt, self._clock_ns = signal_halt, clock_ns
        self._judged = 0

    def look(self) -> bool:
        """Take in what the loop has shown since the last look; returns whether that is something new."""
        return self._source.look()

    def shown(self) -> Table:
        """What the page shows of the loop."""
        condition, projection = self._source.condition, self._source.projection
        table: dict[str, Any] = {
            "server_ns": self._clock_ns(),
            "source": {
                "state": condition.state,
                "sentence": condition.sentence + (self._left_alone() if condition.state == "no-loop" else ""),
                "age_seconds": condition.age_seconds,
            },
        }
        if projection:
            book = projection["book"]
            table["book"] = {name: book.get(name) for name in BOOK} | _sizes(book.get("positions", []))
            table["book"]["growing"] = _growing(projection)
            table["loop"] = {name: projection["loop"].get(name) for name in ("now_ns", "wall_ns", "speed")}
            table["commands"] = projection.get("commands", [])[:SHOWN_ROWS]
            table |= {name: projection.get(name) for name in ("label", "synthetic", "journal")}
        return table

    def _left_alone(self) -> str:
        """What nobody looks after once the loop is not there."""
        projection = self._source.projection
        left = unprotected(projection)
        newest: Mapping[str, Any] = next(iter(projection.get("commands", [])), {})
        ended = f" {newest['actor']} shut it down." if newest.get("act") == "shut_down" else ""
        return f"{ended} {left}" if left else ended

    def rows(self, name: str) -> list[Table]:
        """A list of the projection.

        Parameters
        ----------
        name : str
            ``alerts``, ``orders`` or ``commands``.

        Returns
        -------
        list of dict
            Newest first; empty while nothing is known.
        """
        found = self._source.projection.get(name, [])
        return list(found)

    def state(self) -> str:
        """Digest of all that a proposal is bound to: mode, rungs that hold, locks, and what is asked.

        Raises
        ------
        ExecutionError
            When nothing true is known of the loop: nobody can agree on letting go what nobody sees.
        """
        # first what waits: a message the loop takes in between is then in both lists, never in none
        waiting = [path.name for path, _ in self.inbox.waiting()]
        self.look()
        condition, projection = self._source.condition, self._source.projection
        if condition.state != "ok":
            raise ExecutionError(f"nothing may be loosened while the loop is not seen: {condition.sentence}")
        book = projection["book"]
        held = [[row["ladder"], row["rung"], row["since_ns"]] for row in book["ladders"] if row["holds"]]
        locked = sorted(row["strategy"] for row in book["positions"] if row["locked"])
        asked = [row["nonce"] for row in projection.get("commands", []) if not row["refused"]]
        self._judged = int(projection["journal"]["sequence"])
        facts = [book["mode"], book["mode_since_ns"], held, locked, asked, waiting]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def newest_alert_ns(self) -> int:
        """When the loop's newest alert was raised, by the loop's clock; 0 while there is none."""
        return max((int(str(row["time_ns"])) for row in self.rows("alerts")), default=0)

    def heard(self) -> set[str]:
        """Nonces of every message that waits for the loop, or that it has taken and written down."""
        waiting = {one.nonce for _, one in self.inbox.waiting() if isinstance(one, Command)}
        if not (self.folder / DATABASE).exists():
            return waiting
        with JournalReader(self.folder) as reader:
            rows = reader.rows(kinds=(RowKind.COMMAND,))
            return waiting | {str(decode_table(row.body).get("nonce")) for row in rows}

    def check_made_up(self) -> None:
        """Refuse made-up people whatever could reach a real book; others are not concerned.

        Raises
        ------
        ExecutionError
            When no loop is running, or what it shows does not say that its prices are made up.
        """
        if not self._demo:
            return
        self.look()
        # what is put in while no loop runs is done by the next one, whichever that is
        running = self._source.condition.state in ("ok", "stuck")
        if running and self._source.projection.get("synthetic") is True:
            return
        shows = "does not show that its prices are made up" if running else "is not seen running"
        raise ExecutionError(
            "people of a demonstration, whose passwords were printed, may ask only a loop with made-up prices, and the "
            f"one in {self.folder} {shows}: nothing was sent; use real people without --demo, or start a made-up feed"
        )

    def check(self, asked: Asked) -> None:
        """Refuse what makes no sense now.

        Parameters
        ----------
        asked : Asked
            What.

        Raises
        ------
        DataError
            When the loop is to be shut down and none is running.
        ExecutionError
            When made-up people ask a loop that may have a real book.
        """
        if asked.act in COMMANDS:
            self.check_made_up()
        if asked.act == "shut_down" and lock_holder(self.folder) is None:
            raise DataError("no loop is running: there is nothing to shut down")

    def send(self, asked: Asked, actor: str, approver: str = "") -> Sent:
        """Put an act into the inbox; on a full disk a halt at least.

        Parameters
        ----------
        asked : Asked
            What.
        actor, approver : str
            Who asks, and the second person where it takes two.

        Returns
        -------
        Sent
            What of it is in the inbox.

        Raises
        ------
        ExecutionError
            When neither can be done, or made-up people ask a loop that may have a real book.
        ConfigError
            When it is no message.
        """
        self.check_made_up()  # before the inbox and before the signal
        command = Command.made(
            COMMANDS[asked.act],
            actor,
            self._clock_ns(),
            nonce=asked.nonce,
            approver=approver,
            fraction=asked.fraction,
            strategy=asked.strategy,
            rebaseline_peak=asked.rebaseline_peak,
            reason=asked.reason,
            seen=self._judged if asked.act in LOOSENING else 0,
        )
        try:
            self.inbox.send(command)
        except ExecutionError:
            if asked.act not in HALTING:
                raise
            return self._halt_at_least(asked, actor)
        return Sent.WHOLE

    def _halt_at_least(self, asked: Asked, actor: str) -> Sent:
        """The disk takes no new message: put the halt in that lies ready, or ask by signal, which nothing outlasts."""
        halt = Command.made("halt", actor, self._clock_ns(), nonce=asked.nonce, reason=asked.reason)
        try:
            self.inbox.send(halt)
        except ExecutionError:
            if not self._signal_halt():
                raise
            return Sent.SIGNAL
        return Sent.HALT_ALONE

    async def outcome(self, asked: Asked) -> Outcome:
        """Wait for what the loop does.

        Parameters
        ----------
        asked : Asked
            That was sent.

        Returns
        -------
        Outcome
            Whatever is known after a few seconds.
        """
        row = await self._taken(asked.nonce)
        if row is None:
            return self._not_taken(asked)
        if row["refused"]:
            return Outcome(asked.nonce, "refused", f"The loop refused: {row['refused']}", certain=True)
        if asked.act == "shut_down":
            return await self._ended(asked)
        async for _ in _ticks(SETTLED_SECONDS):
            self.look()
            stage, sentence, settled = stage_of(asked.act, self._source.projection)
            if settled:
                break
        return Outcome(asked.nonce, stage, sentence, certain=True)

    async def _taken(self, nonce: str) -> Mapping[str, Any] | None:
        async for _ in _ticks(TAKEN_SECONDS):
            there = lock_holder(self.folder) is not None
            self.look()
            for row in self.rows("commands"):
                if row["nonce"] == nonce:
                    return row
            if not there:
                return None
        return None

    async def _ended(self, asked: Asked) -> Outcome:
        """Wait until the loop that is being shut down is gone."""
        async for _ in _ticks(ENDED_SECONDS):
            if lock_holder(self.folder) is None:
                self.look()
                in_order = ended_in_order(self.folder)
                left = unprotected(self._source.projection) or "No position is left."
                how = "has halted, cancelled and ended in good order." if in_order else "has ended; how is not known."
                return Outcome(asked.nonce, "shut down", f"The loop {how} {left}", certain=in_order)
        said = "The loop has halted; it ends as soon as the orders on their way are settled, after 5 s in any case."
        return Outcome(asked.nonce, "shutting down", said, certain=True)

    def _not_taken(self, asked: Asked) -> Outcome:
        if lock_holder(self.folder) is None:
            sentence = "No loop is running: the message is on the disk, the next start acts on it before anything else."
            return Outcome(asked.nonce, "waiting", sentence, certain=True)
        sentence = f"The loop has not taken the message within {TAKEN_SECONDS:.0f} s: it waits in the inbox."
        if asked.act in HALTING and self._signal_halt():
            sentence += " Its process was also sent a signal to halt."
        return Outcome(asked.nonce, "waiting", sentence, certain=False)


async def _ticks(seconds: float) -> AsyncIterator[None]:
    """Come back again and again, the first time at once, for so long."""
    end = time.monotonic() + seconds
    yield
    while time.monotonic() < end:
        await asyncio.sleep(LOOK_SECONDS)
        yield


def _sizes(positions: list[Mapping[str, Any]]) -> Table:
    """How much is open, and how much of it is still on its way to its target."""
    return {"open": len(list(_open(positions))), "moving": len(list(_moving(positions)))}


def _open(positions: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (row for row in positions if row["units"] != 0)


def _moving(positions: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (row for row in positions if abs(row["units"]) > abs(row["target"]))


def _growing(projection: Mapping[str, Any]) -> int:
    """Orders on their way that would make a position grow."""
    orders = projection.get("orders", [])
    return sum(order.get("state") in MOVING and not order.get("reduce_only") for order in orders)


def stage_of(act: str, projection: Mapping[str, Any]) -> tuple[str, str, bool]:
    """How far an act that the loop has taken has come.

    Parameters
    ----------
    act : str
        See `Asked`.
    projection : mapping
        What the loop shows now.

    Returns
    -------
    tuple of (str, str, bool)
        Stage, a sentence, and whether there is nothing left to wait for.
    """
    book = projection["book"]
    mode, positions = book["mode"], book.get("positions", [])
    if act == "halt":
        stops = "entries are stopped, positions may only shrink until two people resume"
        return ("entries stopped", f"The book is {mode}: {stops}.", mode == "HALTED")
    if act in ("cancel_all", "full_halt"):
        return _cancelled(act, mode, _growing(projection))
    if act == "reduce":
        left = len(list(_moving(positions)))
        if left:
            return "reducing", f"{left} positions are above their new targets: orders are on their way.", False
        return "reduced", f"Every position is at its new target, by the broker's fills. The book is {mode}.", True
    if act == "close_all":
        left = len(list(_open(positions)))
        on_way = sum(order.get("state") in MOVING for order in projection.get("orders", []))
        if left or on_way:
            return "flattening", f"{left} positions are still open, {on_way} orders are on their way.", False
        return "flat", f"Flat, confirmed by the broker's fills: no position is left. The book is {mode}.", True
    done = {"resume": "resumed", "enable": "enabled"}[act]
    return done, f"Done: the book is {mode}.", True


def _cancelled(act: str, mode: str, growing: int) -> tuple[str, str, bool]:
    full = act == "full_halt"
    if growing or (full and mode != "HALTED"):
        return "cancelling", f"The book is {mode}; {growing} orders that grow a position are not cancelled yet.", False
    if full:
        stops = "entries are stopped until two people resume, and what was on its way does not come back then"
        return "halted in full", f"The book is {mode}, no order that grows a position waits: {stops}.", True
    more = "what closes positions goes on" + (", and new signals may still enter" if mode == "ACTIVE" else "")
    return "cancelled", f"No order that grows a position waits; {more}. The book is {mode}.", True
