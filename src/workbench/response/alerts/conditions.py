"""What is wrong with the response itself: nobody on call, no channel that works, a file that cannot be read."""

from collections.abc import Mapping
from dataclasses import replace

from workbench.domain.policy.response import Paging
from workbench.domain.trading.market_hours import MINUTE_NS
from workbench.response.alerts.channel_file import SteadyChannels
from workbench.response.alerts.channels import Channel
from workbench.response.alerts.outbox import OUTWARD, Outbox
from workbench.response.alerts.rosters import SteadyRoster
from workbench.response.drills.request import is_drill
from workbench.response.incidents.alert import EMERGENCY, SYSTEM_ACT, URGENT, WARNING, Alert, Answer, Gone
from workbench.response.incidents.escalation import FIRST_LEVEL, roster_troubles
from workbench.response.incidents.incidents import Incidents

CHANNELS, CHANNEL_TROUBLE, LOOP_JOURNAL, ROSTER = "channels", "channel file", "loop journal", "roster"
"""Causes."""
NO_REASON_TO_HALT = (CHANNELS, CHANNEL_TROUBLE, SYSTEM_ACT)
"""They say that nobody can be told, which is reason to halt only when there is something else to tell, or that the
system has halted already."""


def standing_news(incidents: Incidents, conditions: Mapping[str, Alert | None], time_ns: int) -> list[Alert | Gone]:
    """Of conditions that hold or do not, those that have just begun, become worse or ended.

    What is no worse and in part over is told anew under the id it had: the words change, and nobody is paged.

    Parameters
    ----------
    incidents : Incidents
        What is known already.
    conditions : mapping of str to Alert or None
        By cause; None where all is well.
    time_ns : int
        Now.

    Returns
    -------
    list of Alert or Gone
    """
    news: list[Alert | Gone] = []
    for cause, alert in conditions.items():
        known = incidents.of_cause(cause)
        if known is None or not known.rungs:
            news += [] if alert is None else [alert]
        elif alert is None:
            news.append(Gone(cause, time_ns))
        elif (alert.level, alert.rung) > (known.level, max(known.rungs)):
            news.append(alert)
        elif alert.rung < max(known.rungs):
            news.append(replace(alert, id=known.worst.id))
    return news


def unreadable_journal(trouble: str, time_ns: int) -> Alert | None:
    """The loop's journal cannot be read.

    Parameters
    ----------
    trouble : str
        Why; empty when it can.
    time_ns : int
        Now.

    Returns
    -------
    Alert or None
        None when all is well.
    """
    if not trouble:
        return None
    facts = {"did": "nothing: what the loop says is not known", "waits": "a journal that can be read"}
    return Alert(f"{LOOP_JOURNAL}:{time_ns}", EMERGENCY, LOOP_JOURNAL, time_ns, trouble, facts, lasts=True)


def no_channel(outbox: Outbox, paging: Paging, time_ns: int) -> Alert | None:
    """No channel works that leaves this machine.

    Parameters
    ----------
    outbox : Outbox
        How the channels do.
    paging : Paging
        Section of the policy.
    time_ns : int
        Now.

    Returns
    -------
    Alert or None
        None when one works, or none has failed yet.
    """
    if outbox.silenced_since_ns() is None:
        return None
    tried = [f"{name} ({outbox.health[name].answer})" for name in OUTWARD if name in outbox.health]
    sentence = f"no channel reaches anybody: {', '.join(tried) or 'none is set up in channels.toml that could be used'}"
    halts = f"; halts the book when an urgent incident stays unanswered for {paging.no_channel_minutes:g} minutes"
    did = f"goes on trying with every page, and shows it here{halts if paging.no_channel_act == 'halt' else ''}"
    facts = {"did": did, "waits": "one channel that works"}
    return Alert(f"{CHANNELS}:{time_ns}", EMERGENCY, CHANNELS, time_ns, sentence, facts, lasts=True)


def halted_for_silence(incidents: Incidents, unanswered: str) -> list[Answer]:
    """That the book was halted because no channel works, for the incident that says so.

    Parameters
    ----------
    incidents : Incidents
        Which there are.
    unanswered : str
        Id of the incident nobody could be told of.

    Returns
    -------
    list of Answer
        None when that incident is not there.
    """
    known = incidents.of_cause(CHANNELS)
    did = f"asked the loop to halt the book, because {unanswered} is unanswered; goes on trying with every page"
    waits = "one channel that works; for the halt, two people to resume"
    return [] if known is None else [Answer(known.worst.id, CHANNELS, {"did": did, "waits": waits})]


def channel_trouble(channels: SteadyChannels, time_ns: int) -> Alert | None:
    """A part of the file of channels cannot be used, or others may open the file.

    Parameters
    ----------
    channels : SteadyChannels
        As they are now.
    time_ns : int
        Now.

    Returns
    -------
    Alert or None
        None when all is well. Urgent where something is left out, else a warning; worse with each thing more.
    """
    if not channels.troubles:
        return None
    level = URGENT if channels.left_out else WARNING
    facts = {
        "did": f"uses what can be used: {', '.join(channels)}",
        "waits": "a file without faults: it is read again when it has changed",
    }
    sentence = "; ".join(channels.troubles)
    name, many = f"{CHANNEL_TROUBLE}:{time_ns}", len(channels.troubles)
    return Alert(name, level, CHANNEL_TROUBLE, time_ns, sentence, facts, many, lasts=True)


def roster_trouble(roster: SteadyRoster, channels: Mapping[str, Channel], time_ns: int) -> Alert | None:
    """Somebody who should be on call is not there, or cannot be reached.

    Parameters
    ----------
    roster : SteadyRoster
        Who is there.
    channels : mapping of str to Channel
        Those configured.
    time_ns : int
        Now.

    Returns
    -------
    Alert or None
        None when all is well; worse with each thing more.
    """
    personal = [name for name in OUTWARD if name in channels and channels[name].personal]
    deaf = [
        f"{person.name} has no address on {', '.join(personal)}"
        for person in roster.current.people.values()
        if personal and person.level >= FIRST_LEVEL and not person.disabled
        and not any(person.contacts.get(name) for name in personal)
    ]  # fmt: skip
    unreadable = (roster.trouble,) if roster.trouble else ()
    troubles = (*unreadable, *roster_troubles(roster.current, time_ns), *deaf)
    if not troubles:
        return None
    facts = {"did": "pages the others of that level, or the next level", "waits": "a roster without holes"}
    sentence, many = "; ".join(troubles), len(troubles)
    return Alert(f"{ROSTER}:{time_ns}", URGENT, ROSTER, time_ns, sentence, facts, many, lasts=True)


def halt_wanted(incidents: Incidents, outbox: Outbox, paging: Paging, time_ns: int) -> str:
    """Whether the policy wants trading halted because nobody can be told.

    Parameters
    ----------
    incidents : Incidents
        Which are unanswered.
    outbox : Outbox
        How the channels do.
    paging : Paging
        Section of the policy.
    time_ns : int
        Now.

    Returns
    -------
    str
        Id of the incident of level 3 or 4 that waited longest while no channel worked; empty: no halt. A drill never
        halts anything.
    """
    silenced_ns = outbox.silenced_since_ns()
    if paging.no_channel_act != "halt" or silenced_ns is None:
        return ""
    patience_ns = round(paging.no_channel_minutes * MINUTE_NS)
    unanswered = [
        one
        for one in incidents.open()
        if one.level >= URGENT and one.paging_ns is not None
        and one.cause not in NO_REASON_TO_HALT and not is_drill(one.cause)
        and max(one.paging_ns, silenced_ns) + patience_ns <= time_ns
    ]  # fmt: skip
    return min(unanswered, key=lambda one: one.opened_ns).id if unanswered else ""
