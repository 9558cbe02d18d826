"""What may have arrived already says so, wherever it goes; more than a channel takes at once waits, and all arrives."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from alert_desk import NOON, SECOND, Desk, Fake, four, policy_with, roster, rung, settle, someone

from workbench.response.alerts.direct import DirectPages
from workbench.response.alerts.rosters import SteadyRoster
from workbench.response.alerts.workers import AT_ONCE
from workbench.response.incidents.alert import Alert
from workbench.response.incidents.incident import opened

REPEAT = "(This may be a repeat.)"


def until(true: Callable[[], object], turn: Callable[[], object]) -> None:
    ends = time.monotonic() + 10
    while not true() and time.monotonic() < ends:
        turn()
        time.sleep(0.002)
    assert true()


def test_after_a_time_out_the_next_attempt_says_that_it_may_be_a_repeat(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(policy=policy_with(hand_over_seconds=0.05, attempts=3, retry_seconds=1))
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    email = desk.channels["email"]
    hangs = email.hangs = threading.Event()
    desk.say(rung(2, 1))
    waits = lambda: [one for one in dispatcher.outbox.waiting() if one.channel == "email" and one.answer]  # noqa: E731
    until(waits, lambda: dispatcher.turn(NOON))
    email.hangs = None
    until(lambda: email.letters, lambda: dispatcher.turn(NOON + 10 * SECOND))
    hangs.set()
    assert email.letters[0].text.endswith(REPEAT)
    assert all(REPEAT not in one.text for one in desk.letters("chat")), "only what is in doubt"


def test_after_a_time_out_the_next_channel_says_that_it_may_be_a_repeat(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(policy=policy_with(hand_over_seconds=0.05, attempts=1))
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    hangs = desk.channels["email"].hangs = threading.Event()
    desk.say(rung(2, 1))
    until(lambda: desk.letters("call"), lambda: dispatcher.turn(NOON + 3 * SECOND))
    hangs.set()
    assert desk.letters("call")[0].text.endswith(REPEAT)


@pytest.mark.parametrize(("hang", "marked"), [(True, True), (False, False)])
def test_the_watchdog_marks_what_may_have_arrived_and_not_what_was_refused(hang: bool, marked: bool) -> None:
    call = Fake("call")
    hangs = threading.Event()
    call.hangs, call.refuses = hangs if hang else None, not hang
    paging = policy_with(hand_over_seconds=0.05, attempts=3, retry_seconds=1)
    pages = DirectPages({"call": call}, roster, paging.people)
    incident = opened("I1", Alert("x", 4, "loop", NOON, "the loop is silent", lasts=True), NOON)
    pages.page(replace(incident, round=1), [("call", "ann")], NOON)
    told: list[str] = []
    until(lambda: told, lambda: told.extend(pages.turn(NOON)))
    call.hangs, call.refuses = None, False
    until(lambda: call.letters, lambda: pages.turn(NOON + 10 * SECOND))
    hangs.set()
    assert (REPEAT in call.letters[0].text) is marked


def test_more_people_at_once_than_a_channel_takes_are_all_told_at_the_first_attempt(
    open_desk: Callable[..., Desk],
) -> None:
    desk = open_desk()
    names = [f"person{k}" for k in range(3 * AT_ONCE)]
    desk.roster.people |= {name: someone(name, 1) for name in names}
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    desk.say(rung(4, 4))
    until(lambda: len(desk.letters("sms")) >= len(names) + 4, lambda: dispatcher.turn(NOON))
    settle(dispatcher, NOON)
    ended = [one for one in dispatcher.outbox.ended() if one.channel == "sms"]
    assert {(one.state, one.attempts) for one in ended} == {("handed", 1)}


def test_a_page_on_a_channel_that_was_taken_out_of_the_file_takes_another_one(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(channels=four(), policy=policy_with(attempts=1))
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    desk.say(rung(2, 1))
    dispatcher.turn(NOON)
    desk.stop()
    del desk.channels["email"]
    again = desk.start()
    settle(again, NOON + 3 * SECOND)
    assert desk.letters("call")


def test_a_roster_the_system_cannot_look_at_is_told_and_the_last_one_is_used() -> None:
    known = roster()
    answers = [lambda: known]

    def read() -> object:
        if answers:
            return answers.pop()()
        raise FileNotFoundError(2, "No such file or directory", ".#roster.toml")

    steady = SteadyRoster(read)
    steady.refresh()
    assert steady.current is known and "there is no such file" in steady.trouble
