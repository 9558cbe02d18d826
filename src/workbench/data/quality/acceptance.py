"""Who accepted which flag, and when: one JSON object a line, only ever appended to."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from workbench.data.files import cannot_write
from workbench.data.quality.findings import Finding
from workbench.domain.errors import DataError


class AcceptanceLog:
    """The record behind ``--accept-flagged``.

    Parameters
    ----------
    path : Path
        Usually ``WORKBENCH_HOME/acceptances.jsonl``; made with the first acceptance.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, findings: Iterable[Finding], *, who: str, when: datetime) -> int:
        """Append one line per open flag; refusals and notes are never accepted.

        Parameters
        ----------
        findings : iterable of Finding
            Usually everything in a report.
        who : str
            The person.
        when : datetime
            The clock, passed in; must know its timezone.

        Returns
        -------
        int
            Number of flags accepted now.

        Raises
        ------
        DataError
            When `who` is blank or `when` has no timezone.
        ExecutionError
            When the record cannot be written; then nothing counts as accepted.
        """
        if not who.strip() or when.tzinfo is None:
            raise DataError(f"an acceptance needs a name and a time with its timezone, got {who!r} and {when}")
        known = self.keys()
        fresh = [finding for finding in findings if finding.severity == "flag" and finding.key not in known]
        lines = [
            {
                "when": when.isoformat(),
                "who": who,
                "pair": finding.pair,
                "timeframe": finding.timeframe,
                "kind": finding.kind,
                "day": None if finding.day is None else finding.day.isoformat(),
                "reason": finding.reason,
                "key": finding.key,
            }
            for finding in {finding.key: finding for finding in fresh}.values()
        ]
        if lines:
            self._append("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        return len(lines)

    def keys(self) -> frozenset[str]:
        """Read what has been accepted so far.

        Returns
        -------
        frozenset of str
            `Finding.key` of every accepted finding; empty when nothing was ever accepted.

        Raises
        ------
        DataError
            When a line of the record cannot be read.
        """
        if not self.path.exists():
            return frozenset()
        keys = []
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                keys.append(str(json.loads(line)["key"]))
            except (ValueError, KeyError, TypeError):
                raise DataError(
                    f"{self.path} line {number} is not an acceptance: expected a JSON object with a key, "
                    f"got {line[:60]!r}"
                ) from None
        return frozenset(keys)

    def _append(self, text: str) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, text.encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise cannot_write(self.path, error) from error


@dataclass(frozen=True, slots=True)
class Acceptor:
    """A person accepting flags now.

    Attributes
    ----------
    log : AcceptanceLog
        Where it is recorded.
    who : str
        The person.
    when : datetime
        The clock, passed in.
    """

    log: AcceptanceLog
    who: str
    when: datetime
