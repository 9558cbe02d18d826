"""What people do by hand, as an incident of its own: others are told, it has checklists, and L1's cap counts from it.

What the system asks of the loop by itself, a halt, is another incident: nobody reads it as the act of a person. The
loop's row of a message says who asked; that row, not the alert of the engine, which knows no names, is what is told.

It is acknowledged like any other. For the cap it lasts until somebody from L2 up has acknowledged one, so that whoever
acts does not begin anew by acknowledging what they did.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.domain.trading.reasons import Reason
from workbench.response.incidents.alert import ACT, EMERGENCY, MANUAL_ACT, SYSTEM_ACT, URGENT, Alert, Answer
from workbench.response.incidents.incidents import Incidents

HEARD_OF = frozenset({Reason.OPERATOR_HALT, Reason.OPERATOR_REDUCE, Reason.OPERATOR_CANCEL})
"""How the engine reports that it has done what it was asked; its loop has written down who asked."""
DISPATCHER, WATCHDOG, LOOP = "the dispatcher of alerts", "the watchdog", "the loop"
SYSTEM = (DISPATCHER, WATCHDOG, LOOP)
"""Who asks a halt of the loop and is no person; all other names are of people."""
LOOP_ACTS = {"flatten": "close_all"}
"""Acts that have another name in messages to the loop."""
WEIGHTS = ("cancel_all", "reduce", "halt", "full_halt", "close_all", "shut_down")
"""Mildest first: a weightier act pages again, a milder one joins."""
WORDS = {
    "halt": "halts the book", "reduce": "reduces every position by", "close_all": "closes every position",
    "cancel_all": "cancels every order that grows a position", "full_halt": "halts the book and cancels all",
    "shut_down": "SHUTS THE SYSTEM DOWN: positions remain and nothing protects them",
}  # fmt: skip
DID = "sent it to the loop, which has not said yet that it took it in"
TAKEN = {
    "halt": "the loop has taken it in: the book is HALTED",
    "reduce": "the loop has taken it in and made every target smaller",
    "close_all": "the loop has taken it in: nothing is to be held any more",
    "cancel_all": "the loop has taken it in and cancels these orders",
    "full_halt": "the loop has taken it in: the book is HALTED, and it cancels the orders that grow a position",
    "shut_down": "the loop has taken it in: the book is HALTED, orders are cancelled, and the loop ends",
}
RESUME = "two people to resume, and somebody to acknowledge"
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
    return Alert(f"{ACT}{act.nonce}", level, MANUAL_ACT, time_ns, act.words, facts, weight)


def system_halt_alert(actor: str, nonce: str, reason: str, time_ns: int) -> Alert:
    """The system halts the book by itself.

    Parameters
    ----------
    actor : str
        Which part of it, one of `SYSTEM`.
    nonce : str
        Of its message to the loop.
    reason : str
        Why.
    time_ns : int
        Now.

    Returns
    -------
    Alert
    """
    sentence = f"the system halts the book by itself, no person does: {actor}{f', because {reason}' if reason else ''}"
    return Alert(f"{ACT}{nonce}", URGENT, SYSTEM_ACT, time_ns, sentence, {"did": DID, "waits": RESUME})


def heard_by_loop(message: Mapping[str, Any], time_ns: int) -> Alert | Answer | None:
    """What people are told of a message that the loop has taken in.

    Parameters
    ----------
    message : mapping
        Body of the loop's row: act, actor, nonce, fraction, reason, and why it was refused.
    time_ns : int
        When.

    Returns
    -------
    Alert or Answer or None
        An alert of the id under which it was told before it was sent, if it was. None for what loosens: two people
        have agreed on that.
    """
    act, nonce, actor = LOOP_ACTS.get(message["act"], message["act"]), message["nonce"], message["actor"]
    if act not in WEIGHTS:
        return None
    by_system = actor in SYSTEM
    if message["refused"]:
        did = f"nothing: the loop refused it, {message['refused']}"
        return Answer(f"{ACT}{nonce}", SYSTEM_ACT if by_system else MANUAL_ACT, {"did": did})
    if by_system:
        alert = system_halt_alert(actor, nonce, message["reason"], time_ns)
    else:
        words = act_in_words(actor, act, message["fraction"], message["reason"])
        alert = manual_act_alert(ManualAct(act, words, nonce), time_ns)
    return replace(alert, facts={**alert.facts, "did": TAKEN[act]})


def act_in_words(name: str, kind: str, fraction: float, reason: str = "") -> str:
    """An act for people.

    Parameters
    ----------
    name : str
        Who does it.
    kind : str
        One of `WEIGHTS`.
    fraction : float
        Of every position, for a reduction.
    reason : str
        In their words.

    Returns
    -------
    str
    """
    share = f" {fraction * 100.0:.4g} %" if kind == "reduce" else ""
    return f"{name} {WORDS[kind]}{share}{f': {reason}' if reason else ''}"


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
