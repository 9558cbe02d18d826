"""The fallback: names by band, probabilities by hand, base rates on real data."""

import numpy as np
import pytest
from scipy.stats import norm

from workbench.domain.errors import DataError
from workbench.regimes import REGIMES, VolatilityBands, volatility_regime, volatility_regime_path


@pytest.mark.parametrize(
    ("ratio", "peak", "trend", "name"),
    [
        (1.0, 1.2, 1.0, "normal"),
        (1.0, 1.2, 1.7, "trending"),
        (1.0, 1.2, 0.1, "ranging"),
        (1.4, 2.1, 1.7, "recovery"),
        (1.5, 2.9, 1.7, "high volatility"),
        (2.5, 2.5, 0.1, "crisis"),
        (40.0, 40.0, 0.1, "crisis"),
    ],
)
def test_the_worse_reading_names_the_regime(ratio, peak, trend, name):
    assert volatility_regime(ratio, recent_peak=peak, trend_strength=trend).name == name


def test_probability_is_the_normal_mass_of_the_band():
    error = np.sqrt(0.06 / (2.0 * 1.94))
    assert error == pytest.approx(0.1244, abs=1e-4)
    high = volatility_regime(2.0).probability
    by_hand = norm.cdf(np.log(2.5 / 2.0) / error) - norm.cdf(np.log(1.5 / 2.0) / error)
    assert high == pytest.approx(by_hand)
    assert volatility_regime(1.5).probability == pytest.approx(0.5, abs=1e-4)
    assert volatility_regime(0.8).probability > 0.999


def test_standard_error_of_the_log_volatility_is_that_of_simulated_normal_returns():
    rng = np.random.default_rng(5)
    weights = 0.94 ** np.arange(150)
    squares = rng.standard_normal((20_000, 150)) ** 2
    logs = 0.5 * np.log(squares @ weights / weights.sum())
    assert logs.std() == pytest.approx(0.1244, rel=0.05)


def test_a_path_equals_its_days_one_by_one(eurusd_log):
    path = volatility_regime_path(eurusd_log)
    assert path.first_row == 499
    for row in (499, 2500, 7124):
        here = row - 499
        window = eurusd_log[row - 59 : row + 1]
        strength = abs(window.sum()) / np.sqrt((window**2).sum())
        peak = path.ratio[max(0, here - 59) : here + 1].max()
        one = volatility_regime(path.ratio[here], recent_peak=peak, trend_strength=strength)
        assert (one.name, one.probability) == (path.names[here], pytest.approx(path.probability[here]))
    assert path.now.name == path.names[-1]


def test_a_path_ignores_later_rows(eurusd_log):
    garbage = eurusd_log.copy()
    garbage[3000:] = 77.0
    clean, spoilt = volatility_regime_path(eurusd_log), volatility_regime_path(garbage)
    cut = 3000 - clean.first_row
    for name in ("ratio", "code", "probability"):
        assert np.array_equal(getattr(clean, name)[:cut], getattr(spoilt, name)[:cut])


def test_base_rates_on_27_years_of_eurusd(eurusd_log):
    path = volatility_regime_path(eurusd_log)
    share = {name: float(np.mean(path.code == code)) for code, name in enumerate(REGIMES)}
    assert share["normal"] == pytest.approx(0.607, abs=0.005)
    assert share["trending"] == pytest.approx(0.088, abs=0.005)
    assert share["ranging"] == pytest.approx(0.181, abs=0.005)
    assert share["high volatility"] == pytest.approx(0.090, abs=0.005)
    assert share["crisis"] == pytest.approx(0.011, abs=0.005)
    assert share["recovery"] == pytest.approx(0.023, abs=0.005)


def test_crisis_is_declared_in_late_2008(pair_returns):
    path = volatility_regime_path(pair_returns["AUDUSD"].to_numpy())
    names = np.array(path.names)
    dates = pair_returns.index[path.first_row :]
    autumn = names[(dates >= "2008-10-08") & (dates <= "2008-11-30")]
    assert np.mean(autumn == "crisis") > 0.9


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_ratio_that_is_none_is_refused(bad):
    with pytest.raises(DataError):
        volatility_regime(bad)


@pytest.mark.parametrize("bands", [{"high": 3.0}, {"recovery_peak": 1.0}, {"ranging": 2.0}, {"memory_days": 0}])
def test_bands_in_the_wrong_order_are_refused(bands):
    with pytest.raises(DataError):
        VolatilityBands(**bands)
