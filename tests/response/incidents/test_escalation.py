"""Who is paged when: on a virtual clock, second by second, over a whole day."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.errors import DataError
from workbench.domain.policy.response import People
from workbench.response.incidents.alert import MANUAL_ACT, Alert, Gone
from workbench.response.incidents.escalation import quiet_until
from workbench.response.incidents.incidents import Incidents

SECOND, MINUTE, HOUR = 1_000_000_000, 60_000_000_000, 3_600_000_000_000
MIDNIGHT = 1_795_737_600 * SECOND
NOON = MIDNIGHT + 12 * HOUR
PEOPLE = read_policy().people
LOUD_DAY = PEOPLE.model_copy(update={"paging": PEOPLE.paging.model_copy(update={"quiet_until": "22:00"})})


@dataclass(frozen=True)
class Someone:
    name: str
    level: int
    contacts: Mapping[str, str] = field(default_factory=dict)
    certified_until_ns: int | None = None
    disabled: bool = False


class SmallRoster:
    def __init__(self, *people: Someone) -> None:
        self.people = {one.name: one for one in people}

    def on_call(self, level: int, time_ns: int) -> Someone:
        found = [one for one in self.people.values() if one.level == level]
        if not found:
            raise DataError(f"nobody is on call at L{level}")
        return found[0]


ROSTER = SmallRoster(Someone("ann", 1), Someone("ben", 1), Someone("cara", 2), Someone("dan", 3), Someone("vera", 0))


def alert(level: int, number: int = 1, *, lasts: bool = False) -> Alert:
    return Alert(f"a{number}", level, "drawdown", NOON, "the book falls", {}, number, lasts=lasts)


def taken(level: int, at_ns: int = NOON) -> Incidents:
    incidents = Incidents()
    for change in incidents.take([alert(level)], at_ns):
        incidents.apply(change.row())
    return incidents


def paged(
    incidents: Incidents, begin_ns: int, seconds: int, people: People = LOUD_DAY
) -> list[tuple[int, set[str], set[str]]]:
    """Seconds after the beginning, channels and people of every round, looking once a second."""
    rounds = []
    for second in range(seconds + 1):
        now_ns = begin_ns + second * SECOND
        for one in incidents.due(now_ns, ROSTER, people):
            rounds.append((second, {place[0] for place in one.pages}, {place[1] for place in one.pages if place[1]}))
            incidents.apply({"kind": "incident", "incident": _plain(one.incident)})
    return rounds


def _plain(incident):
    from workbench.data.journal.plain import to_plain

    return to_plain(incident)


def test_level_two_goes_from_person_to_person_every_fifteen_minutes() -> None:
    rounds = paged(taken(2), NOON, 75 * 60)
    assert [(second // 60, people) for second, _, people in rounds] == [
        (0, {"ann"}), (15, {"ben"}), (30, {"cara"}), (45, {"dan"}), (60, {"dan"}), (75, {"dan"}),
    ]  # fmt: skip


def test_level_three_goes_to_the_next_level_every_five_minutes() -> None:
    rounds = paged(taken(3), NOON, 15 * 60)
    everybody = {"ann", "ben", "cara", "dan"}
    assert [(second, people) for second, _, people in rounds] == [(at * 60, everybody) for at in (0, 5, 10, 15)]


def test_level_three_calls_one_level_after_the_other() -> None:
    incidents, called = taken(3), []
    for minute in (0, 5, 10, 15):
        [one] = incidents.due(NOON + minute * MINUTE, ROSTER, LOUD_DAY)
        called.append([name for channel, name in one.pages if channel == "call"])
        incidents.apply({"kind": "incident", "incident": _plain(one.incident)})
    assert called == [["ann"], ["cara"], ["dan"], ["dan"]]


def test_level_four_keeps_everybody_so_far_and_calls_again_and_again() -> None:
    rounds = paged(taken(4), NOON, 12 * 60)
    calls = [(second // 60, channels) for second, channels, _ in rounds]
    assert [minute for minute, _ in calls] == [0, 2, 4, 5, 7, 9, 10, 12]
    assert [minute for minute, channels in calls if channels == {"call"}] == [2, 4, 7, 9, 12]
    assert rounds[1][2] == {"ann"} and rounds[4][2] == {"ann", "cara"} and rounds[7][2] == {"ann", "cara", "dan"}


@pytest.mark.parametrize(("level", "period"), [(2, 15), (3, 5), (4, 5)])
def test_every_escalation_of_a_day_comes_to_the_second(level: int, period: int) -> None:
    rounds = paged(taken(level), NOON, 24 * 3600)
    escalations = [second for second, channels, _ in rounds if channels != {"call"}]
    assert escalations == list(range(0, 24 * 3600 + 1, period * 60))


def test_looking_late_moves_no_later_deadline() -> None:
    incidents = taken(3)
    times = []
    for second in range(0, 3600, 7):
        for one in incidents.due(NOON + second * SECOND, ROSTER, LOUD_DAY):
            times.append(second)
            incidents.apply({"kind": "incident", "incident": _plain(one.incident)})
    assert all(0 <= second - at * 300 < 7 for at, second in enumerate(times)) and len(times) == 12


@pytest.mark.parametrize("level", [2, 3, 4])
def test_a_clock_that_is_set_back_delays_nobody_for_longer_than_a_period(level: int) -> None:
    incidents = taken(level)
    paged(incidents, NOON, 60)
    rounds = paged(incidents, NOON - HOUR, 20 * 60)
    assert rounds[0][0] == 0 and rounds[-1][0] >= 15 * 60


def test_quiet_hours_hold_back_texts_of_the_milder_levels_until_they_end() -> None:
    rounds = paged(taken(2, MIDNIGHT), MIDNIGHT, 6 * 3600, PEOPLE)
    assert rounds[0] == (0, {"chat", "log", "email"}, {"ann"})
    assert rounds[1] == (5 * 3600, {"chat", "log", "email", "sms"}, {"ann"})
    assert [(second - 5 * 3600) // 60 for second, _, _ in rounds[1:]] == [0, 15, 30, 45, 60]


@pytest.mark.parametrize("level", [3, 4])
def test_quiet_hours_never_hold_back_what_is_urgent(level: int) -> None:
    second, channels, people = paged(taken(level, MIDNIGHT), MIDNIGHT, 0, PEOPLE)[0]
    assert second == 0 and {"sms", "call"} <= channels and "ann" in people


def test_no_setting_silences_an_emergency() -> None:
    always = PEOPLE.paging.model_copy(update={"quiet_from": "00:00", "quiet_until": "23:59", "quiet_up_to_level": 4})
    assert quiet_until(always, 4, NOON) is None


@pytest.mark.parametrize(
    ("begins", "ends", "hour", "until"),
    [("22:00", "05:00", 23, 29), ("22:00", "05:00", 4, 5), ("22:00", "05:00", 5, None), ("22:00", "05:00", 21, None),
     ("01:00", "03:00", 2, 3), ("01:00", "03:00", 3, None), ("08:00", "08:00", 8, None)],
)  # fmt: skip
def test_quiet_hours_may_go_over_midnight(begins: str, ends: str, hour: int, until: int | None) -> None:
    paging = PEOPLE.paging.model_copy(update={"quiet_from": begins, "quiet_until": ends})
    expected = None if until is None else MIDNIGHT + until * HOUR
    assert quiet_until(paging, 2, MIDNIGHT + hour * HOUR) == expected


def test_a_cause_that_ends_and_begins_again_at_once_is_two_incidents_when_answered() -> None:
    incidents = Incidents()
    for change in incidents.take([alert(2, lasts=True)], NOON):
        incidents.apply(change.row())
    incidents.apply(incidents.acknowledge("I1", ROSTER.people["ann"], NOON).row())
    changes = incidents.take([Gone("drawdown", NOON), alert(2, lasts=True)], NOON + SECOND)
    assert [(one.because, one.incident.id, one.incident.is_open) for one in changes] == [
        ("gone", "I1", False), ("opened", "I2", True),
    ]  # fmt: skip


def test_nobody_can_acknowledge_what_is_not_there_or_closed() -> None:
    incidents = taken(2)
    with pytest.raises(DataError, match="no incident 'I7'"):
        incidents.acknowledge("I7", ROSTER.people["ann"], NOON)
    incidents.apply(incidents.acknowledge("I1", ROSTER.people["ann"], NOON).row())
    with pytest.raises(DataError, match="is closed"):
        incidents.acknowledge("I1", ROSTER.people["ben"], NOON)
    assert incidents.open() == () and incidents.all()[0].closed_ns == NOON


def test_only_the_last_closed_incidents_are_kept_in_memory() -> None:
    incidents = Incidents()
    for k in range(300):
        for change in incidents.take([alert(2)], NOON + k):
            incidents.apply(change.row())
        incidents.apply(incidents.acknowledge(f"I{k + 1}", ROSTER.people["ann"], NOON + k).row())
    assert len(incidents.all()) == 200 and incidents.all()[0].id == "I300"


def test_a_manual_act_is_not_forgotten_for_other_incidents_because_a_cap_counts_from_it() -> None:
    incidents = Incidents()
    for change in incidents.take([Alert("act:1", 3, MANUAL_ACT, NOON, "Ada reduces")], NOON):
        incidents.apply(change.row())
    incidents.apply(incidents.acknowledge("I1", ROSTER.people["ann"], NOON).row())
    for k in range(300):
        for change in incidents.take([alert(2)], NOON + k):
            incidents.apply(change.row())
        incidents.apply(incidents.acknowledge(f"I{k + 2}", ROSTER.people["ann"], NOON + k).row())
    assert len(incidents.all()) == 201 and incidents.named("I1").cause == MANUAL_ACT
