"""The inbox of the live loop: what people ask of it, one file a message, so that asking needs nothing but a disk.

A message is a file that appears whole, named by its time and nonce. The loop journals the message, acts on it, and
removes the file; one it finds again after a crash is known by its nonce. While no loop runs, messages wait.

For a full disk a halt lies ready in the folder, written and flushed while there was room. A rename makes it a message:
that takes no room. Its name then says when it was asked and under which nonce; who asked is not in it.
"""

import json
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workbench.data.files import cannot_write, reason_of, sync_folder, write_atomically
from workbench.domain.errors import ConfigError, DataError, ExecutionError
from workbench.domain.names import are_two
from workbench.domain.trading.events import (
    AnyEvent,
    OperatorCancel,
    OperatorEnable,
    OperatorHalt,
    OperatorReduce,
    OperatorResume,
)

Act = Literal["halt", "reduce", "flatten", "resume", "enable", "cancel_all", "full_halt", "shut_down"]
LOOSENING = ("resume", "enable")
"""Acts that let go, and so take two people; every other one restricts."""
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
LONGEST_MESSAGE = 10_000
"""Bytes; anything longer was not written by this program."""
READY = ".halt-ready"
"""File of the halt that lies ready; no message while it has this name."""
READY_ACTOR = "the halt that lay ready"
"""Who asks in it, because nobody knows yet who will."""
READY_REASON = "the disk did not take a new message"
NAMED = re.compile(r"(\d{20})-([0-9a-f]{32})\.json")


class UnreadableError(DataError):
    """A message that the system does not let anybody read now: it may be a halt, and stays where it is."""


class Command(BaseModel):
    """What a person asks.

    Attributes
    ----------
    nonce : str
        Of this message alone.
    act : str
        ``halt``, ``reduce`` by `fraction`, ``flatten`` (reduce by everything), ``resume``, ``enable`` a strategy,
        ``cancel_all`` orders that grow positions, ``full_halt`` (halt and cancel all), ``shut_down`` (full halt, and
        the loop ends).
    actor : str
        Who asks; who proposes, for ``resume`` and ``enable``.
    approver : str
        The second person, for ``resume`` and ``enable``.
    made_ns : int
        When, UTC nanoseconds of the machine that asked.
    fraction : float
        In (0, 1], for ``reduce``.
    strategy : str
        For ``enable``.
    rebaseline_peak : bool
        For ``resume``: drawdown is counted from today's equity.
    reason : str
        For the record.
    seen : int
        For ``resume`` and ``enable``: row of the journal up to which the loop was shown to those who approved; 0 when
        that is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    act: Act
    actor: Name
    made_ns: int
    approver: str = ""
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    strategy: str = ""
    rebaseline_peak: bool = False
    reason: Annotated[str, Field(max_length=2_000)] = ""
    seen: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.act in LOOSENING and not are_two(self.actor, self.approver):
            raise ValueError(
                f"to {self.act} takes two different people, got {self.actor!r} and {self.approver!r}: ask a second one"
            )
        if self.act == "enable" and not self.strategy:
            raise ValueError("to enable a strategy needs its name")
        return self

    @classmethod
    def made(cls, act: str, actor: str, made_ns: int, **fields: object) -> "Command":
        """A new message.

        Parameters
        ----------
        act, actor : str
            What, and who asks.
        made_ns : int
            UTC nanoseconds.
        **fields : object
            The other attributes.

        Returns
        -------
        Command

        Raises
        ------
        ConfigError
            When something is missing or out of range.
        """
        table = {"nonce": secrets.token_hex(16), "act": act, "actor": actor, "made_ns": made_ns, **fields}
        try:
            return cls.model_validate(table)
        except ValidationError as error:
            raise ConfigError(_in_words(error)) from error

    def events(self, time_ns: int) -> tuple[AnyEvent, ...]:
        """What the engine hears.

        Parameters
        ----------
        time_ns : int
            When the loop took the message in.

        Returns
        -------
        tuple of Event
        """
        halt, cancel = OperatorHalt(time_ns, self.actor), OperatorCancel(time_ns, self.actor)
        said: dict[str, tuple[AnyEvent, ...]] = {
            "halt": (halt,),
            "reduce": (OperatorReduce(time_ns, self.actor, self.fraction),),
            "flatten": (OperatorReduce(time_ns, self.actor, 1.0),),
            "resume": (OperatorResume(time_ns, self.actor, self.approver, self.rebaseline_peak),),
            "enable": (OperatorEnable(time_ns, self.actor, self.strategy, self.approver),),
            "cancel_all": (cancel,),
            "full_halt": (halt, cancel),
            "shut_down": (halt, cancel),
        }
        return said[self.act]


def _in_words(error: ValidationError) -> str:
    """What is wrong with a message, of several things the first."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    wanted = first["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    return f"{where}: {wanted}, got {str(first['input'])[:80]!r}" if where else wanted


class Inbox:
    """A folder of messages.

    A message that cannot be removed or moved away is passed over from then on: it is neither acted on nor told again.

    Parameters
    ----------
    folder : Path
        Made at the first message.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stuck: set[str] = set()

    def send(self, command: Command) -> Path:
        """Put a message in; it is on the disk when this returns, a halt also when the disk is full.

        Where only the folder could not be flushed, the message is there for a loop that runs: told as not sent, it
        would be asked, and a position closed, twice. Of a halt it is told: that has to outlast everything, and is asked
        by signal too.

        Parameters
        ----------
        command : Command
            From `Command.made`.

        Returns
        -------
        Path
            Gone once the loop has acted.

        Raises
        ------
        ExecutionError
            When the folder cannot be written, and for a halt none lies ready either.
        """
        path = self.folder / f"{command.made_ns:020d}-{command.nonce}.json"
        try:
            write_atomically(path, command.model_dump_json().encode())
        except ExecutionError:
            if command.act == "halt":
                if not self._put_ready_halt(path):
                    raise
            elif not _is_there(path):
                raise
        return path

    def _put_ready_halt(self, path: Path) -> bool:
        """Make the halt that lies ready this message."""
        try:
            (self.folder / READY).rename(path)
            sync_folder(self.folder)
        except OSError:
            return False
        return True

    def keep_halt_ready(self) -> None:
        """Write the halt for a full disk, unless it lies there already.

        Raises
        ------
        ExecutionError
            When the disk does not take it: there is none then, and this is tried again later.
        """
        path = self.folder / READY
        try:
            if path.exists():
                return
        except OSError as error:
            raise cannot_write(path, error) from error
        halt = Command.made("halt", READY_ACTOR, 0, reason=READY_REASON)
        write_atomically(path, halt.model_dump_json().encode())

    def waiting(self) -> Sequence[tuple[Path, Command | DataError]]:
        """Messages that wait, oldest first; one that is none, or cannot be read now, comes as the error it is.

        A folder that cannot be read holds no message: who asks learns it when the message cannot be put in.

        Returns
        -------
        sequence of (Path, Command or DataError)
        """
        try:
            names = sorted(path for path in self.folder.iterdir() if path.suffix == ".json" and path.name[0] != ".")
        except OSError:
            return ()
        return [(path, _read(path)) for path in names if path.name not in self._stuck]

    def done(self, path: Path) -> None:
        """Remove a message that has been acted on.

        Parameters
        ----------
        path : Path
            From `waiting`.
        """
        try:
            path.unlink(missing_ok=True)
        except OSError:
            self._stuck.add(path.name)

    def set_aside(self, path: Path) -> None:
        """Keep what is no message out of the way, as evidence.

        Parameters
        ----------
        path : Path
            From `waiting`.
        """
        aside = self.folder / "refused"
        try:
            aside.mkdir(exist_ok=True)
            path.replace(aside / path.name)
        except OSError:
            self._stuck.add(path.name)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _named(path: Path, command: Command) -> Command:
    """A message; when and under which nonce the halt that lay ready was asked is in its name alone."""
    name = NAMED.fullmatch(path.name) if command.actor == READY_ACTOR else None
    return command.model_copy(update={"made_ns": int(name[1]), "nonce": name[2]}) if name else command


def _read(path: Path) -> Command | DataError:
    try:
        if not path.is_file():  # opening a pipe would wait for whoever writes into it
            return DataError(f"{path.name} is no message to the loop: expected a file")
        with path.open("rb") as file:
            content = file.read(LONGEST_MESSAGE + 1)
        if len(content) > LONGEST_MESSAGE:
            return DataError(f"{path.name} is no message: longer than {LONGEST_MESSAGE} bytes")
        return _named(path, Command.model_validate(json.loads(content), strict=True))
    except OSError as error:
        return UnreadableError(
            f"cannot read the message {path.name}: {reason_of(error)}; it stays where it is and is tried again"
        )
    except ValidationError as error:
        return DataError(f"{path.name} is no message to the loop: {_in_words(error)}")
    except (ValueError, RecursionError) as error:
        return DataError(f"{path.name} is no message to the loop: {str(error).splitlines()[0]}")
