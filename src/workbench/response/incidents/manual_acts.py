"""What people do by hand, as an incident of its own: others are told, it has checklists, and L1's cap counts from it.

It is acknowledged like any other. For the cap it lasts until somebody from L2 up has acknowledged one, so that whoever
acts does not begin anew by acknowledging what they did.
"""

from collections.abc import Collection
from dataclasses import dataclass

from workbench.domain.trading.reasons import Reason
from workbench.response.incidents.alert import EMERGENCY, MANUAL_ACT, URGENT, Alert
from workbench.response.incidents.incidents import Incidents

HEARD_OF = frozenset({Reason.OPERATOR_HALT, Reason.OPERATOR_REDUCE, Reason.OPERATOR_CANCEL})
"""How the loop reports that it has done what a person asked."""
WEIGHTS = ("cancel_all", "reduce", "halt", "full_halt", "close_all", "shut_down")
"""Mildest first: a weightier act pages again, a milder one joins."""
DID = "the message is on its way to the loop; the page shows what the loop has done"
WAITS = "somebody else to look at it; after a halt, two people to resume"
UNPROTECTED = "somebody to look after the positions: they remain as they are, and nothing protects them"


@dataclass(frozen=True, slots=True)
class ManualAct:
    """What a person does alone: an act of the policy that makes the book safer, and that in words."""

    kind: str
    words: str
    nonce: str


def manual_act_alert(act: ManualAct, time_ns: int) -> Alert:
    """What others are told of an act.

    Parameters
    ----------
    act : ManualAct
        Allowed, and about to be sent.
    time_ns : int
        Now.

    Returns
    -------
    Alert
        It is over when it is told: the incident asks for somebody to acknowledge, nothing else.
    """
    ends = act.kind == "shut_down"
    facts = {"did": DID, "waits": UNPROTECTED if ends else WAITS}
    level, weight = EMERGENCY if ends else URGENT, WEIGHTS.index(act.kind) + 1
    return Alert(f"act:{act.nonce}", level, MANUAL_ACT, time_ns, act.words, facts, weight)


def oldest_running_ns(incidents: Incidents, seniors: Collection[str], horizon_ns: int) -> int | None:
    """When the oldest incident began that the cap of L1 counts from.

    Parameters
    ----------
    incidents : Incidents
        All of them.
    seniors : collection of str
        Names of the people from L2 up.
    horizon_ns : int
        Manual acts that were told before are no longer one incident with what is done now, unless one is still open.

    Returns
    -------
    int or None
        None when there is none.
    """
    manual = [one for one in incidents.all() if one.cause == MANUAL_ACT]
    seen = [said.time_ns for one in manual for said in one.acknowledgements if said.person in seniors]
    since_ns = max([horizon_ns, *seen])
    lasting = [one.opened_ns for one in manual if one.opened_ns >= since_ns]
    return min([*lasting, *(one.opened_ns for one in incidents.open())], default=None)
