"""Heartbeats: files the watchdog and the control service write, each read by the other, so that silence is seen."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.data.files import reason_of, write_atomically
from workbench.data.journal.plain import Kind, from_plain, to_plain
from workbench.domain.errors import DataError
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.response.incidents.alert import EMERGENCY, URGENT, WARNING, Alert
from workbench.response.incidents.incident import Incident

WATCHDOG_FILE, SERVICE_FILE = "watchdog.json", "service.json"
LOOP_SILENT, WATCHDOG_SILENT, SERVICE_SILENT = "loop silent", "watchdog silent", "control service silent"
"""Causes."""
SILENT_AFTER_NS = 10 * SECOND_NS
"""The watchdog writes once a second; after so long it is not there."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What the watchdog last saw, on this machine's clock.

    Attributes
    ----------
    time_ns : int
        When it was written.
    process : int
        Of the watchdog.
    sentence : str
        How the loop is.
    incident : Incident or None
        What people are being paged for.
    halt_asked : bool
        Whether a halt was put into the loop's inbox for it.
    service : Incident or None
        What people are being paged for because the control service is silent.
    folder : str
        Of the journal it watches.
    """

    time_ns: int
    process: int
    sentence: str
    incident: Incident | None = None
    halt_asked: bool = False
    service: Incident | None = None
    folder: str = ""

    def write(self, folder: Path) -> None:
        """Replace the file.

        Parameters
        ----------
        folder : Path
            ``control/``.

        Raises
        ------
        ExecutionError
            When the system refuses.
        """
        write_atomically(folder / WATCHDOG_FILE, json.dumps(to_plain(self)).encode(), private=True)


def read_heartbeat(folder: Path) -> Heartbeat | None:
    """What the watchdog last wrote.

    Parameters
    ----------
    folder : Path
        ``control/``.

    Returns
    -------
    Heartbeat or None
        None when no watchdog has ever run here.

    Raises
    ------
    DataError
        When the file is not one of its.
    """
    return _left_in(folder / WATCHDOG_FILE, Heartbeat, "watchdog")


def watchdog_conditions(folder: Path, time_ns: int) -> dict[str, Alert | None]:
    """What the watchdog says, and whether it still does, as conditions of the dispatcher.

    Parameters
    ----------
    folder : Path
        ``control/``.
    time_ns : int
        Now.

    Returns
    -------
    dict of str to Alert or None
        By cause; None where all is well, both when no watchdog has ever run.
    """
    try:
        beat = read_heartbeat(folder)
    except DataError as error:
        return {LOOP_SILENT: None, WATCHDOG_SILENT: _silent(str(error), time_ns)}
    if beat is None:
        return {LOOP_SILENT: None, WATCHDOG_SILENT: None}
    if abs(time_ns - beat.time_ns) > SILENT_AFTER_NS:
        age = f"the watchdog has written nothing for {(time_ns - beat.time_ns) / SECOND_NS:.0f} s"
        return {WATCHDOG_SILENT: _silent(f"{age}: nobody watches the loop", time_ns)}
    silent = beat.incident is not None and beat.incident.level >= EMERGENCY
    return {LOOP_SILENT: beat.incident.worst if silent and beat.incident else None, WATCHDOG_SILENT: None}


def _silent(sentence: str, time_ns: int) -> Alert:
    facts = {"did": "nothing", "waits": "`workbench watchdog` to run again"}
    return Alert(f"{WATCHDOG_SILENT}:{time_ns}", URGENT, WATCHDOG_SILENT, time_ns, sentence, facts, lasts=True)


@dataclass(frozen=True, slots=True)
class ServiceHeartbeat:
    """What the control service last said: when, its process, its page, the journal it watches, a good end."""

    time_ns: int
    process: int
    link: str = ""
    folder: str = ""
    ended: bool = False


class ServiceBeat:
    """The control service's side of its heartbeat: told after each turn of the dispatcher, written once a second.

    Parameters
    ----------
    folder : Path
        ``control/``.
    link : str
        Address of the page.
    watched : Path
        Folder of the journal the service watches.
    """

    def __init__(self, folder: Path, link: str, watched: Path = Path()) -> None:
        self._path, self._link, self._told_ns = folder / SERVICE_FILE, link, 0
        self._watched = str(watched)

    def tell(self, time_ns: int) -> None:
        """Say that the dispatcher has turned.

        Parameters
        ----------
        time_ns : int
            Now.
        """
        if abs(time_ns - self._told_ns) >= SECOND_NS:
            self._told_ns = time_ns
            self._write(ServiceHeartbeat(time_ns, os.getpid(), self._link, self._watched))

    def end(self, time_ns: int) -> None:
        """Say that the service ends in good order.

        Parameters
        ----------
        time_ns : int
            Now.
        """
        self._write(ServiceHeartbeat(time_ns, os.getpid(), self._link, self._watched, ended=True))

    def _write(self, beat: ServiceHeartbeat) -> None:
        """Replace the file; not flushed, because it only has to be true while the machine runs.

        A disk that refuses stops no page: the watchdog hears nothing then, and says so.
        """
        temporary = self._path.with_suffix(".new")
        with suppress(OSError):
            # whatever the umask says: the risk monitor believes no file that others may write
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, 0o600)
                file.write(json.dumps(to_plain(beat)).encode())
            temporary.replace(self._path)


def read_service(folder: Path) -> ServiceHeartbeat | None:
    """What the control service last said.

    Parameters
    ----------
    folder : Path
        ``control/``.

    Returns
    -------
    ServiceHeartbeat or None
        None when none has ever run here.

    Raises
    ------
    DataError
        When the file is not one of its.
    """
    return _left_in(folder / SERVICE_FILE, ServiceHeartbeat, "control service")


def service_alert(sentence: str, time_ns: int, *, on_purpose: bool) -> Alert:
    """The control service does not speak.

    Parameters
    ----------
    sentence : str
        How it is.
    time_ns : int
        Now.
    on_purpose : bool
        Whether it has ended in good order: a warning.

    Returns
    -------
    Alert
    """
    facts = {
        "did": "told people directly: the loop goes on protecting the book by itself",
        "waits": "`workbench control` to run again; until then nobody is paged for what the loop says, and the page is "
        "dead: `workbench halt` in a shell stops the book",
    }
    level = WARNING if on_purpose else URGENT
    return Alert(f"{SERVICE_SILENT}:{time_ns}", level, SERVICE_SILENT, time_ns, sentence, facts, lasts=True)


def silence_alert(sentence: str, time_ns: int, *, on_purpose: bool, halts: bool) -> Alert:
    """The loop does not speak.

    Parameters
    ----------
    sentence : str
        How it is.
    time_ns : int
        Now.
    on_purpose : bool
        Whether its last word was that it was asked to stop: a warning, no emergency.
    halts : bool
        Whether a halt is put into its inbox.

    Returns
    -------
    Alert
    """
    facts = {
        "did": "put a halt into the loop's inbox: it acts on it before anything else" if halts else "told people",
        "waits": "the loop to speak again; until then nothing controls the book",
    }
    level = WARNING if on_purpose else EMERGENCY
    return Alert(f"{LOOP_SILENT}:{time_ns}", level, LOOP_SILENT, time_ns, sentence, facts, lasts=True)


def _left_in(path: Path, kind: type[Kind], whose: str) -> Kind | None:
    try:
        table = json.loads(path.read_bytes())
        return from_plain(kind, table if isinstance(table, dict) else {})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason_of(error)}") from error
    except (ValueError, RecursionError, DataError) as error:
        raise DataError(f"{path} is no heartbeat of the {whose}: {error}") from error
