"""The registry of strategy sets: candidates, verdicts, and the one pointer that says which set trades.

Under ``strategy_sets/`` in the workbench's home::

    2026-10-30-1f3a5c7e9b0d.json   one set with the verdict on it, sealed by a hash
    adopted.json                   which one trades, and what was before it
    history.jsonl                  every act, appended
    .lock                          held while writing

Replacing ``adopted.json`` is the commit, as in the registry of calibrations.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from workbench.domain.calibration import Status
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.strategy_set import StrategySet
from workbench.runtime.calibrations import decision
from workbench.runtime.calibrations.gates import REFUSE, WARN, GateResult
from workbench.runtime.sealed import (
    append_line,
    exclusive,
    known_names,
    read_lines,
    read_sealed,
    resolve_name,
    write_sealed,
)

POINTER, HISTORY = "adopted.json", "history.jsonl"
HISTORICAL = "historical run: not adopted live"


class JudgedSet(BaseModel):
    """One file: a set and what its gates said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy_set: StrategySet
    gates: tuple[GateResult, ...]
    passed: bool
    adopts: bool
    when: str
    reasons: tuple[str, ...]


class Move(BaseModel):
    """One move of the pointer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: int
    act: str
    id: str
    as_of: date
    actor: str
    when: str
    reason: str


class SetPointer(BaseModel):
    """Which set trades, the moves that led here (oldest first), and what people have withdrawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    current: Move
    earlier: tuple[Move, ...]
    withdrawn: tuple[str, ...]


class StrategySetRegistry:
    """All strategy sets of one home folder.

    Parameters
    ----------
    home : Path
        The workbench's home.
    lock_timeout_seconds : float, optional
        How long a writer waits for another one.
    """

    def __init__(self, home: Path, *, lock_timeout_seconds: float = 10.0) -> None:
        self.folder = home / "strategy_sets"
        self._timeout = lock_timeout_seconds

    def decide(
        self, candidate: StrategySet, gates: Sequence[GateResult], *, when: str, historical: bool = False
    ) -> StrategySet:
        """Judge a candidate by its gates, and adopt it if they pass.

        Parameters
        ----------
        candidate : StrategySet
            Stored with the verdict.
        gates : sequence of GateResult
            All of them.
        when : str
            Time of the decision, UTC, ISO 8601.
        historical : bool, optional
            Whether the as-of date is not the newest day of the data; such a set is judged and never trades.

        Returns
        -------
        StrategySet
            Status adopted, refused or candidate; `reasons` say why. The one that trades already is returned as it is.

        Raises
        ------
        ConfigError
            When there is no gate to judge by, or `when` is not a UTC time.
        ExecutionError
            When another process holds the registry or a file cannot be written.
        """
        if not gates:
            raise ConfigError(f"no gate was evaluated for {candidate.id}: expected all gates")
        when = decision.checked_time(when)
        failed = [gate for gate in gates if not gate.passed]
        passed = not any(gate.consequence == REFUSE for gate in failed)
        words = {REFUSE: "refused", WARN: "warning"}
        reasons = [f"{words.get(gate.consequence, gate.consequence)}: {gate.sentence}" for gate in failed]
        with self._writing():
            pointer = self._pointer()
            if pointer is not None and pointer.current.id == candidate.id:
                return self.show(candidate.id)
            older = pointer is not None and candidate.as_of < pointer.current.as_of
            withdrawn = pointer is not None and candidate.id in pointer.withdrawn
            adopts = passed and not (historical or older or withdrawn)
            if passed and (historical or older):
                reasons.append(HISTORICAL)
            if passed and withdrawn:
                reasons.append("a person went back from this set: it is not adopted again by itself")
            plain = candidate.model_copy(update={"status": "candidate", "reasons": ()})
            record = JudgedSet(
                strategy_set=plain, gates=tuple(gates), passed=passed, adopts=adopts, when=when, reasons=tuple(reasons)
            )
            write_sealed(self._path(candidate.id), record)
            if adopts:
                self._move(pointer, candidate, act="adopt", actor="weekly run", when=when)
            else:
                line = {
                    "act": "refuse" if not passed else "judge",
                    "id": candidate.id,
                    "when": when,
                    "reasons": reasons,
                }
                append_line(self.folder / HISTORY, line)
        return self.show(candidate.id)

    def rollback(self, actor: str, when: str, *, to: str | None = None, reason: str = "") -> StrategySet:
        """Go back to an earlier adopted set; the weekly run does not adopt the withdrawn one again by itself.

        Parameters
        ----------
        actor : str
            The person.
        when : str
            UTC, ISO 8601.
        to : str, optional
            An earlier adopted id; without it, the one before.
        reason : str, optional
            For the history.

        Returns
        -------
        StrategySet
            The one that trades now.

        Raises
        ------
        ConfigError
            When there is nothing to go back to, or `to` was never adopted before the present one.
        DataError
            When the file to go back to is damaged; the pointer has then not moved.
        """
        actor, when = decision.checked_actor(actor), decision.checked_time(when)
        with self._writing():
            pointer = self._pointer()
            if pointer is None or not pointer.earlier:
                raise ConfigError("nothing to go back to: no strategy set was adopted before the present one")
            known = [move.id for move in pointer.earlier]
            wanted = known[-1] if to is None else self._resolve(to)
            if wanted not in known:
                raise ConfigError(
                    f"{wanted} was not adopted before {pointer.current.id}: expected one of {', '.join(known)}"
                )
            record = self._record(wanted)
            place = len(known) - 1 - known[::-1].index(wanted)
            gone = [pointer.current.id, *known[place + 1 :]]
            kept = SetPointer(
                current=pointer.current, earlier=pointer.earlier[:place], withdrawn=(*pointer.withdrawn, *gone)
            )
            self._move(kept, record.strategy_set, act="rollback", actor=actor, when=when, reason=reason)
        return self.show(wanted)

    def adopted(self) -> StrategySet | None:
        """The set that trades.

        Returns
        -------
        StrategySet or None
            None while nothing has ever been adopted.

        Raises
        ------
        DataError
            When the pointer or the file it names is damaged or missing.
        """
        return None if self._pointer() is None else self.show("adopted")

    def show(self, name: str) -> StrategySet:
        """One set with its status and reasons.

        Parameters
        ----------
        name : str
            Id, enough of its beginning, or ``adopted``.

        Returns
        -------
        StrategySet

        Raises
        ------
        ConfigError
            When no set or several have that name.
        DataError
            When its file is damaged.
        """
        record, pointer = self._record(self._resolve(name)), self._pointer()
        status = _status(record, pointer)
        return record.strategy_set.model_copy(update={"status": status, "reasons": record.reasons})

    def gates(self, name: str) -> tuple[GateResult, ...]:
        """What the gates said about one set.

        Parameters
        ----------
        name : str
            As for `show`.

        Returns
        -------
        tuple of GateResult
        """
        return self._record(self._resolve(name)).gates

    def catalogue(self) -> list[StrategySet]:
        """All readable sets, oldest first.

        Returns
        -------
        list of StrategySet

        Raises
        ------
        DataError
            When a file is damaged.
        """
        return sorted(
            (self.show(name) for name in known_names(self.folder)), key=lambda one: (one.as_of, one.created, one.id)
        )

    def history(self) -> list[dict[str, Any]]:
        """Every act, oldest first.

        Returns
        -------
        list of dict
        """
        return read_lines(self.folder / HISTORY)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _resolve(self, name: str) -> str:
        if name == "adopted":
            pointer = self._pointer()
            if pointer is None:
                raise ConfigError("no strategy set has been adopted yet; run `workbench select`")
            return pointer.current.id
        return resolve_name(self.folder, name, what="strategy set", listed_by="workbench strategies list")

    def _record(self, name: str) -> JudgedSet:
        record = read_sealed(self._path(name), JudgedSet)
        if record.strategy_set.id != name:
            raise DataError(f"{self._path(name)} holds {record.strategy_set.id}: it was renamed or tampered with")
        return record

    def _pointer(self) -> SetPointer | None:
        path = self.folder / POINTER
        return read_sealed(path, SetPointer) if path.exists() else None

    def _move(
        self, pointer: SetPointer | None, wanted: StrategySet, *, act: str, actor: str, when: str, reason: str = ""
    ) -> None:
        sequence = 1 if pointer is None else pointer.current.sequence + 1
        move = Move(sequence=sequence, act=act, id=wanted.id, as_of=wanted.as_of, actor=actor, when=when, reason=reason)
        if pointer is None:
            earlier: tuple[Move, ...] = ()
        else:
            earlier = pointer.earlier if act == "rollback" else (*pointer.earlier, pointer.current)
        withdrawn = pointer.withdrawn if pointer is not None else ()
        write_sealed(self.folder / POINTER, SetPointer(current=move, earlier=earlier, withdrawn=withdrawn))
        append_line(self.folder / HISTORY, move.model_dump(mode="json"))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with exclusive(self.folder / ".lock", timeout_seconds=self._timeout):
            yield


def _status(record: JudgedSet, pointer: SetPointer | None) -> Status:
    """What a set is now, read from the pointer, never from its own file."""
    name = record.strategy_set.id
    if pointer is not None and pointer.current.id == name:
        return "adopted"
    if pointer is not None and name in [move.id for move in pointer.earlier] + list(pointer.withdrawn):
        return "superseded"
    return "candidate" if record.passed else "refused"
