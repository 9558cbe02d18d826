"""The two public one-liners."""

import numpy as np
import pytest
from scipy import stats

from workbench.domain.errors import ConfigError, DataError, ModelError
from workbench.risk.measures import expected_shortfall, value_at_risk
from workbench.risk.models import MODELS


def test_historical_var_and_es_of_a_large_normal_sample_are_the_closed_forms():
    returns = 0.01 * np.random.default_rng(0).standard_normal(300_000)
    found = value_at_risk(returns, confidence=0.99, model="historical")
    assert found == pytest.approx(0.01 * stats.norm.ppf(0.99), rel=0.01)
    closed = 0.01 * stats.norm.pdf(stats.norm.ppf(0.975)) / 0.025
    assert expected_shortfall(returns, confidence=0.975, model="historical") == pytest.approx(closed, rel=0.01)


@pytest.mark.parametrize("model", [name for name in MODELS if name != "cornish-fisher"])
def test_es_is_never_below_var(eurusd, model):
    window = eurusd[-1200:]
    var = value_at_risk(window, confidence=0.975, model=model)
    assert 0 < var <= expected_shortfall(window, confidence=0.975, model=model) < 0.1


def test_horizon_scales_by_the_square_root_of_time(eurusd):
    one, four = (value_at_risk(eurusd, confidence=0.95, horizon_days=days) for days in (1, 4))
    assert four == pytest.approx(2 * one)


def test_bad_requests_are_refused(eurusd):
    with pytest.raises(ConfigError, match="confidence must be one of"):
        value_at_risk(eurusd, confidence=1.5)
    with pytest.raises(ConfigError, match="whole number of at least 1"):
        value_at_risk(eurusd, confidence=0.95, horizon_days=0)
    with pytest.raises(ModelError, match="unknown model 'magic'"):
        value_at_risk(eurusd, confidence=0.95, model="magic")
    with pytest.raises(DataError, match="row 0 is nan"):
        value_at_risk([np.nan] * 60, confidence=0.95)
