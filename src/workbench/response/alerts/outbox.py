"""Pages on their way to people: each is on the disk before it goes out, and so is what the channel answered.

A page goes out at least once. It goes out again when a channel was given it and nobody can know whether it arrived:
the process died before the answer was on the disk, or the answer did not come in time. Then it says that it may be a
repeat.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.data.journal.plain import from_plain, to_plain
from workbench.domain.policy.response import Paging
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.response.alerts.messages import Message
from workbench.response.incidents.alert import EMERGENCY
from workbench.response.incidents.escalation import LOUD, quiet_until

PAGE_KIND, MESSAGE_KIND = "page", "message"
QUEUED, HANDING, HANDED, FAILED, DROPPED = "queued", "handing", "handed", "failed", "dropped"
PERSONAL = ("sms", "call", "email")
"""Channels that reach one person, in the order in which one takes over from another that fails."""
OUTWARD = (*PERSONAL, "chat")
"""Channels that leave this machine; the log is none of them."""
ENDED_KEPT = 200


@dataclass(frozen=True, slots=True)
class Page:
    """One message to one person, or one group, on one channel.

    Attributes
    ----------
    id : str
        Incident, round, channel and person: the same page is never queued twice.
    incident : str
        Id; ``digest`` for a digest.
    message : str
        Id of what it says, see `Message`.
    channel, person : str
        Where to; the person is empty where the channel reaches a group.
    level : int
        Of the alert.
    queued_ns, next_ns : int
        When it was queued, and before when it is not tried again.
    state : str
        queued, handing (given to the channel, no answer yet), handed, failed or dropped.
    attempts : int
        How often the channel was given it.
    repeat : bool
        Whether it may have arrived already.
    ended_ns : int or None
        When it was handed over, failed for good, or was dropped.
    answer : str
        The channel's, or why it failed or was dropped.
    """

    id: str
    incident: str
    message: str
    channel: str
    person: str
    level: int
    queued_ns: int
    next_ns: int
    state: str = QUEUED
    attempts: int = 0
    repeat: bool = False
    ended_ns: int | None = None
    answer: str = ""

    def row(self) -> dict[str, Any]:
        """Body of a NOTE row."""
        return {"kind": PAGE_KIND, "because": self.state, "page": to_plain(self)}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of giving pages to a channel; the answer never holds an address or a secret.

    Attributes
    ----------
    handed : bool
        Whether the service took it.
    answer : str
        What it said.
    doubtful : bool
        Whether it may have arrived although it was not handed over as far as we know.
    """

    handed: bool
    answer: str
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """Pages that wait for the same person on the same channel go out as one message, worst first."""

    channel: str
    person: str
    pages: tuple[Page, ...]

    @property
    def level(self) -> int:
        """Of the worst."""
        return self.pages[0].level


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the last page on a channel was handed over, since when it is so, and what the channel said."""

    works: bool
    since_ns: int
    answer: str


def page_of(message: Message, incident: str, place: tuple[str, str], time_ns: int) -> Page:
    """A page that waits.

    Parameters
    ----------
    message : Message
        What it says.
    incident : str
        Id.
    place : tuple of (str, str)
        Channel and person.
    time_ns : int
        Now.

    Returns
    -------
    Page
    """
    channel, person = place
    name = f"{message.id}/{channel}/{person}"
    return Page(name, incident, message.id, channel, person, message.level, time_ns, time_ns)


class Outbox:
    """All pages that wait, how the channels do, and the last pages that ended.

    What it decides are pages as they are next: rows, which `apply` takes in once they are on the disk.

    Parameters
    ----------
    paging : Paging
        Attempts, pauses.
    channels : collection of str
        Names of those that are configured; they may change between two calls.
    reaches : callable
        Whether a channel has an address for a person; the person is empty for a group.
    """

    def __init__(self, paging: Paging, channels: Collection[str], reaches: Callable[[str, str], bool]) -> None:
        self._paging = paging
        self._channels = channels
        self._reaches = reaches
        self._waiting: dict[str, Page] = {}
        self._ended: dict[str, Page] = {}
        self._messages: dict[str, Message] = {}
        self._last_ns: dict[tuple[str, str], int] = {}
        self.health: dict[str, Health] = {}

    def apply(self, table: Mapping[str, Any]) -> None:
        """Take in a row of the journal.

        Parameters
        ----------
        table : mapping
            From `Page.row` or `Message.row`.

        Raises
        ------
        DataError
            When it is none.
        """
        if table["kind"] == MESSAGE_KIND:
            message = from_plain(Message, table[MESSAGE_KIND])
            self._messages[message.id] = message
            return
        page = from_plain(Page, table[PAGE_KIND])
        self._waiting.pop(page.id, None)
        if page.state in (QUEUED, HANDING):
            self._waiting[page.id] = page
        else:
            self._end(page)
        if page.state == HANDING:
            self._last_ns[page.channel, page.person] = page.next_ns

    def _end(self, page: Page) -> None:
        self._ended[page.id] = page
        if page.state != DROPPED and page.ended_ns is not None:
            works, before = page.state == HANDED, self.health.get(page.channel)
            since_ns = before.since_ns if before is not None and before.works == works else page.ended_ns
            self.health[page.channel] = Health(works, since_ns, page.answer)
        while len(self._ended) > ENDED_KEPT:
            del self._ended[next(iter(self._ended))]
        if not any(one.message == page.message for one in self._waiting.values()):
            self._messages.pop(page.message, None)

    def waiting(self) -> tuple[Page, ...]:
        """Pages that are not handed over yet, oldest first."""
        return tuple(self._waiting.values())

    def ended(self) -> tuple[Page, ...]:
        """The last two hundred that ended, newest first."""
        return tuple(reversed(self._ended.values()))

    def message(self, name: str) -> Message:
        """What a waiting page says.

        Parameters
        ----------
        name : str
            `Page.message`.

        Returns
        -------
        Message
        """
        return self._messages[name]

    def new(self, pages: Iterable[Page]) -> list[Page]:
        """Of these, those to queue: on a configured channel that has an address for the person, never queued before.

        Parameters
        ----------
        pages : iterable of Page
            From `page_of`.

        Returns
        -------
        list of Page
        """
        known = self._waiting.keys() | self._ended.keys()
        reached = (one for one in pages if one.channel in self._channels and self._reaches(one.channel, one.person))
        return [one for one in reached if one.id not in known]

    def in_doubt(self) -> list[Page]:
        """At a start: pages that were given to a channel and never answered for; they go out once more, and say so."""
        doubtful = [page for page in self._waiting.values() if page.state == HANDING]
        return [replace(page, state=QUEUED, repeat=True) for page in doubtful]

    def due(self, time_ns: int) -> list[Bundle]:
        """What is to be handed over now.

        Parameters
        ----------
        time_ns : int
            Now.

        Returns
        -------
        list of Bundle
            Emergencies first, and apart from the rest.
        """
        found = defaultdict[tuple[str, str, bool], list[Page]](list)
        longest_ns = round(self._paging.retry_seconds * 2**self._paging.attempts * SECOND_NS)
        for page in self._waiting.values():
            # further ahead than any pause: the clock has been set back since
            ahead_ns = page.next_ns - time_ns
            if page.state == QUEUED and (ahead_ns <= 0 or ahead_ns > longest_ns):
                found[page.channel, page.person, page.level >= EMERGENCY].append(page)
        gap_ns = round(self._paging.gap_seconds * SECOND_NS)
        bundles = []
        for (channel, person, emergency), pages in found.items():
            last_ns = self._last_ns.get((channel, person))
            if emergency or last_ns is None or last_ns + gap_ns <= time_ns or last_ns > time_ns:
                ordered = sorted(pages, key=lambda page: (-page.level, page.queued_ns))
                bundles.append(Bundle(channel, person, tuple(ordered)))
        return sorted(bundles, key=lambda bundle: -bundle.level)

    @staticmethod
    def handing(bundle: Bundle, time_ns: int) -> Bundle:
        """The bundle as it is while the channel has it.

        Parameters
        ----------
        bundle : Bundle
            From `due`.
        time_ns : int
            Now.

        Returns
        -------
        Bundle
        """
        pages = (replace(one, state=HANDING, attempts=one.attempts + 1, next_ns=time_ns) for one in bundle.pages)
        return Bundle(bundle.channel, bundle.person, tuple(pages))

    def answered(self, bundle: Bundle, receipt: Receipt, time_ns: int) -> list[Page]:
        """What becomes of pages a channel has answered for.

        Parameters
        ----------
        bundle : Bundle
            From `handing`.
        receipt : Receipt
            The answer.
        time_ns : int
            Now.

        Returns
        -------
        list of Page
            Handed over, or queued for the next attempt, or failed and queued for the next channel. An answer that
            comes too late counts if the page still waits.
        """
        pages: list[Page] = []
        for given in bundle.pages:
            page = self._waiting.get(given.id)
            own_attempt = page is not None and page.state == HANDING and page.attempts == given.attempts
            if page is not None and (own_attempt or receipt.handed):
                pages += self._settled(page, receipt, time_ns)
        return pages

    def _settled(self, page: Page, receipt: Receipt, time_ns: int) -> list[Page]:
        if receipt.handed:
            return [replace(page, state=HANDED, ended_ns=time_ns, answer=receipt.answer)]
        page = replace(page, repeat=page.repeat or receipt.doubtful)
        if page.attempts < self._paging.attempts:
            pause_ns = round(self._paging.retry_seconds * 2 ** (page.attempts - 1) * SECOND_NS)
            return [replace(page, state=QUEUED, next_ns=time_ns + pause_ns, answer=receipt.answer)]
        failed = replace(page, state=FAILED, ended_ns=time_ns, answer=receipt.answer)
        return [*self._elsewhere(page, time_ns), failed]

    def _elsewhere(self, page: Page, time_ns: int) -> list[Page]:
        """The same on the next channel that reaches the person and was not asked to in this round; quiet hours hold."""
        quiet = quiet_until(self._paging, page.level, time_ns) is not None
        root = page.id.removesuffix(f"{page.channel}/{page.person}")
        for channel in PERSONAL if page.person else ():
            other = replace(
                page, id=f"{root}{channel}/{page.person}", channel=channel, next_ns=time_ns,
                state=QUEUED, attempts=0,
            )  # fmt: skip
            if not (quiet and channel in LOUD) and self.new([other]):
                return [other]
        return []

    def dropped(self, incident: str, reason: str, time_ns: int) -> list[Page]:
        """Pages of an incident that need not go out any more.

        Parameters
        ----------
        incident : str
            Id.
        reason : str
            Why.
        time_ns : int
            Now.

        Returns
        -------
        list of Page
            Those that no channel has yet.
        """
        pages = (page for page in self._waiting.values() if page.incident == incident and page.state == QUEUED)
        return [replace(page, state=DROPPED, ended_ns=time_ns, answer=reason) for page in pages]

    def silenced_since_ns(self) -> int | None:
        """Since when no channel works that leaves this machine.

        Returns
        -------
        int or None
            0 when none is configured; None when one works, or has not been tried yet.
        """
        outward = [self.health.get(name) for name in OUTWARD if name in self._channels]
        down = [one.since_ns for one in outward if one is not None and not one.works]
        return max(down, default=0) if len(down) == len(outward) else None
