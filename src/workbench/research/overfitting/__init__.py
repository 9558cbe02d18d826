"""How much of a backtest is choice: overfitting statistics over every strategy that was tried.

Returns are matrices of shape (periods, strategies), oldest first, one column a strategy, discarded ones too. Sharpe
ratios are per period unless a name says annual, the kurtosis is raw (3 for a normal). The gate is
`superior_predictive_ability` and `step_m`; the rest says how far to trust what passes.
"""

from workbench.research.overfitting.cscv import BacktestOverfitting, probability_of_backtest_overfitting
from workbench.research.overfitting.haircut import (
    Haircut,
    Haircuts,
    adjusted_p_values,
    haircut_all,
    haircut_sharpe_ratio,
)
from workbench.research.overfitting.multiple_testing import (
    SuperiorPredictiveAbility,
    step_m,
    superior_predictive_ability,
)
from workbench.research.overfitting.sharpe import (
    DeflatedSharpe,
    deflated_both,
    deflated_sharpe_ratio,
    expected_max_sharpe_ratio,
    minimum_backtest_length,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
)
from workbench.research.overfitting.trials import EffectiveTrials, effective_trials

__all__ = [
    "BacktestOverfitting",
    "DeflatedSharpe",
    "EffectiveTrials",
    "Haircut",
    "Haircuts",
    "SuperiorPredictiveAbility",
    "adjusted_p_values",
    "deflated_both",
    "deflated_sharpe_ratio",
    "effective_trials",
    "expected_max_sharpe_ratio",
    "haircut_all",
    "haircut_sharpe_ratio",
    "minimum_backtest_length",
    "minimum_track_record_length",
    "probabilistic_sharpe_ratio",
    "probability_of_backtest_overfitting",
    "step_m",
    "superior_predictive_ability",
]
