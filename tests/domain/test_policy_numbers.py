"""Every number of the written risk policy, beside the number in the shipped file."""

from datetime import date

from workbench.data.policy_file import read_policy
from workbench.domain.policy.risk import CONDITIONS, Ladder

POLICY = read_policy()


def actions(ladder: Ladder) -> list[tuple[object, ...]]:
    """Return the table of the policy: what each rung does."""
    return [
        (
            rung.cap, rung.mode, rung.close_fraction, rung.close_order, rung.stops_tighter, rung.extra_confirmations,
            rung.defensive_only, rung.alert_level, rung.latched, rung.done_within_seconds,
        )
        for rung in ladder.rungs
    ]  # fmt: skip


def test_calibration_gates() -> None:
    gates = POLICY.calibration
    assert (gates.minimum_daily_coverage, gates.minimum_intraday_capture, gates.flagged_window_days) == (
        1.0,
        0.9995,
        20,
    )
    assert (gates.backtest_confidences, gates.backtest_days) == ((0.95, 0.99), 500)
    assert (gates.minimum_coverage_p_value, gates.minimum_shortfall_p_value) == (0.01, 0.01)
    assert (gates.traffic_light_days, gates.model_confidence_set) == (250, 0.90)
    assert (gates.unconfirmed_move, gates.age_limit_business_days, gates.stale_technical_rung) == (0.5, 3, 2)


def test_drawdown_ladder() -> None:
    ladder = POLICY.ladders.drawdown
    assert [rung.trigger for rung in (ladder.rung_1, ladder.rung_2, ladder.rung_3, ladder.rung_4)] == [
        0.03,
        0.05,
        0.10,
        0.15,
    ]
    assert actions(ladder) == [
        (1.0, "ACTIVE", 0.0, "nothing", 0.0, 0, False, 2, False, 5),
        (0.75, "ACTIVE", 0.0, "nothing", 0.2, 0, False, 3, False, 10),
        (0.50, "REDUCING", 0.0, "nothing", 0.4, 0, False, 3, False, 15),
        (0.50, "HALTED", 0.5, "every_position_alike", 0.4, 0, False, 4, True, 20),
    ]
    assert ladder.rung_4.people_to_resume == 2


def test_volatility_ladder() -> None:
    ladder = POLICY.ladders.volatility
    assert [rung.trigger for rung in (ladder.rung_1, ladder.rung_2, ladder.rung_3)] == [1.5, 2.0, 3.0]
    assert actions(ladder) == [
        (0.85, "ACTIVE", 0.0, "nothing", 0.0, 1, False, 2, False, 30),
        (0.70, "ACTIVE", 0.0, "nothing", 0.0, 2, False, 3, False, 30),
        (0.40, "REDUCING", 0.25, "most_volatile_positions", 0.0, 2, True, 4, False, 60),
    ]


def test_value_at_risk_ladder() -> None:
    ladder = POLICY.ladders.value_at_risk
    assert [rung.trigger for rung in (ladder.rung_1, ladder.rung_2, ladder.rung_3)] == [0.002, 0.003, 0.005]
    assert actions(ladder) == [
        (1.0, "ACTIVE", 0.0, "nothing", 0.0, 0, False, 2, False, 60),
        (0.80, "ACTIVE", 0.0, "nothing", 0.0, 0, False, 3, False, 120),
        (0.80, "REDUCING", 0.3, "largest_value_at_risk", 0.0, 0, False, 4, True, 30),
    ]
    assert ladder.rung_3.people_to_resume == 2


def test_correlation_ladder() -> None:
    ladder = POLICY.ladders.correlation
    assert (ladder.rung_1.trigger, ladder.rung_2.trigger) == (0.3, 0.7)
    assert (ladder.rung_2.high_correlation, ladder.rung_2.moved_correlation, ladder.rung_2.moved_count) == (0.8, 0.3, 3)
    assert actions(ladder) == [
        (1.0, "ACTIVE", 0.0, "nothing", 0.0, 0, False, 2, False, 60),
        (0.60, "ACTIVE", 0.0, "nothing", 0.0, 0, False, 4, False, 60),
    ]


def test_technical_ladder() -> None:
    ladder = POLICY.ladders.technical
    rungs = (ladder.rung_1, ladder.rung_2, ladder.rung_3)
    assert [(rung.trigger_seconds, rung.fail_over) for rung in rungs] == [(5, True), (30, False), (120, False)]
    assert actions(ladder) == [
        (1.0, "ACTIVE", 0.0, "nothing", 0.0, 0, False, 2, False, 30),
        (1.0, "REDUCING", 0.0, "nothing", 0.0, 0, False, 4, False, 30),
        (0.0, "HALTED", 1.0, "every_position_alike", 0.0, 0, False, 4, True, 0),
    ]


def test_rules_of_all_ladders() -> None:
    rules = POLICY.ladders.rules
    assert (rules.release_fraction, rules.dwell_market_minutes, rules.restoration_step) == (0.8, 15, 0.25)
    assert (rules.agreeing_readings, rules.agreement_deadline_seconds, rules.fail_closed_technical_rung) == (2, 2, 2)


def test_sizing() -> None:
    sizing = POLICY.sizing
    assert (sizing.multiplier_minimum, sizing.multiplier_maximum) == (0.05, 1.2)
    assert sizing.volatility.full_until_ratio == 1.5
    assert (sizing.correlation.full_until, sizing.correlation.factor_at_one) == (0.7, 0.3)
    assert sizing.regime.model_dump() == {
        "normal": 1.0, "trending": 1.2, "ranging": 0.8, "high_volatility": 0.6, "crisis": 0.3, "recovery": 0.7,
    }  # fmt: skip
    assert sizing.stress.scores == (20, 40, 60, 80, 95, 100)
    assert sizing.stress.factors == (1.0, 0.8, 0.6, 0.4, 0.2, 0.05)


def test_stress_score() -> None:
    assert POLICY.stress_score.model_dump() == {
        "volatility": 30, "correlation": 25, "turbulence": 20, "liquidity": 15, "uncertainty": 10,
    }  # fmt: skip


def test_market_conditions() -> None:
    conditions = POLICY.market_conditions
    assert [(table.ratio_below, table.score_up_to) for table in conditions.bounded] == [
        (1.5, 20),
        (2.0, 40),
        (2.5, 60),
        (3.0, 80),
    ]
    tables = [getattr(conditions, name) for name in CONDITIONS]
    assert [(t.strategies, t.choice, t.exposure_cap, t.confirmations, t.timeframes) for t in tables] == [
        (10, "most_robust", 1.0, 1, 1),
        (8, "most_robust", 0.8, 2, 1),
        (6, "defensive", 0.6, 3, 1),
        (3, "most_conservative", 0.4, 4, 1),
        (1, "survival", 0.2, 4, 2),
    ]
    eligibility = conditions.eligibility
    assert (eligibility.drawdown_below, eligibility.stress_survival_above, eligibility.walk_forward_above) == (
        0.15,
        0.6,
        0.7,
    )


def test_adaptation() -> None:
    averages = POLICY.adaptation.moving_averages
    assert averages.moderate.model_dump() == {
        "low_volatility": (20, 50), "high_volatility": (15, 35), "trending": (25, 75), "crisis": (50, 150),
        "recovery": (30, 90),
    }  # fmt: skip
    assert averages.conservative.model_dump() == {
        "low_volatility": (50, 200), "high_volatility": (35, 100), "trending": (75, 300), "crisis": (150, 500),
        "recovery": (90, 270),
    }  # fmt: skip
    assert list(POLICY.adaptation.stop_distance.model_dump().values()) == [0.02, 0.015, 0.03, 0.02, 0.04, 0.025]
    assert list(POLICY.adaptation.minimum_hold_bars.model_dump().values()) == [1, 1, 1, 3, 5, 2]


def test_strategy_grid() -> None:
    signals, profiles = POLICY.strategies.signals, POLICY.strategies.risk_profiles
    assert (signals.conservative.windows, signals.moderate.windows, signals.aggressive.windows) == (
        (50, 200),
        (20, 50),
        (10, 21),
    )
    assert (signals.reversion.window, signals.reversion.sigmas) == (20, 2)
    assert [
        (p.risk_per_trade, p.reward_to_risk) for p in (profiles.conservative, profiles.moderate, profiles.aggressive)
    ] == [
        (0.01, 2.0),
        (0.02, 1.5),
        (0.03, 1.0),
    ]
    assert POLICY.strategies.timeframes == ("daily", "weekly")
    assert POLICY.strategies.timeframes_with_intraday_data == ("4h", "daily", "weekly")


def test_costs() -> None:
    costs = POLICY.costs
    assert (costs.half_spread_pips_majors, costs.half_spread_pips_crosses, costs.financing_annual) == (0.4, 0.8, 0)


def test_tiers() -> None:
    tiers = POLICY.tiers
    assert [(t.share, t.strategies) for t in (tiers.core, tiers.growth, tiers.tactical)] == [
        (0.6, 5),
        (0.3, 3),
        (0.1, 2),
    ]
    assert tiers.weights.model_dump() == {
        "performance": (0.7, 1.3), "drawdown": (0.8, 1.2), "correlation": (0.85, 1.15), "regime": (0.9, 1.1),
    }  # fmt: skip
    assert tiers.rebalancing.model_dump() == {
        "schedule": "weekly", "tier_drift": 0.05, "value_at_risk_of_share": 1.5, "drawdown_of_history": 1.2,
        "correlation_above": 0.7, "correlation_days": 5, "cost_below": 0.001,
    }  # fmt: skip


def test_pre_trade_limits() -> None:
    assert POLICY.pre_trade.model_dump() == {
        "collar_last": 0.005, "collar_window": 0.01, "collar_window_seconds": 60, "order_notional": 0.5,
        "gross_notional": 3, "net_currency": 1, "orders_per_second": 5, "orders_per_day": 500, "repeated_intents": 5,
    }  # fmt: skip


def test_people() -> None:
    roles, two, alerts = POLICY.people.roles, POLICY.people.two_people, POLICY.people.alerts
    assert [roles.L1.answers_within_minutes, roles.L2.answers_within_minutes, roles.L3.answers_within_minutes] == [
        5,
        120,
        240,
    ]
    assert (roles.L1.reduces_up_to, roles.L1.escalates_within_minutes) == (0.75, 15)
    assert (two.proposer_from, two.approver_from, two.apart_minutes) == ("L2", "L2", 15)
    assert two.acts == ("resume", "loosen_limit", "override_block", "go_live")
    assert [level.acknowledge_within_minutes for level in (alerts.level_2, alerts.level_3, alerts.level_4)] == [
        15,
        5,
        5,
    ]
    assert roles.L1.reminded_minutes_before == 5
    assert POLICY.people.acts.model_dump() == {
        "at_once_seconds": 0.1, "send_again_minutes": 15, "manual_incident_hours": 24,
    }  # fmt: skip
    assert POLICY.people.sessions.model_dump() == {
        "idle_minutes": 60, "absolute_hours": 12, "fresh_code_seconds": 60, "wrong_codes": 5, "per_person": 4,
        "attempt_minutes": 5, "attempts_per_name_and_address": 5, "attempts_per_address": 20, "attempts_per_name": 30,
        "dormant_days": 90,
    }  # fmt: skip
    paging = POLICY.people.paging
    assert (paging.quiet_from, paging.quiet_until, paging.quiet_up_to_level) == ("22:00", "05:00", 2)
    assert (paging.digest_minutes, paging.repeated_call_minutes, paging.loop_silent_seconds) == (60, 2, 5)
    assert paging.service_silent_seconds == 6
    assert (paging.no_channel_act, paging.no_channel_minutes) == ("halt", 5)
    drills = POLICY.people.drills
    assert (drills.channel_days, drills.warn_days, drills.page_level, drills.highest_level) == (30, 5, 2, 3)
    procedures = POLICY.people.procedures
    assert [p.within_minutes for p in (procedures.first_response, procedures.stabilise, procedures.recover)] == [
        5,
        30,
        120,
    ]


def test_stress_scenarios() -> None:
    stress = POLICY.stress
    assert [(s.start, s.end) for s in stress.historical] == [
        (date(2008, 9, 12), date(2009, 3, 9)),
        (date(2008, 9, 30), date(2008, 10, 28)),
        (date(2010, 5, 3), date(2010, 5, 25)),
        (date(2011, 9, 6), date(2011, 9, 6)),
        (date(2015, 1, 15), date(2015, 1, 15)),
        (date(2016, 6, 23), date(2016, 6, 24)),
        (date(2016, 10, 6), date(2016, 10, 7)),
        (date(2019, 1, 2), date(2019, 1, 3)),
        (date(2020, 3, 6), date(2020, 3, 19)),
        (date(2022, 3, 1), date(2022, 10, 20)),
        (date(2022, 9, 21), date(2022, 9, 26)),
        (date(2024, 7, 10), date(2024, 8, 5)),
    ]
    yen = stress.published_moves[0]
    assert (yen.pair, yen.move, yen.start, yen.end) == ("USDJPY", -0.1397, date(1998, 10, 5), date(1998, 10, 9))
    # the franc's gap is the ECB's own fixes, 1.2010 to 1.0280: the fall inside the day was deeper
    assert [(gap.pair, gap.move) for gap in stress.gap_paths] == [
        ("GBPUSD", -0.09),
        ("AUDJPY", -0.08),
        ("EURCHF", -0.144),
    ]
    assert round(1.0280 / 1.2010 - 1, 3) == -0.144
    assert stress.synthetic.model_dump() == {
        "leg_move_against": 0.05, "correlation_to": 0.9, "volatility_times": 5, "spreads_times": 10,
        "feed_outage_minutes": 30,
    }  # fmt: skip
    assert stress.reverse.loss == 0.2


def test_success_criteria() -> None:
    success = POLICY.success
    assert list(success.technical.model_dump().values()) == [
        5, 20, 30, 30, 5, 10, 0.8, 0.2, 0.25, 1.5, 24, 0.999, 100, 0.995, 0.001, 0.5, 0.9995, 30, 0.001, 0.05,
    ]  # fmt: skip
    assert list(success.financial.model_dump().values()) == [
        0.15,
        1,
        0.15,
        0.6,
        0.7,
        0.005,
        0.01,
        0.02,
        0.05,
        0.08,
        0.2,
    ]
    assert list(success.operational.model_dump().values()) == [90, 30, 30, 0]


def test_resilience_score() -> None:
    weights = POLICY.stress.resilience
    assert (weights.survival, weights.degradation, weights.amplification, weights.recovery) == (0.5, 0.2, 0.2, 0.1)
    assert (weights.degradation_scale, weights.amplification_scale) == (0.5, 1.12)
