"""Storms, channels that fail, rosters with holes: nothing critical is lost, and what does not work is seen."""

import threading
import time
from collections.abc import Callable

import pytest
from alert_desk import HOUR, MINUTE, NOON, SECOND, Desk, Someone, four, policy_with, rung, settle

from workbench.domain.errors import ConfigError
from workbench.response.alerts.dispatcher import Dispatcher
from workbench.response.incidents.alert import Alert


def begun(desk: Desk) -> Dispatcher:
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    return dispatcher


def told(desk: Desk, channel: str) -> str:
    return "\n".join(one.text for one in desk.letters(channel))


def test_a_thousand_alerts_in_a_minute_coalesce_and_no_critical_one_is_lost(desk: Desk) -> None:
    dispatcher = begun(desk)
    for tick in range(240):
        now = NOON + tick * SECOND // 4
        for k in range(tick * 1000 // 240, (tick + 1) * 1000 // 240):
            critical = k in (333, 777)
            cause = f"critical {k}" if critical else f"strategy {k % 100}"
            alert = Alert(f"storm:{k}", 4 if critical else 2, cause, now, f"number {k} of the storm")
            dispatcher.raise_alert(alert, now)
        dispatcher.turn(now)
        for number in (333, 777):
            if tick == number * 240 // 1000 + 1:
                settle(dispatcher, now)
                assert f"number {number} of the storm" in told(desk, "call")
    settle(dispatcher, NOON + MINUTE)
    settle(dispatcher, NOON + MINUTE + 3 * SECOND)
    assert sum(one.count for one in dispatcher.incidents.open()) == 1000
    assert len(dispatcher.incidents.open()) == 102
    assert len(desk.letters("email")) < 40, "one person is not sent a hundred mails in a minute"
    assert len(desk.letters("call")) < 6
    assert {page.state for page in dispatcher.outbox.ended()} == {"handed"}


def test_emergencies_in_one_message_are_all_named(desk: Desk) -> None:
    dispatcher = begun(desk)
    for k in range(40):
        dispatcher.raise_alert(Alert(f"x{k}", 4, f"cause {k}", NOON, f"number {k} of forty"), NOON)
    settle(dispatcher, NOON)
    assert len(desk.letters("email")) == 1
    assert all(f"number {k} of forty" in told(desk, "email") for k in range(40))


def test_a_channel_that_hangs_delays_no_other(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(policy=policy_with(hand_over_seconds=0.5, attempts=2, retry_seconds=5))
    dispatcher = begun(desk)
    desk.channels["email"].hangs = threading.Event()
    desk.say(rung(4, 4))
    began = time.monotonic()
    while not desk.letters("call") and time.monotonic() - began < 3:
        dispatcher.turn(NOON + SECOND)
        time.sleep(0.002)
    assert time.monotonic() - began < 2
    time.sleep(0.6)
    dispatcher.turn(NOON + 2 * SECOND)
    page = next(one for one in dispatcher.outbox.waiting() if one.channel == "email")
    assert (page.state, page.attempts, page.answer) == ("queued", 1, "no answer within 0.5 s")
    desk.channels["email"].hangs.set()
    while any(one.channel == "email" for one in dispatcher.outbox.waiting()) and time.monotonic() - began < 5:
        dispatcher.turn(NOON + 2 * SECOND)
    ended = next(one for one in dispatcher.outbox.ended() if one.channel == "email")
    assert ended.state == "handed", "an answer that comes late still counts"


def test_a_page_that_fails_is_tried_again_later_and_later_and_then_takes_another_channel(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.channels["email"].refuses = True
    desk.say(rung(2, 1))
    settle(dispatcher, NOON)
    assert not desk.letters("call")
    settle(dispatcher, NOON + SECOND * 4 // 10)
    page = next(one for one in dispatcher.outbox.waiting() if one.channel == "email")
    assert (page.attempts, page.next_ns) == (1, NOON + SECOND // 2)
    settle(dispatcher, NOON + 3 * SECOND)
    failed = next(one for one in dispatcher.outbox.ended() if one.channel == "email")
    assert (failed.state, failed.attempts) == ("failed", 2)
    assert [one.address for one in desk.letters("call")] == [desk.roster.people["ann"].contacts["call"]]
    assert not dispatcher.outbox.health["email"].works and dispatcher.outbox.silenced_since_ns() is None


def test_in_quiet_hours_a_failed_mail_wakes_nobody_by_another_channel(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.channels["email"].refuses = True
    desk.say(rung(2, 1))
    for second in range(5):
        settle(dispatcher, NOON + 11 * HOUR + second * SECOND)
    assert next(one for one in dispatcher.outbox.ended() if one.channel == "email").state == "failed"
    assert not desk.letters("call") and not desk.letters("sms")
    settle(dispatcher, NOON + 17 * HOUR)
    assert desk.letters("sms")


def silenced(desk: Desk) -> Dispatcher:
    """Every channel refuses; an incident of level 3 has been tried on each."""
    for channel in desk.channels.values():
        channel.refuses = True
    dispatcher = begun(desk)
    desk.say(rung(3, 2))
    for second in range(8):
        settle(dispatcher, NOON + second * SECOND)
    return dispatcher


def test_all_channels_down_is_an_incident_on_the_page_until_one_works(desk: Desk) -> None:
    dispatcher = silenced(desk)
    incident = dispatcher.incidents.of_cause("channels")
    assert incident.level == 4 and "no channel reaches anybody: sms (refused)" in incident.worst.sentence
    assert dispatcher.shown()["no_channel_since_ns"] is not None
    desk.channels["sms"].refuses = False
    settle(dispatcher, NOON + 6 * MINUTE)
    settle(dispatcher, NOON + 6 * MINUTE + SECOND)
    assert not dispatcher.incidents.of_cause("channels").rungs
    assert dispatcher.shown()["no_channel_since_ns"] is None


def test_all_channels_down_halts_once_when_the_policy_says_so(desk: Desk) -> None:
    dispatcher = silenced(desk)
    settle(dispatcher, NOON + 4 * MINUTE)
    assert not desk.inbox.waiting()
    settle(dispatcher, NOON + 5 * MINUTE + 10 * SECOND)
    [(path, command)] = desk.inbox.waiting()
    assert (command.act, command.actor) == ("halt", "the dispatcher of alerts") and "I1" in command.reason
    path.unlink()
    settle(desk.start(), NOON + 20 * MINUTE)
    assert not desk.inbox.waiting()


def test_all_channels_down_only_tells_when_the_policy_says_so(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(policy=policy_with(no_channel_act="tell", attempts=1, retry_seconds=0.5))
    dispatcher = silenced(desk)
    settle(dispatcher, NOON + HOUR)
    assert dispatcher.incidents.of_cause("channels") is not None and not desk.inbox.waiting()


def test_an_answered_incident_is_no_reason_to_halt(desk: Desk) -> None:
    dispatcher = silenced(desk)
    dispatcher.acknowledge("I1", desk.roster.people["ann"], NOON + MINUTE)
    settle(dispatcher, NOON + HOUR)
    assert not desk.inbox.waiting()


def test_a_halt_that_could_not_be_put_in_is_put_in_later_with_the_same_nonce(desk: Desk) -> None:
    dispatcher = silenced(desk)
    desk.inbox.folder.write_text("a file stands in the way")
    settle(dispatcher, NOON + 6 * MINUTE)
    asked = dispatcher._asked["I1"]
    desk.inbox.folder.unlink()
    settle(desk.start(), NOON + 7 * MINUTE)
    [(_, command)] = desk.inbox.waiting()
    assert command.nonce == asked["nonce"] and command.made_ns == asked["time_ns"]


def test_no_channel_at_all_is_said_at_the_first_turn(open_desk: Callable[..., Desk]) -> None:
    dispatcher = begun(open_desk(channels={}))
    assert "none is set up in channels.toml" in dispatcher.incidents.of_cause("channels").worst.sentence


def test_a_hole_in_the_roster_is_told_and_everybody_of_the_level_is_paged(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.roster.holes = {1}
    desk.say(rung(3, 2))
    settle(dispatcher, NOON)
    called = {one.address for one in desk.letters("call")}
    assert {desk.roster.people[name].contacts["call"] for name in ("ann", "ben")} <= called
    assert "nobody is on call at L1" in dispatcher.incidents.of_cause("roster").worst.sentence
    desk.roster.holes = set()
    settle(dispatcher, NOON + SECOND)
    assert not dispatcher.incidents.of_cause("roster").rungs


def test_a_level_without_anybody_is_passed_over_to_the_next(desk: Desk) -> None:
    desk.roster.people = {name: one for name, one in desk.roster.people.items() if one.level != 1}
    desk.roster.holes = {1}
    dispatcher = begun(desk)
    desk.say(rung(2, 1))
    settle(dispatcher, NOON)
    assert "cara@example.org" in [one.address for one in desk.letters("email")]


@pytest.mark.parametrize(
    ("changed", "paged"), [({"certified_until_ns": NOON - 1}, {"ann", "ben"}), ({"disabled": True}, {"ben"})]
)
def test_somebody_on_call_who_may_not_answer_is_told_and_the_others_are_paged(
    desk: Desk, changed: dict, paged: set[str]
) -> None:
    ann = desk.roster.people["ann"]
    desk.roster.people["ann"] = Someone(ann.name, 1, ann.contacts, **changed)
    dispatcher = begun(desk)
    assert "ann, on call at L1, " in dispatcher.incidents.of_cause("roster").worst.sentence
    before = len(desk.letters("email"))
    desk.say(rung(2, 1))
    settle(dispatcher, NOON + 3 * SECOND)
    assert {one.address for one in desk.letters("email")[before:]} == {f"{name}@example.org" for name in paged}


def test_somebody_without_any_address_is_told(desk: Desk) -> None:
    desk.roster.people["ben"] = Someone("ben", 1, {})
    dispatcher = begun(desk)
    assert "ben has no address on sms, call, email" in dispatcher.incidents.of_cause("roster").worst.sentence


def test_eight_messages_that_hang_are_the_most_a_channel_holds(open_desk: Callable[..., Desk]) -> None:
    channels = four()
    channels["chat"].hangs = threading.Event()
    desk = open_desk(policy=policy_with(hand_over_seconds=0.02, attempts=50, retry_seconds=0.01), channels=channels)
    dispatcher = begun(desk)
    desk.say(rung(4, 4))
    answers: set[str] = set()
    for k in range(120):
        dispatcher.turn(NOON + k * MINUTE)
        answers |= {page.answer for page in dispatcher.outbox.waiting() if page.channel == "chat"}
        time.sleep(0.004)
    assert "8 earlier messages hang: the channel takes no more" in answers
    assert sum(one.name == "page by chat" for one in threading.enumerate()) <= 8
    channels["chat"].hangs.set()


def test_a_roster_that_cannot_be_read_is_told_and_the_last_one_is_used(desk: Desk) -> None:
    dispatcher = begun(desk)
    kept = desk.roster

    def broken() -> object:
        raise ConfigError("roster.toml is not valid TOML")

    object.__setattr__(dispatcher._roster, "_read", broken)
    desk.say(rung(2, 1))
    settle(dispatcher, NOON)
    assert desk.letters("email")[0].address == kept.people["ann"].contacts["email"]
    assert "roster.toml is not valid TOML" in dispatcher.incidents.of_cause("roster").worst.sentence


def test_a_page_that_waits_is_not_held_up_by_a_clock_that_is_set_back(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.channels["email"].refuses = True
    desk.say(rung(2, 1))
    settle(dispatcher, NOON)
    desk.channels["email"].refuses = False
    settle(dispatcher, NOON - HOUR)
    assert "nobody has answered yet" not in desk.letters("email")[0].text
