"""A step changes nothing but what it returns; many paths at once are the same paths one by one."""

import numpy as np
import pytest

from workbench.domain.trading.events import Heartbeat, Quote
from workbench.engine.kernel.desk import Desk
from workbench.engine.kernel.layout import DECISION, EVENT, MOST_DECISIONS, WORK, records, same_records
from workbench.engine.kernel.simulation import take_events, walk_path, walk_paths

PATHS, STEPS = 40, 60


@pytest.fixture
def started(book):
    return book({"EURUSD": 400_000.0, "GBPJPY": -200_000.0, "USDCHF": 300_000.0})


def test_a_step_does_not_change_the_state_it_was_given(started, market):
    engine, state = started
    before = state.record.tobytes()
    after, _ = engine.step(state, Quote(market.MONDAY_NOON + market.SECOND, "EURUSD", 1.05, 1.0501))
    assert state.record.tobytes() == before
    assert after.record.tobytes() != before


def test_the_same_step_twice_gives_the_same_state_and_decisions(started, market):
    engine, state = started
    event = Heartbeat(market.MONDAY_NOON + market.MINUTE)
    first, said = engine.step(state, event)
    second, again = engine.step(state, event)
    assert first.digest == second.digest
    assert said == again


def test_a_batch_of_paths_is_its_single_paths_bit_for_bit(started, market):
    engine, state = started
    returns = np.random.default_rng(5).standard_t(4, (PATHS, STEPS, 7)) * 0.006
    states = np.repeat(state.record, PATHS)
    together = np.zeros((PATHS, STEPS))
    work, out, event = records(1, WORK), records(MOST_DECISIONS, DECISION), records(1, EVENT)
    walk_paths((engine.settings.numbers, states, work, out), event, returns, (market.DAY, 0), together)
    assert len({row.tobytes() for row in together}) == PATHS
    for path in (0, 7, PATHS - 1):
        single, alone = same_records(state.record), np.zeros(STEPS)
        desk = Desk(engine.settings.numbers[0], single[0], records(1, WORK)[0], records(MOST_DECISIONS, DECISION))
        walk_path(desk, records(1, EVENT)[0], returns[path], (market.DAY, 0), alone)
        assert alone.tobytes() == together[path].tobytes()
        assert single.tobytes() == states[path : path + 1].tobytes()


def test_events_in_a_file_are_the_typed_events_bit_for_bit(started, market):
    engine, state = started
    random = np.random.default_rng(2)
    events = records(400, EVENT)
    events["time_ns"] = market.MONDAY_NOON + market.SECOND * np.arange(1, 401)
    middle = market.price("EURUSD") * np.exp(np.cumsum(random.normal(0, 1e-3, 400)))
    events["first"], events["second"] = middle - 5e-5, middle + 5e-5
    log, record = records(5_000, DECISION), same_records(state.record)
    desk = Desk(engine.settings.numbers[0], record[0], records(1, WORK)[0], records(MOST_DECISIONS, DECISION))
    place, written = take_events(desk, events, log, 0)
    assert place == 400
    typed = 0
    for event in events:
        quote = Quote(int(event["time_ns"]), "EURUSD", float(event["first"]), float(event["second"]))
        state, said = engine.step(state, quote)
        typed += sum(type(decision).__name__ != "RiskSnapshot" for decision in said)
    assert state.record.tobytes() == record.tobytes()
    assert typed == written > 0
