"""From the loop's journal to the people: levels, joining, worsening, acknowledgement, what a start finds."""

import json

import pytest
from alert_desk import HOUR, MINUTE, NOON, SECOND, Desk, released, rung, settle

from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.trading.modes import Ladder
from workbench.response.alerts.dispatcher import SHOWN
from workbench.response.incidents.alert import Alert


def reached(desk: Desk) -> dict[str, list[str]]:
    return {name: [one.address for one in desk.letters(name)] for name in ("chat", "email", "sms", "call")}


def address(desk: Desk, name: str, channel: str) -> str:
    return desk.roster.people[name].contacts[channel]


def begun(desk: Desk):
    """A dispatcher that has read the journal once, so that what comes next is news."""
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    return dispatcher


def test_a_warning_goes_to_whoever_is_on_call_by_mail_and_text(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(2, 1))
    settle(dispatcher, NOON + SECOND)
    assert reached(desk) == {
        "chat": [""], "email": ["ann@example.org"], "sms": [address(desk, "ann", "sms")], "call": [],
    }  # fmt: skip


def test_an_urgent_alert_also_texts_everybody_and_calls(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(3, 2))
    settle(dispatcher, NOON + SECOND)
    texted = {address(desk, name, "sms") for name in ("ann", "ben", "cara", "dan")}
    assert set(reached(desk)["sms"]) == texted and len(desk.letters("sms")) == 4
    assert reached(desk)["call"] == [address(desk, "ann", "call")]


def test_a_message_says_what_happened_what_was_done_what_it_waits_for_and_where_to_look(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(4, 4))
    settle(dispatcher, NOON + SECOND)
    text = desk.letters("email")[0].text
    assert "What happened: drawdown rung 4: 6.00 % against a trigger of 5.00 %" in text
    assert "What the system did: mode HALTED, exposure at most 50 % of full size, closes 50 % of what is held" in text
    assert "What it waits for: 2 people to resume, and somebody to acknowledge." in text
    assert "Look and act: https://box.example/#I1" in text
    assert "Acknowledge before 2026-11-27 12:05:01 UTC." in text
    assert "Journal: " in text
    assert len(desk.letters("sms")[0].text) <= 300


def test_repeats_join_and_page_nobody(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(2, 1))
    settle(dispatcher, NOON + SECOND)
    desk.say(*[rung(2, 1)] * 50)
    settle(dispatcher, NOON + 2 * SECOND)
    assert [one.count for one in dispatcher.incidents.open()] == [51]
    assert len(desk.letters("email")) == 1


def test_acknowledgement_stops_the_pages_and_worsening_starts_them_again(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(3, 2))
    settle(dispatcher, NOON + SECOND)
    assert not dispatcher.acknowledge("I1", desk.roster.people["ann"], NOON + MINUTE).acknowledgements[-1].late
    settle(dispatcher, NOON + 10 * MINUTE)
    assert len(desk.letters("call")) == 1
    desk.say(rung(4, 4))
    settle(dispatcher, NOON + 10 * MINUTE + SECOND)
    assert len(desk.letters("call")) == 2 and dispatcher.incidents.named("I1").level == 4


def test_a_viewers_receipt_is_recorded_and_stops_nothing(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(3, 2))
    settle(dispatcher, NOON + SECOND)
    after = dispatcher.acknowledge("I1", desk.roster.people["vera"], NOON + MINUTE)
    assert after.paging_ns is not None and not after.acknowledged
    settle(dispatcher, NOON + SECOND + 5 * MINUTE)
    assert address(desk, "cara", "call") in reached(desk)["call"]


def test_an_acknowledgement_after_the_deadline_is_recorded_as_late(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(3, 2))
    settle(dispatcher, NOON)
    after = dispatcher.acknowledge("I1", desk.roster.people["ann"], NOON + 5 * MINUTE + 1)
    assert after.acknowledgements[-1].late and after.acknowledged
    again = desk.start()
    assert again.incidents.named("I1").acknowledgements == after.acknowledgements


def test_an_incident_closes_when_its_cause_is_gone_and_somebody_has_acknowledged(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(2, 1), rung(3, 2))
    settle(dispatcher, NOON)
    dispatcher.acknowledge("I1", desk.roster.people["ann"], NOON + SECOND)
    desk.say(released(2))
    settle(dispatcher, NOON + 2 * SECOND)
    assert dispatcher.incidents.named("I1").is_open
    desk.say(released(1))
    settle(dispatcher, NOON + 3 * SECOND)
    assert not dispatcher.incidents.named("I1").is_open
    desk.say(rung(2, 1))
    settle(dispatcher, NOON + 4 * SECOND)
    assert dispatcher.incidents.of_cause("drawdown").id == "I2"


def test_a_rung_that_comes_back_after_the_acknowledgement_pages_again(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(2, 1), rung(3, 2))
    settle(dispatcher, NOON)
    dispatcher.acknowledge("I1", desk.roster.people["ann"], NOON + SECOND)
    desk.say(released(2))
    settle(dispatcher, NOON + 2 * SECOND)
    desk.say(rung(3, 2))
    settle(dispatcher, NOON + 3 * SECOND)
    assert dispatcher.incidents.named("I1").paging_ns == NOON + 3 * SECOND and len(desk.letters("call")) == 2


def test_the_first_start_on_an_old_journal_pages_only_for_what_holds_now(desk: Desk) -> None:
    desk.say(rung(4, 4), rung(2, 1, Ladder.VOLATILITY), released(4), rung(2, 1, Ladder.CORRELATION))
    desk.say(released(1, Ladder.VOLATILITY))
    dispatcher = begun(desk)
    assert [one.cause for one in dispatcher.incidents.open()] == ["correlation"]


def test_a_journal_that_cannot_be_read_is_an_emergency_until_it_can(desk: Desk) -> None:
    dispatcher = begun(desk)
    path = desk.folder / "live" / "journal.sqlite"
    kept = path.read_bytes()
    desk.loop.close(NOON)
    path.write_bytes(b"nothing of the kind" * 400)
    settle(dispatcher, NOON + SECOND)
    assert [one.cause for one in dispatcher.incidents.open()] == ["loop journal"] and desk.letters("call")
    path.write_bytes(kept)
    settle(dispatcher, NOON + 2 * SECOND)
    assert not dispatcher.incidents.of_cause("loop journal").rungs


def test_a_loop_that_begins_a_new_journal_ends_what_the_old_one_said(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(2, 1))
    settle(dispatcher, NOON)
    desk.loop.close(NOON)
    (desk.folder / "live").rename(desk.folder / "before")
    again = Desk(desk.folder / "other", desk.policy)
    again.loop.close(NOON)
    (desk.folder / "other" / "live").rename(desk.folder / "live")
    settle(dispatcher, NOON + SECOND)
    assert dispatcher.incidents.of_cause("drawdown").rungs == ()


def test_what_is_shown_is_in_the_journal_for_viewers(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(2, 1))
    settle(dispatcher, NOON)
    with JournalReader(desk.folder / "control") as reader:
        table = json.loads(reader.shown(SHOWN))
    assert [one["cause"] for one in table["incidents"]] == ["drawdown"]
    assert {one["name"]: one["works"] for one in table["channels"]} == dict.fromkeys(("chat", "email", "sms"), True) | {
        "call": None
    }
    assert {page["state"] for page in table["pages"]} == {"handed"}


def test_an_alert_from_elsewhere_is_on_the_disk_at_once(desk: Desk) -> None:
    dispatcher = begun(desk)
    dispatcher.raise_alert(Alert("drill:1", 3, "drill overdue", NOON, "the monthly drill is overdue"), NOON)
    again = desk.start()
    settle(again, NOON + SECOND)
    assert len(desk.letters("call")) == 1 and "drill is overdue" in desk.letters("email")[0].text


def test_information_and_repeats_are_told_together_in_a_digest(desk: Desk) -> None:
    dispatcher = begun(desk)
    news = [Alert(f"x{k}", 1, "feed quality", NOON, "the backup feed was late") for k in range(30)]
    for one in news:
        dispatcher.raise_alert(one, NOON)
    desk.say(rung(2, 1), rung(2, 1))
    settle(dispatcher, NOON + SECOND)
    assert len(desk.letters("chat")) == 1
    dispatcher.acknowledge(dispatcher.incidents.of_cause("drawdown").id, desk.roster.people["ann"], NOON + SECOND)
    settle(dispatcher, NOON + HOUR)
    digests = [one for one in desk.letters("chat") if one.title.startswith("digest")]
    assert len(digests) == 1 and "(30 since the last message)" in digests[0].text
    assert "digest: 31 alerts" in digests[0].title
    settle(dispatcher, NOON + 2 * HOUR)
    assert len([one for one in desk.letters("chat") if one.title.startswith("digest")]) == 1
    assert dispatcher.incidents.of_cause("feed quality") is None


def test_a_rung_that_only_another_policy_has_is_told_all_the_same(desk: Desk) -> None:
    dispatcher = begun(desk)
    desk.say(rung(4, 4, Ladder.CORRELATION))
    settle(dispatcher, NOON)
    assert "what its own policy says" in desk.letters("email")[0].text and desk.letters("call")


@pytest.mark.parametrize("body", [b"\x68", b"\x68{}", b"\x68\xff\xff", b"\x69[1]"])
def test_a_row_that_may_be_an_alert_and_cannot_be_read_is_an_emergency_and_holds_nothing_up(
    desk: Desk, body: bytes
) -> None:
    dispatcher = begun(desk)
    desk.loop.write([Row(RowKind.DECISION, NOON, body), Row(RowKind.DECISION, NOON, b"")])
    desk.say(rung(2, 1))
    settle(dispatcher, NOON)
    assert {one.cause for one in dispatcher.incidents.open()} == {"unreadable alert", "drawdown"}
    assert desk.letters("call")


def test_text_from_elsewhere_cannot_break_out_of_its_line(desk: Desk) -> None:
    dispatcher = begun(desk)
    sentence = "late\r\nSubject: forged\x1b[31m\u202e" + "x" * 5000
    dispatcher.raise_alert(Alert("x", 4, "feed\nquality", NOON, sentence), NOON)
    settle(dispatcher, NOON)
    for channel in ("email", "sms", "call", "chat"):
        one = desk.letters(channel)[0]
        assert "\n" not in one.title and len(one.title) <= 120
        assert all(letter.isprintable() for line in one.text.split("\n") for letter in line)
        assert all(len(line) <= 400 for line in one.text.split("\n"))
    assert not any(line.startswith("Subject") for line in desk.letters("email")[0].text.split("\n"))
