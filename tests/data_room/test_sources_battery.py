"""Checks run over every registered source, so that a newcomer is tested the day it lands."""

import pickle
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from workbench.data.rates import DailyRates
from workbench.data.sources import SOURCES, BarsSeries, SeriesSpec, Source

MakeSource = Callable[[str], Source]
AS_OF = date(2018, 6, 29)


def _frame(loaded: DailyRates | BarsSeries) -> pd.DataFrame:
    return loaded.leg_values if isinstance(loaded, DailyRates) else loaded.frame


@pytest.fixture
def make_source(synthetic_bars: Callable[..., pd.DataFrame], write_csv: Callable[..., Path]) -> MakeSource:
    """One way to make each registered source; a source without one fails here."""

    def make(name: str) -> Source:
        arguments = {
            "ecb": lambda: (),
            "bars": lambda: (write_csv(synthetic_bars()), SeriesSpec("EURUSD", "UTC", "1h")),
        }
        return SOURCES[name](*arguments[name]())

    return make


@pytest.mark.parametrize("name", SOURCES)
def test_source_names_itself_and_whom_to_credit(name: str, make_source: MakeSource) -> None:
    source = make_source(name)
    assert source.name == name
    assert source.attribution


@pytest.mark.parametrize("name", SOURCES)
def test_loading_up_to_a_day_is_loading_all_and_forgetting_the_rest(name: str, make_source: MakeSource) -> None:
    source = make_source(name)
    early = _frame(source.load(as_of=AS_OF))
    pd.testing.assert_frame_equal(early, _frame(source.load()).iloc[: len(early)], check_exact=True)
    assert str(early.index[-1])[:10] == str(AS_OF)


@pytest.mark.parametrize("name", SOURCES)
def test_loading_twice_gives_the_same_and_survives_pickling(name: str, make_source: MakeSource) -> None:
    source = make_source(name)
    loaded = source.load(as_of=AS_OF)
    pd.testing.assert_frame_equal(_frame(loaded), _frame(source.load(as_of=AS_OF)), check_exact=True)
    pd.testing.assert_frame_equal(_frame(pickle.loads(pickle.dumps(loaded))), _frame(loaded), check_exact=True)  # noqa: S301


@pytest.mark.parametrize("name", SOURCES)
def test_loaded_prices_are_positive_finite_and_oldest_first(name: str, make_source: MakeSource) -> None:
    frame = _frame(make_source(name).load())
    assert frame.index.is_monotonic_increasing and frame.index.is_unique
    assert frame.notna().all().all() and (frame > 0).all().all()
