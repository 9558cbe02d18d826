"""Reason codes: why the engine decided something. Stable numbers, one sentence each, shown wherever a decision is."""

from enum import IntEnum


class Reason(IntEnum):
    """Why. The hundreds say where: 1 signals, 2 exits, 3 controls, 4 scope, 5 people, 6 data, 7 orders."""

    ENTRY = 100
    SIGNAL_GONE = 101
    SIGNAL_TURNED = 102
    WAITS_FOR_CONFIRMATION = 110
    WAITS_FOR_TIMEFRAME = 111
    MINIMUM_HOLD = 112
    ENTRIES_STOPPED = 113
    NOT_ACTIVE = 114
    NOT_DEFENSIVE = 115
    PAIR_BLOCKED = 116
    SIZE_IS_ZERO = 117
    STRATEGY_IS_LOCKED = 118

    STOP_REACHED = 200
    TARGET_REACHED = 201

    CAP_LOWERED = 300
    CLOSED_BY_RUNG = 301
    RESTORED = 302
    RUNG_TRIPPED = 303
    RUNG_RELEASED = 304
    FIRST_READING = 305
    READING_CLEARED = 306
    CONDITION_CHANGED = 307
    REGIME_CHANGED = 308
    MODE_CHANGED = 309
    STRATEGY_DEACTIVATED = 310
    READING = 311

    STRATEGY_DRAWDOWN = 400
    REPEATED_STOPS = 401
    TIER_DRAWDOWN = 402
    REPEATED_INTENTS = 403

    OPERATOR_HALT = 500
    OPERATOR_REDUCE = 501
    OPERATOR_RESUME = 502
    OPERATOR_ENABLE = 503
    OPERATOR_CANCEL = 504
    RESUME_STILL_BREACHED = 510
    RESUME_NOTHING_LATCHED = 511

    QUOTE_NOT_A_NUMBER = 600
    QUOTE_NOT_POSITIVE = 601
    QUOTE_CROSSED = 602
    RISK_NOT_COMPUTABLE = 604
    CALIBRATION_STALE = 605
    CALIBRATION_MISSING = 606
    FAILED_OVER = 607
    RETURNED_TO_PRIMARY = 608

    FILL_UNKNOWN = 700
    FILL_NOT_A_NUMBER = 701
    ORDER_REJECTED = 702
    ORDER_UNKNOWN = 703
    RECONCILED = 704
    BOOK_MISMATCH = 705

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return SENTENCES[self]


SENTENCES: dict[Reason, str] = {
    Reason.ENTRY: "the signal is confirmed and nothing stands against the entry",
    Reason.SIGNAL_GONE: "the signal has gone to zero",
    Reason.SIGNAL_TURNED: "the signal has turned to the other side",
    Reason.WAITS_FOR_CONFIRMATION: "the signal has not been given often enough in a row",
    Reason.WAITS_FOR_TIMEFRAME: "the signal must be seen on more than one timeframe",
    Reason.MINIMUM_HOLD: "the position has not been held for the minimum number of bars",
    Reason.ENTRIES_STOPPED: "no new entries: positions may only shrink",
    Reason.NOT_ACTIVE: "the strategy is not among the active ones in this market condition",
    Reason.NOT_DEFENSIVE: "only defensive strategies may enter",
    Reason.PAIR_BLOCKED: "an order in this pair has an unknown outcome",
    Reason.SIZE_IS_ZERO: "the size rounds down to nothing, or an input of the sizing is missing",
    Reason.STRATEGY_IS_LOCKED: "the strategy or its tier is locked until two people enable it",
    Reason.STOP_REACHED: "the price has reached the stop",
    Reason.TARGET_REACHED: "the price has reached the profit target",
    Reason.CAP_LOWERED: "the exposure cap has fallen below the size of the position",
    Reason.CLOSED_BY_RUNG: "a rung closes part of the positions",
    Reason.RESTORED: "exposure returns in steps after a reduction",
    Reason.RUNG_TRIPPED: "the metric is above the trigger of the rung",
    Reason.RUNG_RELEASED: "the metric has stayed under the release level for the dwell time, or people resumed",
    Reason.FIRST_READING: "a first reading is above a trigger that stops entries: no new entries until it is settled",
    Reason.READING_CLEARED: "the next reading did not agree: entries may go on",
    Reason.CONDITION_CHANGED: "the market condition has changed",
    Reason.REGIME_CHANGED: "the regime has changed: stops and minimum holds follow it",
    Reason.MODE_CHANGED: "the mode follows the most severe rung or a person's order",
    Reason.STRATEGY_DEACTIVATED: "the strategy is no longer among the active ones in this market condition",
    Reason.READING: "the book as it stands",
    Reason.STRATEGY_DRAWDOWN: "the strategy has lost more than its history allows: it is locked",
    Reason.REPEATED_STOPS: "the strategy was stopped out too often in a row: it is locked",
    Reason.TIER_DRAWDOWN: "the tier has lost more than its history allows: its strategies are locked",
    Reason.REPEATED_INTENTS: "the same entry was tried too often without a fill: it is locked and keeps what it holds",
    Reason.OPERATOR_HALT: "a person halted trading",
    Reason.OPERATOR_REDUCE: "a person ordered a reduction",
    Reason.OPERATOR_RESUME: "two people resumed trading",
    Reason.OPERATOR_ENABLE: "a person enabled the strategy again",
    Reason.OPERATOR_CANCEL: "a person cancelled every order that grows a position",
    Reason.RESUME_STILL_BREACHED: "not resumed: a latched limit is still breached",
    Reason.RESUME_NOTHING_LATCHED: "not resumed: nothing waits for people",
    Reason.QUOTE_NOT_A_NUMBER: "the quote holds a NaN or an infinity",
    Reason.QUOTE_NOT_POSITIVE: "the quote is zero or negative",
    Reason.QUOTE_CROSSED: "the bid is above the ask",
    Reason.RISK_NOT_COMPUTABLE: "a price or a risk figure is missing or not a number",
    Reason.CALIBRATION_STALE: "the calibration is older than the policy allows",
    Reason.CALIBRATION_MISSING: "there is no calibration",
    Reason.FAILED_OVER: "the feed in use is silent: the other one is used",
    Reason.RETURNED_TO_PRIMARY: "the primary feed has been good for the dwell time: it is used again",
    Reason.FILL_UNKNOWN: "a fill for an order this engine never asked for: reconcile with the broker",
    Reason.FILL_NOT_A_NUMBER: "a fill without valid units or price: reconcile with the broker",
    Reason.ORDER_REJECTED: "the broker rejected an order",
    Reason.ORDER_UNKNOWN: "the outcome of an order is unknown: no new entries in that pair",
    Reason.RECONCILED: "positions and orders agree with the broker again",
    Reason.BOOK_MISMATCH: "the broker holds other units than we do: no new entries until that is reconciled",
}
