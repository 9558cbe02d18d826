"""What people ask, carried out: written down, judged, sent to the loop, and reported. One at a time, in this order.

Nothing between writing an act down and counting it waits for anything else, so that of two people who press at once
the second is judged by what the first has done: a halt has voided every proposal before an approval is looked at. Acts
that close positions are kept for the policy's moment before they are sent: of those that come together the largest is
sent, once. Nothing else waits, a halt least of all.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from workbench.domain.errors import AuthorityError, DataError, WorkbenchError
from workbench.monitor.control.loop import Loop, Sent
from workbench.monitor.control.parts import (
    Asked,
    Outcome,
    Records,
    Responders,
    Rules,
    StepUpError,
    Table,
    Tick,
    You,
)
from workbench.response.people.records import OUTCOME, SIGNALLED_ONLY, TURNED_DOWN

CLOSING = ("reduce", "close_all")
RECORDED = (
    "Recorded with your name, the time and your words. Nothing was sent to anybody: notify the regulator as you do."
)
SIGNALLED = (
    "The inbox cannot be written, so the loop's process was sent a signal: it halts now, look at the mode; the halt is "
    "not yet on disk. It is put there as soon as that can be; a loop that ends before may start again without it."
)
NOTHING_MORE = "Nothing more of what was asked is done: no order is cancelled for it, and the loop does not end."
HALT_ALONE = "The disk is full: only a halt could be put into the inbox, nothing more of what was asked. "


class Desk:
    """Takes what a person asks from the door to the loop.

    Parameters
    ----------
    rules, records, responders : Rules, Records, Responders
        Who decides, who keeps, and who looks after incidents.
    loop : Loop
        Who does it.
    clock_ns : callable
        This machine's clock.
    """

    def __init__(
        self,
        rules: Rules,
        records: Records,
        responders: Responders,
        loop: Loop,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._rules, self._records, self._responders, self._loop = rules, records, responders, loop
        self._clock_ns = clock_ns
        self._together: list[tuple[Asked, str]] = []
        self._sending: asyncio.Task[Posted] | None = None

    async def act(self, you: You, asked: Asked) -> Outcome:
        """Do what one person may do alone.

        Parameters
        ----------
        you : You
            Who asks.
        asked : Asked
            What.

        Returns
        -------
        Outcome
            What the loop did.

        Raises
        ------
        WorkbenchError
            When it is refused; written down, and nothing was done.
        """
        self._records.spend(asked.nonce, you.name, asked.table())
        try:
            self._check_step_up(you)
            because = self._rules.refusal(you, asked, [one.nonce for one, _ in self._together])
            if because:
                raise AuthorityError(because)
            if asked.act == "notify_regulator":
                return self._noticed(you, asked)
            self._loop.check(asked)
            self._rules.done(you, asked)
            sent = await self._with_others(asked, you) if asked.act in CLOSING else self._counted(asked, you.name)
        except WorkbenchError as error:
            self._refused(asked.nonce, you, error)
            raise
        return await self._outcome(asked, you, sent)

    def propose(self, you: You, asked: Asked) -> Table:
        """Propose what takes two people.

        Parameters
        ----------
        you : You
            Who proposes.
        asked : Asked
            What.

        Returns
        -------
        dict
            The proposal.

        Raises
        ------
        WorkbenchError
            When it is refused.
        """
        self._records.spend(asked.nonce, you.name, asked.table())
        try:
            self._check_step_up(you)
            return self._rules.propose(you, asked, self._loop.state())
        except WorkbenchError as error:
            self._refused(asked.nonce, you, error)
            raise

    async def approve(self, you: You, proposal: str, nonce: str) -> Outcome:
        """Approve a proposal of somebody else, and do it.

        Parameters
        ----------
        you : You
            Who approves.
        proposal, nonce : str
            Which one, and the nonce of this request, which the loop's message carries.

        Returns
        -------
        Outcome
            What the loop did.

        Raises
        ------
        WorkbenchError
            When it is refused.
        """
        self._records.spend(nonce, you.name, {"act": "approve", "proposal": proposal})
        try:
            self._check_step_up(you)
            approved = self._rules.approve(you, proposal, nonce, self._loop.state())
            sent = self._send(approved.asked, approved.proposer, you.name)
        except WorkbenchError as error:
            self._refused(nonce, you, error)
            raise
        return await self._outcome(approved.asked, you, sent)

    def acknowledge(self, you: You, incident: str, nonce: str) -> Table:
        """Say that somebody has an incident.

        Parameters
        ----------
        you : You
            Who.
        incident, nonce : str
            Which one, and the nonce of this request.

        Returns
        -------
        dict
            The incident.

        Raises
        ------
        WorkbenchError
            When there is none of this name.
        """
        self._records.spend(nonce, you.name, {"act": "acknowledge", "incident": incident})
        try:
            return self._responders.acknowledge(incident, you.name)
        except WorkbenchError as error:
            self._refused(nonce, you, error)
            raise

    def tick(self, you: You, tick: Tick, nonce: str) -> list[Table]:
        """Tick a step of a checklist.

        Parameters
        ----------
        you : You
            Who.
        tick : Tick
            Which one.
        nonce : str
            Of this request.

        Returns
        -------
        list of dict
            The checklists.

        Raises
        ------
        WorkbenchError
            When there is no such step, or the person may only look.
        """
        facts: Table = {name: getattr(tick, name) for name in tick.__slots__}
        self._records.spend(nonce, you.name, {"act": "tick", **facts})
        try:
            if "tick" not in you.may:
                raise AuthorityError(f"{you.title} may look and acknowledge; checklists are ticked from level L1 on")
            return list(self._responders.tick(you, tick))
        except WorkbenchError as error:
            self._refused(nonce, you, error)
            raise

    def _check_step_up(self, you: You) -> None:
        if you.stepped_up_until_ns <= self._clock_ns():
            raise StepUpError("this needs a fresh code of your authenticator first")

    async def _with_others(self, asked: Asked, you: You) -> "Posted":
        """Wait a moment for what else comes; what is sent of it is the same for all who asked."""
        self._together.append((asked, you.name))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_largest())
        # whoever hangs up takes nothing back
        return await asyncio.shield(self._sending)

    async def _send_largest(self) -> "Posted":
        await asyncio.sleep(self._rules.at_once_seconds)
        together, self._together, self._sending = self._together, [], None
        largest = self._rules.most_restrictive([asked for asked, _ in together])
        for asked, person in together:
            if asked is not largest:
                self._rules.merged(asked, person, largest)
        return self._counted(largest, next(person for asked, person in together if asked is largest))

    def _counted(self, asked: Asked, actor: str) -> "Posted":
        """Send an act that is counted; one that cannot be sent does not count."""
        try:
            return self._send(asked, actor)
        except WorkbenchError:
            self._rules.undone(asked.nonce)
            raise

    def _send(self, asked: Asked, actor: str, approver: str = "") -> "Posted":
        self._records.note("sent", {**asked.table(), "actor": actor, "approver": approver})
        how = self._loop.send(asked, actor, approver)
        # what is waited for and reported is what the loop was truly asked
        return Posted(replace(asked, act="halt") if how is Sent.HALT_ALONE else asked, actor, how, asked.act)

    def _noticed(self, you: You, asked: Asked) -> Outcome:
        """Record that the regulator is notified: the words are in the row of what was asked."""
        if not asked.reason.strip():
            raise DataError("a notice to the regulator is recorded in your words: write what was notified, and to whom")
        self._rules.done(you, asked)
        return self._told(Outcome(asked.nonce, "recorded", RECORDED, certain=True), you)

    async def _outcome(self, asked: Asked, you: You, sent: "Posted") -> Outcome:
        if sent.how is Sent.SIGNAL:
            said = SIGNALLED if asked.act == "halt" else f"{SIGNALLED} {NOTHING_MORE}"
            return self._told(Outcome(asked.nonce, "signalled", said, certain=False), you, SIGNALLED_ONLY)
        outcome = await self._loop.outcome(sent.asked)
        if sent.asked.act != sent.wanted:
            outcome = replace(outcome, sentence=HALT_ALONE + outcome.sentence)
        if sent.asked.nonce != asked.nonce:
            return self._told(_merged(outcome, asked, sent), you)
        if outcome.stage == "refused":
            self._rules.undone(asked.nonce)
        return self._told(outcome, you)

    def _told(self, outcome: Outcome, you: You, kind: str = OUTCOME) -> Outcome:
        said: Table = {"nonce": outcome.nonce, "stage": outcome.stage, "sentence": outcome.sentence}
        self._records.note(kind, {**said, "person": you.name})
        return outcome

    def _refused(self, nonce: str, you: You, error: WorkbenchError) -> None:
        self._records.note(TURNED_DOWN, {"nonce": nonce, "person": you.name, "because": str(error)})


@dataclass(frozen=True, slots=True)
class Posted:
    """What was sent to the loop for an act, who had asked for it, how much of it arrived, and what was wanted."""

    asked: Asked
    actor: str
    how: Sent
    wanted: str


def _merged(outcome: Outcome, asked: Asked, sent: Posted) -> Outcome:
    """What became of an act that came at once with a larger one."""
    what = "close everything" if sent.asked.act == "close_all" else f"reduce by {sent.asked.fraction:.0%}"
    both = f"{sent.actor} asked to {what} at the same moment: the larger of the two is done, once. "
    return Outcome(asked.nonce, outcome.stage, both.replace("%", " %") + outcome.sentence, outcome.certain)
