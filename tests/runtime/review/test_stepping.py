"""Days, incidents and stepping: what a journal is said to hold, and that it comes out again."""

from contextlib import closing
from dataclasses import replace

import apsw
import pytest

from workbench.data.journal.chain import Signer
from workbench.data.journal.codec import encode_decision
from workbench.data.journal.journal import Journal
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.domain.errors import ConfigError, DataError, WorkbenchError
from workbench.domain.trading.decisions import CautionChanged
from workbench.domain.trading.market_hours import MINUTE_NS, SECOND_NS
from workbench.domain.trading.modes import Ladder, Mode
from workbench.domain.trading.reasons import Reason
from workbench.engine.snapshot import LAYOUT, stored
from workbench.runtime.review.course import MOST_POINTS
from workbench.runtime.review.journal_days import moment_of, survey_of, window_of
from workbench.runtime.review.stepping import step_closely, step_window

NOON_NS = moment_of("2026-10-30 12:00")


@pytest.fixture(scope="module")
def whole(fallen, quiet):
    """The only day of the journal, stepped."""
    return step_window(fallen, survey_of(fallen).day("2026-10-30"), quiet)


def test_a_journal_is_said_to_hold_its_day_and_its_incident(fallen):
    survey = survey_of(fallen)
    [day], [incident] = survey.days, survey.incidents
    assert (day.day.isoformat(), day.decisions, day.orders, day.incidents) == ("2026-10-30", 5, 1, (1,))
    assert day.rows == survey.head
    assert incident.begins_ns == moment_of("2026-10-30 12:25:10")
    assert (incident.worst, incident.rungs, incident.over) == (Mode.ACTIVE, {Ladder.DRAWDOWN: 2}, False)
    assert (survey.synthetic, survey.worst()) == (True, 1)


def test_an_incident_is_shown_from_half_an_hour_before_it(fallen):
    survey = survey_of(fallen)
    late = replace(survey.incidents[0], begins_ns=NOON_NS + 40 * MINUTE_NS, ends_ns=NOON_NS + 45 * MINUTE_NS)
    window = window_of(fallen, replace(survey, incidents=(late,)), 1)
    assert window.begins_ns == NOON_NS + 10 * MINUTE_NS
    assert window.upto == survey.head


def test_a_day_or_incident_that_is_not_there_is_refused_with_those_there_are(fallen):
    survey = survey_of(fallen)
    with pytest.raises(ConfigError, match=r"no day '2026-11-01': its days are 2026-10-30 to 2026-10-30"):
        survey.day("2026-11-01")
    with pytest.raises(ConfigError, match=r"there is no incident 2: the journal has 1, numbered from 1"):
        window_of(fallen, survey, 2)
    with pytest.raises(ConfigError, match=r"such as 2016-06-24 01:30, got 'noon'"):
        moment_of("noon")


def test_every_decision_comes_out_again(whole):
    assert whole.comparison.sentence == "The same 5 decisions come out again, to the byte."
    assert len(whole.decisions) == 5
    assert [type(one).__name__ for one in whole.decisions].count("TargetPosition") == 1


def test_the_totals_are_those_worked_by_hand(whole):
    totals = whole.course.totals
    sold_at = 1.10 - 0.066 * (8 + 35 / 60) / 10 - 0.0001
    assert totals.ends == pytest.approx(1e6 - 225_000 * (1.10 - sold_at) - 675_000 * 0.066, abs=1e-6)
    assert totals.drawdown == pytest.approx(1 - totals.ends / 1e6)
    assert (totals.fills, totals.cost) == (1, pytest.approx(225_000 * 0.0001))
    assert totals.in_mode_ns == {"ACTIVE": 60 * MINUTE_NS, "REDUCING": 0, "HALTED": 0}


def test_every_event_is_stepped_though_few_are_shown(fallen, whole, quiet, monkeypatch):
    with JournalReader(fallen) as reader:
        events = sum(1 for _ in reader.rows(kinds=(RowKind.EVENT, RowKind.TICK)))
    assert whole.course.totals.events == events
    assert len(whole.steps) <= MOST_POINTS
    monkeypatch.setattr("workbench.runtime.review.stepping.MOST_STEPS", 3)
    short = step_window(fallen, whole.window, quiet)
    assert (len(short.steps), short.course.totals.events) == (3, events)
    assert short.left_out > 0
    assert short.comparison.same == 5


def test_a_window_stepped_from_a_snapshot_decides_as_from_the_beginning(fresh, quiet):
    survey = survey_of(fresh)
    window = replace(survey.day("2026-10-30"), name="later", after=900, begins_ns=NOON_NS + 35 * MINUTE_NS)
    from_the_start = step_window(fresh, window, quiet)
    before = step_window(fresh, replace(window, after=0, upto=500), quiet)
    journal = Journal(fresh, Signer.open(fresh))
    journal.keep_snapshot(500, LAYOUT, stored(before.course.state))
    journal.close(survey.days[0].window.ends_ns)
    from_a_snapshot = step_window(fresh, window, quiet)
    assert 0 < from_a_snapshot.led_up < from_the_start.led_up
    assert from_a_snapshot.course.state.digest == from_the_start.course.state.digest
    assert from_a_snapshot.decisions == from_the_start.decisions
    assert from_a_snapshot.course.totals == from_the_start.course.totals
    assert from_a_snapshot.comparison.same == from_the_start.comparison.same == 5


def test_a_decision_that_comes_out_differently_is_said_loudly(fresh, quiet):
    other = encode_decision(CautionChanged(0, Reason.FIRST_READING, "", "", stopped=True, metric=0.5))
    with closing(apsw.Connection(str(fresh / "journal.sqlite"))) as connection:
        [(row,)] = connection.execute("SELECT sequence FROM journal WHERE kind=2 ORDER BY sequence LIMIT 1 OFFSET 1")
        connection.execute("UPDATE journal SET body=? WHERE sequence=?", (other, row))
    done = step_window(fresh, survey_of(fresh).day("2026-10-30"), quiet)
    assert (done.comparison.same, done.comparison.different) == (4, 1)
    assert done.comparison.sentence.startswith(
        f"NOT THE SAME: 1 of 5 decisions come out differently than they were written, the first at row {row:,}."
    )


def test_decisions_a_crash_kept_from_the_disk_are_counted_as_missing(fresh, quiet):
    with closing(apsw.Connection(str(fresh / "journal.sqlite"))) as connection:
        connection.execute("DELETE FROM journal WHERE sequence=(SELECT max(sequence) FROM journal WHERE kind=2)")
    done = step_window(fresh, survey_of(fresh).day("2026-10-30"), quiet)
    assert done.comparison.sentence == ("The same 4 decisions come out again, to the byte; 1 more are not written yet.")


def test_looked_at_closely_no_event_is_left_out(fallen, whole):
    first, last = moment_of("2026-10-30 12:28:00"), moment_of("2026-10-30 12:29:00")
    steps = step_closely(fallen, whole, moment_of("2026-10-30 12:28:30"), 30.0)
    with JournalReader(fallen) as reader:
        rows = reader.rows(kinds=(RowKind.EVENT, RowKind.TICK))
        expected = [row.sequence for row in rows if first <= row.time_ns <= last]
    assert [step.sequence for step in steps] == expected
    assert [one for step in steps for one in step.decisions] == [
        one for one in whole.decisions if first <= one.time_ns <= last
    ]


@pytest.mark.parametrize(
    ("moment", "seconds", "words"),
    [
        (
            "2026-10-29 12:00:00",
            30.0,
            r"nothing happened within 30 s of 2026-10-29 12:00:00 UTC: the part that is shown",
        ),
        ("2026-10-30 12:28:30", -5.0, r"expected more than 0 seconds before and after a moment, got -5\.0"),
        ("2026-10-30 12:28:30", float("nan"), "got nan"),
    ],
)
def test_where_nothing_can_be_looked_at_closely_it_is_said_why(fallen, whole, moment, seconds, words):
    with pytest.raises(WorkbenchError, match=words):
        step_closely(fallen, whole, moment_of(moment), seconds)


def test_a_journal_is_read_while_a_loop_writes_it(fresh, quiet):
    with closing_later(Journal(fresh, Signer.open(fresh))):
        survey = survey_of(fresh)
        assert step_window(fresh, survey.day("2026-10-30"), quiet).comparison.same == 5


def closing_later(journal: Journal):
    class Open:
        def __enter__(self):
            return journal

        def __exit__(self, *_):
            journal.close(NOON_NS + 7_200 * SECOND_NS)

    return Open()


def test_a_journal_in_which_nothing_has_begun_says_how_to_begin(tmp_path):
    Journal(tmp_path, Signer.open(tmp_path)).close(NOON_NS)
    with pytest.raises(DataError, match=r"nothing has begun in the journal in .* yet: start a loop on it, for example"):
        survey_of(tmp_path)


def test_a_journal_of_a_newer_version_is_refused_in_one_sentence(fresh):
    with closing(apsw.Connection(str(fresh / "journal.sqlite"))) as connection:
        connection.execute("UPDATE meta SET value='99' WHERE key='schema'")
    with pytest.raises(DataError, match=r"has schema 99, and this program knows schemas up to 1: run the version"):
        survey_of(fresh)
