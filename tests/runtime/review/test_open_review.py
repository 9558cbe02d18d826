"""The review as a notebook uses it: tables, verdicts, refusals in one sentence."""

import pytest

from workbench.app.review import ReviewRefusedError, open_review

SOONER = {"ladders.drawdown.rung_1.trigger": 0.01, "ladders.drawdown.rung_2.trigger": 0.02}


@pytest.fixture(scope="module")
def review(fallen):
    return open_review(str(fallen), demo=False)


@pytest.fixture(scope="module")
def replayed(review):
    return review.replay()


def test_days_and_incidents_are_tables_and_made_up_prices_are_labelled(review):
    shown = review._repr_html_()
    assert "2026-10-30" in shown
    assert "drawdown rung 2" in shown
    assert "still open at the end" in shown
    assert review.note.startswith("SYNTHETIC PRICES")


def test_the_worst_incident_is_chosen_and_its_decisions_compared_first(replayed):
    assert replayed.stepped.window.name == "incident 1"
    assert "The same 5 decisions come out again, to the byte." in replayed._repr_html_()


def test_a_difference_turns_the_banner_red(replayed):
    replayed.stepped.comparison.different, replayed.stepped.comparison.first = 1, (7, replayed.stepped.decisions[0])
    try:
        assert "#B00020" in replayed._repr_html_()
        assert "NOT THE SAME: 1 of 6 decisions" in replayed._repr_html_()
    finally:
        replayed.stepped.comparison.different, replayed.stepped.comparison.first = 0, None


def test_pictures_and_steppers_are_made(replayed):
    assert replayed.figure.png.startswith(b"\x89PNG")
    shown = replayed.stepper.still.html
    assert "12:28:35" in shown or "12:25:10" in shown
    closely = replayed.closely("2026-10-30 12:28:35", 10.0)
    assert closely.live.children[0].max == 10
    assert "reduce EURUSD" in replayed.decisions(weight=1).html


def test_another_policy_is_answered_with_the_same_rules_said(replayed):
    answered = replayed.what_if(SOONER)
    shown = answered._repr_html_()
    assert "Same rules for both runs" in shown
    assert "ended 7,549 USD better" in shown
    assert "12:28:35" not in answered.decisions(weight=1).html
    assert answered.figure.png.startswith(b"\x89PNG")
    assert "decides the same at every event" in replayed.what_if({})._repr_html_()


def test_a_whole_policy_may_come_from_a_file(replayed, tmp_path):
    from workbench.data.policy_file import default_policy_text

    (tmp_path / "other.toml").write_text(default_policy_text())
    answered = replayed.what_if(policy_file=str(tmp_path / "other.toml"))
    changed = {key for key, _, _ in answered.compared.changes}
    assert "ladders.volatility.rung_1.trigger" in changed


REFUSED = {
    "no such key": (lambda one: one.what_if({"ladders.drawdown.rung_2.triger": 1}), "rung_2.trigger"),
    "no such file": (lambda one: one.what_if(policy_file="nowhere.toml"), "cannot read the policy file nowhere.toml"),
    "no such day": (lambda one: one.review.replay(day="2026-01-01"), "the journal has no day '2026-01-01'"),
    "no such moment": (lambda one: one.closely("noon"), "expected a moment in UTC"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wish_that_cannot_be_met_is_one_sentence_without_a_traceback(case, replayed):
    wish, sentence = REFUSED[case]
    with pytest.raises(ReviewRefusedError, match=r".") as refused:
        wish(replayed)
    [line] = refused.value._render_traceback_()
    assert sentence in line


def test_no_journal_says_how_to_make_one(tmp_path):
    for demo in (False, True):
        with pytest.raises(ReviewRefusedError, match=r"make one with `workbench up --feed replay:brexit-2016 --speed"):
            open_review(str(tmp_path), demo=demo)


@pytest.mark.parametrize("hours", [0.0, -1.0, float("nan")])
def test_a_demonstration_of_no_hours_is_refused(tmp_path, monkeypatch, hours):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    with pytest.raises(ReviewRefusedError, match="expected more than 0 hours of the demonstration"):
        open_review(hours=hours)


def test_with_no_journal_a_short_crisis_is_played_and_its_worst_incident_found(tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    review = open_review(demo=True, hours=1.0)
    assert review.survey.label.startswith("DEMONSTRATION, ")
    assert review.folder.parent == place
    assert not (tmp_path / "live").exists()
    assert review.replay().stepped.comparison.different == 0
