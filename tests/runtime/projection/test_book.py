"""What is shown of the book is what the engine holds, number by number."""

import json

import numpy as np
import pytest

from workbench.controls.stress_score import stress_score
from workbench.domain.currencies import LEGS
from workbench.domain.trading.market_hours import DAY_NS, MINUTE_NS
from workbench.domain.trading.modes import Ladder
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.runtime.projection.book import read_again, rungs_of, score_parts, value_at_risk_99
from workbench.runtime.projection.memory import Memory
from workbench.runtime.projection.status import Projection


@pytest.fixture(scope="module")
def moments(desk):
    """States and memories of a day that begins calm and does not end so."""
    return [desk.lived(desk.market(rounds)) for rounds in (0, 7, 30, 60)]


def shown(state, memory) -> dict:
    return json.loads(Projection(memory, state).status(state, {}))


def test_the_parts_add_up_to_the_score_over_those_that_are_there(moments):
    for state, memory in moments:
        parts = shown(state, memory)["book"]["score_parts"]
        there = [part for part in parts if not part["missing"]]
        total = 100.0 * sum(part["points"] for part in there) / sum(part["most"] for part in there)
        assert total == pytest.approx(float(state.score), abs=1e-3)
        assert sum(part["most"] for part in parts) == 100.0
        fullness, _ = read_again(state)
        exact = stress_score(fullness, state.settings.numbers["score_points"][0])
        assert exact == (float(state.score), int(state.score_missing))


def test_what_the_positions_risk_adds_up_to_the_value_at_risk(moments):
    for state, memory in moments:
        book = shown(state, memory)["book"]
        components = [row["component_value_at_risk"] for row in book["positions"]]
        assert len(components) == 16
        assert sum(components) == pytest.approx(book["value_at_risk_95"], rel=1e-9)
        assert book["value_at_risk_95"] == float(state.value_at_risk)


def test_the_tail_at_99_is_the_calibrations_times_the_volatility_that_gave_the_one_at_95(moments):
    state, _ = moments[-1]
    tails = state.settings.calibration.residual_quantiles
    ratio = tails["0.99"].quantile / tails["0.95"].quantile
    assert value_at_risk_99(state) == pytest.approx(ratio * float(state.value_at_risk), rel=1e-9)


def test_correlations_are_those_the_engine_has_averaged(moments):
    below = np.tril_indices(len(LEGS), -1)
    for state, memory in moments:
        table = shown(state, memory)["correlation"]
        now, normal = np.array(table["now"]), np.array(table["normal"])
        assert table["legs"] == list(LEGS)
        assert np.abs(now[below]).mean() == pytest.approx(float(state.correlation_mean), abs=1e-3)
        assert np.abs(now - normal)[below].mean() == pytest.approx(float(state.correlation_drift), abs=1e-3)
        assert np.abs(normal - np.array(state.settings.calibration.normal_correlation)).max() <= 0.0005 + 1e-12


def test_every_rung_shows_its_own_metric_and_what_the_engine_will_do(moments):
    state, memory = moments[-1]
    numbers = state.settings.numbers
    rows = shown(state, memory)["book"]["ladders"]
    assert len(rows) == np.isfinite(numbers["trigger"][0]).sum() == 15
    for row in rows:
        place = (0, Ladder[row["ladder"]], row["rung"] - 1)
        assert row["metric"] == float(state.metric[place[1:]])
        assert row["trigger"] == float(numbers["trigger"][place])
        cap, level, people = (numbers[name][place] for name in ("cap", "alert_level", "people"))
        assert row["cap"] == (None if cap >= 1.0 else cap)
        assert f"alert level {level}" in row["does"]
        assert (f"exposure at most {cap:.0%}".replace("%", " %") in row["does"]) == (0.0 < cap < 1.0)
        assert ("2 people must resume" in row["does"]) == (people == 2)
        closed = numbers["close_fraction"][place]
        assert (f"{closed:.0%} of".replace("%", " %") in row["does"]) == (0.0 < closed < 1.0)
        tighter = numbers["stops_tighter"][place]
        assert (f"stops {tighter:.0%} tighter".replace("%", " %") in row["does"]) == (tighter > 0.0)
        assert ("trading halted" in row["does"]) == (numbers["rung_mode"][place] == 2)
        assert row["holds"] == bool(state.tripped[place[1:]]) == (row["since_ns"] is not None)
        assert row["latched"] == (row["holds"] and people > 0)


def test_rung_words_are_as_people_say_them(desk):
    words = {(ladder.name, rung + 1): row["does"] for ladder, rung, row in rungs_of(desk.engine.settings)}
    assert words["DRAWDOWN", 2] == "exposure at most 75 %, stops 20 % tighter, alert level 3"
    assert words["TECHNICAL", 1] == "the other feed takes over, alert level 2"
    assert words["VALUE_AT_RISK", 3].startswith("30 % of the exposure closed at once, the largest value at risk first")


def test_a_rung_holds_since_the_moment_it_tripped(desk, moments):
    state, memory = moments[-1]
    held = [row for row in shown(state, memory)["book"]["ladders"] if row["holds"]]
    assert held
    for row in held:
        before, _ = desk.lived(event for event in desk.market(60) if event.time_ns < row["since_ns"])
        at, _ = desk.lived(event for event in desk.market(60) if event.time_ns <= row["since_ns"])
        place = (Ladder[row["ladder"]], row["rung"] - 1)
        assert (before.tripped[place], at.tripped[place]) == (0, 1) or row["since_ns"] == desk.begins_ns


def test_alerts_must_be_acknowledged_within_the_policys_minutes(moments, policy):
    state, memory = moments[-1]
    alerts = shown(state, memory)["alerts"]
    assert {alert["level"] for alert in alerts} >= {2, 4}
    for alert in alerts:
        minutes = getattr(policy.people.alerts, f"level_{alert['level']}").acknowledge_within_minutes
        assert alert["deadline_ns"] - alert["time_ns"] == minutes * MINUTE_NS


def test_a_book_without_a_calibration_or_prices_shows_null_and_says_why(policy):
    engine = RiskEngine(policy, None, [])
    state = engine.init(Start(7 * DAY_NS, 5e5))
    table = shown(state, Memory.begun(state))
    assert table["calibration"] is None and table["correlation"] is None and table["regime"]["probabilities"] is None
    assert "no calibration" in table["regime"]["source"]
    assert all(part["missing"] and part["points"] is None for part in table["book"]["score_parts"])
    assert table["book"]["volatility_ratio"] is None and table["book"]["value_at_risk_99"] is None
    assert table["periods"]["day"] == {"since_ns": 7 * DAY_NS, "equity": 5e5, "profit": 0.0}


def test_parts_come_in_the_order_of_the_policy(moments, policy):
    state, _ = moments[0]
    names = [part["name"] for part in score_parts(state, read_again(state)[0])]
    assert names == list(type(policy.stress_score).model_fields)
