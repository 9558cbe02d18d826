"""Incidents from a shell: which there are, the report of one, and what was learned from it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.app.environment import home_folder
from workbench.app.incidents.reports import Reports
from workbench.app.live_shell import live_folder
from workbench.data.policy_file import read_policy
from workbench.domain.errors import DataError

if TYPE_CHECKING:
    from workbench.runtime.incidents.lessons import Written

PATIENCE_SECONDS, LOOK_SECONDS = 5.0, 0.05
CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where to look; empty strings mean the default.

    Attributes
    ----------
    folder, control, policy : str
        Of the loop's journal, of the people, and your own policy TOML.
    """

    folder: str = ""
    control: str = ""
    policy: str = ""

    @property
    def people(self) -> Path:
        """Folder of the people."""
        return Path(self.control).expanduser().resolve() if self.control else home_folder() / CONTROL

    @property
    def reports(self) -> Reports:
        """Reports of both folders."""
        policy = read_policy(Path(self.policy).expanduser() if self.policy else None)
        return Reports(self.people, live_folder(self.folder), policy)


def known_incidents(folders: Folders) -> list[dict[str, Any]]:
    """Incidents the dispatcher still shows, newest first.

    Parameters
    ----------
    folders : Folders
        Where.

    Returns
    -------
    list of dict
        As on the page.

    Raises
    ------
    DataError
        When there is no journal of people.
    """
    from workbench.runtime.incidents.people_record import incidents_shown

    return sorted(incidents_shown(folders.people), key=lambda one: -int(one["opened_ns"]))


def write_lesson(folders: Folders, written: "Written") -> str:
    """Put what was learned into the journal of people, and into the report.

    Parameters
    ----------
    folders : Folders
        Where.
    written : Written
        What, by whom, of which incident.

    Returns
    -------
    str
        What became of it, for whoever wrote it.

    Raises
    ------
    WorkbenchError
        When there is no such incident, it is refused, or nothing can be written.
    """
    from workbench.data.journal.storage import lock_holder
    from workbench.runtime.incidents.lessons import REFUSED, LessonBox
    from workbench.runtime.incidents.people_record import read_people

    over = read_people(folders.people, written.incident).incident.closed_ns is not None
    if lock_holder(folders.people) is None:
        _write_row(folders.people, written)
        return f"written down{f'; the report is {folders.reports.write(written.incident)}' if over else ''}"
    path = LessonBox(folders.people).put(written)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while path.exists():
        if time.monotonic() > deadline:
            return f"the control service has not taken it in yet: it waits in {path}"
        time.sleep(LOOK_SECONDS)
    if refused := LessonBox.refusal(path):
        raise DataError(f"nothing was written down: {refused}. What you wrote is kept in {path.parent / REFUSED}")
    return "the control service has written it down" + (", and makes the report again" if over else "")


def _write_row(control: Path, written: "Written") -> None:
    """No control service runs: this process writes the journal of people itself."""
    from workbench.data.journal.chain import Signer
    from workbench.data.journal.codec import encode_table
    from workbench.data.journal.journal import Journal
    from workbench.data.journal.rows import Row, RowKind

    now_ns = time.time_ns()
    journal = Journal(control, Signer.open(control))
    try:
        journal.write([Row(RowKind.NOTE, now_ns, encode_table(written.row(now_ns)))])
    finally:
        journal.close(now_ns)
