"""The book: what is refused, and that exposure is linear in the positions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.book import Book, equal_risk_book
from workbench.domain.currencies import LEGS, PAIRS, pair_leg_matrix
from workbench.domain.errors import DataError

VALUES = {"EUR": 1.16, "JPY": 0.0066, "GBP": 1.32, "CHF": 1.25, "AUD": 0.65, "CAD": 0.71, "NZD": 0.57}
UNITS = st.floats(-1e7, 1e7, allow_nan=False)
POSITIONS = st.dictionaries(st.sampled_from(PAIRS), UNITS)


@pytest.mark.parametrize("pair", ["EURXXX", "USDEUR", "eurusd", ""])
def test_an_unknown_pair_is_refused(pair):
    with pytest.raises(DataError, match=f"unknown pair '{pair}' in the book: expected one of EURUSD"):
        Book({"EURUSD": 1.0, pair: 1.0}, equity=1e6)


@pytest.mark.parametrize("units", [math.nan, math.inf, -math.inf])
def test_units_that_are_no_number_are_refused(units):
    with pytest.raises(DataError, match=rf"units of USDJPY in the book must be a finite number, got {units}"):
        Book({"USDJPY": units}, equity=1e6)


@pytest.mark.parametrize("equity", [0.0, -1.0, math.nan, math.inf])
def test_equity_that_is_no_positive_amount_is_refused(equity):
    with pytest.raises(DataError, match=f"equity must be a positive amount of USD, got {equity}"):
        Book({"EURUSD": 1.0}, equity=equity)


def test_pairs_are_in_the_order_of_the_universe_without_empty_positions():
    assert Book({"USDJPY": -1.0, "EURUSD": 2.0, "GBPUSD": 0.0}, equity=1.0).pairs == ("EURUSD", "USDJPY")


def test_weights_are_signed_values_over_equity():
    book = Book({"EURUSD": 1000.0, "USDJPY": -2000.0, "EURGBP": 500.0}, equity=10_000.0)
    assert book.pair_weights(VALUES) == pytest.approx([0.116, -0.2, 0.058])
    legs = dict(zip(LEGS, book.leg_weights(VALUES), strict=True))
    assert legs == pytest.approx({**dict.fromkeys(LEGS, 0.0), "EUR": 0.174, "JPY": 0.2, "GBP": -0.058})


def test_a_flat_book_has_no_exposure():
    assert Book({}, equity=1.0).leg_weights(VALUES).tolist() == [0.0] * len(LEGS)


@given(POSITIONS, POSITIONS, st.floats(-10, 10))
def test_leg_weights_are_linear_in_the_positions(first, second, factor):
    mixed = {pair: first.get(pair, 0.0) + factor * second.get(pair, 0.0) for pair in first | second}
    one, two, both = (Book(units, equity=1e6).leg_weights(VALUES) for units in (first, second, mixed))
    assert np.allclose(both, one + factor * two, rtol=1e-9, atol=1e-9)


@given(POSITIONS, st.floats(1.0, 1e9))
def test_leg_weights_fall_with_equity(units, equity):
    assert np.allclose(Book(units, equity).leg_weights(VALUES) * equity, Book(units, 1.0).leg_weights(VALUES))


def test_the_return_of_the_book_is_the_profit_of_its_positions(ecb):
    # profit in quote currency, exchanged at today's rate, to first order in the returns
    book = Book({"EURUSD": 2e5, "USDJPY": -3e5, "EURCHF": 1e5}, equity=1e6)
    cut = ecb.up_to("2026-10-29")
    returns = (ecb.up_to("2026-10-30").leg_values.iloc[-1] / cut.leg_values.iloc[-1] - 1).to_numpy()
    legs, pairs = book.leg_weights(cut.last_values()), book.pair_weights(cut.last_values())
    assert returns @ legs == pytest.approx(pairs @ (pair_leg_matrix(book.pairs) @ returns), abs=1e-15)
    dollars = {"USD": 1.0, **ecb.up_to("2026-10-30").last_values()}
    before = {"USD": 1.0, **cut.last_values()}
    profit = sum(
        units * (dollars[pair[:3]] - before[pair[:3]] / before[pair[3:]] * dollars[pair[3:]])
        for pair, units in book.units.items()
    )
    assert returns @ legs == pytest.approx(profit / book.equity, abs=1e-12)


@given(st.dictionaries(st.sampled_from(PAIRS), st.floats(1e-4, 0.1), min_size=1), st.floats(0.01, 5.0))
def test_an_equal_risk_book_has_equal_volatility_per_position_and_the_gross_asked_for(volatility, gross):
    book = equal_risk_book(volatility, VALUES, equity=1e6, gross=gross)
    weights = book.pair_weights(VALUES)
    assert np.all(weights > 0)
    assert weights.sum() == pytest.approx(gross)
    risk = weights * [volatility[pair] for pair in book.pairs]
    assert risk == pytest.approx(np.full(len(volatility), risk[0]))


@pytest.mark.parametrize("volatility", [0.0, -0.01, math.nan])
def test_a_volatility_that_is_not_positive_is_refused(volatility):
    with pytest.raises(DataError, match=f"volatility of EURGBP must be positive, got {volatility}"):
        equal_risk_book({"EURUSD": 0.01, "EURGBP": volatility}, VALUES, equity=1e6, gross=1.0)
