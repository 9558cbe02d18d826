"""The ledger of trials: every configuration ever tried in this home, discarded ideas too; it survives restarts.

One line a configuration, appended when it is first tried; trying it again on newer data is the same hypothesis and adds
nothing. The number of lines is the number of trials every significance is judged by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.domain.errors import DataError
from workbench.domain.tables import html_table
from workbench.runtime.sealed import append_lines, exclusive, read_lines

LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Tally:
    """What the ledger holds.

    Attributes
    ----------
    trials : int
        Different configurations ever tried.
    added : int
        Of these, tried for the first time just now.
    occasions : tuple of (str, int)
        Where they were first tried, and how many.
    """

    trials: int
    added: int
    occasions: tuple[tuple[str, int], ...]

    def _repr_html_(self) -> str:
        rows = [[where, count] for where, count in self.occasions]
        return html_table(
            ["first tried in", "configurations"], rows, caption=f"{self.trials} trials ever, {self.added} new now"
        )


class TrialLedger:
    """All trials of one home folder.

    Parameters
    ----------
    home : Path
        The workbench's home; ``research/trials.jsonl`` is made below it at the first trial.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / "research" / "trials.jsonl"

    def record(self, names: Sequence[str], *, where: str, when: str) -> Tally:
        """Count configurations that are about to be looked at.

        Parameters
        ----------
        names : sequence of str
            Of all that were tried, not only those that are kept.
        where : str
            The occasion, such as the name of the run.
        when : str
            UTC, ISO 8601.

        Returns
        -------
        Tally

        Raises
        ------
        ExecutionError
            When another process holds the ledger, or the disk refuses.
        DataError
            When a line cannot be read: the count would be too small.
        """
        with exclusive(self.path.with_suffix(".lock"), timeout_seconds=LOCK_SECONDS):
            lines = self._lines()
            known = {line["name"] for line in lines}
            new = [{"name": name, "where": where, "when": when} for name in dict.fromkeys(names) if name not in known]
            append_lines(self.path, new)
        return _tally([*lines, *new], len(new))

    def tally(self) -> Tally:
        """Count what there is.

        Returns
        -------
        Tally

        Raises
        ------
        DataError
            When a line cannot be read.
        """
        return _tally(self._lines(), 0)

    def _lines(self) -> list[dict[str, Any]]:
        lines = read_lines(self.path)
        torn = [place for place, line in enumerate(lines, 1) if "name" not in line]
        if torn:
            raise DataError(
                f"line {torn[0]} of {self.path} cannot be read, so trials cannot be counted: restore the file from a "
                "backup, or delete that line if the run that wrote it was cut off"
            )
        return lines


def _tally(lines: list[dict[str, Any]], added: int) -> Tally:
    places: dict[str, int] = {}
    for line in lines:
        places[line["where"]] = places.get(line["where"], 0) + 1
    return Tally(len(lines), added, tuple(places.items()))
