"""What the journal of people says of authority: a fold over plain tables, which the control service writes and reads.

Each function named after a row makes the table of that row; `Records.after` takes it in. Rows of other kinds (alerts,
pages, procedures) are passed over. The same rows give the same records: nothing else survives a restart.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from workbench.domain.errors import DataError
from workbench.response.people.authority import Act, Reduction
from workbench.response.people.persons import Level, Person
from workbench.response.people.proposals import Proposal, Proposals, act_from, proposal_from, proposal_table

Table = Mapping[str, object]
LOGIN, STEP_UP, ACTED, REFUSED = "login", "step_up", "acted", "act_refused_by_loop"
PROPOSED, APPROVED, WITHDRAWN = "proposed", "approved", "withdrawn"
OUTCOME, TURNED_DOWN, MERGED, SETTLED = "outcome", "refused", "merged", "settled"
"""What an act has come to: the loop's answer, a refusal, one with another act, or found at a start."""
SIGNALLED_ONLY = "signalled"
"""An act of which the loop was only sent a signal: nothing of it is on a disk, so it has not come to anything yet."""


def login_row(person: str, totp_step: int, time_ns: int) -> dict[str, object]:
    """Somebody has logged in.

    Parameters
    ----------
    person : str
        Name.
    totp_step : int
        Of the code that was accepted: it is not accepted again.
    time_ns : int
        Now.

    Returns
    -------
    dict
    """
    return {"kind": LOGIN, "person": person, "totp_step": totp_step, "time_ns": time_ns}


def step_up_row(person: str, totp_step: int, time_ns: int) -> dict[str, object]:
    """Somebody who is in has given a fresh code.

    Parameters
    ----------
    person, totp_step, time_ns : str, int, int
        As for `login_row`.

    Returns
    -------
    dict
    """
    return {"kind": STEP_UP, "person": person, "totp_step": totp_step, "time_ns": time_ns}


def acted_row(person: Person, act: Act, nonce: str, time_ns: int) -> dict[str, object]:
    """Somebody was allowed to act; written before the message is sent to the loop.

    Parameters
    ----------
    person : Person
        Who.
    act : Act
        What.
    nonce : str
        Of the message to the loop.
    time_ns : int
        Now.

    Returns
    -------
    dict
    """
    return {
        "kind": ACTED, "person": person.name, "level": person.level.name, "act": asdict(act), "nonce": nonce,
        "time_ns": time_ns,
    }  # fmt: skip


def refused_row(nonce: str, time_ns: int) -> dict[str, object]:
    """The loop refused a message: what it asked for does not count as done.

    Parameters
    ----------
    nonce : str
        Of the message.
    time_ns : int
        Now.

    Returns
    -------
    dict
    """
    return {"kind": REFUSED, "nonce": nonce, "time_ns": time_ns}


def proposed_row(proposal: Proposal) -> dict[str, object]:
    """Somebody has proposed.

    Parameters
    ----------
    proposal : Proposal
        What.

    Returns
    -------
    dict
    """
    return {"kind": PROPOSED, **proposal_table(proposal)}


def approved_row(proposal: Proposal, approver: str, nonce: str, time_ns: int) -> dict[str, object]:
    """A second person has approved; written before the message is sent to the loop.

    Parameters
    ----------
    proposal : Proposal
        What; it is used up.
    approver : str
        Name.
    nonce : str
        Of the message to the loop.
    time_ns : int
        Now.

    Returns
    -------
    dict
    """
    return {"kind": APPROVED, "proposal": proposal.id, "person": approver, "nonce": nonce, "time_ns": time_ns}


def withdrawn_row(proposal: Proposal, person: str, because: str, time_ns: int) -> dict[str, object]:
    """A proposal is no longer open: taken back, or void.

    Parameters
    ----------
    proposal : Proposal
        Which.
    person : str
        Who took it back; empty when it became void.
    because : str
        A sentence.
    time_ns : int
        Now.

    Returns
    -------
    dict
    """
    return {
        "kind": WITHDRAWN, "proposal": proposal.id, "person": person, "because": because, "time_ns": time_ns,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """An act that was sent to the loop."""

    person: str
    level: Level
    act: Act
    nonce: str
    time_ns: int


def merged_row(nonce: str, person: str, into: str, time_ns: int) -> dict[str, object]:
    """An act came at once with another that is more restrictive: it is not sent itself.

    Parameters
    ----------
    nonce, person : str
        Of the act, and who asked it.
    into : str
        Nonce of the one that is done.
    time_ns : int
        Now.

    Returns
    -------
    dict
    """
    return {"kind": MERGED, "nonce": nonce, "person": person, "into": into, "time_ns": time_ns}


@dataclass(frozen=True, slots=True)
class Records:
    """What authority depends on; a value: every row gives a new one.

    Attributes
    ----------
    last_logins : mapping of str to int
        By person, when.
    used_steps : mapping of str to int
        By person, the step of the last code accepted.
    reductions : tuple of Done
        Reductions in their order, close all among them; those the loop refused are taken out.
    proposals : Proposals
        Open ones.
    unsettled : mapping of str to Done
        By nonce, what was allowed and is not known to have been sent: looked after by the next start.
    signalled : frozenset of str
        Nonces of those of which the loop was only sent a signal: sent again as soon as that can be.
    """

    last_logins: Mapping[str, int] = field(default_factory=dict)
    used_steps: Mapping[str, int] = field(default_factory=dict)
    reductions: tuple[Done, ...] = ()
    proposals: Proposals = field(default_factory=Proposals)
    unsettled: Mapping[str, Done] = field(default_factory=dict)
    signalled: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rows: Iterable[Table]) -> "Records":
        """Fold rows.

        Parameters
        ----------
        rows : iterable of mapping
            In the order of the journal.

        Returns
        -------
        Records
        """
        records = cls()
        for row in rows:
            records = records.after(row)
        return records

    def after(self, row: Table) -> "Records":
        """After one more row.

        Parameters
        ----------
        row : mapping
            Any row of the journal of people.

        Returns
        -------
        Records

        Raises
        ------
        DataError
            When a row of ours is not what was written.
        """
        change = _CHANGES.get(str(row.get("kind")))
        if change is None:
            return self
        try:
            return change(self, row)
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(
                f"a row {row.get('kind')!r} in the journal of people is not what was written: {error}"
            ) from error

    def reductions_since(self, time_ns: int, without: Collection[str] = ()) -> tuple[Reduction, ...]:
        """What has been reduced since the oldest open incident began; the cap of first responders counts these.

        Parameters
        ----------
        time_ns : int
            When that was. A reduction works on the whole book, so it counts for every incident that is open.
        without : collection of str
            Nonces that do not count: of acts that come at once only the largest is done.

        Returns
        -------
        tuple of Reduction
        """
        return tuple(
            Reduction(one.person, one.level, one.act.fraction if one.act.kind == "reduce" else 1.0)
            for one in self.reductions
            if one.time_ns >= time_ns and one.nonce not in without
        )


def _code_used(records: Records, row: Table) -> Records:
    person, step = str(row["person"]), int(str(row["totp_step"]))
    used = {**records.used_steps, person: max(step, records.used_steps.get(person, step))}
    logins = {**records.last_logins, person: int(str(row["time_ns"]))}
    return replace(records, used_steps=used, last_logins=logins)


def _acted(records: Records, row: Table) -> Records:
    act = act_from(row["act"])
    done = Done(str(row["person"]), Level[str(row["level"])], act, str(row["nonce"]), int(str(row["time_ns"])))
    reduced = (done,) if act.kind in ("reduce", "close_all") else ()
    # whatever makes the book safer voids what was proposed to loosen it
    proposals = Proposals() if act.restricts else records.proposals
    unsettled = {**records.unsettled, done.nonce: done}
    return replace(records, reductions=(*records.reductions, *reduced), proposals=proposals, unsettled=unsettled)


def _undone(records: Records, row: Table) -> Records:
    nonce = str(row["nonce"])
    kept = tuple(one for one in records.reductions if one.nonce != nonce)
    return _settled(replace(records, reductions=kept), row)


def _settled(records: Records, row: Table) -> Records:
    nonce = str(row["nonce"])
    if nonce not in records.unsettled:
        return records
    left = {key: one for key, one in records.unsettled.items() if key != nonce}
    return replace(records, unsettled=left, signalled=records.signalled - {nonce})


def _signalled(records: Records, row: Table) -> Records:
    return replace(records, signalled=records.signalled | {str(row["nonce"])} & records.unsettled.keys())


def _proposed(records: Records, row: Table) -> Records:
    table = {key: value for key, value in row.items() if key != "kind"}
    return replace(records, proposals=records.proposals.propose(proposal_from(table)))


def _approved(records: Records, row: Table) -> Records:
    proposal = records.proposals.open.get(str(row["proposal"]))
    if proposal is not None:
        nonce, time_ns = str(row["nonce"]), int(str(row["time_ns"]))
        done = Done(proposal.proposer, Level.L2, proposal.act, nonce, time_ns)
        records = replace(records, unsettled={**records.unsettled, nonce: done})
    return _closed(records, row)


def _closed(records: Records, row: Table) -> Records:
    return replace(records, proposals=records.proposals.without(str(row["proposal"])))


_CHANGES = {
    LOGIN: _code_used, STEP_UP: _code_used, ACTED: _acted, REFUSED: _undone, MERGED: _undone, PROPOSED: _proposed,
    APPROVED: _approved, WITHDRAWN: _closed, OUTCOME: _settled, TURNED_DOWN: _settled, SETTLED: _settled,
    SIGNALLED_ONLY: _signalled,
}  # fmt: skip
