"""Risk sections of the policy: calibration gates, ladders, sizing, stress score and market conditions.

The shape of each table is here, every number is in ``default_policy.toml``.
"""

from typing import ClassVar, Literal, Self

from pydantic import Field, StrictBool, model_validator

from workbench.domain.policy.fields import (
    AlertLevel,
    Cardinal,
    Count,
    Fraction,
    Multiple,
    NonNegative,
    Positive,
    Section,
    Share,
    hold_order,
    hold_sum,
    refuse,
)

Mode = Literal["ACTIVE", "REDUCING", "HALTED"]
MODES: tuple[Mode, ...] = ("ACTIVE", "REDUCING", "HALTED")
"""From free to stopped. REDUCING means no new entries: positions may shrink, never grow or flip."""
CloseOrder = Literal["nothing", "every_position_alike", "most_volatile_positions", "largest_value_at_risk"]
CONDITIONS: tuple[str, ...] = ("normal", "elevated", "high", "extreme", "crisis")
SIZING_REGIMES: tuple[str, ...] = ("normal", "trending", "ranging", "high_volatility", "crisis", "recovery")


class CalibrationGates(Section):
    """What a candidate calibration must show before it replaces the adopted one, and how old it may get."""

    minimum_daily_coverage: Share
    minimum_intraday_capture: Share
    flagged_window_days: Count
    backtest_confidences: tuple[Share, ...] = Field(min_length=1)
    backtest_days: Count
    minimum_coverage_p_value: Share
    traffic_light_days: Count
    model_confidence_set: Share
    minimum_shortfall_p_value: Share
    unconfirmed_move: Positive
    age_limit_business_days: Count
    stale_technical_rung: Count

    @model_validator(mode="after")
    def _confidences_and_windows(self) -> Self:
        for place, confidence in enumerate(self.backtest_confidences):
            if not 0.5 < confidence < 1.0:
                refuse(f"backtest_confidences[{place}]", "a confidence between 0.5 and 1", confidence)
        keys = [f"backtest_confidences[{place}]" for place in range(len(self.backtest_confidences))]
        hold_order(keys, self.backtest_confidences, "rising")
        if self.traffic_light_days > self.backtest_days:
            refuse("traffic_light_days", f"at most {self.backtest_days} (backtest_days)", self.traffic_light_days)
        return self


class Rung(Section):
    """What one rung of a ladder does, how loudly, and how fast; written out in full, also where it does nothing."""

    cap: Fraction
    mode: Mode
    close_fraction: Fraction
    close_order: CloseOrder
    stops_tighter: Fraction
    extra_confirmations: Cardinal
    defensive_only: StrictBool
    alert_level: AlertLevel
    people_to_resume: Cardinal
    done_within_seconds: NonNegative

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.close_fraction == 0.0) != (self.close_order == "nothing"):
            refuse(
                "close_order",
                f"'nothing' if, and only if, close_fraction is 0 (it is {self.close_fraction})",
                self.close_order,
            )
        if self.people_to_resume == 1:
            refuse("people_to_resume", "0 (falls by itself) or at least 2 people", self.people_to_resume)
        if self.people_to_resume and self.mode == "ACTIVE":
            refuse("mode", "REDUCING or HALTED where people have to resume", self.mode)
        return self

    @property
    def latched(self) -> bool:
        """Whether only people can end it."""
        return self.people_to_resume > 0

    @property
    def entries_stopped(self) -> bool:
        """Whether positions may only shrink."""
        return self.mode != "ACTIVE"


class LevelRung(Rung):
    """Trips when the metric is above the trigger; the unit is that of the ladder's metric."""

    trigger: Positive


class BreakdownRung(LevelRung):
    """Trips on the mean absolute leg correlation, or on enough held legs that are high and have moved."""

    high_correlation: Share
    moved_correlation: Positive
    moved_count: Count


class SilenceRung(Rung):
    """Trips when something has been silent for longer than the trigger."""

    trigger_seconds: Positive
    fail_over: StrictBool


class Ladder(Section):
    """Rungs from mild to severe: a higher rung never does less than a lower one."""

    trigger_key: ClassVar[str] = "trigger"

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """Rungs in rising order."""
        return tuple(getattr(self, name) for name in type(self).model_fields)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.trigger_key:
            self._hold(self.trigger_key, "rising")
        for key in (
            "close_fraction",
            "stops_tighter",
            "extra_confirmations",
            "defensive_only",
            "alert_level",
            "people_to_resume",
        ):
            self._hold(key, "not falling")
        self._hold("cap", "not rising")
        modes = [rung.mode for rung in self.rungs]
        hold_order([f"{name}.mode" for name in type(self).model_fields], modes, "not falling", rank=MODES.index)
        return self

    def _hold(self, key: str, rule: str) -> None:
        keys = [f"{name}.{key}" for name in type(self).model_fields]
        hold_order(keys, [getattr(rung, key) for rung in self.rungs], rule)


class DrawdownLadder(Ladder):
    """Fall from peak equity, as a fraction of the peak."""

    rung_1: LevelRung
    rung_2: LevelRung
    rung_3: LevelRung
    rung_4: LevelRung


class VolatilityLadder(Ladder):
    """Current over normal portfolio volatility."""

    rung_1: LevelRung
    rung_2: LevelRung
    rung_3: LevelRung


class ValueAtRiskLadder(Ladder):
    """One-day value at risk at 95 %, positive loss over equity."""

    rung_1: LevelRung
    rung_2: LevelRung
    rung_3: LevelRung


class CorrelationLadder(Ladder):
    """Leg correlations: rung 1 their mean absolute change since calibration, rung 2 their level."""

    trigger_key: ClassVar[str] = ""  # the two rungs measure different things, so their triggers have no order

    rung_1: LevelRung
    rung_2: BreakdownRung


class TechnicalLadder(Ladder):
    """Seconds of silence: rung 1 a fresh price, rung 2 both feeds, rung 3 the broker or every feed."""

    trigger_key: ClassVar[str] = "trigger_seconds"

    rung_1: SilenceRung
    rung_2: SilenceRung
    rung_3: SilenceRung


class LadderRules(Section):
    """What holds for all ladders: release, agreement before closing, and the way back."""

    release_fraction: Share
    dwell_market_minutes: Positive
    agreeing_readings: Count
    agreement_deadline_seconds: Positive
    restoration_step: Share
    fail_closed_technical_rung: Count


class Ladders(Section):
    """Level 1: the automatic brakes, evaluated on every mark and every heartbeat."""

    rules: LadderRules
    drawdown: DrawdownLadder
    volatility: VolatilityLadder
    value_at_risk: ValueAtRiskLadder
    correlation: CorrelationLadder
    technical: TechnicalLadder

    @model_validator(mode="after")
    def _fails_closed(self) -> Self:
        hold_technical_rung("rules.fail_closed_technical_rung", self.rules.fail_closed_technical_rung, self.technical)
        return self


def hold_technical_rung(key: str, rung: int, ladder: TechnicalLadder) -> None:
    """Refuse a reference to a technical rung that does not exist or would let new entries through.

    Parameters
    ----------
    key : str
        Path of the key that holds the reference.
    rung : int
        Number of the rung, counted from 1.
    ladder : TechnicalLadder
        The ladder it points into.

    Raises
    ------
    PydanticCustomError
        When the rung is missing or leaves the mode ACTIVE.
    """
    stopping = [place for place, step in enumerate(ladder.rungs, start=1) if step.entries_stopped]
    if rung not in stopping:
        refuse(key, f"a technical rung that stops entries, one of {stopping}", rung)


class VolatilityFactor(Section):
    """min(1, full_until_ratio / ratio), the ratio being current over normal volatility."""

    full_until_ratio: Positive


class CorrelationFactor(Section):
    """1 up to a mean absolute correlation, then linear to the factor at correlation 1."""

    full_until: Fraction
    factor_at_one: Fraction


class RegimeFactor(Section):
    """Size in each regime, times the normal size."""

    normal: Positive
    trending: Positive
    ranging: Positive
    high_volatility: Positive
    crisis: Positive
    recovery: Positive


class StressFactor(Section):
    """Piecewise linear in the stress score, constant before the first knot."""

    scores: tuple[NonNegative, ...] = Field(min_length=2)
    factors: tuple[Fraction, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _one_falling_curve(self) -> Self:
        if len(self.scores) != len(self.factors):
            refuse("factors", f"{len(self.scores)} factors, one for each score", len(self.factors))
        hold_order([f"scores[{place}]" for place in range(len(self.scores))], self.scores, "rising")
        hold_order([f"factors[{place}]" for place in range(len(self.factors))], self.factors, "falling")
        if self.scores[-1] != 100.0:
            refuse(f"scores[{len(self.scores) - 1}]", "the curve to end at score 100", self.scores[-1])
        return self


class Sizing(Section):
    """Level 2: target = base × volatility × correlation × regime × stress."""

    multiplier_minimum: Positive
    multiplier_maximum: Positive
    volatility: VolatilityFactor
    correlation: CorrelationFactor
    regime: RegimeFactor
    stress: StressFactor

    @model_validator(mode="after")
    def _minimum_below_maximum(self) -> Self:
        hold_order(
            ("multiplier_minimum", "multiplier_maximum"), (self.multiplier_minimum, self.multiplier_maximum), "rising"
        )
        return self


class StressScore(Section):
    """Points each part can add to the score of 0 to 100."""

    volatility: Positive
    correlation: Positive
    turbulence: Positive
    liquidity: Positive
    uncertainty: Positive

    @model_validator(mode="after")
    def _points_make_a_hundred(self) -> Self:
        keys = list(type(self).model_fields)
        hold_sum(keys, [getattr(self, key) for key in keys], 100.0)
        return self


class Condition(Section):
    """How much of the strategy set may trade, how large, and after how many confirmations."""

    strategies: Count
    choice: Literal["most_robust", "defensive", "most_conservative", "survival"]
    exposure_cap: Share
    confirmations: Count
    timeframes: Count


class BoundedCondition(Condition):
    """A condition that ends: at a volatility ratio (exclusive) and at a stress score (inclusive)."""

    ratio_below: Multiple
    score_up_to: Positive


class Eligibility(Section):
    """What a strategy's record must show before it may be active at all."""

    drawdown_below: Share
    stress_survival_above: Fraction
    walk_forward_above: Fraction


class MarketConditions(Section):
    """The worse of two readings, volatility ratio and stress score, decides the condition."""

    normal: BoundedCondition
    elevated: BoundedCondition
    high: BoundedCondition
    extreme: BoundedCondition
    crisis: Condition
    eligibility: Eligibility

    @property
    def bounded(self) -> tuple[BoundedCondition, ...]:
        """Conditions with an upper end, mildest first; whatever lies beyond the last is the crisis."""
        return (self.normal, self.elevated, self.high, self.extreme)

    @model_validator(mode="after")
    def _tightens(self) -> Self:
        tables = (*self.bounded, self.crisis)
        rules = {
            "strategies": "falling",
            "exposure_cap": "falling",
            "confirmations": "not falling",
            "timeframes": "not falling",
        }
        for key, rule in rules.items():
            hold_order([f"{name}.{key}" for name in CONDITIONS], [getattr(table, key) for table in tables], rule)
        for key in ("ratio_below", "score_up_to"):
            values = [getattr(table, key) for table in self.bounded]
            hold_order([f"{name}.{key}" for name in CONDITIONS[:4]], values, "rising")
        if self.extreme.score_up_to >= 100.0:
            refuse("extreme.score_up_to", "below 100, so that a crisis can be reached", self.extreme.score_up_to)
        return self
