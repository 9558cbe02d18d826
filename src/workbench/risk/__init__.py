"""Volatility, VaR and ES, their backtests, correlation, turbulence, contributions; VaR and ES are positive losses."""

from workbench.risk.backtests import (
    acerbi_szekely_z1,
    acerbi_szekely_z2,
    christoffersen_conditional_coverage,
    christoffersen_independence,
    diebold_mariano,
    du_escanciano,
    duration_test,
    dynamic_quantile,
    fz0_loss,
    kupiec,
    mcneil_frey,
    model_confidence_set,
    multinomial_test,
    pinball_loss,
    traffic_light,
    tuff,
)
from workbench.risk.contributions import Contributions, component_expected_shortfall, component_var
from workbench.risk.measures import expected_shortfall, value_at_risk
from workbench.risk.models import MODELS
from workbench.risk.models.extremes import GpdFit, fit_gpd
from workbench.risk.models.garch import GarchFit, fit_garch
from workbench.risk.race import Race, run_race
from workbench.risk.rolling import RollingForecasts, Schedule, rolling_forecasts
from workbench.risk.volatility import ewma_covariance, ewma_volatility, shrunk_covariance

__all__ = [
    "MODELS",
    "Contributions",
    "GarchFit",
    "GpdFit",
    "Race",
    "RollingForecasts",
    "Schedule",
    "acerbi_szekely_z1",
    "acerbi_szekely_z2",
    "christoffersen_conditional_coverage",
    "christoffersen_independence",
    "component_expected_shortfall",
    "component_var",
    "diebold_mariano",
    "du_escanciano",
    "duration_test",
    "dynamic_quantile",
    "ewma_covariance",
    "ewma_volatility",
    "expected_shortfall",
    "fit_garch",
    "fit_gpd",
    "fz0_loss",
    "kupiec",
    "mcneil_frey",
    "model_confidence_set",
    "multinomial_test",
    "pinball_loss",
    "rolling_forecasts",
    "run_race",
    "shrunk_covariance",
    "traffic_light",
    "tuff",
    "value_at_risk",
]
