"""What people get wrong is stated, recorded and safe: rosters, certificates, channels, clocks, haste and lateness."""

import secrets
import threading
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from real_processes.control_room import LOUD, STAGE, ControlRoom, address_of, opened_room, sink_channels
from real_processes.pages import BATCHES, said, spoken_loop
from real_processes.processes import Nursery, wait_for
from real_processes.sinks import Sinks

from workbench.response.people.roster import Roster

HASTY = {
    "people.alerts.level_3": {"acknowledge_within_minutes": "0.03"},
    "people.alerts.level_4": {"acknowledge_within_minutes": "0.03"},
    "people.paging": LOUD["people.paging"],
}
"""Whoever is paged has 1.8 seconds."""


def changed(room: ControlRoom, fault: str) -> None:
    """Break the roster: nobody of L1 is on call, or whoever is has a certificate that has expired."""
    roster = Roster.read(room.people)
    if fault == "hole":
        roster = replace(roster, shifts=tuple(one for one in roster.shifts if one.person != "Ada"))
    else:
        ada = roster.people["Ada"]
        roster = roster.with_person(replace(ada, certified_until_ns=time.time_ns() - 1))
    roster.write(room.people)


@pytest.mark.parametrize(("fault", "told"), [("hole", "nobody is on call at L1"), ("expired", "Ada, on call at L1, ")])
def test_a_roster_at_fault_is_an_incident_on_the_page_and_pages_reach_somebody_all_the_same(
    room: ControlRoom, sinks: Sinks, fault: str, told: str
) -> None:
    changed(room, fault)
    room.channels(sink_channels(sinks))
    with spoken_loop(room.live) as loop:
        service = room.control()
        address = address_of(service)
        said(loop, BATCHES[0])
        wait_for(lambda: any("URGENT I" in one.text and "drawdown" in one.text for one in sinks.on("sms")), "a page")
    with room.logged_in(address, "Ada") as ada:
        status = ada.get("/api/status").json()
        assert any(told in one for one in status["people"]["troubles"])
        assert any(told in one["sentence"] for one in status["incidents"] if one["cause"] == "roster")
        halted = ada.post("/api/act", json={"nonce": secrets.token_hex(16), "act": "halt"})
        assert halted.json()["stage"] == "waiting" and halted.status_code == 200
    assert service.stop() == 0
    rows = [row for row in room.notes() if row.get("kind") == "incident"]
    assert any(told in str(row) for row in rows)


def test_a_phone_minutes_off_is_refused_in_words_and_recorded_and_keeps_nobody_else_from_halting(
    room: ControlRoom,
) -> None:
    service = room.control()
    address = address_of(service)
    totp = STAGE.pyotp.TOTP(room.keys.secrets["Ada"])
    who = {"name": "Ada", "password": STAGE.WORDS, "code": totp.at(int(time.time()) + 4 * 60)}
    with httpx.Client(base_url=address, headers={"Origin": address}, trust_env=False) as phone:
        answer = phone.post("/api/login", json=who)
        assert answer.status_code == 401 and "is the clock of the phone right?" in answer.json()["refused"]
        assert phone.get("/api/status").status_code == 401
    with room.logged_in(address, "Ben") as ben:
        halted = ben.post("/api/act", json={"nonce": secrets.token_hex(16), "act": "halt"})
        assert halted.status_code == 200
    assert service.stop() == 0
    (row,) = [row for row in room.notes() if row.get("kind") == "login refused"]
    assert row["person"] == "Ada" and "the clock of the phone seems to be 4.0 minutes fast" in row["because"]


def test_of_two_who_act_within_ten_milliseconds_both_are_on_record_and_the_book_ends_halted(
    room: ControlRoom, live
) -> None:
    loop = live("--speed", "1", folder=room.live)
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    service, together = room.control(), threading.Barrier(2)
    pressed: dict[str, float] = {}
    answers: dict[str, httpx.Response] = {}

    def press(name: str, client: httpx.Client, **act: object) -> None:
        together.wait()
        pressed[name] = time.monotonic()
        answers[name] = client.post("/api/act", json={"nonce": secrets.token_hex(16), **act})

    address = address_of(service)
    with room.logged_in(address, "Ada") as ada, room.logged_in(address, "Ben") as ben:
        before = {row["strategy"]: row["units"] for row in loop.status()["book"]["positions"]}
        threads = [
            threading.Thread(target=press, args=("Ada", ada), kwargs={"act": "reduce", "fraction": 0.5}),
            threading.Thread(target=press, args=("Ben", ben), kwargs={"act": "halt"}),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert abs(pressed["Ada"] - pressed["Ben"]) < 0.01
    assert {name: one.status_code for name, one in answers.items()} == {"Ada": 200, "Ben": 200}
    shown = loop.wait_until(lambda table: table["book"]["mode"] == "HALTED", "a halted book")
    assert {(row["act"], row["actor"]) for row in shown["commands"]} == {("reduce", "Ada"), ("halt", "Ben")}
    assert all(abs(row["target"]) <= abs(before[row["strategy"]]) / 2 for row in shown["book"]["positions"])
    assert service.stop() == 0 and loop.stop() == 0
    asked = [row for row in room.notes() if "asked" in row]
    assert {row["person"] for row in asked} == {"Ada", "Ben"}


def test_an_acknowledgement_after_the_deadline_counts_is_told_as_late_and_ends_the_pages(
    nursery: Nursery, tmp_path: Path, sinks: Sinks
) -> None:
    room = opened_room(nursery, tmp_path / "home", HASTY)
    room.channels(sink_channels(sinks))
    with spoken_loop(room.live) as loop:
        service = room.control()
        address = address_of(service)
        said(loop, BATCHES[0][:1])
        wait_for(lambda: any("nobody has answered yet" in one.text for one in sinks.on("email")), "an escalation", 15)
        with room.logged_in(address, "Ben") as ben:
            answer = ben.post("/api/acknowledge", json={"nonce": secrets.token_hex(16), "incident": "I1"})
            (incident,) = answer.json()["rows"]
            (one,) = incident["acknowledgements"]
            assert (one["person"], one["late"], one["stops"]) == ("Ben", True, True)
        time.sleep(0.3)  # what was on its way
        count = len(sinks.received)
        time.sleep(2.2)  # another deadline
        assert len(sinks.received) == count
        assert service.stop() == 0
    assert any("late" in str(row) and "Ben" in str(row) for row in room.notes() if row.get("kind") == "incident")
