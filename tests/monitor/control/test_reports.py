"""Checklists, lessons and reports through the doors of the control service, also after a restart of it."""

import asyncio
import stat
import time

import pytest

from workbench.app.incidents.reports import Reports
from workbench.app.incidents.shell import Folders, known_incidents, write_lesson
from workbench.data.journal.reader import JournalReader
from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError, DataError
from workbench.response.incidents.alert import Alert, Gone
from workbench.response.incidents.incident import opened
from workbench.response.incidents.incidents import CLOSED_KEPT, Change
from workbench.runtime.incidents.lessons import LessonBox, Written

MINUTE = 60


def breach(stage, cause="drawdown", level=3):
    """Something happens that somebody has to answer; gives the id of the incident."""
    now_ns = stage.clock()
    alert = Alert(f"{cause}:1", level, cause, now_ns, "the book falls <script>", {"did": "nothing"}, 1, lasts=True)
    stage.service.dispatcher.raise_alert(alert, now_ns)
    return next(one.id for one in stage.service.dispatcher.incidents.open() if one.cause == cause)


def over(stage, somebody, name, cause="drawdown"):
    """It is acknowledged, its cause is gone, and its report is made."""
    somebody.ask("/api/acknowledge", incident=name)
    stage.service.dispatcher.raise_alert(Gone(cause, stage.clock()), stage.clock())
    return made(stage, name, 0)


def made(stage, name, earlier_ns):
    """The report on the disk, made anew since then."""
    path = stage.home / "control" / "incidents" / f"{name}.html"
    until = time.monotonic() + 10
    while time.monotonic() < until:
        stage.service.responders.turn()
        stage.service.responders.reports.finish(10)
        if path.exists() and path.stat().st_mtime_ns > earlier_ns:
            return path
    raise AssertionError(stage.service.responders.reports.trouble or "no report was made")


def steps(rows, incident, name):
    [found] = [row for row in rows if (row["incident"], row["name"]) == (incident, name)]
    return found


def test_a_checklist_appears_for_each_incident_and_is_ticked_by_name_unticked_and_overdue(stage, person):
    ada, first, second = person("Ada"), breach(stage), breach(stage, "correlation", 2)
    rows = ada.http.get("/api/procedures").json()["rows"]
    assert {(row["incident"], row["name"]) for row in rows} == {
        (one, name) for one in (first, second) for name in ("first_response", "stabilise", "recover")
    }
    for done in (True, False):
        answer = ada.ask("/api/procedure", procedure="first_response", step=1, done=done, incident=first)
        step = steps(answer.json()["rows"], first, "first_response")["steps"][1]
        assert (step["done"], step["person"]) == (done, "Ada") and step["time_ns"] > 0
        assert not steps(answer.json()["rows"], second, "first_response")["steps"][1]["time_ns"]
    ada.ask("/api/procedure", procedure="stabilise", step=0, done=True, incident=second)
    stage.clock.advance(6 * MINUTE)
    late = ada.http.get("/api/procedures").json()["rows"]
    assert steps(late, first, "first_response")["overdue"] and not steps(late, first, "stabilise")["overdue"]


def test_ticks_and_who_took_one_back_survive_a_restart(stage, person):
    ada, name = person("Ada"), breach(stage)
    ada.ask("/api/procedure", procedure="stabilise", step=0, done=True, incident=name)
    ada.ask("/api/procedure", procedure="stabilise", step=1, done=True, incident=name)
    ada.ask("/api/procedure", procedure="stabilise", step=1, done=False, incident=name)
    with stage.again() as again:
        rows = again.service.responders.procedures()
        kept = [(one["done"], one["person"]) for one in steps(rows, name, "stabilise")["steps"][:3]]
    assert kept == [(True, "Ada"), (False, "Ada"), (False, "")]


def test_the_report_is_made_when_the_incident_closes_private_and_again_when_something_is_added(stage, person):
    ada, name = person("Ada"), breach(stage)
    path = over(stage, ada, name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    text = path.read_text()
    assert "the book falls &lt;script&gt;" in text and "<script" not in text and "by Ada" in text
    before = path.stat().st_mtime_ns
    answer = ada.ask("/api/lesson", incident=name, text="look sooner\nand <b>louder</b>")
    assert answer.status_code == 200, answer.text
    assert "look sooner\nand &lt;b&gt;louder&lt;/b&gt;" in made(stage, name, before).read_text()
    before = path.stat().st_mtime_ns
    ada.ask("/api/procedure", procedure="recover", step=4, done=True, incident=name)
    assert "ticks “Write down the incident" in made(stage, name, before).read_text()


def test_a_report_that_was_not_made_before_the_service_ended_is_made_at_the_next_start(stage, person):
    ada, name = person("Ada"), breach(stage)
    ada.ask("/api/acknowledge", incident=name)
    stage.service.dispatcher.raise_alert(Gone("drawdown", stage.clock()), stage.clock())
    with stage.again() as again:
        assert made(again, name, 0).exists()


def test_nobody_is_written_a_report_for_what_nobody_had_to_answer(stage, person):
    ada, name = person("Ada"), breach(stage, "quiet news", 1)
    other = breach(stage)
    over(stage, ada, other)
    stage.service.dispatcher.raise_alert(Gone("quiet news", stage.clock()), stage.clock())
    assert not (stage.home / "control" / "incidents" / f"{name}.html").exists()


def test_the_door_of_a_report_needs_a_login_and_an_incident_and_runs_nothing(stage, person):
    ada, name = person("Ada"), breach(stage)
    answer = ada.http.get(f"/api/incidents/{name}/report")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy and "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store" and answer.headers["x-frame-options"] == "DENY"
    assert "still open" in answer.text
    assert person().http.get(f"/api/incidents/{name}/report").status_code == 401
    assert ada.http.get("/api/incidents/I999/report").status_code == 409
    for wrong in ("..%2f..%2froster", "I1;", "i1", "I" + "9" * 30):
        assert ada.http.get(f"/api/incidents/{wrong}/report").status_code in (404, 422)


@pytest.mark.parametrize("text", ["", "a" * 4001, "nul\x00", "bell\x07"])
def test_a_lesson_without_words_or_with_unprintable_ones_is_refused(stage, person, text):
    name = breach(stage)
    assert person("Ada").ask("/api/lesson", incident=name, text=text).status_code in (400, 422)


def test_a_viewer_writes_no_lesson_and_the_same_request_is_taken_once(stage, person):
    name = breach(stage)
    assert person("Vic").ask("/api/lesson", incident=name, text="mine").status_code == 403
    ada, body = person("Ada"), {"nonce": "ab" * 16, "incident": name, "text": "once"}
    assert [ada.post("/api/lesson", **body).status_code for _ in range(2)] == [200, 409]
    assert ada.ask("/api/lesson", incident="I999", text="no such").status_code == 409
    report = ada.http.get(f"/api/incidents/{name}/report").text
    assert report.count("once</") + report.count("once\n") == 1 and "mine" not in report


def test_lessons_of_a_shell_are_taken_in_and_what_is_none_is_put_aside(stage, person):
    name, box = breach(stage), LessonBox(stage.home / "control")
    box.put(Written(name, "root", "from the shell", "shell"))
    box.put(Written("I999", "root", "of nothing", "shell"))
    (stage.home / "control" / "lessons" / "broken.json").write_text('{"incident": 1')
    (stage.home / "control" / "lessons" / "wrong.json").write_text('{"incident": "I1", "person": "", "text": "x"}')
    stage.service.responders.turn()
    assert list(box.waiting()) == []
    aside = stage.home / "control" / "lessons" / "refused"
    assert "of nothing" in "".join(path.read_text() for path in aside.glob("*.json"))
    assert (aside / "broken.txt").read_text() == "a file among the lessons is none of ours"
    text = person("Ada").http.get(f"/api/incidents/{name}/report").text
    assert "from the shell" in text and "taken on trust" in text and "of nothing" not in text


def test_a_lesson_from_a_shell_reaches_the_journal_with_the_service_running_and_without(stage, person):
    ada, name = person("Ada"), breach(stage)
    folders = Folders(str(stage.home / "live"), str(stage.home / "control"))
    assert [one["id"] for one in known_incidents(folders)] == [name]
    with stage.running():
        assert (
            write_lesson(folders, Written(name, "root", "first", "shell")) == "the control service has written it down"
        )
    path = over(stage, ada, name)
    stage.closing.close()
    assert write_lesson(folders, Written(name, "root", "second", "shell")) == f"written down; the report is {path}"
    text = path.read_text()
    assert "first" in text and "second" in text
    with pytest.raises(DataError, match="no incident 'I9'"):
        write_lesson(folders, Written("I9", "root", "third", "shell"))


def test_a_lesson_the_service_refuses_is_not_said_to_be_written_down_and_is_kept(stage, person):
    ada, name = person("Ada"), breach(stage)
    over(stage, ada, name)
    now_ns = stage.clock()
    for k in range(CLOSED_KEPT):  # so many later ones that the service has forgotten the first
        later = opened(f"I{k + 2}", Alert(f"x{k}", 1, f"c{k}", now_ns, "x"), now_ns)
        stage.service.dispatcher.incidents.apply(Change("opened", later).row())
        stage.service.dispatcher.incidents.apply(Change("gone", later.ended(now_ns)).row())
    folders = Folders(str(stage.home / "live"), str(stage.home / "control"))
    with stage.running(), pytest.raises(DataError, match=rf"nothing was written down: .*{name}, or it is too long ago"):
        write_lesson(folders, Written(name, "root", "look sooner", "shell"))
    [kept] = (stage.home / "control" / "lessons" / "refused").glob("*.json")
    assert "look sooner" in kept.read_text()


def test_what_cannot_be_moved_out_of_the_lessons_is_said_once_and_ends_nothing(stage):
    lessons = stage.home / "control" / "lessons"
    (lessons / "x.json").mkdir(parents=True)
    (lessons / "refused" / "x.json" / "full").mkdir(parents=True)
    noted = 0
    for _ in range(3):
        stage.service.turn()
        with JournalReader(stage.home / "control") as reader:
            before, noted = noted, sum(b"lesson refused" in row.body for row in reader.rows())
    assert noted == before == 1, "it is not refused again at every turn"
    assert any("cannot move" in one and "x.json" in one for one in stage.service.responders.health()["troubles"])


def test_a_report_that_breaks_on_its_record_is_said_and_tried_again(stage, person):
    ada, name = person("Ada"), breach(stage)
    incidents = stage.home / "control" / "incidents"
    incidents.write_text("in the way of the folder")
    ada.ask("/api/acknowledge", incident=name)
    stage.service.dispatcher.raise_alert(Gone("drawdown", stage.clock()), stage.clock())
    reports = stage.service.responders.reports
    stage.service.responders.turn()
    reports.finish(10)
    assert f"The report of incident {name} could not be made" in reports.trouble
    incidents.unlink()
    stage.clock.advance(MINUTE)
    assert made(stage, name, 0).exists() and not reports.trouble


def test_an_error_nobody_expected_ends_no_other_report(tmp_path):
    class Broken(Reports):
        def page(self, name):
            return {"I2": "made"}[name]

    reports = Broken(tmp_path, tmp_path, read_policy())
    for name in ("I1", "I2"):
        reports.again(name)
    reports.look([])
    reports.finish(10)
    assert "I1 could not be made" in reports.trouble and "KeyError" in reports.trouble
    assert reports.path("I2").read_text() == "made"


def test_many_who_read_a_report_leave_the_threads_to_those_who_log_in(stage, person):
    ada, name = person("Ada"), breach(stage)
    at_once, most = [], []

    def slow(incident):
        at_once.append(incident)
        most.append(len(at_once))
        time.sleep(0.02)
        at_once.pop()
        return "<p>made</p>"

    stage.service.responders.report = slow

    async def all_at_once():
        return await asyncio.gather(*(ada.http.client.get(f"/api/incidents/{name}/report") for _ in range(12)))

    assert {answer.status_code for answer in asyncio.run(all_at_once())} == {200}
    assert len(most) == 12 and max(most) == 1


@pytest.mark.parametrize("wrong", ["I", "J1", "I1/../../x", "I1.html", ""])
def test_a_report_has_the_name_of_an_incident_and_no_path(stage, wrong):
    with pytest.raises(ConfigError, match="such as I12"):
        stage.service.responders.reports.write(wrong)
    with pytest.raises(ConfigError, match="such as I12"):
        Written(wrong, "root", "text", "shell")
