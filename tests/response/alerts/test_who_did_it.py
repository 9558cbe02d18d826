"""Incidents say who did what: a person, or the system by itself; each act counts once, and its outcome is told."""

from pathlib import Path

import pytest
from alert_desk import HOUR, MINUTE, NOON, SECOND, Desk, rung, settle

from workbench.data.inbox import Command
from workbench.data.journal.codec import encode_decision, encode_table
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.trading.decisions import RaiseAlert
from workbench.domain.trading.reasons import Reason
from workbench.response.alerts.channel_file import SteadyChannels
from workbench.response.alerts.conditions import CHANNEL_TROUBLE, CHANNELS, ROSTER, channel_trouble
from workbench.response.alerts.dispatcher import Dispatcher
from workbench.response.incidents.alert import MANUAL_ACT, SYSTEM_ACT
from workbench.response.incidents.manual_acts import DISPATCHER, WATCHDOG, ManualAct, manual_act_alert

GOOD = 'urls = ["json://127.0.0.1:9/"]\n'


def hear(desk: Desk, command: Command, refused: str = "", reason: Reason = Reason.OPERATOR_HALT) -> None:
    """The loop takes a message in: the row of the message, then what its engine decides."""
    row = Row(RowKind.COMMAND, NOON, encode_table({**command.model_dump(), "refused": refused}))
    alert = RaiseAlert(NOON, reason, "p" * 12, "c", 3, 0.0, 0.0, 10.0)
    desk.loop.write([row] if refused else [row, Row(RowKind.DECISION, NOON, encode_decision(alert))])


def told_before(dispatcher: Dispatcher, kind: str, command: Command, words: str) -> None:
    dispatcher.raise_alert(manual_act_alert(ManualAct(kind, words, command.nonce), NOON), NOON)


@pytest.fixture
def begun(desk: Desk) -> Dispatcher:
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    return dispatcher


def test_a_halt_of_the_watchdog_is_no_act_of_a_person(desk: Desk, begun: Dispatcher) -> None:
    hear(desk, Command.made("halt", WATCHDOG, NOON, reason="the loop was silent"))
    settle(begun, NOON + SECOND)
    assert begun.incidents.of_cause(MANUAL_ACT) is None
    told = begun.incidents.of_cause(SYSTEM_ACT)
    assert told is not None and told.level == 3
    assert "no person does: the watchdog, because the loop was silent" in told.worst.sentence
    assert "HALTED" in told.worst.facts["did"] and "two people" in told.worst.facts["waits"]
    assert any("the watchdog" in one.text for one in desk.letters("email"))


def test_an_act_from_a_shell_is_told_with_the_name_of_who_asked(desk: Desk, begun: Dispatcher) -> None:
    hear(desk, Command.made("reduce", "ana", NOON, fraction=0.25), reason=Reason.OPERATOR_REDUCE)
    settle(begun, NOON + SECOND)
    told = begun.incidents.of_cause(MANUAL_ACT)
    assert told is not None and (told.count, told.worst.sentence) == (1, "ana reduces every position by 25 %")
    hear(desk, Command.made("flatten", "ben", NOON))
    settle(begun, NOON + 2 * SECOND)
    assert begun.incidents.of_cause(MANUAL_ACT).worst.sentence == "ben closes every position"


def test_two_resume_is_no_manual_act(desk: Desk, begun: Dispatcher) -> None:
    row = {**Command.made("resume", "ana", NOON, approver="ben").model_dump(), "refused": ""}
    desk.loop.write([Row(RowKind.COMMAND, NOON, encode_table(row))])
    settle(begun, NOON + SECOND)
    assert begun.incidents.open() == ()


def test_two_reductions_and_a_halt_are_three_acts_however_the_loop_speaks_of_them(
    desk: Desk, begun: Dispatcher
) -> None:
    for act, words in (("reduce", "ann reduces"), ("reduce", "ann reduces"), ("halt", "ann halts the book")):
        command = Command.made(act, "ann", NOON, fraction=0.25 if act == "reduce" else 1.0)
        told_before(begun, act, command, words)
        hear(desk, command, reason=Reason.OPERATOR_HALT if act == "halt" else Reason.OPERATOR_REDUCE)
        settle(begun, NOON + SECOND)
    told = begun.incidents.of_cause(MANUAL_ACT)
    assert told is not None and (told.count, told.worst.sentence) == (3, "ann halts the book")
    again = desk.start()
    settle(again, NOON + MINUTE)
    assert again.incidents.of_cause(MANUAL_ACT).count == 3


def test_what_became_of_an_act_takes_the_place_of_it_having_been_sent(desk: Desk, begun: Dispatcher) -> None:
    command = Command.made("halt", "ann", NOON)
    told_before(begun, "halt", command, "ann halts the book: fear")
    assert "has not said yet" in begun.incidents.of_cause(MANUAL_ACT).worst.facts["did"]
    settle(begun, NOON)
    pages = len(desk.letters("email"))
    hear(desk, command)
    settle(begun, NOON + SECOND)
    told = begun.incidents.of_cause(MANUAL_ACT)
    assert told.worst.facts["did"] == "the loop has taken it in: the book is HALTED"
    assert told.worst.sentence == "ann halts the book: fear" and len(desk.letters("email")) == pages


def test_a_refusal_of_the_loop_is_the_outcome_and_alone_it_is_no_incident(desk: Desk, begun: Dispatcher) -> None:
    hear(desk, Command.made("halt", "zoe", NOON), refused="the clock is wrong")
    settle(begun, NOON)
    assert begun.incidents.of_cause(MANUAL_ACT) is None
    command = Command.made("halt", "ann", NOON)
    told_before(begun, "halt", command, "ann halts the book")
    hear(desk, command, refused="the clock is wrong")
    settle(begun, NOON + SECOND)
    assert begun.incidents.of_cause(MANUAL_ACT).worst.facts["did"] == "nothing: the loop refused it, the clock is wrong"


def test_the_outcome_of_an_act_that_was_acknowledged_opens_no_second_incident(desk: Desk, begun: Dispatcher) -> None:
    command = Command.made("halt", "ann", NOON)
    told_before(begun, "halt", command, "ann halts the book")
    begun.acknowledge("I1", desk.roster.people["ben"], NOON)
    hear(desk, command)
    settle(begun, NOON + SECOND)
    assert begun.incidents.open() == ()
    [over] = begun.incidents.all()
    assert "has taken it in" in over.worst.facts["did"] and not over.is_open


def test_a_halt_because_nobody_can_be_told_is_told_as_the_systems_own(desk: Desk) -> None:
    for channel in desk.channels.values():
        channel.refuses = True
    dispatcher = desk.start()
    desk.say(rung(3, 2))
    for second in range(8):
        settle(dispatcher, NOON + second * SECOND)
    no_channel = dispatcher.incidents.of_cause(CHANNELS)
    assert "halts the book when an urgent incident stays unanswered for" in no_channel.worst.facts["did"]
    settle(dispatcher, NOON + 5 * MINUTE + 10 * SECOND)
    [(_, command)] = desk.inbox.waiting()
    told = dispatcher.incidents.of_cause(SYSTEM_ACT)
    assert DISPATCHER in told.worst.sentence and "I1 is unanswered" in told.worst.sentence
    assert "asked the loop to halt the book" in dispatcher.incidents.of_cause(CHANNELS).worst.facts["did"]
    hear(desk, command)
    settle(dispatcher, NOON + 6 * MINUTE)
    told = dispatcher.incidents.of_cause(SYSTEM_ACT)
    assert told.count == 1 and "has taken it in" in told.worst.facts["did"]
    assert dispatcher.incidents.of_cause(MANUAL_ACT) is None
    settle(dispatcher, NOON + HOUR)
    assert len(desk.inbox.waiting()) == 1, "its own halt, unanswered, is no reason for another one"


def test_channel_trouble_that_grows_after_it_was_acknowledged_pages_again_and_is_told_as_it_is(
    desk: Desk, begun: Dispatcher, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()

    def turn_with(now: int, *broken: str) -> None:
        parts = (f"[{name}]\n{'urls = 3' if name in broken else GOOD}\n" for name in ("chat", "email", "sms"))
        (folder / "channels.toml").write_text("".join(parts))
        (folder / "channels.toml").chmod(0o600)
        desk.conditions[CHANNEL_TROUBLE] = channel_trouble(SteadyChannels(folder), now)
        settle(begun, now)

    turn_with(NOON, "chat")
    begun.acknowledge("I1", desk.roster.people["ann"], NOON)
    pages = len(desk.letters("chat"))
    turn_with(NOON + MINUTE, "chat")
    assert len(desk.letters("chat")) == pages, "nothing is new"
    turn_with(NOON + 2 * MINUTE, "chat", "email", "sms")
    told = begun.incidents.of_cause(CHANNEL_TROUBLE)
    assert (told.id, told.count, told.acknowledged) == ("I1", 2, False) and len(desk.letters("chat")) > pages
    assert all(f"[{name}]" in told.worst.sentence for name in ("chat", "email", "sms"))
    begun.acknowledge("I1", desk.roster.people["ann"], NOON + 2 * MINUTE)
    pages = len(desk.letters("chat"))
    turn_with(NOON + 3 * MINUTE, "sms")
    told = begun.incidents.of_cause(CHANNEL_TROUBLE)
    assert "[chat]" not in told.worst.sentence and "[sms]" in told.worst.sentence and told.count == 2
    assert len(desk.letters("chat")) == pages, "what is in part over pages nobody"
    turn_with(NOON + 4 * MINUTE, "sms", "email")
    assert len(desk.letters("chat")) > pages and begun.incidents.of_cause(CHANNEL_TROUBLE).count == 3
    turn_with(NOON + 5 * MINUTE)
    told = begun.incidents.of_cause(CHANNEL_TROUBLE)
    shown = next(one for one in begun.shown()["incidents"] if one["id"] == told.id)
    assert shown["lasts"] and not shown["holds"], "the page can say that it is over"


def test_a_roster_that_gets_a_second_hole_after_the_first_was_acknowledged_pages_again(
    desk: Desk, begun: Dispatcher
) -> None:
    desk.roster.holes = {2}
    settle(begun, NOON)
    known = begun.incidents.of_cause(ROSTER)
    begun.acknowledge(known.id, desk.roster.people["ann"], NOON)
    pages = len(desk.letters("chat"))
    desk.roster.holes = {2, 3}
    settle(begun, NOON + MINUTE)
    assert len(desk.letters("chat")) > pages and "L3" in begun.incidents.of_cause(ROSTER).worst.sentence
