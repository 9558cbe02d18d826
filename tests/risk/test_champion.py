"""Every backtest of one model: nothing against a right one, the right ones against a wrong one, the tail by hand."""

import numpy as np
import pytest
from scipy import stats

from workbench.domain.errors import ModelError
from workbench.risk.backtests import kupiec
from workbench.risk.champion import AGAINST, ALL_LEVELS, NOT_RUN, NOTHING, champion_tests, tail_probabilities

LAW = stats.t(5)
DAYS = 2_500


class OneModel:
    """Forecasts of one model under a known law, in the shape of a race's."""

    def __init__(self, scale: np.ndarray, seed: int = 1, stretch: float = 1.0) -> None:
        volatility = np.append(scale, scale[-1])
        self.realised = LAW.rvs(DAYS, random_state=seed) * scale
        self.refused: dict[str, tuple[int, str]] = {"broken": (3, "no fit")}
        self._levels = {}
        for level in ALL_LEVELS:
            quantile = LAW.ppf(level)
            shortfall = LAW.pdf(quantile) / (1 - level) * (5 + quantile**2) / 4
            self._levels[level] = (stretch * quantile * volatility, stretch * shortfall * volatility)

    def of(self, name: str, level: float) -> tuple[np.ndarray, np.ndarray]:
        return self._levels[level]


@pytest.fixture(scope="module")
def scale() -> np.ndarray:
    return 0.005 * np.exp(0.3 * np.sin(np.arange(DAYS) / 50))


def test_a_right_model_is_rejected_no_more_often_than_by_luck(scale):
    tests = champion_tests(OneModel(scale), "right")  # type: ignore[arg-type]
    assert len(tests.lines) == 20
    assert len(tests.rejecting) <= 2
    assert all(0 <= line.p <= 1 and 0 <= line.power <= 1 and np.isfinite(line.statistic) for line in tests)
    assert all(line.alternative for line in tests)
    assert f"{len(tests.rejecting)} of 20 backtests speak against right at 5 %; about 1 would by luck" in tests.verdict


def test_a_var_that_is_too_small_is_rejected_by_coverage_and_shortfall_tests(scale):
    lines = champion_tests(OneModel(scale, stretch=0.8), "timid")  # type: ignore[arg-type]
    rejecting = {line.test for line in lines if line.rejects}
    assert {"Kupiec", "multinomial (Nass)", "Acerbi–Szekely Z2", "Du–Escanciano, unconditional"} <= rejecting
    first = next(iter(lines))
    assert (first.test, first.verdict) == ("Kupiec", AGAINST)
    assert first.sentence == "speaks against it: too many exceedances, or too few"


def test_a_var_that_sleeps_is_rejected_by_the_tests_of_clusters():
    waves = 0.005 * np.exp(1.0 * np.sin(np.arange(DAYS) / 40))
    asleep = OneModel(waves)
    for level, (quantile, shortfall) in asleep._levels.items():
        mean = np.full(quantile.size, quantile.mean())
        asleep._levels[level] = (mean, mean * shortfall[0] / quantile[0])
    rejecting = {line.test for line in champion_tests(asleep, "asleep") if line.rejects}  # type: ignore[arg-type]
    assert {"durations (Weibull)", "dynamic quantile", "Du–Escanciano, conditional"} <= rejecting


def test_tail_probabilities_meet_the_levels_and_the_exponential_beyond(scale):
    at = {
        level: (np.full(4, value), np.full(4, value + 1.0)) for level, value in zip(ALL_LEVELS, (1, 2, 3), strict=True)
    }
    found = tail_probabilities(-np.array([0.5, 1.5, 3.0, 4.0]), at)
    assert found.tolist() == pytest.approx([1.0, np.sqrt(0.05 * 0.025), 0.01, 0.01 * np.exp(-1)])


def test_a_refused_model_has_no_tests(scale):
    with pytest.raises(ModelError, match="no fit"):
        champion_tests(OneModel(scale), "broken")  # type: ignore[arg-type]


def test_without_exceedances_means_over_them_cannot_be_run_and_the_rest_is(scale):
    tests = champion_tests(OneModel(scale, stretch=50.0), "cautious")  # type: ignore[arg-type]
    missing = {line.test: line for line in tests if line.verdict == NOT_RUN}
    assert set(missing) == {"Acerbi–Szekely Z1", "McNeil–Frey"}
    z1 = missing["Acerbi–Szekely Z1"]
    assert (z1.statistic, z1.p, z1.power, z1.rejects) == (None, None, None, False)
    assert "there is none in 2500 days" in z1.sentence
    assert "of 18 backtests" in tests.verdict
    assert "cannot be run" in tests._repr_html_()


def test_the_judged_p_value_is_the_exact_one_beside_the_asymptotic(scale):
    model = OneModel(scale)
    tests = champion_tests(model, "right")  # type: ignore[arg-type]
    by_hand = kupiec(model.realised < -model.of("right", 0.99)[0][:-1], confidence=0.99)
    line = next(line for line in tests if line.test == "Kupiec" and line.level == "99 %")
    assert (line.p, line.asymptotic_p) == (by_hand.exact_p_value, by_hand.p_value)
    simulated = {line.test for line in tests if line.asymptotic_p is None}
    assert simulated == {"traffic light", "Acerbi–Szekely Z1", "Acerbi–Szekely Z2", "McNeil–Frey"}


@pytest.mark.parametrize(
    ("hits", "zone", "verdict"), [(4, "green", NOTHING), (5, "yellow", AGAINST), (10, "red", AGAINST)]
)
def test_the_traffic_light_speaks_by_its_zone(scale, hits, zone, verdict):
    model = OneModel(scale)
    model.realised = np.where(np.arange(DAYS) >= DAYS - 5 * hits, -1.0, 0.0) * (np.arange(DAYS) % 5 == 0)
    tests = champion_tests(model, "right")  # type: ignore[arg-type]
    line = next(line for line in tests if line.test == "traffic light" and line.level == "99 %")
    assert (line.statistic, line.note, line.verdict) == (hits, f"{zone} zone", verdict)
