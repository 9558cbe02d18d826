"""The universe: sixteen pairs, seven legs, and the linear map between them."""

import numpy as np
import pytest

from workbench.domain.currencies import ACCOUNT_CURRENCY, CURRENCIES, LEGS, PAIRS, Pair, pair_leg_matrix
from workbench.domain.errors import DataError


def test_there_are_sixteen_pairs_of_eight_currencies_and_seven_legs():
    assert (len(PAIRS), len(CURRENCIES), len(LEGS)) == (16, 8, 7)
    assert len(set(PAIRS)) == 16
    assert ACCOUNT_CURRENCY not in LEGS
    assert {name[:3] for name in PAIRS} | {name[3:] for name in PAIRS} == set(CURRENCIES)


def test_no_pair_is_another_one_upside_down():
    assert not {name[3:] + name[:3] for name in PAIRS} & set(PAIRS)


@pytest.mark.parametrize("text", ["EURUSD", "EUR/USD", "eur-usd", " Eur.Usd ", "EUR_USD"])
def test_a_pair_is_read_in_any_usual_spelling(text):
    assert Pair.parse(text) == Pair("EUR", "USD")
    assert Pair.parse(text).name == "EURUSD"


@pytest.mark.parametrize("text", ["USDEUR", "EURXXX", "EUR", "", "EURUSDX", "AUDNZD", "123456"])
def test_a_pair_outside_the_universe_is_refused(text):
    with pytest.raises(DataError, match=rf"unknown pair '{text}': expected one of EURUSD, "):
        Pair.parse(text)


def test_every_pair_reads_back():
    assert tuple(Pair.parse(name).name for name in PAIRS) == PAIRS


def test_a_pip_is_a_hundredth_of_a_yen_and_a_ten_thousandth_of_all_others():
    assert {name: Pair.parse(name).pip for name in PAIRS} == {
        name: 0.01 if name.endswith("JPY") else 0.0001 for name in PAIRS
    }


def test_pairs_have_rank_seven():
    assert np.linalg.matrix_rank(pair_leg_matrix()) == len(LEGS)


def test_a_row_has_plus_one_on_the_base_and_minus_one_on_the_quote():
    for name, row in zip(PAIRS, pair_leg_matrix(), strict=True):
        found = {LEGS[i]: row[i] for i in np.flatnonzero(row)}
        expected = {name[:3]: 1.0, name[3:]: -1.0}
        expected.pop(ACCOUNT_CURRENCY, None)
        assert found == expected


def test_log_returns_of_pairs_are_the_matrix_times_those_of_legs(ecb):
    legs = ecb.leg_log_returns()[list(LEGS)].to_numpy()
    assert np.allclose(legs @ pair_leg_matrix().T, ecb.pair_log_returns().to_numpy(), rtol=0, atol=1e-13)


def test_the_order_of_rows_is_the_order_asked_for():
    assert np.array_equal(pair_leg_matrix(("USDJPY", "EURUSD")), pair_leg_matrix()[[4, 0]])
    assert pair_leg_matrix(()).shape == (0, len(LEGS))
