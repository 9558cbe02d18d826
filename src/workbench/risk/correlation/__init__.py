"""Correlations of the legs: paths, drift from calibration, turbulence, absorption, alarms and what they are worth."""

from workbench.risk.correlation.breakdown import (
    AlarmSkill,
    BlockPlan,
    BootstrapThreshold,
    alarm_skill,
    block_bootstrap_threshold,
    breakdown_alarms,
)
from workbench.risk.correlation.paths import (
    CorrelationDrift,
    correlation_drift,
    correlation_of,
    correlation_path,
    covariance_path,
    nearest_correlation,
    normal_correlation,
)
from workbench.risk.correlation.systemic import absorption_ratio, standardised_shift, turbulence
from workbench.risk.correlation.thresholds import (
    absorption_shift_threshold,
    next_day_turbulence_threshold,
    turbulence_quantile_threshold,
)

__all__ = [
    "AlarmSkill",
    "BlockPlan",
    "BootstrapThreshold",
    "CorrelationDrift",
    "absorption_ratio",
    "absorption_shift_threshold",
    "alarm_skill",
    "block_bootstrap_threshold",
    "breakdown_alarms",
    "correlation_drift",
    "correlation_of",
    "correlation_path",
    "covariance_path",
    "nearest_correlation",
    "next_day_turbulence_threshold",
    "normal_correlation",
    "standardised_shift",
    "turbulence",
    "turbulence_quantile_threshold",
]
