"""A process that is only starting is neither halted nor made an emergency; nor does a dead terminal stop a page."""

import errno
import fcntl
import os
import stat

import pytest
from kennel import KEY, NOON, PEOPLE, SECOND, Kennel

from workbench.data.journal.journal import Journal
from workbench.data.journal.storage import LOCK
from workbench.response.alerts.watchdog_file import SERVICE_FILE, WATCHDOG_FILE, read_heartbeat
from workbench.runtime.vigil import STARTING_SECONDS

ANOTHER = 4_000_000
"""Number of a process that spoke before; the starting one is this process, which holds the lock."""


@pytest.fixture
def stopped(kennel: Kennel) -> Kennel:
    """A loop was heard, stopped in good order, and has been gone for a minute."""
    kennel.process = ANOTHER
    kennel.run(3, speaking=True)
    kennel.stop_in_good_order()
    kennel.run(60, speaking=False)
    assert kennel.level() == 2
    return kennel


def test_a_planned_restart_is_neither_halted_nor_an_emergency_and_is_over_when_it_speaks(stopped: Kennel) -> None:
    stopped.start_again()
    stopped.run(STARTING_SECONDS - 1, speaking=False)
    assert (stopped.level(), stopped.halts(), stopped.called()) == (2, 0, [])
    assert read_heartbeat(stopped.options.control).sentence == "the loop is starting"
    stopped.process = os.getpid()
    stopped.run(3, speaking=True)
    assert stopped.level() == 0 and stopped.told[-1] == "the loop speaks again"
    stopped.run(10, speaking=False)
    assert (stopped.level(), stopped.halts(), stopped.called()) == (4, 1, ["ann"])


@pytest.mark.parametrize("told_before", [True, False])
def test_a_lock_held_for_a_moment_makes_no_emergency_of_a_planned_stop(kennel: Kennel, told_before: bool) -> None:
    kennel.process = ANOTHER
    kennel.run(3, speaking=True)
    kennel.stop_in_good_order()
    kennel.run(60 if told_before else 1, speaking=False)
    # the next loop has the lock and has not written its number yet, or gives up again: the old number stands there
    lock = kennel.home / "live" / LOCK
    lock.write_text(str(ANOTHER))
    held = lock.open("rb")
    fcntl.flock(held, fcntl.LOCK_EX)
    kennel.clock.meanwhile = held.close
    if not told_before:
        kennel.clock.seconds += PEOPLE.paging.loop_silent_seconds + 1
    kennel.run(1, speaking=False)
    assert held.closed, "it was asked twice"
    assert (kennel.level(), kennel.halts(), kennel.called()) == (2, 0, [])


def test_a_loop_that_ends_between_two_questions_has_said_why(kennel: Kennel) -> None:
    kennel.run(3, speaking=True)
    kennel.clock.seconds += PEOPLE.paging.loop_silent_seconds + 1
    kennel.clock.meanwhile = kennel.stop_in_good_order
    kennel.run(1, speaking=False)
    assert (kennel.level(), kennel.halts()) == (0, 0), "it has just spoken"
    kennel.run(20, speaking=False)
    assert (kennel.level(), kennel.halts()) == (2, 0)


def test_a_loop_that_hangs_is_asked_twice_once_and_then_each_second_once(kennel: Kennel) -> None:
    asked: list[float] = []
    kennel.clock.meanwhile = lambda: asked.append(kennel.clock.seconds)
    kennel.run(3, speaking=True)
    kennel.run(30, speaking=False)
    assert len(asked) == 1 and (kennel.level(), kennel.halts()) == (4, 1)


def test_a_control_service_that_starts_at_that_moment_is_no_emergency(kennel: Kennel) -> None:
    kennel.serve(3, turning=True)
    kennel.clock.meanwhile = lambda: kennel.beat.tell(kennel.clock.wall_ns() + SECOND)
    kennel.serve(PEOPLE.paging.service_silent_seconds + 2, turning=False)
    assert read_heartbeat(kennel.options.control).service is None and kennel.called() == []


def test_a_restart_that_never_speaks_is_an_emergency_after_its_time_to_start(stopped: Kennel) -> None:
    stopped.start_again()
    stopped.run(STARTING_SECONDS + 5, speaking=False)
    assert (stopped.level(), stopped.halts(), stopped.called()) == (4, 1, ["ann"])


def test_a_watchdog_that_is_restarted_too_waits_for_a_starting_loop(stopped: Kennel) -> None:
    stopped.start_again()
    stopped.watchdog = stopped.fresh()
    stopped.run(STARTING_SECONDS - 1, speaking=False)
    assert (stopped.level(), stopped.halts(), stopped.called()) == (2, 0, [])
    stopped.run(5, speaking=False)
    assert (stopped.level(), stopped.halts()) == (4, 1)


def test_people_who_are_called_already_are_called_on_while_the_loop_starts_again(kennel: Kennel) -> None:
    kennel.process = ANOTHER
    kennel.run(3, speaking=True)
    kennel.loop.close(NOON)
    kennel.run(10, speaking=False)
    assert kennel.called() == ["ann"]
    kennel.start_again()
    kennel.run(120, speaking=False)
    assert kennel.called() == ["ann", "ann"] and kennel.level() == 4


def test_loops_that_die_before_they_speak_share_one_time_to_start(stopped: Kennel) -> None:
    stopped.start_again()
    for number in range(5):
        (stopped.home / "live" / LOCK).write_text(str(ANOTHER + 1 + number))
        stopped.run((STARTING_SECONDS + 10) / 5, speaking=False)
    assert (stopped.level(), stopped.halts()) == (4, 1)


def test_a_control_service_that_starts_again_is_no_emergency_and_one_that_never_turns_is(kennel: Kennel) -> None:
    kennel.serve(3, turning=True)
    kennel.beat.end(kennel.clock.wall_ns())
    text = (kennel.options.control / SERVICE_FILE).read_text().replace(str(os.getpid()), str(ANOTHER))
    (kennel.options.control / SERVICE_FILE).write_text(text)
    kennel.serve(20, turning=False)
    assert read_heartbeat(kennel.options.control).service.level == 2
    lock = Journal(kennel.options.control, KEY)
    kennel.serve(STARTING_SECONDS - 1, turning=False)
    assert read_heartbeat(kennel.options.control).service.level == 2 and kennel.called() == []
    kennel.serve(5, turning=False)
    lock.close(NOON)
    assert read_heartbeat(kennel.options.control).service.level == 3 and kennel.called() == ["ann"]


def test_a_stop_on_purpose_is_told_in_one_round_and_nobody_is_asked_to_acknowledge_it(stopped: Kennel) -> None:
    incident = read_heartbeat(stopped.options.control).incident
    assert incident.round == 1 and incident.deadline_ns is None
    for _ in range(60):
        stopped.clock.sleep(60)
        stopped.run(1, speaking=False)
    after = read_heartbeat(stopped.options.control).incident
    assert after.round == 1 and after.level == 2


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO, errno.ENOSPC])
def test_a_watchdog_whose_terminal_is_gone_pages_and_halts_once(kennel: Kennel, number: int) -> None:
    def tell(sentence: str) -> None:
        raise OSError(number, os.strerror(number), sentence)

    kennel.watchdog = kennel.fresh(tell=tell)
    kennel.run(3, speaking=True)
    kennel.run(10, speaking=False)
    assert (kennel.level(), kennel.halts(), kennel.called()) == (4, 1, ["ann"])


def test_people_are_paged_before_the_terminal_is_told(kennel: Kennel) -> None:
    rounds: list[int] = []
    kennel.watchdog = kennel.fresh(tell=lambda _: rounds.append(kennel.watchdog._loop.incident.round))
    kennel.run(3, speaking=True)
    kennel.run(PEOPLE.paging.loop_silent_seconds + 2, speaking=False)
    assert rounds[0] == 1


def test_heartbeats_may_be_written_by_their_owner_alone_whatever_the_umask(kennel: Kennel) -> None:
    control = kennel.options.control
    (control / "service.new").write_text("left by a version before")
    (control / "service.new").chmod(0o664)
    before = os.umask(0o002)
    try:
        kennel.serve(3, turning=True)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((control / name).stat().st_mode) for name in (WATCHDOG_FILE, SERVICE_FILE)]
    assert modes == [0o600, 0o600]
