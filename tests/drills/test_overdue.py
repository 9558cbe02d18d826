"""Certificates run out and drills fall due, on a clock moved by hand; people are told early, and when it is late."""

from dataclasses import replace
from pathlib import Path

from drill_room import DAY, NOON, PEOPLE, write_people

from workbench.domain.policy import Policy
from workbench.response.drills.desk import DrillDesk
from workbench.response.drills.duties import DUE_SOON, OVERDUE, Ready, drill_conditions, duties
from workbench.response.drills.names import CONTROL_NAMES
from workbench.response.drills.record import RECORD_FILE, Drilled, Record, recorded
from workbench.response.incidents.alert import INFORMATION, WARNING

ALL_DRILLED = [
    *(Drilled(kind="control", name=name, time_ns=NOON, passed=True, sentence="") for name in CONTROL_NAMES),
    *(Drilled(kind="channel", name=name, time_ns=NOON, passed=True, sentence="") for name in ("log", "sms")),
]


def ready(folder: Path, *more: Drilled, certified_ns: int | None = NOON + 90 * DAY) -> Ready:
    roster = write_people(folder, certified_until_ns=certified_ns)
    return Ready(Record().with_more([*ALL_DRILLED, *more]), roster.people, ("log", "sms"), NOON)


def told(one: Ready, policy: Policy, days: float) -> tuple[str, str]:
    """What is said of overdue drills and of those that soon are, so many days after noon."""
    now = NOON + round(days * DAY)
    said = drill_conditions(duties(one, policy, now), policy, now)
    overdue, soon = said[OVERDUE], said[DUE_SOON]
    assert overdue is None or overdue.level == WARNING
    assert soon is None or soon.level == INFORMATION
    return overdue.sentence if overdue else "", soon.sentence if soon else ""


def test_after_a_drill_all_is_well_then_soon_due_then_overdue(policy: Policy, tmp_path: Path) -> None:
    one = ready(tmp_path)
    assert told(one, policy, 24.9) == ("", "")
    overdue, soon = told(one, policy, 25.0)
    assert not overdue and f"{len(CONTROL_NAMES)} controls (drawdown 1" in soon and "2 channels (log, sms)" in soon
    overdue, soon = told(one, policy, 30.0)
    assert "not drilled in time" in overdue and "controls" in overdue and "people" not in overdue and not soon


def test_a_certificate_runs_out_at_its_moment(policy: Policy, tmp_path: Path) -> None:
    one = ready(tmp_path, certified_ns=NOON + 10 * DAY)
    assert told(one, policy, 4.9) == ("", "")
    assert "3 people (Ada, Ben, Cleo)" in told(one, policy, 5.0)[1]
    assert told(one, policy, 10.0 - 1e-9)[0] == ""
    assert "3 people (Ada, Ben, Cleo)" in told(one, policy, 10.0)[0]


def test_who_was_never_drilled_has_the_time_of_a_drill_from_the_beginning(policy: Policy, tmp_path: Path) -> None:
    one = replace(ready(tmp_path, certified_ns=None), record=Record())
    assert told(one, policy, 24.9) == ("", "")
    assert "controls" in told(one, policy, 30.0)[0] and "people" not in told(one, policy, 30.0)[0]
    assert "3 people" in told(one, policy, 90.0)[0]


def test_a_drill_that_failed_is_due_at_once_until_it_passes(policy: Policy, tmp_path: Path) -> None:
    failed = Drilled(kind="control", name="halt", time_ns=NOON + DAY, passed=False, sentence="it did not trip")
    assert "1 control (halt)" in told(ready(tmp_path, failed), policy, 1.1)[0]
    mended = failed.model_copy(update={"passed": True, "time_ns": NOON + 2 * DAY})
    assert told(ready(tmp_path, failed, mended), policy, 2.1) == ("", "")


def test_the_desk_looks_once_a_minute_and_states_a_rotten_record(policy: Policy, tmp_path: Path) -> None:
    roster = write_people(tmp_path, certified_until_ns=NOON + 90 * DAY)
    recorded(tmp_path, ALL_DRILLED)
    desk = DrillDesk(tmp_path, policy, lambda: roster, ("log", "sms"), NOON)
    assert desk.conditions(NOON) == {OVERDUE: None, DUE_SOON: None}
    (tmp_path / RECORD_FILE).write_bytes(b"\x00")
    assert desk.conditions(NOON + 59 * 10**9)[OVERDUE] is None
    told_of = desk.conditions(NOON + 60 * 10**9)[OVERDUE]
    assert told_of is not None and "nothing is known of drills" in told_of.sentence and told_of.level == WARNING
    # a clock set back does not keep the desk from looking
    (tmp_path / RECORD_FILE).unlink()
    recorded(tmp_path, ALL_DRILLED)
    assert desk.conditions(NOON - DAY)[OVERDUE] is None


def test_viewers_and_disabled_people_owe_no_drill(policy: Policy, tmp_path: Path) -> None:
    one = ready(tmp_path, certified_ns=NOON)
    off = {name: person.switched_off() for name, person in one.people.items()}  # type: ignore[attr-defined]
    assert told(replace(one, people=off), policy, 0.1) == ("", "")
    assert len(PEOPLE) == 3
