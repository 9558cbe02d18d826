"""Channels tried in earnest: one message that says DRILL through each, timed until the channel has taken it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.response.alerts.channels import Channel, by_name
from workbench.response.alerts.messages import Letter, clock_time
from workbench.response.alerts.outbox import Bundle
from workbench.response.alerts.workers import Workers
from workbench.response.drills.names import CHANNEL
from workbench.response.drills.record import Drilled
from workbench.response.incidents.escalation import FIRST_LEVEL, LAST_LEVEL, LOUD, OnCall, Responder, quiet_until

LOOK_SECONDS = 0.01
NOT_URGENT = 1


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying channels, and which were left alone, a sentence each."""

    drilled: tuple[Drilled, ...]
    left: tuple[str, ...] = ()


def quiet_channels(policy: Policy, time_ns: int) -> tuple[str, ...]:
    """Channels that would wake somebody now for no reason.

    Parameters
    ----------
    policy : Policy
        Quiet hours.
    time_ns : int
        Now.

    Returns
    -------
    tuple of str
        None outside the quiet hours.
    """
    return LOUD if quiet_until(policy.people.paging, NOT_URGENT, time_ns) is not None else ()


def try_channels(
    channels: Sequence[Channel], roster: OnCall, policy: Policy, time_ns: int, tell: Callable[[str, int], None]
) -> tuple[Drilled, ...]:
    """Send a test message through each channel, all at the same time; one that hangs is given up after its time.

    Parameters
    ----------
    channels : sequence of Channel
        Which.
    roster : OnCall
        A personal channel reaches whoever is on call, or who else has an address on it.
    policy : Policy
        How long a hand-over may take.
    time_ns : int
        Now.
    tell : callable
        Told which are still awaited, and how many have answered.

    Returns
    -------
    tuple of Drilled
        In the order of the channels.
    """
    workers = Workers(by_name(channels), policy.people.paging.hand_over_seconds)
    target = float(policy.success.technical.alert_handed_over_seconds)
    began, found = time.monotonic(), dict[str, Drilled]()
    for channel in channels:
        person = _receiver(channel, roster, time_ns)
        if channel.personal and person is None:
            sentence = f"nobody from L1 to L3 has an address on {channel.name}"
            found[channel.name] = Drilled(
                kind=CHANNEL, name=channel.name, time_ns=time_ns, passed=False, sentence=sentence
            )
            continue
        workers.submit(Bundle(channel.name, person.name if person else "", ()), _letter(channel, person, time_ns))
    while len(found) < len(channels):
        tell(", ".join(one.name for one in channels if one.name not in found), len(found))
        for bundle, receipt in workers.collect():
            seconds = time.monotonic() - began
            to = f" to {bundle.person}" if bundle.person else ""
            late = f", later than {target:g} s" if receipt.handed and seconds > target else ""
            found[bundle.channel] = Drilled(
                kind=CHANNEL, name=bundle.channel, time_ns=time_ns, passed=receipt.handed and not late,
                sentence=f"test message{to}: {receipt.answer}{late}", seconds=seconds, target_seconds=target,
            )  # fmt: skip
        time.sleep(LOOK_SECONDS)
    return tuple(found[one.name] for one in channels)


def _receiver(channel: Channel, roster: OnCall, time_ns: int) -> Responder | None:
    """Who is on call and has an address on a channel, else anybody who has one."""
    if not channel.personal:
        return None
    wanted: list[Responder] = []
    for level in range(FIRST_LEVEL, LAST_LEVEL + 1):
        try:
            wanted.append(roster.on_call(level, time_ns))
        except DataError:
            continue
    others = sorted(roster.people.values(), key=lambda one: (one.level, one.name))
    wanted += [one for one in others if one.level >= FIRST_LEVEL and not one.disabled]
    return next((one for one in wanted if one.contacts.get(channel.name)), None)


def _letter(channel: Channel, person: Responder | None, time_ns: int) -> Letter:
    address = person.contacts[channel.name] if person is not None else ""
    title = f"DRILL: test of the channel {channel.name}"
    text = (
        f"DRILL, nothing has happened and nothing is to be done. The FX risk workbench tests whether {channel.name} "
        f"works, {clock_time(time_ns)}."
    )
    return Letter(channel.name, address, NOT_URGENT, title, text)
