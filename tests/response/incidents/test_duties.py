"""The duty of L1 to pass on what still holds: reminded, then L2 is paged, and only L2 ends that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from workbench.data.journal.plain import from_plain, to_plain
from workbench.data.policy_file import read_policy
from workbench.domain.errors import DataError
from workbench.response.incidents.alert import Alert, Gone
from workbench.response.incidents.incident import Incident
from workbench.response.incidents.incidents import Change, Incidents

SECOND, MINUTE = 1_000_000_000, 60_000_000_000
NOON = 1_795_780_800 * SECOND
PEOPLE = read_policy().people


@dataclass(frozen=True)
class Someone:
    name: str
    level: int
    contacts: Mapping[str, str] = field(default_factory=dict)
    certified_until_ns: int | None = None
    disabled: bool = False


class SmallRoster:
    people: ClassVar = {
        one.name: one for one in (Someone("ann", 1), Someone("al", 1), Someone("cara", 2), Someone("dan", 3))
    }

    def on_call(self, level: int, time_ns: int) -> Someone:
        for one in self.people.values():
            if one.level == level:
                return one
        raise DataError(f"nobody is on call at L{level}")


ROSTER = SmallRoster()


class Day:
    """Incidents on a clock; every change is written and read, as the dispatcher does it."""

    def __init__(self, level: int, people=PEOPLE) -> None:
        self.incidents, self.people, self.now_ns = Incidents(), people, NOON
        self.calls: list[tuple[int, str, str]] = []
        self.take(Alert("a1", level, "volatility", NOON, "the book shakes", {"waits": "calm"}, 2, lasts=True))

    def take(self, *news: Alert | Gone) -> None:
        for change in self.incidents.take(news, self.now_ns):
            self.apply(change)

    def apply(self, change: Change) -> None:
        row = change.row()
        assert from_plain(Incident, row["incident"]) == change.incident
        self.incidents.apply(row)

    def wait(self, minutes: float) -> None:
        end = self.now_ns + round(minutes * MINUTE)
        while self.now_ns < end:
            self.now_ns += SECOND
            for one in self.incidents.due(self.now_ns, ROSTER, self.people):
                self.calls += [(round((self.now_ns - NOON) / MINUTE), *place) for place in one.pages]
                self.apply(Change("paged", one.incident))

    def acknowledge(self, who: str) -> None:
        self.apply(self.incidents.acknowledge("I1", ROSTER.people[who], self.now_ns))

    @property
    def one(self) -> Incident:
        return self.incidents.named("I1")

    def called(self) -> list[tuple[int, str]]:
        return [(minute, person) for minute, channel, person in self.calls if channel == "call"]


@pytest.mark.parametrize("level", [3, 4])
def test_whoever_of_l1_has_it_is_reminded_and_then_l2_is_paged(level):
    day = Day(level)
    day.wait(1)
    day.acknowledge("ann")
    day.calls.clear()
    day.wait(9)
    assert day.calls == []
    assert day.one.table()["duty_ns"] == NOON + 16 * MINUTE
    day.wait(2)
    assert {place[1:] for place in day.calls} == {("email", "ann"), ("sms", "ann"), ("call", "ann")}
    assert {place[0] for place in day.calls} == {11}
    assert day.one.worst.facts == {"waits": "calm", "duty": "ann tells L2 before 12:16 UTC, or L2 is paged"}
    day.calls.clear()
    day.wait(4.5)
    assert (16, "cara") in day.called() and not day.one.acknowledged
    assert day.one.asks_level == 2


def test_what_was_passed_on_is_ended_by_l2_and_not_by_l1():
    day = Day(3)
    day.acknowledge("ann")
    day.wait(16)
    day.acknowledge("ann")
    assert not day.one.acknowledged and day.one.acknowledgements[-1].stops is False
    day.calls.clear()
    day.wait(5)
    assert (20, "dan") in day.called(), "it goes on to the next level"
    day.acknowledge("cara")
    day.calls.clear()
    day.wait(60)
    assert day.one.acknowledged and day.calls == [] and day.one.table()["duty_ns"] is None


def test_nobody_has_the_duty_once_l2_has_acknowledged():
    day = Day(4)
    day.acknowledge("ann")
    day.wait(5)
    day.acknowledge("cara")
    day.calls.clear()
    day.wait(60)
    assert day.calls == [] and day.one.acknowledged and day.one.duty_ns is None


@pytest.mark.parametrize("ends", ["cause gone", "level 2"])
def test_nobody_has_it_for_what_is_over_or_is_not_urgent(ends):
    day = Day(2 if ends == "level 2" else 3)
    day.acknowledge("ann")
    if ends == "cause gone":
        day.take(Gone("volatility", NOON))
    day.calls.clear()
    day.wait(60)
    assert day.calls == []


def test_another_of_l1_does_not_put_it_off():
    day = Day(3)
    day.acknowledge("ann")
    day.wait(14)
    day.acknowledge("al")
    day.wait(1.5)
    assert not day.one.acknowledged and (15, "cara") in day.called()


def test_what_became_worse_is_asked_of_l1_anew_and_the_duty_begins_again():
    day = Day(3)
    day.acknowledge("ann")
    day.wait(16)
    day.take(Alert("a2", 4, "volatility", day.now_ns, "worse", {}, 3, lasts=True))
    assert (day.one.asks_level, day.one.acknowledged, day.one.reminded) == (1, False, False)
    day.acknowledge("ann")
    assert day.one.acknowledged
    day.wait(1)
    assert day.one.duty_ns == NOON + 31 * MINUTE
    day.wait(15)
    assert not day.one.acknowledged


def test_the_minutes_are_those_of_the_policy():
    rule = PEOPLE.roles.L1.model_copy(update={"escalates_within_minutes": 4.0, "reminded_minutes_before": 1.0})
    day = Day(3, PEOPLE.model_copy(update={"roles": PEOPLE.roles.model_copy(update={"L1": rule})}))
    day.acknowledge("ann")
    day.wait(4.5)
    assert day.called() == [(3, "ann"), (4, "cara")]


def test_l2_is_found_where_pages_go_from_person_to_person():
    alerts = PEOPLE.alerts
    table = {"level_3": alerts.level_3.model_copy(update={"then": "next_person"})}
    day = Day(3, PEOPLE.model_copy(update={"alerts": alerts.model_copy(update=table)}))
    day.acknowledge("ann")
    day.wait(15.5)
    assert day.called()[-1] == (15, "cara")


def test_rows_of_before_there_was_this_duty_are_read():
    table = to_plain(Day(3).one)
    for name in ("asked_ns", "asks_level", "duty_ns", "reminded"):
        del table[name]
    assert from_plain(Incident, table).asks_level == 1
