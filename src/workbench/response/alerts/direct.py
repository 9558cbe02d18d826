"""Pages without a journal: for the watchdog, which must reach people when nothing else of ours runs."""

from collections.abc import Callable, Mapping, Sequence

from workbench.data.journal.rows import Head
from workbench.domain.policy.response import People
from workbench.response.alerts.channel_file import SteadyChannels
from workbench.response.alerts.channels import Channel
from workbench.response.alerts.messages import incident_message, letter
from workbench.response.alerts.outbox import Bundle, Outbox, page_of
from workbench.response.alerts.rosters import SteadyRoster
from workbench.response.alerts.workers import Workers
from workbench.response.incidents.escalation import OnCall
from workbench.response.incidents.incident import Incident

UNWRITTEN = Head(0, "not written to a journal")


class DirectPages:
    """Channels, retries and the next channel as the dispatcher has them, in memory only.

    Parameters
    ----------
    channels : mapping of str to Channel
        By name; `SteadyChannels` are read again with each turn.
    roster : callable
        Reads the roster as it is now; where it cannot be read, the last one is used.
    people : People
        Section of the policy.
    link : str
        Address of the phone page; empty: none. May be set later, when the page says where it is.
    """

    def __init__(
        self, channels: Mapping[str, Channel], roster: Callable[[], OnCall], people: People, link: str = ""
    ) -> None:
        self.roster, self.people = SteadyRoster(roster), people
        self._channels = channels
        # told at the start by whoever made this
        self._told: Sequence[str] = [
            *filter(None, [self.roster.trouble]),
            *(channels.troubles if isinstance(channels, SteadyChannels) else ()),
        ]
        self.link = link
        self._workers = Workers(self._channels, people.paging.hand_over_seconds)
        self._outbox = Outbox(people.paging, self._channels, self._reaches)

    def _reaches(self, channel: str, person: str) -> bool:
        group = channel in self._channels and not self._channels[channel].personal
        return group or self.roster.reaches(channel, person)

    def page(self, incident: Incident, places: Sequence[tuple[str, str]], time_ns: int) -> None:
        """Queue a round of pages; `turn` sees them out.

        Parameters
        ----------
        incident : Incident
            As it is after the round.
        places : sequence of (str, str)
            Channel and person.
        time_ns : int
            Now.
        """
        message = incident_message(incident, self.link, UNWRITTEN)
        pages = self._outbox.new(page_of(message, incident.id, place, time_ns) for place in places)
        for row in (message.row(), *(page.row() for page in pages)) if pages else ():
            self._outbox.apply(row)

    def drop(self, incident: str, time_ns: int) -> None:
        """Nobody needs to be told of it any more.

        Parameters
        ----------
        incident : str
            Id.
        time_ns : int
            Now.
        """
        for page in self._outbox.dropped(incident, "it is over", time_ns):
            self._outbox.apply(page.row())

    def turn(self, time_ns: int) -> list[str]:
        """Collect answers, and hand over what is due.

        Parameters
        ----------
        time_ns : int
            Now.

        Returns
        -------
        list of str
            What became of pages since the last turn, and what has gone wrong with roster or channels since then, a
            sentence each.
        """
        told = self._new_troubles()
        for bundle, receipt in self._workers.collect():
            for page in self._outbox.answered(bundle, receipt, time_ns):
                self._outbox.apply(page.row())
            told.append(f"{bundle.channel} {bundle.person or 'group'}: {receipt.answer}")
        for bundle in self._workers.taken(self._outbox.due(time_ns)):
            self._hand_over(self._outbox.handing(bundle, time_ns))
        return told

    def _new_troubles(self) -> list[str]:
        troubles = [self.roster.trouble] if self.roster.trouble else []
        if isinstance(self._channels, SteadyChannels):
            self._channels.refresh()
            troubles += self._channels.troubles
        before, self._told = self._told, troubles
        return [one for one in troubles if one not in before]

    def _hand_over(self, given: Bundle) -> None:
        for page in given.pages:
            self._outbox.apply(page.row())
        messages = [self._outbox.message(page.message) for page in given.pages]
        address = self.roster.address(given.channel, given.person)
        repeat = any(page.repeat for page in given.pages)
        self._workers.submit(given, letter(given.channel, address, messages, repeat=repeat))

    def idle(self) -> bool:
        """Whether nothing waits to be handed over."""
        return not self._outbox.waiting() and self._workers.idle()
