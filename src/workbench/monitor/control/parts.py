"""What the control service is made of: who is there, what is asked, and who decides, keeps and carries it out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from workbench.domain.errors import AuthorityError

Table = dict[str, JsonValue]


class NobodyError(AuthorityError):
    """Nobody is logged in with this cookie, or not any more."""


class LoginError(AuthorityError):
    """Name, password or code is not right."""


class StepUpError(AuthorityError):
    """A dangerous act needs a fresh code of the authenticator first."""


class TooManyError(AuthorityError):
    """Too many tries: wait."""


class ReplayedError(AuthorityError):
    """The very same request was taken in before."""


@dataclass(frozen=True, slots=True)
class You:
    """Who is logged in.

    Attributes
    ----------
    name, title : str
        Of the roster, and what the policy calls the level.
    level : int
        0 to 3.
    may : tuple of str
        Acts of the service the person may ask for.
    stepped_up_until_ns : int
        Dangerous acts need no further code until then; 0 for never.
    expires_ns : int
        The session ends then at the latest.
    """

    name: str
    level: int
    title: str
    may: tuple[str, ...]
    stepped_up_until_ns: int
    expires_ns: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of the loop.

    Attributes
    ----------
    nonce : str
        Of this request alone; the loop's message carries it too.
    act : str
        ``halt``, ``reduce``, ``close_all``, ``cancel_all``, ``full_halt``, ``shut_down``, ``notify_regulator``,
        ``resume`` or ``enable``.
    fraction : float
        Share of every position, for ``reduce``.
    strategy : str
        For ``enable``.
    rebaseline_peak : bool
        For ``resume``.
    reason : str
        For the record.
    """

    nonce: str
    act: str
    fraction: float = 1.0
    strategy: str = ""
    rebaseline_peak: bool = False
    reason: str = ""

    def table(self) -> Table:
        """As JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Approved:
    """A proposal that the second person has just approved: what is asked now, and who proposed it."""

    asked: Asked
    proposer: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A step of a checklist, done or not."""

    procedure: str
    step: int
    done: bool
    incident: str = ""


class Sessions(Protocol):
    """Who may come in; every method refuses with an `AuthorityError`."""

    async def log_in(self, name: str, password: str, code: str, address: str) -> str:
        """Let a person in; returns the token of the session."""

    def who(self, token: str, *, touch: bool = True) -> You:
        """Who comes with a token; `touch`: that the person did something."""

    def step_up(self, token: str, code: str) -> You:
        """Take a fresh code for dangerous acts."""

    def log_out(self, token: str) -> None:
        """End a session."""


class Rules(Protocol):
    """What a person may do; proposals that two people must agree on."""

    @property
    def at_once_seconds(self) -> float:
        """How close together acts come that are one."""

    def refusal(self, you: You, asked: Asked, at_once: Collection[str] = ()) -> str:
        """Why a person may not do this alone; empty when it is allowed. `at_once`: nonces of what comes with it."""

    def most_restrictive(self, at_once: Sequence[Asked]) -> Asked:
        """Which is done of acts that close positions and came at once."""

    def merged(self, asked: Asked, person: str, into: Asked) -> None:
        """An act that was counted is not sent itself: another one that came with it is larger."""

    def done(self, you: You, asked: Asked) -> None:
        """Tell others of an act that is about to be sent, and count it."""

    def undone(self, nonce: str) -> None:
        """An act that was counted was not done after all."""

    def propose(self, you: You, asked: Asked, state: str) -> Table:
        """Propose what one person may not do alone; `state` is what the loop is in."""

    def approve(self, you: You, proposal: str, nonce: str, state: str) -> Approved:
        """Approve somebody else's proposal."""

    def proposals(self) -> Sequence[Table]:
        """Proposals that wait, and why one does not any more."""


class Records(Protocol):
    """The journal of people."""

    def spend(self, nonce: str, person: str, asked: Mapping[str, JsonValue]) -> None:
        """Write down what is asked, durable, before anything is done; a nonce that was seen before is refused."""

    def note(self, kind: str, facts: Mapping[str, JsonValue]) -> None:
        """Write down anything else."""

    def head(self) -> str:
        """Where the journal ends."""


class Responders(Protocol):
    """Incidents, checklists and whom to call."""

    def incidents(self) -> Sequence[Table]:
        """Incidents, newest first."""

    def acknowledge(self, incident: str, person: str) -> Table:
        """Say that somebody has it; returns the incident."""

    def procedures(self) -> Sequence[Table]:
        """Checklists with their ticks."""

    def tick(self, you: You, tick: Tick) -> Sequence[Table]:
        """Tick a step, or take the tick back; returns the checklists."""

    def report(self, incident: str) -> str:
        """The report of an incident, HTML; takes a moment, so it is asked for in a thread of its own."""

    def learn(self, you: You, incident: str, text: str) -> Table:
        """Write down what was learned from an incident; returns the incident."""

    def contacts(self) -> Sequence[Table]:
        """Whom to call."""

    def health(self) -> Table:
        """Whether people can be reached: channels, the watchdog, holes of the roster."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an act.

    Attributes
    ----------
    stage : str
        ``waiting``, ``taken``, ``entries stopped``, ``reducing``, ``reduced``, ``flattening``, ``flat``,
        ``cancelling``, ``cancelled``, ``halted in full``, ``shutting down``, ``shut down``, ``recorded``, ``resumed``,
        ``enabled`` or ``refused``.
    sentence : str
        The same for people.
    certain : bool
        Whether the loop has said so.
    """

    nonce: str
    stage: str
    sentence: str
    certain: bool
    facts: Table = field(default_factory=dict)
