"""EWMA and shrinkage against pandas, scikit-learn and hand-worked numbers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.covariance import ledoit_wolf

from workbench.domain.errors import DataError
from workbench.risk.volatility import ewma_covariance, ewma_volatility, normal_volatility, shrunk_covariance


def test_ewma_volatility_equals_pandas(eurusd):
    twin = np.sqrt(pd.Series(eurusd**2).ewm(alpha=0.06, adjust=True).mean().to_numpy())
    assert ewma_volatility(eurusd)[1:] == pytest.approx(twin, rel=1e-10)


def test_ewma_covariance_equals_pandas(ecb):
    legs = ecb.leg_simple_returns().iloc[-400:]
    product = legs["EUR"] * legs["JPY"]
    twin = product.ewm(alpha=0.06, adjust=True).mean().iloc[-1]
    assert ewma_covariance(legs.to_numpy())[0, 1] == pytest.approx(twin, rel=1e-10)


def test_ewma_diagonal_is_the_squared_volatility(ecb):
    legs = ecb.leg_simple_returns().to_numpy()
    assert np.diag(ewma_covariance(legs)) == pytest.approx(ewma_volatility(legs)[-1] ** 2)


def test_volatility_at_a_day_does_not_move_when_later_rows_are_garbage(eurusd):
    garbage = eurusd.copy()
    garbage[3000:] = 9.9
    assert np.array_equal(ewma_volatility(garbage)[1:3001], ewma_volatility(eurusd)[1:3001])


def test_shrinkage_equals_scikit_learn(ecb):
    legs = ecb.leg_simple_returns().to_numpy()[-300:]
    covariance, weight = shrunk_covariance(legs)
    twin, twin_weight = ledoit_wolf(legs)
    assert weight == pytest.approx(twin_weight)
    assert covariance == pytest.approx(twin)


def test_pairs_covariance_is_singular_and_legs_covariance_is_not(ecb):
    legs = np.linalg.cond(np.corrcoef(ecb.leg_log_returns().to_numpy().T))
    pairs = np.linalg.cond(np.corrcoef(ecb.pair_log_returns().to_numpy().T))
    assert legs < 100
    assert pairs > 1e12


def test_normal_volatility_is_the_median_of_the_window():
    assert normal_volatility([9.0, 1.0, 2.0, 3.0], window=3) == 2.0


def test_nan_is_refused_with_its_place():
    with pytest.raises(DataError, match="row 1, column 0 is nan"):
        ewma_covariance([[0.1, 0.2], [np.nan, 0.1]])
