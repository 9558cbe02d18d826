"""A stored state comes back as it was, goes on as it would have, and is refused where it does not belong."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as draw

from workbench.domain.errors import DataError
from workbench.domain.trading import events as happened
from workbench.engine import snapshot
from workbench.engine.kernel.layout import STATE
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.engine.settings import build_settings
from workbench.engine.snapshot import restored, stored

SECOND = 10**9


@pytest.fixture(scope="module")
def traders(market):
    return [*market.ten_strategies(), *market.held("EURUSD", "GBPJPY")]


@pytest.fixture(scope="module")
def random_events(market):
    """The events of the script next door, which takes the small market for its neighbour."""
    spec = importlib.util.spec_from_file_location("random_market", Path(__file__).with_name("random_market.py"))
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "conftest", market)
        spec.loader.exec_module(module)
    return module.random_events


def test_a_restored_state_goes_on_as_the_stored_one_would_have(policy, calibration, traders, market, random_events):
    names = [strategy.name for strategy in traders]

    @settings(max_examples=20, deadline=None, derandomize=True)
    @given(draw.integers(0, 2**32 - 1), draw.integers(1, 250))
    def check(seed, cut):
        engine = RiskEngine(policy, calibration, traders)
        state = engine.init(Start(market.MONDAY_NOON, 1e6))
        events = [event for event in random_events(300, seed, names) if event is not None]
        state, _ = market.run(engine, state, events[:cut])
        # an engine of another process: same rules, nothing shared
        under = build_settings(policy, state.settings.calibration, traders)
        again, other = restored(stored(state), under), RiskEngine(policy, calibration, traders)
        assert again.digest == state.digest
        assert stored(again) == stored(state)
        for event in events[cut:]:
            state, said = engine.step(state, event)
            again, repeated = other.step(again, event)
            assert repr(said) == repr(repeated)
            assert again.digest == state.digest

    check()


def test_after_a_new_calibration_the_settings_of_the_moment_are_asked_for(book, market):
    engine, state = book({"EURUSD": 50_000.0})
    newer = market.small_calibration("2026-10-31", correlation=0.3)
    state, _ = engine.step(state, happened.CalibrationAdopted(market.MONDAY_NOON + SECOND, newer))
    assert restored(stored(state), state.settings).digest == state.digest
    with pytest.raises(DataError, match=r"of another calibration: it was written under '2026-10-31-\w+', this engine"):
        restored(stored(state), engine.settings)


def test_restoring_takes_a_copy(book, market):
    _, state = book({"EURUSD": 50_000.0})
    blob = stored(state)
    first, second = restored(blob, state.settings), restored(blob, state.settings)
    first.record["cash"] = 0.0
    assert second.digest == state.digest


def test_another_policy_or_book_is_refused(book, policy, market):
    engine, state = book({"EURUSD": 50_000.0})
    blob, own = stored(state), engine.settings
    table = policy.model_dump()
    table["ladders"]["drawdown"]["rung_1"]["trigger"] = 0.02
    other = build_settings(type(policy).from_mapping(table), own.calibration, own.strategies)
    with pytest.raises(DataError, match="of another policy"):
        restored(blob, other)
    with pytest.raises(DataError, match="of another set of strategies"):
        restored(blob, build_settings(policy, own.calibration, market.held("GBPUSD")))
    with pytest.raises(DataError, match="of another switch of the controls"):
        restored(blob, replace(own, controls=False))
    with pytest.raises(DataError, match=r"of another calibration: .* this engine has ''"):
        restored(blob, build_settings(policy, None, own.strategies))


def test_another_layout_is_refused_though_it_has_the_same_size(book, monkeypatch):
    engine, state = book({"EURUSD": 50_000.0})
    blob = stored(state)
    monkeypatch.setattr(snapshot, "LAYOUT", "f" * 64)
    with pytest.raises(DataError, match="of another layout of the engine's memory"):
        restored(blob, engine.settings)


def test_every_field_and_its_place_is_in_the_layout(monkeypatch):
    names = list(STATE.names)
    names[3], names[4] = names[4], names[3]
    swapped = {"names": names, "formats": [STATE[name] for name in names]}
    monkeypatch.setattr(snapshot, "STATE", np.dtype(swapped, align=True))
    assert snapshot._layout() != snapshot.LAYOUT


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (lambda blob: b"", "its first line is not JSON"),
        (lambda blob: b"\xff" + blob, "its first line is not JSON"),
        (lambda blob: b"[1]\n", "expected a first line of 'workbench engine state 1'"),
        (lambda blob: blob.replace(b"state 1", b"state 2"), "expected a first line of 'workbench engine state 1'"),
        (lambda blob: json.dumps({"format": snapshot.FORMAT}).encode() + b"\n", "with the keys format, layout"),
        (lambda blob: blob[:-1], "is damaged: expected"),
        (lambda blob: blob + b"\0", "is damaged: expected"),
        (lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]), "is damaged: expected"),
    ],
)
def test_bytes_that_are_no_whole_state_are_refused(harm, sentence, book):
    engine, state = book({"EURUSD": 50_000.0})
    with pytest.raises(DataError, match=sentence):
        restored(harm(stored(state)), engine.settings)
