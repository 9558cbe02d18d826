"""What was allowed and written down, and did not reach the loop's inbox: the service was killed in between, or no disk.

What makes the book safer is sent again under its own nonce, which the loop acts on once. What loosens it, and what is
too old to be what anybody still wants, is dropped; people are told.
"""

from collections.abc import Sequence
from contextlib import suppress

from workbench.app.control.journal import PeopleJournal
from workbench.app.control.rules import ACTS, in_words
from workbench.domain.errors import DataError, ExecutionError
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import MINUTE_NS, SECOND_NS
from workbench.monitor.control.loop import COMMANDS, Loop, Sent
from workbench.monitor.control.parts import Asked
from workbench.response.alerts.dispatcher import Dispatcher
from workbench.response.incidents.alert import URGENT, WARNING, Alert
from workbench.response.people.authority import most_restrictive
from workbench.response.people.records import SETTLED, SIGNALLED_ONLY, Done, merged_row

CLOSING = ("reduce", "close_all")
DROPPED = "act not sent"
"""Cause of the incident."""
REASON = "sent again: the control service was killed before it had sent it"
ROOM_AGAIN = "sent again: the disk did not take it, and the loop had only been sent a signal"
AGAIN_NS = 5 * SECOND_NS
"""How often the disk is tried again, and the signal given again: a loop that was started anew has forgotten it."""
HALT_ALONE = "the halt alone: no order was cancelled for it, and the loop does not end"
TOO_OLD = "it is too old to be what is wanted now"
LOOSENS = "it would have loosened the book; two people have to agree again"


class Unsent:
    """Sees to the acts that are not known to have been sent.

    Parameters
    ----------
    journal : PeopleJournal
        Knows them.
    loop : Loop
        Knows which have arrived all the same.
    dispatcher : Dispatcher
        Tells people.
    policy : Policy
        How old an act may be.
    """

    def __init__(self, journal: PeopleJournal, loop: Loop, dispatcher: Dispatcher, policy: Policy) -> None:
        self._journal, self._loop, self._dispatcher = journal, loop, dispatcher
        self._patience_ns = round(policy.people.acts.send_again_minutes * MINUTE_NS)
        self._at_once_ns = round(policy.people.acts.at_once_seconds * SECOND_NS)
        self._tried_ns = 0

    def try_signalled(self, time_ns: int) -> None:
        """Put what the loop was only sent a signal for into its inbox, once there is room.

        Parameters
        ----------
        time_ns : int
            Now.
        """
        records = self._journal.records
        if not records.signalled or 0 <= time_ns - self._tried_ns < AGAIN_NS:
            return
        self._tried_ns = time_ns
        for nonce in sorted(records.signalled):
            with suppress(ExecutionError):  # still no room: tried again, and told already
                self._post(records.unsettled[nonce], ROOM_AGAIN, time_ns)

    def see_to(self, time_ns: int) -> None:
        """Send, drop or settle each of them; one that cannot be sent now is seen to at the next start.

        Parameters
        ----------
        time_ns : int
            Now.
        """
        unsettled = tuple(self._journal.records.unsettled.values())
        if not unsettled:
            return
        arrived, safe = self._arrived(), list[Done]()
        for one in unsettled:
            if one.nonce in arrived or ACTS[one.act.kind] not in COMMANDS:
                self._settle(one, "it had reached the loop" if one.nonce in arrived else "nothing was to be sent")
            elif not one.act.restricts:
                self._drop(one, LOOSENS, time_ns)
            elif not 0 <= time_ns - one.time_ns <= self._patience_ns:
                self._drop(one, TOO_OLD, time_ns)
            else:
                safe.append(one)
        for one in self._without_merged(safe):
            self._send(one, time_ns)

    def _without_merged(self, acts: Sequence[Done]) -> Sequence[Done]:
        """Of closings that came at once only the largest is sent, as the service that was killed would have done."""
        closing = [one for one in acts if one.act.kind in CLOSING]
        kept = [one for one in acts if one.act.kind not in CLOSING]
        while closing:
            together = [one for one in closing if one.time_ns - closing[0].time_ns <= self._at_once_ns]
            closing = closing[len(together) :]
            (most,) = most_restrictive([one.act for one in together])
            largest = next(one for one in together if one.act == most)
            for one in together:
                if one is not largest:
                    self._journal.keep(merged_row(one.nonce, one.person, largest.nonce, one.time_ns))
            kept.append(largest)
        return kept

    def _arrived(self) -> set[str]:
        try:
            return self._loop.heard()
        except DataError as error:
            # the loop itself knows a nonce it has acted on: sending once more is safe
            self._journal.note("unsent", {"because": f"the loop's journal cannot be read: {error}"})
            return set()

    def _send(self, one: Done, time_ns: int) -> None:
        try:
            self._post(one, ROOM_AGAIN if one.nonce in self._journal.records.signalled else REASON, time_ns)
        except ExecutionError as error:
            self._journal.note("unsent", {"nonce": one.nonce, "because": str(error)})

    def _post(self, one: Done, reason: str, time_ns: int) -> None:
        """Send an act again; what only a signal was sent for stays unsettled."""
        fraction = one.act.fraction if one.act.kind == "reduce" else 1.0
        # the loop that runs now may be another than the one that was to end: it is halted, not ended
        act = "full_halt" if one.act.kind == "shut_down" else ACTS[one.act.kind]
        how = self._loop.send(Asked(one.nonce, act, fraction, reason=reason), one.person)
        if how is Sent.HALT_ALONE and act != "halt":
            self._tell_part(one, time_ns)
            self._settle(one, HALT_ALONE)
        elif how is not Sent.SIGNAL:
            self._settle(one, reason)
        elif one.nonce not in self._journal.records.signalled:
            self._journal.note(SIGNALLED_ONLY, {"nonce": one.nonce, "person": one.person, "because": reason})

    def _tell_part(self, one: Done, time_ns: int) -> None:
        sentence = f"sent to the loop in part, the disk is full: {in_words(one.person, one.act)}; {HALT_ALONE}"
        facts = {"did": "put the halt into its inbox", "waits": "whoever wants the rest to ask again"}
        alert = Alert(f"unsent:{one.nonce}", URGENT, DROPPED, time_ns, sentence, facts)
        self._dispatcher.raise_alert(alert, time_ns)

    def _drop(self, one: Done, because: str, time_ns: int) -> None:
        words = in_words(one.person, one.act) if one.act.restricts else f"{one.person} proposed: {one.act.kind}"
        if one.nonce in self._journal.records.signalled:
            missed, did = "its inbox could not be written", "a signal to halt was sent to the loop that ran then"
        else:
            missed, did = "the control service was killed", "nothing: the book is as it was"
        sentence = f"not sent to the loop, because {missed}: {words}; {because}"
        facts = {"did": did, "waits": "whoever wants it to ask again"}
        level = URGENT if one.act.restricts else WARNING
        alert = Alert(f"unsent:{one.nonce}", level, DROPPED, time_ns, sentence, facts)
        self._dispatcher.raise_alert(alert, time_ns)
        self._settle(one, f"dropped: {because}")

    def _settle(self, one: Done, because: str) -> None:
        self._journal.note(SETTLED, {"nonce": one.nonce, "person": one.person, "because": because})
