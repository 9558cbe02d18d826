"""Every test refuses unfit input with one sentence that says what was expected and what came."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from workbench.domain.errors import DataError
from workbench.risk import backtests as bt

FLAGS: dict[str, Callable[[object], object]] = {
    "kupiec": lambda hits: bt.kupiec(hits, confidence=0.99),
    "tuff": lambda hits: bt.tuff(hits, confidence=0.99),
    "traffic_light": lambda hits: bt.traffic_light(hits, confidence=0.99),
    "independence": bt.christoffersen_independence,
    "conditional_coverage": lambda hits: bt.christoffersen_conditional_coverage(hits, confidence=0.99),
    "duration": bt.duration_test,
    "dynamic_quantile": lambda hits: bt.dynamic_quantile(hits, np.full(20, 0.01), confidence=0.99),
}
FORECASTS: dict[str, Callable[..., object]] = {
    "z1": lambda r, v, e: bt.acerbi_szekely_z1(r, v, e, confidence=0.975),
    "z2": lambda r, v, e: bt.acerbi_szekely_z2(r, v, e, confidence=0.975),
    "mcneil_frey": bt.mcneil_frey,
    "fz0": lambda r, v, e: bt.fz0_loss(r, v, e, confidence=0.975),
}


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize(
    ("hits", "sentence"),
    [
        ([], "one number per day"),
        (np.zeros((5, 2)), r"shape \(5, 2\)"),
        ([0.0, np.nan, 1.0], "1 of 3 are not"),
        ([0.0, 2.0], "got the value 2.0"),
        (["yes", "no"], "must be numbers"),
    ],
)
def test_unfit_exceedances_are_refused(name: str, hits: object, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        FLAGS[name](hits)


@pytest.mark.parametrize("name", FORECASTS)
@pytest.mark.parametrize(
    ("returns", "var", "es", "sentence"),
    [
        ([], [], [], "one number per day"),
        ([0.0, 0.0], [0.01], [0.02], "got the lengths"),
        ([np.nan, 0.0], [0.01, 0.01], [0.02, 0.02], "returns must be finite"),
        ([0.0, 0.0], [0.01, np.inf], [0.02, 0.02], "value_at_risk must be finite"),
        ([0.0, 0.0], [-0.01, 0.01], [0.02, 0.02], "got VaR -0.01 and ES 0.02 in row 0"),
        ([0.0, 0.0], [0.01, 0.03], [0.02, 0.02], "got VaR 0.03 and ES 0.02 in row 1"),
    ],
)
def test_unfit_forecasts_are_refused(name: str, returns: object, var: object, es: object, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        FORECASTS[name](returns, var, es)


@pytest.mark.parametrize("confidence", [0.05, 0.5, 1.0, 95.0, float("nan")])
def test_confidence_must_be_a_fraction_above_a_half(confidence: float) -> None:
    with pytest.raises(DataError, match=r"confidence must be a fraction above 0\.5"):
        bt.kupiec([True, False], confidence=confidence)


def test_pandas_and_lists_are_read_like_arrays() -> None:
    flags = np.array([0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0], dtype=bool)
    index = pd.bdate_range("2026-01-05", periods=flags.size)
    expected = bt.kupiec(flags, confidence=0.95)
    assert bt.kupiec(pd.Series(flags, index=index), confidence=0.95) == expected
    assert bt.kupiec(flags.tolist(), confidence=0.95) == expected
    assert bt.kupiec(flags.astype(int), confidence=0.95) == expected


def test_inputs_are_left_as_they_were() -> None:
    generator = np.random.default_rng(1)
    returns, var = generator.normal(size=60), np.full(60, 1.0)
    es, hits = var + 0.3, returns < -var
    kept = [array.copy() for array in (returns, var, es, hits)]
    for function in FORECASTS.values():
        function(returns, var, es)
    for name, function in FLAGS.items():
        if name != "dynamic_quantile":
            function(hits)
    bt.dynamic_quantile(hits, var, confidence=0.99)
    for before, after in zip(kept, (returns, var, es, hits), strict=True):
        np.testing.assert_array_equal(before, after)
