"""Policy, calibration and strategies as the numbers the compiled step runs on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from workbench.controls.conditions import active_strategies
from workbench.domain.calibration import Calibration
from workbench.domain.compiled import IS_COMPILED
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.errors import ConfigError, ModelError
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import DAY_NS, MINUTE_NS, SECOND_NS
from workbench.domain.trading.modes import CloseOrder, Ladder, Mode, Regime, Tier
from workbench.domain.trading.strategies import TIMEFRAMES, Strategy, check_strategies
from workbench.engine.kernel.layout import KNOTS, MOST_READINGS, SETTINGS, TIERS
from workbench.portfolio.sizing import UNIT_STEP, regime_factor_of
from workbench.regimes.volatility import DEFAULT_BANDS

CHI_SQUARE_7_AT_99 = 18.475
"""99 % point of chi-square with seven degrees of freedom: turbulence threshold when the calibration names none."""
NEVER_NS = np.iinfo(np.int64).max
NEVER = 2**31 - 1
VALUE_AT_RISK_LEVEL, SHORTFALL_LEVEL = "0.95", "0.975"


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """What an engine is set to; `numbers` is one SETTINGS record, the rest is where it came from."""

    policy: Policy
    calibration: Calibration | None
    strategies: tuple[Strategy, ...]
    numbers: Any = field(repr=False)
    controls: bool = True

    @property
    def slots(self) -> dict[str, int]:
        """Slot of each strategy by name."""
        return {strategy.name: slot for slot, strategy in enumerate(self.strategies)}


def build_settings(
    policy: Policy, calibration: Calibration | None, strategies: Sequence[Strategy], *, controls: bool = True
) -> Settings:
    """Translate policy, calibration and strategies.

    Parameters
    ----------
    policy : Policy
        Validated.
    calibration : Calibration or None
        Without one the engine fails closed.
    strategies : sequence of Strategy
        At most sixteen.
    controls : bool
        Without them no ladder trips, no condition caps or takes a strategy out, and nothing is locked: what a control
        did is measured against this. Sizing, stops, limits and people stay.

    Returns
    -------
    Settings

    Raises
    ------
    ConfigError
        When there are too many strategies, a pair outside the policy's universe, or more readings or knots than the
        engine has room for.
    ModelError
        When the calibration's normal covariance cannot be inverted or it lacks a tail the engine needs.
    """
    check_strategies(strategies)
    for strategy in strategies:
        if strategy.pair not in policy.universe.pairs:
            raise ConfigError(f"strategy {strategy.name!r} trades {strategy.pair}, which universe.pairs does not list")
    numbers = np.zeros(1, SETTINGS)
    one = numbers.view(np.recarray)[0]
    _set_ladders(one, policy)
    _set_sizing(one, policy)
    _set_conditions(one, policy, strategies)
    _set_strategies(one, policy, strategies)
    _set_calibration(one, policy, calibration)
    numbers = switched_off(numbers, () if controls else (ALL,))
    return Settings(policy, calibration, tuple(strategies), _as_read(numbers), controls)


def renewed(settings: Settings, calibration: Calibration) -> Settings:
    """The same settings under another calibration; everything else is translated already.

    Parameters
    ----------
    settings : Settings
        Not changed.
    calibration : Calibration
        New.

    Returns
    -------
    Settings

    Raises
    ------
    ModelError
        As `build_settings`.
    """
    numbers = settings.numbers.copy()
    _set_calibration(numbers.view(np.recarray)[0], settings.policy, calibration)
    return replace(settings, calibration=calibration, numbers=numbers)


def _as_read(numbers: Any) -> Any:
    return numbers if IS_COMPILED else numbers.view(np.recarray)


def _no_ladder(ladder: Ladder) -> Callable[[Any], None]:
    def switch(numbers: Any) -> None:
        numbers["trigger"][:, ladder] = np.inf

    return switch


def _no_conditions(numbers: Any) -> None:
    numbers["condition_cap"][:] = 1.0
    numbers["condition_ratio"][:] = numbers["condition_score"][:] = np.inf
    numbers["active"][:] = 1


def _no_locks(numbers: Any) -> None:
    numbers["drawdown_limit"][:] = numbers["tier_limit"][:] = np.inf
    numbers["repeated_stops"][:] = NEVER


def _fixed(field: str, value: float) -> Callable[[Any], None]:
    def switch(numbers: Any) -> None:
        numbers[field][:] = value

    return switch


CONTROLS: dict[str, Callable[[Any], None]] = {
    **{f"{ladder.name.lower().replace('_', ' ')} ladder": _no_ladder(ladder) for ladder in Ladder},
    "market conditions": _no_conditions,
    "locks": _no_locks,
}
"""What each control is: how its numbers are set so that it never acts. Together they are all controls."""
FACTORS: dict[str, Callable[[Any], None]] = {
    "volatility factor": _fixed("volatility_full", np.inf),
    "correlation factor": _fixed("correlation_at_one", 1.0),
    "regime factor": _fixed("regime_factor", 1.0),
    "stress factor": _fixed("stress_factors", 1.0),
}
"""The same for the factors of sizing; they stay when all controls are off."""
ALL = "all"


def switched_off(numbers: Any, without: Sequence[str]) -> Any:
    """Settings in which some controls or factors never act.

    Parameters
    ----------
    numbers : ndarray of SETTINGS
        Not changed.
    without : sequence of str
        Keys of `CONTROLS` or `FACTORS`, or ``all`` for every control.

    Returns
    -------
    ndarray of SETTINGS
        A copy.

    Raises
    ------
    ConfigError
        When a name is not known.
    """
    known, changed = CONTROLS | FACTORS, numbers.copy()
    for name in [*CONTROLS, *without] if ALL in without else without:
        if name == ALL:
            continue
        if name not in known:
            raise ConfigError(f"unknown control {name!r}: expected one of {', '.join([*known, ALL])}")
        known[name](changed.view(np.ndarray))
    return changed


def _set_ladders(one: Any, policy: Policy) -> None:
    rules = policy.ladders.rules
    one.trigger[:] = np.inf
    one.cap[:] = 1.0
    for ladder in Ladder:
        for rung, rules_of in enumerate(getattr(policy.ladders, ladder.name.lower()).rungs):
            one.trigger[ladder, rung] = getattr(rules_of, "trigger", None) or rules_of.trigger_seconds
            one.cap[ladder, rung] = rules_of.cap
            one.rung_mode[ladder, rung] = Mode[rules_of.mode]
            one.close_fraction[ladder, rung] = rules_of.close_fraction
            one.close_order[ladder, rung] = CloseOrder[rules_of.close_order.upper()]
            one.stops_tighter[ladder, rung] = rules_of.stops_tighter
            one.extra_confirmations[ladder, rung] = rules_of.extra_confirmations
            one.defensive_only[ladder, rung] = rules_of.defensive_only
            one.alert_level[ladder, rung] = rules_of.alert_level
            one.people[ladder, rung] = rules_of.people_to_resume
            one.due_seconds[ladder, rung] = rules_of.done_within_seconds
    technical = policy.ladders.technical
    for rung, silence in enumerate((technical.rung_1, technical.rung_2, technical.rung_3)):
        one.fail_over[rung] = silence.fail_over
    breakdown = policy.ladders.correlation.rung_2
    one.high_correlation, one.moved_correlation = breakdown.high_correlation, breakdown.moved_correlation
    one.moved_count = breakdown.moved_count
    if rules.agreeing_readings > MOST_READINGS:
        raise ConfigError(
            f"ladders.rules.agreeing_readings: the engine remembers {MOST_READINGS} readings, got "
            f"{rules.agreeing_readings}"
        )
    one.release_fraction, one.restoration_step = rules.release_fraction, rules.restoration_step
    one.dwell_ns = round(rules.dwell_market_minutes * MINUTE_NS)
    one.agreeing_readings = rules.agreeing_readings
    one.agreement_ns = round(rules.agreement_deadline_seconds * SECOND_NS)
    one.fail_closed_rung = rules.fail_closed_technical_rung - 1
    one.stale_rung = policy.calibration.stale_technical_rung - 1


def _set_sizing(one: Any, policy: Policy) -> None:
    sizing = policy.sizing
    one.multiplier_minimum, one.multiplier_maximum = sizing.multiplier_minimum, sizing.multiplier_maximum
    one.volatility_full = sizing.volatility.full_until_ratio
    one.correlation_full, one.correlation_at_one = sizing.correlation.full_until, sizing.correlation.factor_at_one
    knots = len(sizing.stress.scores)
    if knots > KNOTS:
        raise ConfigError(f"sizing.stress.scores: at most {KNOTS} knots, got {knots}")
    one.stress_knots = knots
    one.stress_scores[:knots], one.stress_factors[:knots] = sizing.stress.scores, sizing.stress.factors
    for regime in Regime:
        one.regime_factor[regime] = regime_factor_of(policy, regime)
        one.stop_distance[regime] = policy.adaptation.stop_distance_of(regime)
        one.minimum_hold[regime] = policy.adaptation.minimum_hold_of(regime)
    score = policy.stress_score
    one.score_points[:] = (score.volatility, score.correlation, score.turbulence, score.liquidity, score.uncertainty)
    limits = policy.pre_trade
    one.order_limit, one.gross_limit = limits.order_notional, limits.gross_notional
    one.net_limit, one.unit_step = limits.net_currency, UNIT_STEP
    one.repeated_stops = limits.repeated_intents
    one.recovery_ns = DEFAULT_BANDS.memory_days * DAY_NS
    for place, pair in enumerate(PAIRS):
        one.half_spread_pips[place] = policy.costs.of(pair).half_spread_pips


def _set_conditions(one: Any, policy: Policy, strategies: Sequence[Strategy]) -> None:
    conditions = policy.market_conditions
    for place, bounded in enumerate(conditions.bounded):
        one.condition_ratio[place], one.condition_score[place] = bounded.ratio_below, bounded.score_up_to
    for place, condition in enumerate((*conditions.bounded, conditions.crisis)):
        one.condition_cap[place] = condition.exposure_cap
        one.condition_confirmations[place] = condition.confirmations
        one.condition_timeframes[place] = condition.timeframes
    one.active[:] = active_strategies(policy, strategies)


def _set_strategies(one: Any, policy: Policy, strategies: Sequence[Strategy]) -> None:
    allowed = policy.tiers.rebalancing.drawdown_of_history
    one.strategies = len(strategies)
    one.drawdown_limit[:] = np.inf
    one.tier_limit[:] = np.inf
    one.tier[:] = Tier.HELD
    for slot, strategy in enumerate(strategies):
        one.pair[slot], one.timeframe[slot] = PAIRS.index(strategy.pair), TIMEFRAMES.index(strategy.timeframe)
        one.tier[slot], one.allocation[slot] = strategy.tier, strategy.allocation
        one.risk_per_trade[slot], one.reward_to_risk[slot] = strategy.risk_per_trade, strategy.reward_to_risk
        one.defensive[slot] = strategy.defensive
        if np.isfinite(strategy.record.drawdown):
            one.drawdown_limit[slot] = allowed * strategy.record.drawdown
    for tier in range(TIERS):
        members = [strategy for strategy in strategies if strategy.tier == tier]
        if members and all(np.isfinite(member.record.drawdown) for member in members):
            capital = sum(member.allocation for member in members)
            # no diversification is assumed: the tier may lose what its members may
            worst = sum(member.allocation * member.record.drawdown for member in members) / capital
            one.tier_limit[tier] = allowed * worst


def _set_calibration(one: Any, policy: Policy, calibration: Calibration | None) -> None:
    one.absorption, one.turbulence_full = np.nan, CHI_SQUARE_7_AT_99 / len(LEGS)
    one.stale_after_ns = NEVER_NS
    if calibration is None:
        return
    one.calibrated = 1
    last = np.busday_offset(
        np.datetime64(calibration.as_of, "D"), policy.calibration.age_limit_business_days, roll="backward"
    )
    one.stale_after_ns = (int(last.astype(np.int64)) + 1) * DAY_NS
    states = [calibration.legs[leg] for leg in LEGS]
    now, normal = (
        np.array([getattr(state, key) for state in states]) for key in ("volatility_daily", "normal_volatility_daily")
    )
    decays = np.sqrt([state.ewma_lambda for state in states])
    one.decay[:] = np.outer(decays, decays)
    one.covariance[:] = np.outer(now, now) * np.array(calibration.current_correlation)
    one.normal_volatility[:] = normal
    one.normal_correlation[:] = calibration.normal_correlation
    one.normal_covariance[:] = np.outer(normal, normal) * one.normal_correlation
    try:
        one.normal_precision[:] = np.linalg.inv(one.normal_covariance)
    except np.linalg.LinAlgError as error:
        raise ModelError("the calibration's normal correlation is singular: two legs move as one") from error
    tails = calibration.residual_quantiles
    for level in (VALUE_AT_RISK_LEVEL, SHORTFALL_LEVEL):
        if level not in tails:
            raise ModelError(f"the calibration has no residual tail at {level}, it has {', '.join(sorted(tails))}")
    one.quantile_95 = tails[VALUE_AT_RISK_LEVEL].quantile
    one.shortfall_975 = tails[SHORTFALL_LEVEL].expected_shortfall
    _set_systemic(one, calibration)


def _set_systemic(one: Any, calibration: Calibration) -> None:
    """Thresholds of turbulence and absorption ratio, where the calibration's evidence names them."""
    evidence: Any = calibration.evidence.get("correlation", {})
    if isinstance(evidence, dict):
        if evidence.get("turbulence_normal_threshold"):
            one.turbulence_full = evidence["turbulence_normal_threshold"] / len(LEGS)
        if evidence.get("absorption_threshold"):
            shift = evidence.get("absorption_shift", np.nan) / evidence["absorption_threshold"]
            one.absorption = float(np.clip(shift, 0.0, 1.0))
