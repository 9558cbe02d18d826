"""A vigil over one process: it must speak; people are paged while it is silent, and told when it speaks again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from workbench.domain.trading.market_hours import SECOND_NS
from workbench.response.alerts.direct import DirectPages
from workbench.response.incidents.alert import WARNING, Alert
from workbench.response.incidents.escalation import due_round
from workbench.response.incidents.incident import Incident, opened
from workbench.runtime.telling import unbroken

FIRST_WORD_SECONDS = 30.0
"""Patience until a process is first heard: it may be starting. From then on it is the policy's."""
STARTING_SECONDS = 180.0
"""The same for one that is known to be starting: after an installation the loop compiles its engine first."""


class WatchClock(Protocol):
    """Time of this machine, or of a test."""

    def wall_ns(self) -> int:
        """UTC nanoseconds."""

    def steady(self) -> float:
        """Seconds that never jump."""

    def sleep(self, seconds: float) -> None:
        """Wait.

        Parameters
        ----------
        seconds : float
            How long.
        """


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen.

    Attributes
    ----------
    silent : bool
        Whether the process is silent.
    on_purpose : bool
        Whether it was asked to be.
    sentence : str
        That, for people.
    starting : bool
        Whether it is in the time it has to start: it has not spoken yet, and nothing is worse than it was.
    """

    silent: bool
    on_purpose: bool
    sentence: str
    starting: bool = False


@dataclass(frozen=True, slots=True)
class Starter:
    """A process that has not spoken yet, and the steady time at which it was first seen."""

    process: int
    since: float


@dataclass(frozen=True, slots=True)
class Watched:
    """Which process.

    Attributes
    ----------
    name : str
        For people: ``the loop``.
    letter : str
        With which the ids of its incidents begin.
    patience : float
        Seconds it may be silent once it has been heard.
    """

    name: str
    letter: str
    patience: float


class Vigil:
    """Hears one process, and pages people directly.

    Parameters
    ----------
    watched : Watched
        Which process.
    pages : DirectPages
        How people are reached.
    clock : WatchClock
        Time.
    tell : callable
        Takes a sentence for whoever looks at the terminal; what it cannot tell is lost.
    left : Incident or None
        What a watchdog before this one was paging for.

    Attributes
    ----------
    was_heard : bool
        Whether it has spoken since this vigil began.
    incident : Incident or None
        What people are being paged for.
    """

    def __init__(
        self,
        watched: Watched,
        pages: DirectPages,
        clock: WatchClock,
        tell: Callable[[str], None],
        left: Incident | None = None,
    ) -> None:
        self._watched, self._pages, self._clock, self._tell = watched, pages, clock, unbroken(tell)
        self._said: object = None
        self._starter: Starter | None = None
        self._spoke, self._patience = clock.steady(), FIRST_WORD_SECONDS
        self.was_heard, self.incident = False, left
        if left is not None:
            # it was silent before this process began, and is until it speaks
            self._spoke -= max((clock.wall_ns() - left.opened_ns) / SECOND_NS, 0.0)
            self._patience = 0.0

    def nothing_yet(self, sentence: str) -> Sight:
        """There is nothing to watch: patience begins when there is.

        Parameters
        ----------
        sentence : str
            Why.

        Returns
        -------
        Sight
        """
        self._spoke = self._clock.steady()
        return Sight(silent=False, on_purpose=False, sentence=sentence)

    def hear(self, said: object) -> None:
        """Notice that something else was said than at the last look; what was said before the first one says nothing.

        Parameters
        ----------
        said : object
            Something that is another one whenever the process speaks; None when it cannot be read.
        """
        if said is None:
            return
        if self._said is not None and said != self._said:
            self._spoke, self._patience = self._clock.steady(), self._watched.patience
            self.was_heard = True
        self._said = said

    def sight(self, sentence: str, *, on_purpose: bool, starting: int | None = None) -> Sight:
        """How it is.

        Parameters
        ----------
        sentence : str
            Why it would be silent.
        on_purpose : bool
            Whether it was asked to be.
        starting : int or None
            Number of the process that runs and has not spoken yet, if there is one.

        Returns
        -------
        Sight
        """
        quiet = self._clock.steady() - self._spoke
        may_be_starting = self._may_be_starting(starting, on_purpose=on_purpose)
        if quiet <= self._patience:
            return Sight(silent=False, on_purpose=on_purpose, sentence=f"{self._watched.name} speaks")
        if may_be_starting:
            return Sight(
                silent=False, on_purpose=on_purpose, sentence=f"{self._watched.name} is starting", starting=True
            )
        return Sight(silent=True, on_purpose=on_purpose, sentence=f"{sentence}: nothing from it for {quiet:.0f} s")

    def _may_be_starting(self, process: int | None, *, on_purpose: bool) -> bool:
        """Whether a process is in the time it has to start.

        That is counted from the first one seen since the last word or the last end on purpose: processes that die one
        after the other before they speak do not get it again and again.
        """
        seen, now = self._starter, self._clock.steady()
        ended_well = process is None and on_purpose
        if seen is not None and (ended_well or (self._spoke > seen.since and process != seen.process)):
            seen = None
        if seen is None and process is not None:
            seen = Starter(process, now)
        self._starter = seen
        unheard = process is not None and seen is not None and self._spoke <= seen.since
        return unheard and seen is not None and now - seen.since <= STARTING_SECONDS

    def page(self, alert: Alert, now_ns: int, acknowledged: Callable[[Incident], bool], *, once: bool = False) -> None:
        """It is silent: open or worsen its incident, and page whoever is due.

        Parameters
        ----------
        alert : Alert
            What people are told.
        now_ns : int
            UTC nanoseconds.
        acknowledged : callable
            Whether somebody has taken it over.
        once : bool
            Whether one round of pages is enough, as long as nothing worse was paged for: it is silent on purpose.
        """
        is_new = self.incident is None
        if self.incident is None:
            self.incident = opened(f"{self._watched.letter}{now_ns // SECOND_NS}", alert, now_ns)
        elif alert.level > self.incident.level:
            self.incident = self.incident.joined(alert, now_ns)
        self._pages.roster.refresh()
        if acknowledged(self.incident):
            self.incident = replace(self.incident, paging_ns=None, escalate_ns=None, call_ns=None, acknowledged=True)
            self._pages.drop(self.incident.id, now_ns)
        due = due_round(self.incident, now_ns, self._pages.roster.current, self._pages.people)
        if due is not None:
            told_once = once and self.incident.level <= alert.level
            self.incident = _asking_nobody(due.incident) if told_once else due.incident
            self._pages.page(self.incident, due.pages, now_ns)
        if is_new:
            # after the pages: people matter more than the terminal
            self._tell(alert.sentence)

    def page_on(self, now_ns: int, acknowledged: Callable[[Incident], bool]) -> None:
        """It may be starting: what people are paged for already goes on as it is, neither worse nor over.

        Parameters
        ----------
        now_ns : int
            UTC nanoseconds.
        acknowledged : callable
            Whether somebody has taken it over.
        """
        if self.incident is not None:
            on_purpose = self.incident.level <= WARNING
            self.page(self.incident.worst, now_ns, acknowledged, once=on_purpose)

    def end(self, sentence: str, now_ns: int) -> None:
        """It speaks again: nobody is paged any more, and the chat and the log hear why.

        Parameters
        ----------
        sentence : str
            How it is.
        now_ns : int
            UTC nanoseconds.
        """
        incident = self.incident
        if incident is None:
            return
        self._pages.drop(incident.id, now_ns)
        over = replace(incident.worst, sentence=sentence, facts={"waits": "nothing"})
        last = replace(incident, worst=over, round=incident.round + 1, rungs=(), deadline_ns=None)
        self._pages.page(last, (("chat", ""), ("log", "")), now_ns)
        self._tell(over.sentence)
        self.incident = None


def _asking_nobody(incident: Incident) -> Incident:
    """Without another round, and without a time by when somebody must acknowledge it."""
    return replace(incident, paging_ns=None, escalate_ns=None, call_ns=None, deadline_ns=None)
