"""The policy's authority for what the service is asked: one person to make the book safer, two to loosen it."""

import time
from collections.abc import Callable, Collection, Sequence

from workbench.app.control.journal import PeopleJournal
from workbench.app.control.sessions import KINDS, SAFER, RosterFiles
from workbench.domain.errors import AuthorityError, ExecutionError
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import HOUR_NS, MINUTE_NS
from workbench.monitor.control.loop import Loop
from workbench.monitor.control.parts import Approved, Asked, Table, You
from workbench.response.alerts.dispatcher import Dispatcher
from workbench.response.incidents.alert import ACT, MANUAL_ACT, Answer
from workbench.response.incidents.manual_acts import (
    WEIGHTS,
    ManualAct,
    act_in_words,
    manual_act_alert,
    oldest_running_ns,
)
from workbench.response.people.authority import Act, Facts, judge, most_restrictive
from workbench.response.people.persons import Level
from workbench.response.people.proposals import (
    Approval,
    Proposal,
    Situation,
    check_approval,
    check_proposal,
    void_because,
)
from workbench.response.people.records import acted_row, approved_row, merged_row, proposed_row, refused_row

ACTS = {kind: act for act, kind in KINDS.items()}


class RuleBook:
    """Judges, and writes down what it allows before that is done.

    Parameters
    ----------
    policy : Policy
        Who may do what.
    files : RosterFiles
        Who there is.
    journal : PeopleJournal
        What was done so far.
    loop : Loop
        What it is in.
    dispatcher : Dispatcher
        Keeps the incidents, and tells others of what is done.
    clock_ns : callable
        This machine's clock.
    """

    def __init__(
        self,
        policy: Policy,
        files: RosterFiles,
        journal: PeopleJournal,
        loop: Loop,
        dispatcher: Dispatcher,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._policy, self._files, self._journal, self._loop = policy, files, journal, loop
        self._dispatcher, self._clock_ns = dispatcher, clock_ns

    @property
    def at_once_seconds(self) -> float:
        """How close together acts come that are one."""
        return self._policy.people.acts.at_once_seconds

    def refusal(self, you: You, asked: Asked, at_once: Collection[str] = ()) -> str:
        """Why a person may not do this alone.

        Parameters
        ----------
        you : You
            Who.
        asked : Asked
            What.
        at_once : collection of str
            Nonces of acts that come with it: of these and this one only the largest is done.

        Returns
        -------
        str
            Empty when it is allowed.
        """
        facts = self._facts(you, at_once)
        verdict = judge(self._policy, self._files.roster.people.get(you.name), act_of(asked), facts)
        if verdict.needs_second:
            return f"{asked.act} takes two people: propose it"
        return verdict.refused_because

    def done(self, you: You, asked: Asked) -> None:
        """Tell others of an act that is about to be sent, and count it.

        The incident begins before what it counts, so that the cap of first responders sees all of it.

        Parameters
        ----------
        you : You
            Who.
        asked : Asked
            What.
        """
        person, now_ns = self._files.roster.person(you.name), self._clock_ns()
        act = act_of(asked)
        if act.kind in WEIGHTS:
            told = ManualAct(act.kind, in_words(you.name, act, asked.reason), asked.nonce)
            self._dispatcher.raise_alert(manual_act_alert(told, now_ns), now_ns)
        self._journal.keep(acted_row(person, act, asked.nonce, now_ns))

    def most_restrictive(self, at_once: Sequence[Asked]) -> Asked:
        """Which is done of acts that close positions and came at once.

        Parameters
        ----------
        at_once : sequence of Asked
            In the order they came, at least one.

        Returns
        -------
        Asked
            The first of the largest.
        """
        acts = [act_of(asked) for asked in at_once]
        (kept,) = most_restrictive(acts)
        return at_once[acts.index(kept)]

    def merged(self, asked: Asked, person: str, into: Asked) -> None:
        """An act that was counted is not sent itself: another one that came with it is larger.

        Parameters
        ----------
        asked : Asked
            It.
        person : str
            Who asked it.
        into : Asked
            The larger one.
        """
        self._journal.keep(merged_row(asked.nonce, person, into.nonce, self._clock_ns()))
        self._answer(asked.nonce, "did a larger act that came at the same moment instead, once")

    def undone(self, nonce: str) -> None:
        """An act was not done after all.

        Parameters
        ----------
        nonce : str
            Of its request.
        """
        self._journal.keep(refused_row(nonce, self._clock_ns()))
        self._answer(nonce, "nothing: it could not be sent, or the loop refused it; who asked was told why")

    def _answer(self, nonce: str, did: str) -> None:
        """Say in the incident of an act what became of it."""
        self._dispatcher.raise_alert(Answer(f"{ACT}{nonce}", MANUAL_ACT, {"did": did}), self._clock_ns())

    def propose(self, you: You, asked: Asked, state: str) -> Table:
        """Propose what one person may not do alone.

        Parameters
        ----------
        you : You
            Who.
        asked : Asked
            What.
        state : str
            What the loop is in.

        Returns
        -------
        dict
            The proposal.
        """
        self._check_roster()
        act = act_of(asked)
        check_proposal(self._policy, self._files.roster.people.get(you.name), act, self._facts(you))
        proposal = Proposal.made_by(you.name, act, self._situation(state))
        self._journal.keep(proposed_row(proposal))
        return self._table(proposal, "")

    def approve(self, you: You, proposal: str, nonce: str, state: str) -> Approved:
        """Approve somebody else's proposal.

        Parameters
        ----------
        you : You
            Who.
        proposal, nonce, state : str
            Which one, of this request, and what the loop is in.

        Returns
        -------
        Approved
        """
        self._check_roster()
        found = self._journal.records.proposals.find(proposal)
        people, situation = self._files.roster.people, self._situation(state)
        fresh = self._facts(you).stepped_up
        check_approval(
            self._policy, Approval(found, people.get(found.proposer), people.get(you.name), situation, fresh)
        )
        self._journal.keep(approved_row(found, you.name, nonce, situation.time_ns))
        asked = Asked(
            nonce, ACTS[found.act.kind], strategy=found.act.subject, rebaseline_peak=found.act.rebaseline_peak,
            reason=f"proposal {found.id}",
        )  # fmt: skip
        return Approved(asked, found.proposer)

    def proposals(self) -> Sequence[Table]:
        """Proposals that wait, and why one does not any more."""
        found = self._journal.records.proposals.open.values()
        if not found:
            return []
        try:
            self._check_roster()
            situation = self._situation(self._loop.state())
        except (AuthorityError, ExecutionError) as error:
            return [self._table(one, str(error)) for one in found]
        return [self._table(one, void_because(self._policy, one, situation)) for one in found]

    def _check_roster(self) -> None:
        """Nothing is loosened by an earlier roster: whoever is no longer to decide may still be in it."""
        self._files.look()
        if self._files.unread:
            raise AuthorityError(f"nothing is loosened while the roster cannot be read, {SAFER}: {self._files.unread}")

    def _facts(self, you: You, at_once: Collection[str] = ()) -> Facts:
        now_ns = self._clock_ns()
        lasts_ns = round(self._policy.people.acts.manual_incident_hours * HOUR_NS)
        seniors = {one.name for one in self._files.roster.people.values() if one.level >= Level.L2}
        oldest = oldest_running_ns(self._dispatcher.incidents, seniors, now_ns - lasts_ns)
        reductions = self._journal.records.reductions_since(now_ns if oldest is None else oldest, at_once)
        return Facts(you.stepped_up_until_ns > now_ns, reductions)

    def _situation(self, state: str) -> Situation:
        return Situation(self._clock_ns(), state, self._loop.newest_alert_ns())

    def _table(self, proposal: Proposal, void: str) -> Table:
        minutes = self._policy.people.two_people.apart_minutes
        return {
            "id": proposal.id,
            "proposer": proposal.proposer,
            "act": ACTS[proposal.act.kind],
            "strategy": proposal.act.subject,
            "rebaseline_peak": proposal.act.rebaseline_peak,
            "made_ns": proposal.made.time_ns,
            "until_ns": proposal.made.time_ns + round(minutes * MINUTE_NS),
            "void_because": void,
        }


def act_of(asked: Asked) -> Act:
    """What is asked, in the policy's words.

    Parameters
    ----------
    asked : Asked
        What.

    Returns
    -------
    Act

    Raises
    ------
    AuthorityError
        When the policy does not know it.
    """
    if asked.act not in KINDS:
        raise AuthorityError(f"the policy knows no {asked.act}")
    fraction = asked.fraction if asked.act == "reduce" else 0.0
    return Act(KINDS[asked.act], fraction, asked.strategy, asked.rebaseline_peak)


def in_words(name: str, act: Act, reason: str = "") -> str:
    """An act for people.

    Parameters
    ----------
    name : str
        Who does it.
    act : Act
        What makes the book safer.
    reason : str
        In their words.

    Returns
    -------
    str
    """
    return act_in_words(name, act.kind, act.fraction, reason)
