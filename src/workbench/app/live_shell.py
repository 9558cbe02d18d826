"""What people ask of a live loop from a shell: how it is, halt, reduce, resume; and the care of its journal."""

import getpass
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.app.environment import home_folder
from workbench.domain.errors import ConfigError, DataError, ExecutionError

if TYPE_CHECKING:
    from workbench.data.inbox import Command
    from workbench.data.journal.rows import Head
    from workbench.data.journal.verification import Verification
    from workbench.runtime.live.audit import Replayed

PATIENCE_SECONDS = 5.0
LOOK_SECONDS = 0.05
WAITS = "is on the disk, the next start acts on it before anything else"
SIGNALLED = (
    "the inbox cannot be written, so the loop was sent a signal: it halts now, but the halt is not yet on disk, and a "
    "loop that ends before that may start again without it; make room, then halt again"
)
SETTLES_SECONDS = 8.0
"""How long orders that are cancelled, and the end of a loop that is shut down, are waited for."""
HALTING = ("halt", "full_halt", "shut_down")
"""Acts of which a halt is the most important part."""
SETTLING = ("cancel_all", "full_halt", "shut_down")
"""Acts that are done only when the broker or the end of the loop has confirmed them."""
STATUS = "status"
FOLDER = "live"


def live_folder(folder: str = "") -> Path:
    """Where the journal of the live loop is.

    Parameters
    ----------
    folder : str
        Empty: ``live/`` in the home folder.

    Returns
    -------
    Path
    """
    return Path(folder).expanduser().resolve() if folder else home_folder() / FOLDER


@dataclass(frozen=True, slots=True)
class Shown:
    """The loop's projection, how old it is, and whether a loop runs."""

    body: str
    age_seconds: float
    alive: bool


def read_status(folder: Path) -> Shown:
    """What the loop last showed.

    Parameters
    ----------
    folder : Path
        Of the journal.

    Returns
    -------
    Shown

    Raises
    ------
    DataError
        When there is no journal, or no loop has shown anything yet.
    """
    from workbench.data.journal.reader import JournalReader
    from workbench.data.journal.storage import lock_holder

    with JournalReader(folder) as reader:
        body = reader.shown(STATUS)
    if body is None:
        raise DataError(f"the loop on {folder} has not shown anything yet: ask again in a second")
    written = max(path.stat().st_mtime for path in folder.glob("journal.sqlite*"))
    return Shown(body, max(time.time() - written, 0.0), lock_holder(folder) is not None)


def shown_or_nothing(folder: Path) -> str:
    """What the loop last showed, for a screen that waits for it.

    Parameters
    ----------
    folder : Path
        Of the journal.

    Returns
    -------
    str
        Empty while there is nothing that can be read.
    """
    try:
        return read_status(folder).body
    except (DataError, ExecutionError, OSError):
        # a journal that cannot be read now, or is moved aside: the screen asks again
        return ""


def ask(folder: Path, command: "Command") -> tuple[str, bool]:
    """Put a message into the loop's inbox and wait for what it did.

    Parameters
    ----------
    folder : Path
        Of the journal.
    command : Command
        From `Command.made`.

    Returns
    -------
    tuple of (str, bool)
        A sentence for the person; whether it is certain.

    Raises
    ------
    ExecutionError
        When neither the inbox nor the loop can be reached, or the loop refused.
    """
    from workbench.data.inbox import Inbox
    from workbench.data.journal.storage import lock_holder

    try:
        path = Inbox(folder / "inbox").send(command)
    except ExecutionError:
        if command.act in HALTING and command.act != "halt":
            sentence, _ = ask(folder, command_of("halt", command.actor, reason=command.reason))
            return f"the disk takes no more than a halt, which is all that was asked; halt: {sentence}", False
        if command.act != "halt" or not signal_halt(folder):
            raise
        return SIGNALLED, False
    if lock_holder(folder) is None:
        ends = ": it halts and goes on" if command.act == "shut_down" else ""
        return f"no loop is running: the message {WAITS}{ends}", True
    deadline = time.monotonic() + PATIENCE_SECONDS
    while path.exists() and time.monotonic() < deadline and lock_holder(folder) is not None:
        time.sleep(LOOK_SECONDS)
    if path.exists() and lock_holder(folder) is None:
        return f"the loop has ended before it took the message, which {WAITS}", True
    if path.exists():
        if command.act in HALTING and signal_halt(folder):
            still = f"the loop has not read its inbox for {PATIENCE_SECONDS:.0f} s"
            return f"{still}: the halt {WAITS}; the loop was also sent a signal", False
        waits = "the message waits, look at `workbench status`"
        return f"the loop has not acted within {PATIENCE_SECONDS:.0f} s: {waits}", False
    return outcome_of(folder, command)


def outcome_of(folder: Path, command: "Command") -> tuple[str, bool]:
    """What the loop says it did.

    Parameters
    ----------
    folder : Path
        Of the journal.
    command : Command
        That was sent.

    Returns
    -------
    tuple of (str, bool)

    Raises
    ------
    ExecutionError
        When the loop refused.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(DataError):
            table = json.loads(read_status(folder).body)
            for row in table["commands"]:
                if row["nonce"] == command.nonce:
                    if row["refused"]:
                        raise ExecutionError(f"the loop refused: {row['refused']}")
                    if command.act in SETTLING:
                        return _settled(folder, command.act)
                    return f"done: the book is {table['book']['mode']}", True
        time.sleep(LOOK_SECONDS)
    gone = "the message is gone from the inbox, but the loop does not show that it acted on it"
    return f"not confirmed: {gone}; look at `workbench status`", False


def _settled(folder: Path, act: str) -> tuple[str, bool]:
    """How the book is once orders are cancelled, or the loop has ended: the broker takes a moment for that."""
    from workbench.data.journal.storage import lock_holder
    from workbench.monitor.control.loop import stage_of

    deadline = time.monotonic() + SETTLES_SECONDS
    while True:
        ended, late = lock_holder(folder) is None, time.monotonic() >= deadline
        if act == "shut_down" and ended:
            return _ended(folder)
        if act == "shut_down" and late:
            return "the loop has halted and not ended yet: look at `workbench status`", False
        if act != "shut_down":
            stage, sentence, settled = stage_of(act, json.loads(read_status(folder).body))
            if settled or ended or late:
                return f"{stage}: {sentence}", settled
        time.sleep(LOOK_SECONDS)


def _ended(folder: Path) -> tuple[str, bool]:
    """What a loop leaves that was shut down."""
    from workbench.monitor.incidents.left_behind import ended_in_order, unprotected

    in_order = ended_in_order(folder)
    how = "halted, cancelled and ended in good order." if in_order else "ended; how is not known."
    left = unprotected(json.loads(read_status(folder).body)) or "No position is left."
    return f"the loop has {how} {left}", in_order


def signal_halt(folder: Path) -> bool:
    """Ask the running loop to halt by a signal, which needs no disk.

    Parameters
    ----------
    folder : Path
        Of the journal; its lock names the process.

    Returns
    -------
    bool
        Whether there was one to ask.
    """
    from workbench.data.journal.storage import lock_holder

    process = lock_holder(folder)
    if not process:
        return False
    try:
        os.kill(process, signal.SIGUSR1)
    except OSError:
        return False
    return True


def command_of(act: str, actor: str, **fields: object) -> "Command":
    """A message made now.

    Parameters
    ----------
    act : str
        What is asked.
    actor : str
        Who asks; empty: the user of this shell.
    **fields : object
        What belongs to the act.

    Returns
    -------
    Command
    """
    from workbench.data.inbox import Command

    return Command.made(act, actor or getpass.getuser(), time.time_ns(), **fields)


def audit_verify(folder: Path, expected: str = "") -> "Verification":
    """Check the whole journal.

    Parameters
    ----------
    folder : Path
        Of the journal.
    expected : str
        ``SEQUENCE:DIGEST`` of an earlier report; it must still be in there.

    Returns
    -------
    Verification
    """
    from workbench.data.journal.rows import Head
    from workbench.data.journal.verification import verify

    if not expected:
        return verify(folder)
    sequence, _, digest = expected.partition(":")
    if not sequence.isdigit() or not digest:
        raise ConfigError(f"expected SEQUENCE:DIGEST as a report prints it, got {expected!r}")
    return verify(folder, Head(int(sequence), digest))


def audit_replay(folder: Path, progress: Callable[[int, int], None]) -> "Replayed":
    """Step every event of the journal again and compare the decisions.

    Parameters
    ----------
    folder : Path
        Of the journal.
    progress : callable
        Told how many rows are done, and of how many.

    Returns
    -------
    Replayed
    """
    from workbench.runtime.live.audit import replay_journal

    return replay_journal(folder, progress)


def back_up_journal(folder: Path, target: str) -> tuple[Path, "Head"]:
    """Copy the journal while the loop runs.

    Parameters
    ----------
    folder : Path
        Of the journal.
    target : str
        File to make; empty: in ``backups/`` beside the journal, named by the time.

    Returns
    -------
    tuple of (Path, Head)
    """
    from workbench.data.journal.backup import back_up

    path = Path(target) if target else folder / "backups" / f"journal-{stamp()}.sqlite"
    return path, back_up(folder, path)


def restore_journal(source: str, folder: Path, *, replace: bool) -> "Head":
    """Put a verified copy in the journal's place.

    Parameters
    ----------
    source : str
        The copy.
    folder : Path
        Of the journal.
    replace : bool
        Whether an existing journal may be moved aside.

    Returns
    -------
    Head
    """
    from workbench.data.journal.backup import restore

    return restore(Path(source), folder, replace=replace)


def stamp() -> str:
    """Now, for a file name.

    Returns
    -------
    str
        UTC, to the second.
    """
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def set_aside(folder: Path) -> Path | None:
    """Move an earlier journal and everything beside it out of the way; nothing is deleted.

    Parameters
    ----------
    folder : Path
        Of the journal.

    Returns
    -------
    Path or None
        Where it is now; None when there was none.

    Raises
    ------
    ExecutionError
        When a loop is running on it.
    """
    from workbench.data.journal.storage import lock_holder

    if not (folder / "journal.sqlite").exists():
        return None
    if lock_holder(folder) is not None:
        raise ExecutionError(f"a loop is running on {folder}: stop it before --new, or give another --folder")
    aside = folder.with_name(f"{folder.name}-{stamp()}")
    folder.rename(aside)
    return aside
