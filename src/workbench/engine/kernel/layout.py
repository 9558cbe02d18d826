"""Memory of the engine: what it is set to, what it knows, what comes in and what goes out, as four flat records.

A state is one record: copied, compared, hashed and stored as bytes. Money is in US dollars, prices are quote units per
base unit, times are nanoseconds, fractions are fractions. Axes: pairs and legs in the order of the universe, strategies
in the order of their slots, ladders and rungs as in the policy.
"""

from enum import IntEnum
from typing import Any

import numpy as np

from workbench.domain.compiled import IS_COMPILED
from workbench.domain.currencies import CURRENCIES, LEGS, PAIRS
from workbench.domain.trading.modes import Condition, Ladder, Regime
from workbench.domain.trading.strategies import STRATEGY_SLOTS

PAIR_COUNT, LEG_COUNT, SLOTS = len(PAIRS), len(LEGS), STRATEGY_SLOTS
LADDERS, RUNGS, CONDITIONS, REGIMES, TIERS = len(Ladder), 4, len(Condition), len(Regime), 3
MINUTES = 60
"""Minutes of returns behind the fast reading of volatility."""
KNOTS = 16
"""Most knots of the stress factor's curve."""
MOST_READINGS = 8
"""Most agreeing readings a policy may ask for."""
FEEDS, PRIMARY = 2, 0

CURRENCY_OF_BASE = np.array([CURRENCIES.index(pair[:3]) for pair in PAIRS], dtype=np.int64)
CURRENCY_OF_QUOTE = np.array([CURRENCIES.index(pair[3:]) for pair in PAIRS], dtype=np.int64)
"""Position in CURRENCIES, where 0 is the account currency and leg k is currency k + 1."""


def _leg_source(leg: str) -> tuple[int, int]:
    """Pair that gives a leg's value, and whether it gives the value or its inverse."""
    return (PAIRS.index(leg + "USD"), 1) if leg + "USD" in PAIRS else (PAIRS.index("USD" + leg), -1)


LEG_PAIR = np.array([_leg_source(leg)[0] for leg in LEGS], dtype=np.int64)
LEG_POWER = np.array([_leg_source(leg)[1] for leg in LEGS], dtype=np.int64)

F, I = np.float64, np.int64  # noqa: E741
_LADDER = (LADDERS, RUNGS)
_MATRIX = (LEG_COUNT, LEG_COUNT)

SETTINGS = np.dtype(
    [
        # ladders; a rung that does not exist has an infinite trigger
        ("trigger", F, _LADDER), ("cap", F, _LADDER), ("rung_mode", I, _LADDER), ("close_fraction", F, _LADDER),
        ("close_order", I, _LADDER), ("stops_tighter", F, _LADDER), ("extra_confirmations", I, _LADDER),
        ("defensive_only", I, _LADDER), ("alert_level", I, _LADDER), ("people", I, _LADDER),
        ("due_seconds", F, _LADDER), ("fail_over", I, (RUNGS,)),
        ("high_correlation", F), ("moved_correlation", F), ("moved_count", I),
        ("release_fraction", F), ("dwell_ns", I), ("agreeing_readings", I), ("agreement_ns", I),
        ("restoration_step", F), ("fail_closed_rung", I), ("stale_rung", I),
        # sizing and stress score
        ("multiplier_minimum", F), ("multiplier_maximum", F), ("volatility_full", F), ("correlation_full", F),
        ("correlation_at_one", F), ("regime_factor", F, (REGIMES,)), ("stress_knots", I),
        ("stress_scores", F, (KNOTS,)), ("stress_factors", F, (KNOTS,)), ("score_points", F, (5,)),
        # market conditions and adaptation
        ("condition_ratio", F, (CONDITIONS - 1,)), ("condition_score", F, (CONDITIONS - 1,)),
        ("condition_cap", F, (CONDITIONS,)), ("condition_confirmations", I, (CONDITIONS,)),
        ("condition_timeframes", I, (CONDITIONS,)), ("active", I, (CONDITIONS, SLOTS)),
        ("stop_distance", F, (REGIMES,)), ("minimum_hold", I, (REGIMES,)),
        ("recovery_ns", I),
        # limits and costs
        ("order_limit", F), ("gross_limit", F), ("net_limit", F), ("unit_step", F),
        ("half_spread_pips", F, (PAIR_COUNT,)),
        # strategies
        ("strategies", I), ("pair", I, (SLOTS,)), ("timeframe", I, (SLOTS,)), ("tier", I, (SLOTS,)),
        ("allocation", F, (SLOTS,)), ("risk_per_trade", F, (SLOTS,)), ("reward_to_risk", F, (SLOTS,)),
        ("defensive", I, (SLOTS,)), ("drawdown_limit", F, (SLOTS,)), ("tier_limit", F, (TIERS,)),
        ("repeated_stops", I),
        # calibration
        ("calibrated", I), ("stale_after_ns", I), ("covariance", F, _MATRIX), ("decay", F, _MATRIX),
        ("normal_volatility", F, (LEG_COUNT,)), ("normal_correlation", F, _MATRIX),
        ("normal_covariance", F, _MATRIX), ("normal_precision", F, _MATRIX),
        ("quantile_95", F), ("shortfall_975", F), ("turbulence_full", F), ("absorption", F),
    ],
    align=True,
)  # fmt: skip
"""Numbers of policy, calibration and strategies; they change by an event only."""

STATE = np.dtype(
    [
        ("time_ns", I), ("market_ns", I),
        # prices: the last readings, newest first; how far they agree; since when the newest waits to be confirmed
        ("recent", F, (PAIR_COUNT, MOST_READINGS)), ("good", F, (PAIR_COUNT,)), ("waiting_since", I, (PAIR_COUNT,)),
        ("spread", F, (PAIR_COUNT,)), ("normal_spread", F, (PAIR_COUNT,)),
        ("value", F, (LEG_COUNT + 1,)), ("raw_value", F, (LEG_COUNT + 1,)),
        ("feed_seen", I, (FEEDS,)), ("feed", I), ("broker_lost", I),
        # feeds: when one was last switched to, and since when the primary has been fresh without a gap
        ("switched_ns", I), ("primary_since", I),
        # daily and fast volatility
        ("covariance", F, _MATRIX), ("day_start", F, (LEG_COUNT,)), ("minute_start", F, (LEG_COUNT,)),
        ("minute", I),
        ("minute_time", I), ("minute_place", I), ("minute_returns", F, (MINUTES, LEG_COUNT)), ("fast", F, _MATRIX),
        # money
        ("cash", F), ("equity", F), ("raw_equity", F), ("peak", F),
        ("units", F, (SLOTS,)), ("price", F, (SLOTS,)), ("realised", F, (SLOTS,)), ("profit", F, (SLOTS,)),
        ("profit_peak", F, (SLOTS,)), ("tier_peak", F, (TIERS,)),
        # what the engine wants
        ("target", F, (SLOTS,)), ("intent", I, (SLOTS,)), ("base_units", F, (SLOTS,)),
        ("entry_multiplier", F, (SLOTS,)), ("wanted", I, (SLOTS,)), ("stop", F, (SLOTS,)), ("goal", F, (SLOTS,)),
        ("signal", I, (SLOTS,)), ("agreeing", I, (SLOTS,)), ("held_bars", I, (SLOTS,)), ("stops", I, (SLOTS,)),
        ("spent", I, (SLOTS,)), ("locked", I, (SLOTS,)), ("unknown_intent", I, (SLOTS,)), ("unreconciled", I),
        # controls
        ("metric", F, _LADDER), ("raw_metric", F, _LADDER), ("tripped", I, _LADDER), ("calm_since", I, _LADDER),
        ("caution", I), ("mode", I), ("operator_halt", I), ("condition", I),
        ("condition_calm", I, (2, CONDITIONS - 1)), ("condition_tripped", I, (2, CONDITIONS - 1)),
        ("regime", I), ("calm_regime", I), ("recovery_until", I), ("cap", F), ("restoring_since", I),
        ("scheduled_level", F), ("scheduled_until", I), ("priced", I), ("unread", I),
        ("not_computable", I),
        # readings
        ("volatility", F), ("ratio", F), ("fast_wins", I), ("value_at_risk", F), ("shortfall", F),
        ("component", F, (SLOTS,)), ("correlation_mean", F), ("correlation_drift", F), ("turbulence", F),
        ("closed_turbulence", F),
        ("score", F), ("score_missing", I),
    ],
    align=True,
)  # fmt: skip
"""Everything the next step needs."""

EVENT = np.dtype(
    [
        ("time_ns", I), ("kind", I), ("place", I), ("number", I), ("first", F), ("second", F),
        ("values", F, (LEG_COUNT,)),
    ],
    align=True,
)  # fmt: skip
"""One event: `place` is a pair or a slot, `number` an intent, feed or flag, `first` and `second` bid and ask, units and
price, or a fraction; `values` the legs of a fixing."""

DECISION = np.dtype(
    [
        ("time_ns", I), ("kind", I), ("reason", I), ("place", I), ("number", I), ("level", I),
        ("first", F), ("second", F), ("third", F),
    ],
    align=True,
)  # fmt: skip
"""One decision; what its numbers mean depends on the kind, see `translation`."""

WORK = np.dtype(
    [
        ("count", I), ("weights", F, (LEG_COUNT,)), ("row", F, (LEG_COUNT,)), ("now", F, _MATRIX), ("distance", F),
        ("day_return", F, (LEG_COUNT,)), ("minute_return", F, (LEG_COUNT,)), ("key", F, (SLOTS,)), ("gap", F, (SLOTS,)),
        ("order", I, (SLOTS,)), ("parts", F, (5,)), ("tripped", I, (LADDERS * RUNGS,)),
    ],
    align=True,
)  # fmt: skip
"""Scratch paper of one step, nothing of it outlives the event; `count` decisions have been written."""

SHOWN = np.dtype(
    [
        ("time_ns", I), ("equity", F), ("drawdown", F), ("value_at_risk", F), ("volatility_ratio", F),
        ("correlation_mean", F), ("correlation_drift", F), ("stress_score", F), ("cap", F), ("gross", F), ("mode", I),
        ("condition", I), ("regime", I), ("units", F, (SLOTS,)), ("profits", F, (SLOTS,)),
    ],
    align=True,
)  # fmt: skip
"""What is noted at a mark: money in US dollars, exposure over equity, units and profit of each strategy."""

MOST_DECISIONS = 256
"""Room for the decisions of one event; each event can cause far fewer."""


def records(count: int, layout: np.dtype[Any]) -> Any:
    """Empty records: all zero.

    Parameters
    ----------
    count : int
        How many.
    layout : dtype
        One of the layouts above.

    Returns
    -------
    ndarray, shape (count,)
        With the compiler off a recarray, whose fields plain Python reads as the compiled code does.
    """
    empty = np.zeros(count, layout)
    return _as_read(empty)


def records_of(stored: bytes, layout: np.dtype[Any]) -> Any:
    """Records from their bytes.

    Parameters
    ----------
    stored : bytes
        Of as many records as there are; a copy is taken.
    layout : dtype
        One of the layouts above.

    Returns
    -------
    ndarray
        As of `records`.
    """
    return _as_read(np.ndarray(len(stored) // layout.itemsize, layout, bytearray(stored)))


def _as_read(plain: Any) -> Any:
    return plain if IS_COMPILED else plain.view(np.recarray)


def same_records(original: Any) -> Any:
    """Copy records as bytes; numpy copies field by field, and looks at every field again to view bytes as records.

    Parameters
    ----------
    original : ndarray
        From `records`.

    Returns
    -------
    ndarray
    """
    return records_of(original.tobytes(), original.dtype)


class EventKind(IntEnum):
    """What an event record is."""

    QUOTE = 0
    FIXING = 1
    DAY_CLOSED = 2
    HEARTBEAT = 3
    BAR_CLOSED = 4
    REGIME_READ = 5
    SCHEDULED_RISK = 6
    FILL = 7
    POSITION_HELD = 8
    ORDER_REJECTED = 9
    ORDER_UNKNOWN = 10
    RECONCILED = 11
    BROKER_STATUS = 12
    RENEWED = 13
    OPERATOR_HALT = 14
    OPERATOR_REDUCE = 15
    OPERATOR_RESUME = 16
    OPERATOR_ENABLE = 17
    BOOK_MISMATCH = 18
    REPEATED_INTENT = 19
    OPERATOR_CANCEL = 20


class DecisionKind(IntEnum):
    """What a decision record is."""

    TARGET = 0
    ENTRY_REFUSED = 1
    CANCEL_ALL = 2
    ALERT = 3
    RUNG_RELEASED = 4
    MODE = 5
    CONDITION = 6
    REGIME = 7
    CAUTION = 8
    LOCKED = 9
    ENABLED = 10
    INPUT_REFUSED = 11
    FAIL_OVER = 12
    RESUME_REFUSED = 13
