"""Backtests of VaR and ES forecasts, losses to rank them by, and tests that compare the losses.

An exceedance is a return below −VaR. Arrays are oldest first; VaR and ES are positive loss fractions with ES at least
VaR; `confidence` is a fraction such as 0.99. Every p-value comes with the power of its test against a stated
alternative, because a test that cannot see anything also rejects nothing.
"""

from workbench.risk.backtests.comparison import (
    LossComparison,
    ModelConfidenceSet,
    diebold_mariano,
    model_confidence_set,
)
from workbench.risk.backtests.coverage import TrafficLightResult, kupiec, traffic_light, tuff
from workbench.risk.backtests.distributional import (
    CumulativeViolationResult,
    MultinomialResult,
    du_escanciano,
    multinomial_levels,
    multinomial_test,
)
from workbench.risk.backtests.dynamics import (
    DurationResult,
    DynamicQuantileResult,
    duration_test,
    dynamic_quantile,
)
from workbench.risk.backtests.expected_shortfall import (
    ShortfallResult,
    acerbi_szekely_z1,
    acerbi_szekely_z2,
    mcneil_frey,
)
from workbench.risk.backtests.independence import (
    christoffersen_conditional_coverage,
    christoffersen_independence,
)
from workbench.risk.backtests.losses import fz0_loss, pinball_loss
from workbench.risk.backtests.power import markov_hits, simulated_power
from workbench.risk.backtests.result import BacktestResult, ExactResult, PoweredResult

__all__ = [
    "BacktestResult",
    "CumulativeViolationResult",
    "DurationResult",
    "DynamicQuantileResult",
    "ExactResult",
    "LossComparison",
    "ModelConfidenceSet",
    "MultinomialResult",
    "PoweredResult",
    "ShortfallResult",
    "TrafficLightResult",
    "acerbi_szekely_z1",
    "acerbi_szekely_z2",
    "christoffersen_conditional_coverage",
    "christoffersen_independence",
    "diebold_mariano",
    "du_escanciano",
    "duration_test",
    "dynamic_quantile",
    "fz0_loss",
    "kupiec",
    "markov_hits",
    "mcneil_frey",
    "model_confidence_set",
    "multinomial_levels",
    "multinomial_test",
    "pinball_loss",
    "simulated_power",
    "traffic_light",
    "tuff",
]
