"""The calibration registry: candidates, verdicts, and the one pointer that says which calibration is live.

Under ``calibrations/`` in the workbench's home::

    2026-10-30-1f3a5c7e9b0d.json   one calibration with the verdict on it, sealed by a hash
    adopted.json                   which one is live, what was before it, what people have withdrawn
    history.jsonl                  every act, appended
    .lock                          held while writing

Replacing ``adopted.json`` is the commit: a crash before it leaves the old calibration live, a crash after it leaves the
new one live, and the history line that is then missing is written by the next act. Whether a calibration is adopted,
provisional or superseded is read from the pointer, never from the calibration's own file.

A historical run (an as-of date before the adopted one, or before the end of the data) gets its verdict like any other,
but the pointer does not move, and it is compared only with calibrations of earlier dates: no look ahead.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from workbench.domain.calibration import Calibration, Difference, differences
from workbench.domain.errors import ConfigError, DataError, InvariantError
from workbench.runtime.calibrations import decision
from workbench.runtime.calibrations.files import CatalogueLine, Pointer, Record, Verdict
from workbench.runtime.calibrations.gates import GateResult
from workbench.runtime.sealed import (
    append_line,
    exclusive,
    known_names,
    read_lines,
    read_sealed,
    resolve_name,
    write_sealed,
)

POINTER = "adopted.json"
HISTORY = "history.jsonl"


class CalibrationRegistry:
    """All calibrations of one home folder.

    Parameters
    ----------
    home : Path
        The workbench's home; ``calibrations/`` is made below it at the first write.
    lock_timeout_seconds : float, optional
        How long a writer waits for another one.
    """

    def __init__(self, home: Path, *, lock_timeout_seconds: float = 10.0) -> None:
        self.folder = home / "calibrations"
        self._timeout = lock_timeout_seconds

    def propose(self, calibration: Calibration) -> Calibration:
        """Store a calibration without judging it; the same content again changes nothing.

        Parameters
        ----------
        calibration : Calibration
            The candidate.

        Returns
        -------
        Calibration
            As stored: the time of making is that of the first time.

        Raises
        ------
        ExecutionError
            When another process holds the registry or the file cannot be written.
        DataError
            When a file of that id exists and is damaged.
        """
        with self._writing():
            return self._shown(self._stored(calibration), self._pointer())

    def decide(
        self,
        candidate: Calibration,
        gates: Sequence[GateResult],
        *,
        when: str,
        confirmed_by: str | None = None,
        historical: bool = False,
    ) -> Calibration:
        """Judge a candidate by its gates, and adopt it if they pass.

        Parameters
        ----------
        candidate : Calibration
            Stored if it is not yet.
        gates : sequence of GateResult
            All gates of the policy.
        when : str
            Time of the decision, UTC, ISO 8601.
        confirmed_by : str, optional
            The person who confirms what needs a person.
        historical : bool, optional
            Whether the as-of date is not the newest day of the data.

        Returns
        -------
        Calibration
            Status adopted, provisional (no predecessor), refused, or candidate (waits for a person, or historical);
            `reasons` say why. The one that is live already is returned as it is.

        Raises
        ------
        ConfigError
            When there is no gate to judge by, or `when` is not a UTC time.
        ExecutionError
            When another process holds the registry or a file cannot be written; `adopted` says what is live.
        """
        if not gates:
            raise ConfigError(f"no gate was evaluated for {candidate.id}: expected all gates of the policy")
        person = None if confirmed_by is None else decision.checked_actor(confirmed_by)
        verdict = decision.verdict_of(gates, confirmed_by=person, when=decision.checked_time(when))
        with self._writing():
            record, pointer = self._stored(candidate), self._pointer()
            if pointer is not None and pointer.current.id == record.calibration.id:
                return self._shown(record, pointer)
            return self._judged(record, pointer, decision.held_back(verdict, candidate, pointer, historical=historical))

    def adopt(self, name: str, actor: str, when: str) -> Calibration:
        """Adopt by hand what the gates let through: a candidate that waits for a person, or a provisional one.

        Parameters
        ----------
        name : str
            Id, or enough of its beginning.
        actor : str
            The person.
        when : str
            UTC, ISO 8601.

        Returns
        -------
        Calibration
            Adopted.

        Raises
        ------
        AuthorityError
            When the gates refused it or never judged it, it is historical, or older than the adopted one.
        ConfigError
            When no calibration or several have that name, or the actor is empty.
        DataError
            When its file is damaged.
        """
        actor, when = decision.checked_actor(actor), decision.checked_time(when)
        with self._writing():
            record, pointer = self._record(self._resolve(name)), self._pointer()
            entry = decision.entry_of(pointer, record, "adopt", actor, when)
            if pointer is not None and pointer.current.id == entry.id:
                if pointer.current.status == "adopted":
                    return self._shown(record, pointer)
                confirmed = entry.model_copy(update={"act": "confirm"})
                return self._move(record, pointer.model_copy(update={"current": confirmed}))
            decision.may_be_adopted(record, pointer)
            return self._move(record, decision.moved_on(pointer, entry))

    def rollback(self, actor: str, when: str, *, to: str | None = None, reason: str = "") -> Calibration:
        """Go back to an earlier adopted calibration; the daily run will not adopt the withdrawn ones again by itself.

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
        Calibration
            The one that is live now.

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
                raise ConfigError("nothing to go back to: no calibration was adopted before the present one")
            wanted = pointer.earlier[-1].id if to is None else self._resolve(to)
            places = [place for place, entry in enumerate(pointer.earlier) if entry.id == wanted]
            if not places:
                known = ", ".join(dict.fromkeys(entry.id for entry in pointer.earlier))
                raise ConfigError(f"{wanted} was not adopted before {pointer.current.id}: expected one of {known}")
            record = self._record(wanted)
            entry = decision.entry_of(pointer, record, "rollback", actor, when)
            words = {"status": pointer.earlier[places[-1]].status, "reasons": (reason,) if reason else ()}
            return self._move(record, decision.moved_back(pointer, entry.model_copy(update=words), places[-1]))

    def adopted(self) -> Calibration | None:
        """The live calibration.

        Returns
        -------
        Calibration or None
            None while nothing has ever been adopted.

        Raises
        ------
        DataError
            When the pointer or the file it names is damaged or missing.
        """
        return None if self._pointer() is None else self.show("adopted")

    def predecessor(self, as_of: date) -> Calibration | None:
        """The calibration a new one of this date is compared with: never one of a later date.

        Parameters
        ----------
        as_of : date
            Of the new one.

        Returns
        -------
        Calibration or None
            The live one unless it is of a later date; then the newest earlier one that its gates let through.
        """
        pointer = self._pointer()
        if pointer is not None and pointer.current.as_of <= as_of:
            return self.adopted()
        earlier = [line for line in self.catalogue() if line.passed and line.as_of < as_of]
        return self.show(max(earlier, key=lambda line: (line.as_of, line.created)).id) if earlier else None

    def show(self, name: str) -> Calibration:
        """One calibration with its status and reasons.

        Parameters
        ----------
        name : str
            Id, enough of its beginning, or ``adopted``.

        Returns
        -------
        Calibration

        Raises
        ------
        ConfigError
            When no calibration or several have that name.
        DataError
            When its file is damaged.
        """
        return self._shown(self._record(self._resolve(name)), self._pointer())

    def verdict(self, name: str) -> Verdict:
        """What the gates said about one calibration.

        Parameters
        ----------
        name : str
            As for `show`.

        Returns
        -------
        Verdict

        Raises
        ------
        ConfigError
            When it has not been judged, or as for `show`.
        """
        record = self._record(self._resolve(name))
        if record.verdict is None:
            raise ConfigError(f"{record.calibration.id} has not been judged by its gates yet")
        return record.verdict

    def catalogue(self) -> list[CatalogueLine]:
        """All calibrations, oldest as-of date first; damaged files are listed as such.

        Returns
        -------
        list of CatalogueLine
        """
        pointer, lines = self._pointer(), []
        for name in known_names(self.folder):
            try:
                record = self._record(name)
            except DataError as error:
                lines.append(CatalogueLine.damaged(name, str(error)))
                continue
            passed = record.verdict is not None and record.verdict.passed
            lines.append(CatalogueLine.of(self._shown(record, pointer), passed=passed))
        return sorted(lines, key=lambda line: (line.as_of, line.created, line.id))

    def diff(self, before: str, after: str) -> list[Difference]:
        """What changed between two calibrations.

        Parameters
        ----------
        before, after : str
            As for `show`.

        Returns
        -------
        list of Difference
        """
        return differences(self.show(before), self.show(after))

    def history(self) -> list[dict[str, Any]]:
        """Every act, oldest first.

        Returns
        -------
        list of dict
            A line that cannot be read (torn by a crash) is given as ``{"act": "unreadable", "line": ...}``.
        """
        return read_lines(self.folder / HISTORY)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _resolve(self, name: str) -> str:
        if name == "adopted":
            pointer = self._pointer()
            if pointer is None:
                raise ConfigError("no calibration has been adopted yet; run `workbench daily`")
            return pointer.current.id
        return resolve_name(self.folder, name, what="calibration", listed_by="workbench calibration list")

    def _record(self, name: str) -> Record:
        record = read_sealed(self._path(name), Record)
        if record.calibration.id != name:
            raise DataError(f"{self._path(name)} holds {record.calibration.id}: it was renamed or tampered with")
        return record

    def _stored(self, calibration: Calibration) -> Record:
        path = self._path(calibration.id)
        if not path.exists():
            record = Record(calibration=decision.unjudged(calibration), verdict=None)
            write_sealed(path, record)
            return record
        record = self._record(calibration.id)
        if record.calibration.content_hash != calibration.content_hash:
            raise InvariantError(f"two different calibrations share the id {calibration.id}; keep {path} and report it")
        return record

    def _pointer(self) -> Pointer | None:
        path = self.folder / POINTER
        return read_sealed(path, Pointer) if path.exists() else None

    def _shown(self, record: Record, pointer: Pointer | None) -> Calibration:
        return record.calibration.model_copy(
            update={"status": decision.status_of(record, pointer), "reasons": decision.reasons_of(record, pointer)}
        )

    def _judged(self, record: Record, pointer: Pointer | None, verdict: Verdict) -> Calibration:
        changed = record.verdict is None or record.verdict.outcome != verdict.outcome
        if changed:
            record = record.model_copy(update={"verdict": verdict})
            write_sealed(self._path(record.calibration.id), record)
        if verdict.adopts:
            entry = decision.entry_of(pointer, record, "adopt", verdict.actor, verdict.when)
            return self._move(record, decision.moved_on(pointer, entry))
        if changed:
            append_line(self.folder / HISTORY, decision.history_line(record, verdict))
        return self._shown(record, pointer)

    def _move(self, record: Record, pointer: Pointer) -> Calibration:
        write_sealed(self.folder / POINTER, pointer)
        append_line(self.folder / HISTORY, pointer.current.model_dump(mode="json"))
        return self._shown(record, pointer)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with exclusive(self.folder / ".lock", timeout_seconds=self._timeout):
            pointer = self._pointer()
            if pointer is not None:
                logged = max((line.get("sequence") or 0 for line in self.history()), default=0)
                if logged < pointer.current.sequence:
                    append_line(self.folder / HISTORY, {**pointer.current.model_dump(mode="json"), "recovered": True})
            yield
