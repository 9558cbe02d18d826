"""What an incident review shows: words for every event, letters, banners, and a stepper that steps."""

import re
from dataclasses import dataclass

import pandas as pd
import pytest

from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import ConditionChanged, ModeChanged, RaiseAlert
from workbench.domain.trading.modes import Condition, Mode, Regime
from workbench.domain.trading.reasons import Reason
from workbench.monitor.decisions import Line, line_of, plain_name
from workbench.monitor.figures.review import incident, two_policies
from workbench.monitor.review import banner, decisions_in_words, lettered, moment_table, words_of
from workbench.monitor.stepper.stepping import stepper

RUNGS = {"drawdown": (0.03, 0.05), "value_at_risk": (0.002,), "volatility_ratio": (1.5, 2.0)}


@dataclass
class Held:
    equity: float = 990_000.0
    drawdown: float = 0.04
    value_at_risk: float = 0.003
    volatility_ratio: float = 1.0
    cap: float = 0.75
    gross: float = 0.5
    mode: str = "REDUCING"
    condition: str = "HIGH"


@dataclass
class Seen:
    sequence: int
    event: happened.AnyEvent
    decisions: tuple = ()
    refused: str = ""
    book: Held = None

    def __post_init__(self):
        self.book = Held()


def changed(time_ns: int) -> ModeChanged:
    return ModeChanged(time_ns, Reason.MODE_CHANGED, "p", "c", Mode.ACTIVE, Mode.REDUCING)


@pytest.fixture
def moments():
    beats = [Seen(place, happened.Heartbeat(place * 10**9)) for place in range(6)]
    for place in (2, 4):
        beats[place].decisions = (changed(place * 10**9),)
    return beats


EVENTS = {
    happened.Quote(0, "EURUSD", 1.1, 1.1002, 1): "quote EURUSD 1.10000 / 1.10020, backup feed",
    happened.Fill(0, "<b>", 1, -5_000.0, 1.1): "fill: sold 5,000 of <b> at 1.10000",
    happened.PositionHeld(0, "EURUSD", 9.0, 1.1): "position there before: EURUSD +9 at 1.10000",
    happened.BrokerStatus(0, connected=False): "the broker is away",
    happened.BookMismatch(0, "", 0.0, 5.0): "the broker holds +5 for nobody, we hold +0",
    happened.RegimeRead(0, Regime.CRISIS): "regime read: crisis",
    happened.OperatorReduce(0, "ann", 0.5): "ann reduces by 50 %",
}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_put_in_words(event):
    assert words_of(event) == EVENTS[event]


def test_every_kind_of_event_has_words_of_its_own():
    from workbench.monitor.review import _PLAIN

    shown = {happened.Quote, happened.Fill, happened.PositionHeld, *_PLAIN}
    assert shown == set(happened.AnyEvent.__args__)


def test_what_an_event_says_is_shown_inert(moments):
    moments[0].event = happened.Fill(0, "<img onerror=x>", 1, 1.0, 1.0)
    assert "<img" not in moment_table(moments[0], RUNGS)
    assert "<script>" not in banner("<script>", "red", ["<script>"]).html


def test_a_moment_shows_each_reading_against_its_next_rung(moments):
    html = moment_table(moments[2], RUNGS)
    assert "rung 2 at 5" in html
    assert "above the last rung, 0.2" in html
    assert "mode ACTIVE → REDUCING" in html


def test_the_weightiest_decisions_get_letters_in_the_order_of_time():
    lines = [Line(pd.Timestamp(second, unit="s", tz="UTC"), f"{second}", "", second % 5) for second in range(60)]
    marks = lettered(lines)
    assert [name for name, _ in marks] == list("ABCDEFGHI")
    assert {line.weight for _, line in marks} == {4}
    assert [line.time for _, line in marks] == sorted(line.time for _, line in marks)


def test_decisions_of_one_moment_are_lettered_in_the_order_of_the_table():
    alert = RaiseAlert(5, Reason.MODE_CHANGED, "p", "c", 2, 0.0, 0.0, 60.0)
    html = decisions_in_words([changed(9), alert, changed(5), changed(5)]).html
    assert re.findall(r">([A-I])</td>", html) == list("ABCD")
    assert html.index("alert level 2") < html.index("mode ACTIVE")


def test_decisions_that_no_figure_marks_have_no_letters():
    html = decisions_in_words([changed(9), changed(5)], marks=False).html
    assert "mark" not in html and re.findall(r">([A-I])</td>", html) == []
    assert "time (UTC)" in html and "mode ACTIVE" in html


def test_a_condition_and_a_regime_are_plain_words():
    one = ConditionChanged(0, Reason.MODE_CHANGED, "p", "c", Condition.NORMAL, Condition.ELEVATED, 0, 0.8, 1)
    assert line_of(one).what == "market normal → elevated: exposure at most 80 %, 1 confirmation"
    assert plain_name(Regime.HIGH_VOLATILITY) == "high volatility"


def test_a_long_list_of_decisions_says_how_long_it_is():
    html = decisions_in_words([changed(second) for second in range(300)]).html
    assert "300 decisions, the first 200 shown" in html


def test_the_stepper_begins_at_the_event_nearest_to_a_moment(moments):
    for place in (0, 3, len(moments) - 1):
        box = stepper(moments, RUNGS, moments[place].event.time_ns).live
        assert moments[box.children[0].value].event.time_ns == moments[place].event.time_ns


def test_the_stepper_goes_to_the_next_decision_and_back(moments):
    box = stepper(moments, RUNGS).live
    slider, (before, back, on, after) = box.children[0], box.children[1].children[:4]
    assert slider.value == 2
    after.click()
    assert slider.value == 4
    after.click()
    assert slider.value == 4
    on.click()
    on.click()
    assert slider.value == 5
    back.click()
    before.click()
    assert slider.value == 2
    assert "mode ACTIVE → REDUCING" in box.children[3].value


def test_the_line_over_the_picture_goes_with_the_slider(moments):
    box = stepper(moments, RUNGS).live
    slider, cursor = box.children[0], box.children[4]
    places = []
    for slider.value in (0, 3, 5):
        places.append(float(re.search(r"left:([\d.]+)%", cursor.value)[1]))
    assert places == pytest.approx([8.5, 8.5 + 0.6 * 90.0, 98.5])


def test_without_a_browser_that_answers_the_still_picture_and_table_are_what_is_seen(moments):
    steps = stepper(moments, RUNGS)
    box, hiding, present = steps.live, steps.live.children[5], steps.live.children[6]
    assert box.layout.display == "none"
    assert "data:image/png;base64," in steps.still.html
    assert "mode ACTIVE → REDUCING" in steps.still.html
    assert "6 events here, 2 of them led to decisions" in steps.still.html
    present._handle_custom_msg({"here": True}, [])
    assert box.layout.display is None
    assert f"review-still-{box.model_id}{{display:none}}" in hiding.value
    assert f"review-still-{box.model_id}" in steps.still.html


def test_nothing_to_step_is_a_sentence():
    assert "no event in this part" in stepper([], RUNGS).html


def path_of(modes: list[str]) -> pd.DataFrame:
    times = pd.date_range("2026-10-30", periods=len(modes), freq="min", tz="UTC")
    numbers = dict.fromkeys(("drawdown", "value_at_risk", "volatility_ratio", "gross", "cap"), 0.01)
    return pd.DataFrame({"equity": 1e6, **numbers, "mode": modes}, index=times)


def test_the_figures_name_mode_rungs_and_that_prices_are_made_up():
    path = path_of(["ACTIVE"] * 5 + ["REDUCING"] * 5)
    prices = pd.DataFrame({"EURUSD": 1.1}, index=path.index)
    drawn = incident(path, prices, [(path.index[3], "A"), (path.index[3], "B")], RUNGS, "SYNTHETIC")
    words = [text.get_text() for axis in drawn.axes for text in axis.texts]
    assert {"ACTIVE", "REDUCING", "A B", "EURUSD +0.0"} <= set(words)
    assert drawn.get_suptitle() == "SYNTHETIC"
    both = two_policies(path, path_of(["ACTIVE"] * 10), path.index[5])
    assert "dotted line: first different decision" in both.axes[1].get_title(loc="right")


def test_one_moment_alone_can_be_drawn():
    path = path_of(["HALTED"])
    assert incident(path, pd.DataFrame({"EURUSD": 1.1}, index=path.index), [], RUNGS).axes
