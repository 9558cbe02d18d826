"""Trading sections of the policy: universe, adaptation, strategies, costs, tiers, pre-trade limits, go-live criteria.

The shape of each table is here, every number is in ``default_policy.toml``.
"""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from workbench.domain.currencies import ACCOUNT_CURRENCY, CURRENCIES, LEGS, PAIRS
from workbench.domain.policy.fields import (
    Cardinal,
    Count,
    FactorLimits,
    Fraction,
    Multiple,
    NonNegative,
    Positive,
    Section,
    Share,
    Windows,
    hold_order,
    hold_sum,
    refuse,
)
from workbench.domain.trading.modes import Regime

ADAPTED_REGIMES: tuple[str, ...] = ("normal", "low_volatility", "high_volatility", "trending", "crisis", "recovery")
MAJORS: tuple[str, ...] = tuple(pair for pair in PAIRS if "USD" in pair)
"""Pairs with the US dollar on one side; the others are crosses."""


class Universe(Section):
    """Pairs that may be traded; the risk lives in the legs they are made of."""

    pairs: tuple[str, ...] = Field(min_length=1)

    @field_validator("pairs")
    @classmethod
    def _known_pairs_once(cls, pairs: tuple[str, ...]) -> tuple[str, ...]:
        for place, pair in enumerate(pairs):
            if pair not in PAIRS or pair in pairs[:place]:
                refuse(f"[{place}]", f"each pair once, out of {', '.join(PAIRS)}", pair)
        return pairs

    @property
    def currencies(self) -> tuple[str, ...]:
        """Currencies of the pairs, in the order of the workbench."""
        held = {currency for pair in self.pairs for currency in (pair[:3], pair[3:])}
        return tuple(currency for currency in CURRENCIES if currency in held | {ACCOUNT_CURRENCY})

    @property
    def legs(self) -> tuple[str, ...]:
        """Currencies against the account currency, in the order of every leg axis."""
        return tuple(leg for leg in LEGS if leg in self.currencies)


class AdaptedWindows(Section):
    """Windows of one signal outside the normal regime; in the normal regime they are the signal's own."""

    low_volatility: Windows
    high_volatility: Windows
    trending: Windows
    crisis: Windows
    recovery: Windows


class MovingAverages(Section):
    """Signals whose windows adapt; the others keep their own in every regime."""

    moderate: AdaptedWindows
    conservative: AdaptedWindows


class StopDistance(Section):
    """Distance of the stop from the entry price, as a fraction of it."""

    normal: Share
    low_volatility: Share
    high_volatility: Share
    trending: Share
    crisis: Share
    recovery: Share


class MinimumHold(Section):
    """Bars a position is held before a signal may turn it; brakes and stops do not wait."""

    normal: Count
    low_volatility: Count
    high_volatility: Count
    trending: Count
    crisis: Count
    recovery: Count


class Adaptation(Section):
    """What strategies change when the regime does."""

    moving_averages: MovingAverages
    stop_distance: StopDistance
    minimum_hold_bars: MinimumHold

    def stop_distance_of(self, regime: Regime) -> float:
        """Stop distance in a regime, fraction of the entry price.

        Parameters
        ----------
        regime : Regime
            RANGING has no column of its own and uses the normal one.

        Returns
        -------
        float
        """
        return float(getattr(self.stop_distance, _column_of(regime)))

    def minimum_hold_of(self, regime: Regime) -> int:
        """Bars a position is held before a signal may turn it.

        Parameters
        ----------
        regime : Regime
            RANGING has no column of its own and uses the normal one.

        Returns
        -------
        int
        """
        return int(getattr(self.minimum_hold_bars, _column_of(regime)))


def _column_of(regime: Regime) -> str:
    return "normal" if regime is Regime.RANGING else regime.name.lower()


class MovingAverageSignal(Section):
    """Long when the short average is above the long one, short when it is below."""

    windows: Windows


class ReversionSignal(Section):
    """Against a close that is further than `sigmas` standard deviations from its average."""

    window: Count
    sigmas: Positive


class Signals(Section):
    """The four rules."""

    conservative: MovingAverageSignal
    moderate: MovingAverageSignal
    aggressive: MovingAverageSignal
    reversion: ReversionSignal


class RiskProfile(Section):
    """Equity risked per trade, and the target's distance as a multiple of the stop's."""

    risk_per_trade: Share
    reward_to_risk: Positive


class RiskProfiles(Section):
    """Three appetites, rising."""

    conservative: RiskProfile
    moderate: RiskProfile
    aggressive: RiskProfile

    @model_validator(mode="after")
    def _appetite_rises(self) -> Self:
        names = list(type(self).model_fields)
        keys = [f"{name}.risk_per_trade" for name in names]
        hold_order(keys, [getattr(self, name).risk_per_trade for name in names], "rising")
        return self


class Strategies(Section):
    """The grid: pairs × timeframes × signals × risk profiles."""

    timeframes: tuple[Literal["4h", "daily", "weekly"], ...] = Field(min_length=1)
    timeframes_with_intraday_data: tuple[Literal["4h", "daily", "weekly"], ...] = Field(min_length=1)
    signals: Signals
    risk_profiles: RiskProfiles

    @model_validator(mode="after")
    def _timeframes_once(self) -> Self:
        for key in ("timeframes", "timeframes_with_intraday_data"):
            names = getattr(self, key)
            if len(set(names)) != len(names):
                refuse(key, "each timeframe once", ", ".join(names))
        if not set(self.timeframes) <= set(self.timeframes_with_intraday_data):
            refuse(
                "timeframes_with_intraday_data",
                f"also {', '.join(self.timeframes)} (timeframes)",
                self.timeframes_with_intraday_data,
            )
        return self


class PairCost(Section):
    """Costs of one pair, in place of the general ones."""

    pair: Literal[PAIRS]  # type: ignore[valid-type]
    half_spread_pips: NonNegative
    financing_annual: NonNegative


class Costs(Section):
    """Half the spread is paid on every fill; financing per year on the position's value."""

    half_spread_pips_majors: NonNegative
    half_spread_pips_crosses: NonNegative
    financing_annual: NonNegative
    by_pair: tuple[PairCost, ...]

    @model_validator(mode="after")
    def _each_pair_once(self) -> Self:
        pairs = [cost.pair for cost in self.by_pair]
        for place, pair in enumerate(pairs):
            if pair in pairs[:place]:
                refuse(f"by_pair[{place}].pair", "each pair once", pair)
        return self

    def of(self, pair: str) -> PairCost:
        """Costs of one pair: its own if there are any, else those of majors or crosses.

        Parameters
        ----------
        pair : str
            Six letters, base first.

        Returns
        -------
        PairCost
            Half spread in pips, financing as a fraction a year.
        """
        for cost in self.by_pair:
            if cost.pair == pair:
                return cost
        spread = self.half_spread_pips_majors if pair in MAJORS else self.half_spread_pips_crosses
        return PairCost(pair=pair, half_spread_pips=spread, financing_annual=self.financing_annual)


class Tier(Section):
    """Share of the capital, and how many strategies divide it."""

    share: Share
    strategies: Count


class TierWeights(Section):
    """Range of each factor that moves a strategy's weight inside its tier."""

    performance: FactorLimits
    drawdown: FactorLimits
    correlation: FactorLimits
    regime: FactorLimits


class Rebalancing(Section):
    """When the tiers are put back, and what that may cost."""

    schedule: Literal["daily", "weekly", "monthly"]
    tier_drift: Share
    value_at_risk_of_share: Multiple
    drawdown_of_history: Multiple
    correlation_above: Fraction
    correlation_days: Count
    cost_below: Share


class Tiers(Section):
    """Capital by robustness."""

    core: Tier
    growth: Tier
    tactical: Tier
    weights: TierWeights
    rebalancing: Rebalancing

    @property
    def strategies(self) -> int:
        """Number of strategies deployed over all tiers."""
        return self.core.strategies + self.growth.strategies + self.tactical.strategies

    @model_validator(mode="after")
    def _shares_make_the_whole(self) -> Self:
        keys = ("core.share", "growth.share", "tactical.share")
        hold_sum(keys, (self.core.share, self.growth.share, self.tactical.share), 1.0)
        return self


class PreTrade(Section):
    """Limits every order meets before it is sent; orders in flight count, reducing orders pass."""

    collar_last: Share
    collar_window: Share
    collar_window_seconds: Positive
    order_notional: Positive
    gross_notional: Positive
    net_currency: Positive
    orders_per_second: Count
    orders_per_day: Count
    repeated_intents: Count

    @model_validator(mode="after")
    def _narrow_within_wide(self) -> Self:
        for narrow, wide in (
            ("collar_last", "collar_window"),
            ("order_notional", "gross_notional"),
            ("net_currency", "gross_notional"),
            ("orders_per_second", "orders_per_day"),
        ):
            hold_order((narrow, wide), (getattr(self, narrow), getattr(self, wide)), "not falling")
        return self


class TechnicalCriteria(Section):
    """What the machine must have shown before it trades money."""

    drawdown_detection_seconds: Positive
    halving_seconds: Positive
    volatility_cut_seconds: Positive
    value_at_risk_halt_seconds: Positive
    alert_handed_over_seconds: Positive
    manual_control_seconds: Positive
    survival_above: Share
    survival_drawdown_below: Share
    degradation_below: Share
    amplification_below: Multiple
    recovery_hours: Positive
    uptime_above: Share
    order_milliseconds: Positive
    fill_rate_above: Share
    rejections_below: Share
    slippage_pips_majors: Positive
    capture_rate_above: Share
    failover_seconds: Positive
    risk_figures_within: Share
    tier_weights_within: Share


class FinancialCriteria(Section):
    """What the strategies must have shown before they trade money."""

    annual_return_above: Positive
    sharpe_above: Positive
    drawdown_below: Share
    win_rate_above: Share
    profitable_months_above: Share
    value_at_risk_95_below: Share
    expected_shortfall_below: Share
    worst_day_below: Share
    worst_week_below: Share
    worst_month_below: Share
    live_within_of_backtest: Share

    @model_validator(mode="after")
    def _longer_may_lose_more(self) -> Self:
        keys = ("worst_day_below", "worst_week_below", "worst_month_below")
        hold_order(keys, [getattr(self, key) for key in keys], "rising")
        tails = ("value_at_risk_95_below", "expected_shortfall_below")
        hold_order(tails, [getattr(self, key) for key in tails], "rising")
        return self


class OperationalCriteria(Section):
    """What the people and procedures must have shown before money is at stake."""

    responder_drilled_days: Count
    control_drilled_days: Count
    backup_restored_days: Count
    open_reconciliation_breaks: Cardinal


class SuccessCriteria(Section):
    """Everything that must hold before going live."""

    technical: TechnicalCriteria
    financial: FinancialCriteria
    operational: OperationalCriteria
