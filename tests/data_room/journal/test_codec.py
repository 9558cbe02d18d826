"""Bodies of rows: every event, decision and order note comes back to the last bit; anything else is refused."""

import typing
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.journal import codec
from workbench.data.policy_file import read_policy
from workbench.domain.calibration import Calibration
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.errors import DataError
from workbench.domain.trading import decisions as decided
from workbench.domain.trading import events as happened
from workbench.domain.trading.modes import Ladder, Regime
from workbench.domain.trading.orders import Execution, Order, OrderNote, OrderState
from workbench.domain.trading.reasons import Reason

POLICY = read_policy(None)
VOLATILITY = {"ewma_lambda": 0.94, "volatility_daily": 0.1 + 0.2, "normal_volatility_daily": 1e-300}
CALIBRATION = Calibration.from_mapping(
    {
        "as_of": date(2026, 10, 30),
        "created": "2026-10-30T06:00:00+00:00",
        "status": "adopted",
        "reasons": ["as yesterday"],
        "data_hash": "d",
        "code_version": "test",
        "policy_hash": "p",
        "legs": {
            leg: {**VOLATILITY, "garch": {"a": -0.0}}
            for leg in LEGS
        },
        "normal_correlation": np.eye(len(LEGS)),
        "current_correlation": 0.3 * np.ones((len(LEGS), len(LEGS))) + 0.7 * np.eye(len(LEGS)),
        "residual_quantiles": {"0.95": {"quantile": 1.6, "expected_shortfall": 2.1}},
        "value_at_risk": {
            "champion": "fhs", "book": "b", "equity": 1e6, "portfolio_95": 0.001, "portfolio_99": 0.002,
            "expected_shortfall_975": 0.002, "backtests": {"nested": [1, 2.5, None, True, {"z": "ä"}]},
        },
        "regime": {"model": "m", "parameters": {}, "labels": ["calm"], "adopted": True, "reasons": []},
        "evidence": {},
    }
)  # fmt: skip
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


def event_of(kind: type) -> st.SearchStrategy:
    if kind is happened.Quote:
        pair, feed = st.sampled_from(PAIRS) | st.text(), st.integers(0, 1) | st.integers()
        return st.builds(kind, st.integers(), pair, ANY_FLOAT, ANY_FLOAT, feed)
    if kind is happened.Fixing:
        return st.builds(kind, st.integers(), st.dictionaries(st.text(), ANY_FLOAT), st.booleans())
    if kind is happened.CalibrationAdopted:
        return st.builds(kind, st.integers(), st.just(CALIBRATION))
    if kind is happened.PolicyChanged:
        return st.builds(kind, st.integers(), st.just(POLICY))
    return st.from_type(kind)


EVENTS = typing.get_args(happened.AnyEvent)
DECISIONS = typing.get_args(decided.AnyDecision)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_comes_back_to_the_last_bit(kind):
    @settings(max_examples=3 if kind is happened.PolicyChanged else 40, deadline=None)
    @given(event_of(kind))
    def check(event):
        again = codec.decode_event(codec.encode_event(event), event.time_ns)
        assert type(again) is kind
        assert repr(again) == repr(event)  # NaN is not equal to itself, and −0.0 is equal to 0.0

    check()


@pytest.mark.parametrize("kind", DECISIONS, ids=lambda kind: kind.__name__)
def test_every_decision_comes_back_to_the_last_bit(kind):
    @settings(max_examples=40, deadline=None)
    @given(st.from_type(kind))
    def check(decision):
        again = codec.decode_decision(codec.encode_decision(decision), decision.time_ns)
        assert type(again) is kind
        assert repr(again) == repr(decision)

    check()


@settings(max_examples=60, deadline=None)
@given(st.from_type(OrderNote))
def test_every_order_note_comes_back_to_the_last_bit(note):
    assert repr(codec.decode_note(codec.encode_note(note), note.time_ns)) == repr(note)


def test_policy_and_calibration_come_back_with_their_hashes():
    adopted = codec.decode_event(codec.encode_event(happened.CalibrationAdopted(1, CALIBRATION)), 1)
    changed = codec.decode_event(codec.encode_event(happened.PolicyChanged(1, POLICY)), 1)
    assert (adopted.calibration.id, adopted.calibration.status) == (CALIBRATION.id, "adopted")
    assert changed.policy.hash == POLICY.hash


def test_every_kind_has_a_tag_of_its_own_that_never_changes():
    assert set(codec.EVENT_TAGS) == set(EVENTS)
    assert set(codec.DECISION_TAGS) == set(DECISIONS)
    assert list(codec.EVENT_TAGS.values()) == list(range(2, 24))
    assert list(codec.DECISION_TAGS.values()) == list(range(101, 116))
    assert set(codec.NOTE_TAGS.values()) == {201}


ORDER = Order("o-1", "core", "EURUSD", -1e4, 7, reduce_only=True, price=1.1, valid_until_ns=9)
WRITTEN = [
    (codec.decode_event, happened.Quote(5, "CHFJPY", 1.5, 2.0, 1), "010f01000000000000f83f0000000000000040"),
    (codec.decode_event, happened.Fill(5, "core", 7, float("nan"), 1.1),
     b'\x09{"strategy":"core","intent":7,"units":NaN,"price":1.1}'),
    (codec.decode_event, happened.OperatorEnable(5, "ana", "core", "ben"),
     b'\x14{"actor":"ana","strategy":"core","approver":"ben"}'),
    (codec.decode_event, happened.RegimeRead(5, Regime.TRENDING), b'\x07{"regime":"TRENDING"}'),
    (codec.decode_decision, decided.ResumeRefused(5, Reason.ENTRY, "p", "c", Ladder.DRAWDOWN, 0.5, float("inf")),
     b'r{"reason":"ENTRY","policy":"p","calibration":"c","ladder":"DRAWDOWN","metric":0.5,"trigger":Infinity}'),
    (codec.decode_note,
     OrderNote(5, OrderState.FILLED, ORDER, Execution(3, "o-1", "core", "EURUSD", -1e4, 1.1, 4), "all of it"),
     b'\xc9{"state":"FILLED","order":{"id":"o-1","strategy":"core","pair":"EURUSD","units":-10000.0,"intent":7,'
     b'"reduce_only":true,"price":1.1,"valid_until_ns":9},"execution":{"number":3,"order":"o-1","strategy":"core",'
     b'"pair":"EURUSD","units":-10000.0,"price":1.1,"time_ns":4},"reason":"all of it"}'),
]  # fmt: skip


@pytest.mark.parametrize(("decode", "value", "body"), WRITTEN, ids=[type(value).__name__ for _, value, _ in WRITTEN])
def test_what_an_earlier_version_wrote_is_still_read_and_written(decode, value, body):
    body = bytes.fromhex(body) if isinstance(body, str) else body
    encode = {codec.decode_event: codec.encode_event, codec.decode_note: codec.encode_note}
    assert encode.get(decode, codec.encode_decision)(value) == body
    assert repr(decode(body, 5)) == repr(value)


def test_an_enable_of_one_person_that_an_earlier_version_wrote_is_still_read():
    enabled = codec.decode_event(b'\x14{"actor":"ana","strategy":"core"}', 5)
    assert enabled == happened.OperatorEnable(5, "ana", "core", approver="")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "unknown tag"),
        (b"\xfe{}", "unknown tag fe"),
        (b"\x01", "malformed packed quote"),
        (bytes.fromhex("011001") + bytes(16), "malformed packed quote"),
        (bytes.fromhex("010101") + bytes(17), "malformed packed quote"),
        (b"\x09", "not a Fill: not JSON"),
        (b"\x09[]", "not a Fill: expected a JSON object"),
        (b"\x09\xff\xfe", "not a Fill: not JSON"),
        (b"\x09" + b"[" * 100_000, "not a Fill: not JSON"),
        (b'\x09{"strategy":"a","intent":1,"units":1.0}', r"missing: \['price'\]"),
        (b'\x09{"strategy":"a","intent":1,"units":1.0,"price":1.0,"x":1}', r"unknown: \['x'\]"),
        (b'\x09{"strategy":"a","intent":1.5,"units":1.0,"price":1.0}', "intent: expected a whole number, got 1.5"),
        (b'\x09{"strategy":"a","intent":1,"units":true,"price":1.0}', "units: expected a number, got True"),
        (b'\x09{"strategy":null,"intent":1,"units":1.0,"price":1.0}', "strategy: expected text, got None"),
        (b'\x0e{"connected":1}', "connected: expected true or false, got 1"),
        (b'\x07{"regime":"BORED"}', "regime: expected one of NORMAL, .*, got 'BORED'"),
        (b'\x03{"values":[1]}', "values: expected a table"),
        (b'\x03{"values":{"EUR":"1"}}', "values: EUR: expected a number"),
        (b'\x0f{"calibration":{}}', "not a CalibrationAdopted: calibration: .*as_of"),
        (b'\x10{"policy":7}', "not a PolicyChanged: policy"),
        (b'e{"strategy":"a"}', "unknown tag 65"),
    ],
)
def test_a_malformed_body_is_refused_with_the_reason(body, sentence):
    with pytest.raises(DataError, match=sentence):
        codec.decode_event(body, 1)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.builds(lambda tag, rest: bytes([tag]) + rest, st.integers(1, 20), st.binary()))
def test_no_bytes_whatsoever_raise_anything_but_a_data_error(body):
    for decode in (codec.decode_event, codec.decode_decision, codec.decode_note):
        try:
            decode(body, 1)
        except DataError:
            continue


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (happened.Fill(1, "core", 1, "much", 1.0), "units: expected a number, got 'much'"),
        (happened.RegimeRead(1, 3), "regime: expected a Regime, got 3"),
        (happened.BrokerStatus(1, 1), "connected: expected true or false"),
        (happened.PolicyChanged(1, {}), "policy: expected a Policy"),
        (happened.Quote(1, "EURUSD", None, 1.0), "bid: expected a number"),
        (ORDER, "expected one of Quote, .* got a Order"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(event, sentence):
    with pytest.raises(DataError, match=sentence):
        codec.encode_event(event)


def test_tables_are_one_text_for_one_content_and_nothing_but_objects():
    assert codec.encode_table({"b": 1, "a": [0.1]}) == b'{"a":[0.1],"b":1}'
    assert codec.decode_table(b'{"a":[0.1],"b":1}') == {"b": 1, "a": [0.1]}
    with pytest.raises(DataError, match="JSON only"):
        codec.encode_table({"a": object()})
    with pytest.raises(DataError, match="expected a JSON object"):
        codec.decode_table(b"[1]")
