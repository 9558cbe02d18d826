"""The verdict on data where the answer is known, and on real data where it is an honest no."""

import numpy as np
import pytest

from workbench.domain.errors import DataError
from workbench.regimes import AdoptionRule, Crisis, regime_adoption
from workbench.regimes.adoption import _walk_forward

SHORT = AdoptionRule(states=2, first_fit_days=1000, refit_days=1000)


def business_days(count: int) -> np.ndarray:
    return np.busday_offset("2000-01-03", np.arange(count))


@pytest.fixture(scope="session")
def eurusd_verdict(pair_returns):
    series = pair_returns["EURUSD"]
    return regime_adoption(series.to_numpy(), series.index.to_numpy())


def regime_world(days: int, stay: tuple[float, float]) -> np.ndarray:
    """Abrupt changes between volatility 0.3 % and 2 %, normal within: made for a Markov model."""
    rng = np.random.default_rng(6)
    state, returns = 0, np.empty(days)
    for t in range(days):
        state = state if rng.random() < stay[state] else 1 - state
        returns[t] = (0.003, 0.02)[state] * rng.standard_normal()
    return returns


def ewma_world(days: int) -> np.ndarray:
    """GARCH near EWMA with Student t: made for the benchmark."""
    rng = np.random.default_rng(7)
    variance, returns = 4e-5, np.empty(days)
    for t in range(days):
        returns[t] = np.sqrt(variance * 4.0 / 6.0) * rng.standard_t(6.0)
        variance = 4e-7 + 0.93 * variance + 0.06 * returns[t] ** 2
    return returns


def test_a_world_of_regimes_adopts_the_markov_model():
    returns = regime_world(5000, (0.99, 0.97))
    verdict = regime_adoption(returns, business_days(5000), rule=SHORT, crises=())
    assert verdict.adopted
    assert verdict.t_statistic > 3.0
    assert verdict.markov.auc > verdict.ewma_auc
    assert verdict.reasons == verdict.evidence


def test_a_world_of_ewma_refuses_it_and_says_why():
    verdict = regime_adoption(ewma_world(5000), business_days(5000), rule=SHORT, crises=())
    assert not verdict.adopted
    assert verdict.density_gain < 0.0
    assert any("not better at the 5% level" in reason for reason in verdict.reasons)


def test_on_eurusd_the_markov_model_is_not_adopted(eurusd_verdict):
    assert not eurusd_verdict.adopted
    assert eurusd_verdict.refits == 23
    assert eurusd_verdict.days == 7125 - 1280
    assert eurusd_verdict.t_statistic < -2.0
    assert eurusd_verdict.markov.auc < eurusd_verdict.ewma_auc
    assert len(eurusd_verdict.reasons) == 2


def test_delays_come_with_the_share_of_time(eurusd_verdict):
    delays = {delay.name: delay for delay in eurusd_verdict.markov.delays}
    assert len(delays) == 11
    assert delays["Covid"].detected
    assert not delays["yen flash crash"].detected
    assert 0.05 < eurusd_verdict.markov.crisis_share < 0.15
    share = next(sentence for sentence in eurusd_verdict.evidence if "top state" in sentence)
    assert "named crises" in share
    assert "% of days" in share


def test_switches_and_dwell_agree(eurusd_verdict):
    score = eurusd_verdict.markov
    years = 5845 / 256.0
    assert score.mean_dwell_days == pytest.approx(5845 / (score.switches_per_year * years + 1), rel=0.01)


def test_the_walk_forward_ignores_later_rows(eurusd_log):
    rule = AdoptionRule(states=2, first_fit_days=1000, refit_days=500)
    garbage = eurusd_log[:2400].copy()
    garbage[1700:] = np.random.default_rng(1).normal(0.0, 0.5, 700)
    clean, spoilt = _walk_forward(eurusd_log[:2400], rule), _walk_forward(garbage, rule)
    seen = 1700 - 1000
    for name in ("markov_density", "ewma_density", "markov_label", "jump_label", "event"):
        assert np.array_equal(getattr(clean, name)[:seen], getattr(spoilt, name)[:seen])
    for name in ("markov_variance", "jump_before"):
        # scores of the evening before are known one day longer
        assert np.array_equal(getattr(clean, name)[: seen + 1], getattr(spoilt, name)[: seen + 1])


def test_a_verdict_shows_itself_in_plain_sentences(eurusd_verdict):
    html = eurusd_verdict._repr_html_()
    assert "Not adopted" in html
    assert html.count("<li>") == 2
    assert "volatility ratio" in html


def test_a_crisis_outside_the_sample_is_left_out():
    verdict = regime_adoption(
        ewma_world(2100), business_days(2100), rule=SHORT, crises=(Crisis("old", "1990-01-01", "1990-02-01"),)
    )
    assert verdict.markov.delays == ()


def test_too_short_a_series_and_wrong_dates_are_refused():
    with pytest.raises(DataError, match="at least 1536 rows"):
        regime_adoption(ewma_world(1000), business_days(1000))
    with pytest.raises(DataError, match="expected 2100 dates"):
        regime_adoption(ewma_world(2100), business_days(2099), rule=SHORT)


@pytest.mark.parametrize("rule", [{"first_fit_days": 100}, {"refit_days": 0}, {"significance": 0.7}])
def test_a_rule_that_cannot_be_run_is_refused(rule):
    with pytest.raises(DataError):
        AdoptionRule(**rule)
