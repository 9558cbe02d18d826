"""Which market are we in: filtered probabilities only, online, with labels that survive every refit."""

from workbench.regimes.adoption import Adoption, AdoptionRule, StateScore, regime_adoption
from workbench.regimes.hamilton import FilterResult, expand_chain, hamilton_filter, stationary_distribution
from workbench.regimes.jump import JumpModel, JumpState, fit_jump, volatility_features
from workbench.regimes.markov import MarkovFit, MarkovParameters, filter_series, fit_markov
from workbench.regimes.measures import NAMED_CRISES, Crisis, CrisisDelay
from workbench.regimes.online import FilterReading, FilterState, LabelMatch, MarkovFilter, StateLabels
from workbench.regimes.series import ewma_variance, volatility_ratio
from workbench.regimes.volatility import (
    REGIMES,
    RegimePath,
    RegimeReading,
    VolatilityBands,
    volatility_regime,
    volatility_regime_path,
)

__all__ = [
    "NAMED_CRISES",
    "REGIMES",
    "Adoption",
    "AdoptionRule",
    "Crisis",
    "CrisisDelay",
    "FilterReading",
    "FilterResult",
    "FilterState",
    "JumpModel",
    "JumpState",
    "LabelMatch",
    "MarkovFilter",
    "MarkovFit",
    "MarkovParameters",
    "RegimePath",
    "RegimeReading",
    "StateLabels",
    "StateScore",
    "VolatilityBands",
    "ewma_variance",
    "expand_chain",
    "filter_series",
    "fit_jump",
    "fit_markov",
    "hamilton_filter",
    "regime_adoption",
    "stationary_distribution",
    "volatility_features",
    "volatility_ratio",
    "volatility_regime",
    "volatility_regime_path",
]
