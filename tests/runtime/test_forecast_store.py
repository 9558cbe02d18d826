"""Kept forecasts: bit for bit what was saved, nothing from a damaged file, later days never thrown away."""

import hashlib
import io

import numpy as np
import pytest

from workbench.domain.errors import ExecutionError
from workbench.risk.models import MODELS
from workbench.risk.rolling import RollingForecasts, Schedule, rolling_forecasts
from workbench.runtime.daily.forecast_store import ForecastStore
from workbench.runtime.daily.risk_calibration import series_forecasts

SCHEDULE = Schedule(first=1100)


def quiet(what: str, done: int, total: int) -> None:
    """Tell nobody."""


def same(a: RollingForecasts, b: RollingForecasts) -> bool:
    arrays = [(a.returns, b.returns), (a.value_at_risk, b.value_at_risk), (a.expected_shortfall, b.expected_shortfall)]
    arrays += [(a.estimates[key], b.estimates[key]) for key in a.estimates]
    plain = [(one.schedule, one.names, one.refused, one.estimates.keys()) for one in (a, b)]
    return plain[0] == plain[1] and all(x.shape == y.shape and x.tobytes() == y.tobytes() for x, y in arrays)


@pytest.fixture(scope="module")
def peg(ecb) -> RollingForecasts:
    """EURCHF over the end of the peg, where a model refuses."""
    eurchf = ecb.pair_simple_returns(("EURCHF",))["EURCHF"].to_numpy()
    day = int(np.argmin(eurchf))
    return rolling_forecasts(eurchf[: day + 60], Schedule(first=day - 40))


@pytest.fixture
def store(tmp_path) -> ForecastStore:
    return ForecastStore(tmp_path / "forecasts")


def test_what_is_saved_is_loaded_to_the_last_bit_refusals_too(store, peg):
    assert peg.refused
    assert np.isnan(peg.value_at_risk).any()
    store.save("EURCHF", peg)
    assert same(store.load("EURCHF"), peg)


def test_loaded_forecasts_are_resumed_as_if_never_stored(store, peg):
    store.save("EURCHF", peg.cut(peg.returns.size - 25))
    resumed = rolling_forecasts(peg.returns, peg.schedule, stored=store.load("EURCHF"))
    assert same(resumed, peg)


def test_a_series_that_was_never_saved_is_none(store):
    assert store.load("EURUSD") is None


def test_a_name_never_leaves_the_folder(store, peg):
    store.save("../a book/1", peg)
    assert [path.parent for path in store.folder.rglob("*.forecasts")] == [store.folder]
    assert same(store.load("../a book/1"), peg)


def test_a_file_cut_off_anywhere_is_none(store, peg):
    store.save("EURCHF", peg)
    path = store.path("EURCHF")
    whole = path.read_bytes()
    for length in [*range(0, len(whole), len(whole) // 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert store.load("EURCHF") is None, length


def test_a_flipped_bit_anywhere_is_noticed(store, peg):
    store.save("EURCHF", peg)
    path = store.path("EURCHF")
    whole = path.read_bytes()
    generator = np.random.default_rng(7)
    places = [*generator.integers(0, len(whole), 300), *range(len(whole) - 1500, len(whole), 5)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(generator.integers(8))
        path.write_bytes(bytes(damaged))
        assert store.load("EURCHF") is None, place


def sealed(content: bytes) -> bytes:
    return hashlib.sha256(content).digest() + content


def archive(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return sealed(buffer.getvalue())


def about(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"PK\x03\x04",
        sealed(b"garbage"),
        archive(returns=np.ones(3)),
        archive(about=about("[1]"), returns=np.ones(3)),
        archive(about=about("{"), returns=np.ones(3)),
        archive(about=about('{"schedule": [1], "names": [], "refused": {}}'), returns=np.ones(3)),
        archive(about=about('{"schedule": [10, 1000, 20], "names": [], "refused": {}}'), returns=np.ones(3)),
    ],
)
def test_a_file_that_is_something_else_is_none(store, content):
    store.folder.mkdir()
    store.path("EURUSD").write_bytes(content)
    assert store.load("EURUSD") is None


def test_a_store_that_cannot_be_written_says_so(tmp_path, peg):
    (tmp_path / "forecasts").write_text("a file", encoding="utf-8")
    with pytest.raises(ExecutionError, match=r"cannot write .*EURCHF\.forecasts"):
        ForecastStore(tmp_path / "forecasts").save("EURCHF", peg)


@pytest.fixture(scope="module")
def returns(ecb) -> np.ndarray:
    return ecb.pair_simple_returns(("EURCAD",))["EURCAD"].to_numpy()[4200:5400]


def test_a_run_for_an_earlier_day_does_not_throw_away_later_forecasts(store, returns):
    whole = series_forecasts({"EURCAD": returns}, SCHEDULE, store, quiet)["EURCAD"]
    earlier = series_forecasts({"EURCAD": returns[:1150]}, SCHEDULE, store, quiet)["EURCAD"]
    assert same(earlier, whole.cut(1150))
    assert same(store.load("EURCAD"), whole)


def test_a_damaged_file_only_costs_time(store, returns):
    whole = series_forecasts({"EURCAD": returns}, SCHEDULE, store, quiet)["EURCAD"]
    store.path("EURCAD").write_bytes(store.path("EURCAD").read_bytes()[:5000])
    assert same(series_forecasts({"EURCAD": returns}, SCHEDULE, store, quiet)["EURCAD"], whole)
    assert same(store.load("EURCAD"), whole)


def test_several_series_come_back_in_their_order_and_progress_reaches_the_total(store, returns):
    told = []
    series = {"GBPCHF": returns * 1.5, "AUDCAD": returns, "EURCAD": -returns}
    found = series_forecasts(series, SCHEDULE, store, lambda *news: told.append(news))
    assert list(found) == list(series)
    assert all(np.array_equal(found[name].returns, series[name]) for name in series)
    assert max(done for _, done, _ in told) == told[0][2] == 3 * (returns.size + 1 - SCHEDULE.first)
    assert set(MODELS) < set(found["EURCAD"].names)
