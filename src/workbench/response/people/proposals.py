"""What takes two people: a proposer and a different approver, close in time, in the very state it was proposed in.

A proposal holds exactly what was proposed, and when and in what state. Any breach since, any act that makes the book
safer, any other state and any wait beyond the policy's minutes voids it: then it must be proposed again. An approval is
used up by what it approves.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from workbench.domain.errors import AuthorityError, ConfigError, DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import MINUTE_NS
from workbench.response.people.authority import Act, Facts, judge
from workbench.response.people.persons import Level, Person

Table = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Situation:
    """What two people must both have seen.

    Attributes
    ----------
    time_ns : int
        Now, by the clock of the control service.
    state : str
        Digest of what the page shows of mode, latches, limits and positions. It must not move with every price.
    last_breach : int
        Sequence, in the loop's journal, of the last row that reports a breach; 0: none yet.
    """

    time_ns: int
    state: str
    last_breach: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something one person wants and another must approve; `id` is the digest of all the rest."""

    id: str
    proposer: str
    act: Act
    made: Situation

    @classmethod
    def made_by(cls, proposer: str, act: Act, situation: Situation) -> "Proposal":
        """A new proposal.

        Parameters
        ----------
        proposer : str
            Name.
        act : Act
            What is wanted.
        situation : Situation
            In which it is proposed.

        Returns
        -------
        Proposal
        """
        return cls(_digest(proposer, act, situation), proposer, act, situation)


def _digest(proposer: str, act: Act, situation: Situation) -> str:
    content = json.dumps([proposer, asdict(act), asdict(situation)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Proposals:
    """Proposals that are open; a value: every change gives a new one.

    Attributes
    ----------
    open : mapping of str to Proposal
        By id.
    """

    open: Mapping[str, Proposal] = field(default_factory=dict)

    def propose(self, proposal: Proposal) -> "Proposals":
        """With one more; the earlier one of the same person for the same kind of act is replaced.

        Parameters
        ----------
        proposal : Proposal
            New; `check_proposal` has let it pass.

        Returns
        -------
        Proposals
        """
        kept = {
            key: one
            for key, one in self.open.items()
            if (one.proposer, one.act.kind, one.act.subject)
            != (proposal.proposer, proposal.act.kind, proposal.act.subject)
        }
        return Proposals({**kept, proposal.id: proposal})

    def without(self, key: str) -> "Proposals":
        """Without one that was approved or withdrawn.

        Parameters
        ----------
        key : str
            Its id; one that is not there is no error.

        Returns
        -------
        Proposals
        """
        return Proposals({one.id: one for one in self.open.values() if one.id != key})

    def standing(self, policy: Policy, situation: Situation) -> tuple[Proposal, ...]:
        """Those that could still be approved, oldest first; the others may be dropped.

        Parameters
        ----------
        policy : Policy
            How far apart two people may be.
        situation : Situation
            Now.

        Returns
        -------
        tuple of Proposal
        """
        return tuple(one for one in self.open.values() if not void_because(policy, one, situation))

    def find(self, key: str) -> Proposal:
        """One by its id.

        Parameters
        ----------
        key : str
            The id the approver was shown.

        Returns
        -------
        Proposal

        Raises
        ------
        AuthorityError
            When it is not open: approved, withdrawn, or voided by an act that made the book safer.
        """
        if key not in self.open:
            raise AuthorityError(
                "there is no such open proposal: it was approved, withdrawn or voided, or never made; propose again"
            )
        return self.open[key]


def check_proposal(policy: Policy, proposer: Person | None, act: Act, facts: Facts) -> None:
    """Refuse a proposal that its proposer may not make.

    Parameters
    ----------
    policy : Policy
        Who may propose what.
    proposer : Person or None
        From the roster as it is now; None: nobody is logged in.
    act : Act
        What is wanted.
    facts : Facts
        Whether the person has just given a code.

    Raises
    ------
    AuthorityError
        Why not.
    """
    if not act.loosens:
        raise AuthorityError(f"{act.kind} needs no second person: it is done at once, not proposed")
    verdict = judge(policy, proposer, act, facts)
    if not verdict.allowed:
        raise AuthorityError(verdict.refused_because)


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval that is asked for: by whom, of what, and who had proposed it, both as the roster is now."""

    proposal: Proposal
    proposer: Person | None
    approver: Person | None
    situation: Situation
    stepped_up: bool


def check_approval(policy: Policy, asked: Approval) -> None:
    """Refuse an approval unless all of it is as it must be.

    Parameters
    ----------
    policy : Policy
        Who may approve, and how long after.
    asked : Approval
        What is asked.

    Raises
    ------
    AuthorityError
        Why not.
    """
    rule, proposal = policy.people.two_people, asked.proposal
    # the proposer's authority must still stand; the code was asked when the proposal was made
    check_proposal(policy, asked.proposer, proposal.act, Facts(stepped_up=True))
    check_proposal(policy, asked.approver, proposal.act, Facts(stepped_up=asked.stepped_up))
    if asked.proposer is None or asked.approver is None or asked.proposer.name != proposal.proposer:
        raise AuthorityError("the proposal was made by somebody else: propose again")
    if asked.approver.name == proposal.proposer:
        raise AuthorityError(f"{proposal.act.kind} takes two different people: {proposal.proposer} proposed it")
    if asked.approver.level < Level[rule.approver_from]:
        raise AuthorityError(
            f"to approve {proposal.act.kind} takes {rule.approver_from} or above, {asked.approver.name} is "
            f"{asked.approver.level.name}"
        )
    reason = void_because(policy, proposal, asked.situation)
    if reason:
        raise AuthorityError(f"the proposal is void: {reason}; propose again")


def void_because(policy: Policy, proposal: Proposal, situation: Situation) -> str:
    """Why a proposal can no longer be approved.

    Parameters
    ----------
    policy : Policy
        How far apart two people may be.
    proposal : Proposal
        As it was made.
    situation : Situation
        Now.

    Returns
    -------
    str
        Empty while it stands.
    """
    minutes = policy.people.two_people.apart_minutes
    waited_ns = situation.time_ns - proposal.made.time_ns
    if waited_ns < 0:
        return "the clock went back since it was made"
    if waited_ns > minutes * MINUTE_NS:
        return f"it was made {waited_ns / MINUTE_NS:.1f} minutes ago, at most {minutes:g} are allowed"
    if situation.last_breach != proposal.made.last_breach:
        return "there was a new breach since it was made"
    if situation.state != proposal.made.state:
        return "the state of the book is another one now"
    return ""


def proposal_table(proposal: Proposal) -> dict[str, object]:
    """A proposal as plain values, for the journal of people.

    Parameters
    ----------
    proposal : Proposal
        Any.

    Returns
    -------
    dict
        Read back with `proposal_from`.
    """
    made = proposal.made
    return {
        "proposal": proposal.id, "person": proposal.proposer, "act": asdict(proposal.act),
        "time_ns": made.time_ns, "state": made.state, "last_breach": made.last_breach,
    }  # fmt: skip


def proposal_from(table: Table) -> Proposal:
    """Read a proposal from the journal of people.

    Parameters
    ----------
    table : mapping
        From `proposal_table`.

    Returns
    -------
    Proposal

    Raises
    ------
    DataError
        When it is not what was written: its id is the digest of the rest.
    """
    try:
        situation = Situation(int(str(table["time_ns"])), str(table["state"]), int(str(table["last_breach"])))
        proposal = Proposal.made_by(str(table["person"]), act_from(table["act"]), situation)
    except (KeyError, ValueError) as error:
        raise DataError(f"expected a proposal in the journal of people, got one without {error}") from error
    if proposal.id != table.get("proposal"):
        raise DataError(f"the proposal of {proposal.proposer} in the journal of people is not the one that was made")
    return proposal


def act_from(table: object) -> Act:
    """Read an act that was written as plain values.

    Parameters
    ----------
    table : object
        A mapping with the fields of `Act`.

    Returns
    -------
    Act

    Raises
    ------
    DataError
        When it is none.
    """
    known = {"kind": str, "fraction": int | float, "subject": str, "rebaseline_peak": bool}
    if not isinstance(table, Mapping) or set(table) != set(known):
        raise DataError(f"expected an act with {', '.join(known)}")
    if not all(isinstance(table[name], kind) for name, kind in known.items()):
        raise DataError(f"expected an act with {', '.join(known)}, each of its own type")
    try:
        return Act(**table)
    except ConfigError as error:
        raise DataError(str(error)) from error
