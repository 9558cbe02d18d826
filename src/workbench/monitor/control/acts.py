"""What people ask, carried out: written down, judged, sent to the loop, and reported. One at a time, in this order.

Nothing between writing an act down and putting it into the inbox waits for anything else, so that of two people who
press at once the second is judged by what the first has done.
"""

import time
from collections.abc import Callable

from workbench.domain.errors import AuthorityError, WorkbenchError
from workbench.monitor.control.loop import Loop
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

SIGNALLED = "The inbox cannot be written, so the loop's process was sent a signal: it halts. Look at the mode."


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
            because = self._rules.refusal(you, asked)
            if because:
                raise AuthorityError(because)
            sent = self._counted(you, asked)
        except WorkbenchError as error:
            self._refused(asked.nonce, you, error)
            raise
        return await self._outcome(asked, you, sent=sent)

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
        return await self._outcome(approved.asked, you, sent=sent)

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

    def _send(self, asked: Asked, actor: str, approver: str = "") -> bool:
        self._records.note("sent", {**asked.table(), "actor": actor, "approver": approver})
        return self._loop.send(asked, actor, approver)

    async def _outcome(self, asked: Asked, you: You, *, sent: bool) -> Outcome:
        outcome = await self._loop.outcome(asked) if sent else Outcome(asked.nonce, "waiting", SIGNALLED, certain=False)
        if outcome.stage == "refused":
            self._rules.undone(asked.nonce)
        facts: Table = {"nonce": asked.nonce, "person": you.name, "stage": outcome.stage, "sentence": outcome.sentence}
        self._records.note("outcome", facts)
        return outcome

    def _counted(self, you: You, asked: Asked) -> bool:
        """Count an act, then send it; one that cannot be sent does not count."""
        self._rules.done(you, asked)
        try:
            return self._send(asked, you.name)
        except WorkbenchError:
            self._rules.undone(asked.nonce)
            raise

    def _refused(self, nonce: str, you: You, error: WorkbenchError) -> None:
        self._records.note("refused", {"nonce": nonce, "person": you.name, "because": str(error)})
