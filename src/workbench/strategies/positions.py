"""From the side a signal sees to the position a strategy holds: stops, targets, minimum hold.

The same rules, bar by bar, as the engine's (`engine.kernel.bars`): after a stop or target the strategy waits until its
signal has changed; a turn waits for the minimum hold. A signal is traded at the first mark after its bar has closed;
stops are looked at on every mark, before the signal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.domain.compiled import compiled
from workbench.domain.policy import Policy
from workbench.domain.trading.modes import Regime

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NOTHING, ENTRY, TURN, SIGNAL_GONE, STOP, TARGET, STOP_AND_TURN = range(7)
"""What happened on a mark."""


@dataclass(frozen=True, slots=True)
class Exits:
    """Stops, targets and holds of a strategy.

    Attributes
    ----------
    risk_per_trade : float
        Share of capital lost at the stop: the exposure is this over the stop distance.
    reward_to_risk : float
        Distance of the target over that of the stop; 0 for none.
    stop_distance : ndarray, shape (regimes,)
        Fraction of the entry price, by regime at entry.
    minimum_hold : ndarray of int, shape (regimes,)
        Bars before a signal may turn a position, by the regime of the moment.
    confirmations : int
        Bars in a row that must say the same before a position is entered.
    """

    risk_per_trade: float
    reward_to_risk: float
    stop_distance: Floats
    minimum_hold: Integers
    confirmations: int = 1

    @classmethod
    def of(cls, policy: Policy, profile: str) -> "Exits":
        """Exits of a risk profile.

        Parameters
        ----------
        policy : Policy
            Its adaptation tables, risk profiles, and the confirmations of a normal market.
        profile : str
            One of the policy's.

        Returns
        -------
        Exits
        """
        chosen = getattr(policy.strategies.risk_profiles, profile)
        return cls(
            chosen.risk_per_trade,
            chosen.reward_to_risk,
            np.array([policy.adaptation.stop_distance_of(regime) for regime in Regime]),
            np.array([policy.adaptation.minimum_hold_of(regime) for regime in Regime], dtype=np.int64),
            policy.market_conditions.normal.confirmations,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Marks of one pair, and what a signal says at them.

    Attributes
    ----------
    closes : ndarray, shape (marks,)
        Mid prices, oldest first.
    side : ndarray, shape (marks,)
        Side of the last closed bar as it is known at each mark.
    new_bar : ndarray of bool, shape (marks,)
        Whether a bar has closed since the mark before.
    regime : ndarray of int, shape (marks,)
        Regime of the moment (`Regime`).
    half_spread : float
        In units of the quote currency; paid on every fill.
    """

    closes: Floats
    side: Floats
    new_bar: NDArray[np.bool_]
    regime: Integers
    half_spread: float


def walk(bars: Bars, exits: Exits) -> tuple[Floats, Integers]:
    """Walk through the marks and trade.

    Parameters
    ----------
    bars : Bars
        One pair, one signal.
    exits : Exits
        One risk profile.

    Returns
    -------
    held : ndarray, shape (marks,)
        Units of the base currency after each mark's fill, for capital of one unit of the quote currency; + is long.
    happened : ndarray of int, shape (marks,)
        NOTHING, ENTRY, TURN, SIGNAL_GONE, STOP, TARGET or STOP_AND_TURN (a new position on the mark of the exit).
    """
    return _walk(
        bars.closes, bars.side, bars.new_bar, bars.regime, (bars.half_spread, exits.risk_per_trade,
        exits.reward_to_risk), (exits.stop_distance, exits.minimum_hold, exits.confirmations),
    )  # fmt: skip


@compiled
def _walk(
    closes: Floats,
    side: Floats,
    new_bar: NDArray[np.bool_],
    regime: Integers,
    numbers: tuple[float, float, float],
    tables: tuple[Floats, Integers, int],
) -> tuple[Floats, Integers]:
    half, risk, reward = numbers
    stops, holds, confirmations = tables
    held, happened = np.zeros(len(closes)), np.zeros(len(closes), dtype=np.int64)
    units, price, stop = 0.0, 0.0, 0.0
    seen, wanted, spent, bars_held, agreeing = 0, 0, 0, 0, 0
    for t in range(len(closes)):
        if units != 0.0:
            move = (1.0 if units > 0.0 else -1.0) * (closes[t] / price - 1.0)
            out = STOP if move <= -stop else (TARGET if reward > 0.0 and move >= stop * reward else NOTHING)
            if out != NOTHING:
                units, wanted, spent, happened[t] = 0.0, 0, seen, out
        if new_bar[t]:
            bars_held += 1 if units != 0.0 else 0
            before, seen = seen, 1 if side[t] > 0.0 else (-1 if side[t] < 0.0 else 0)
            agreeing = agreeing + 1 if seen == before else 1
            spent = spent if seen == spent else 0
            turns = wanted != 0 and seen != wanted
            if turns and units != 0.0 and bars_held < holds[regime[t]]:
                held[t] = units
                continue
            if turns:
                units, wanted, spent, happened[t] = 0.0, 0, 0, SIGNAL_GONE
            if seen != 0 and wanted == 0 and spent == 0 and agreeing >= confirmations:
                stop = stops[regime[t]]
                units, wanted, bars_held = seen * risk / stop / closes[t], seen, 0
                price = closes[t] + seen * half
                was = happened[t]
                happened[t] = TURN if was == SIGNAL_GONE else (ENTRY if was == NOTHING else STOP_AND_TURN)
        held[t] = units
    return held, happened


def bar_starts(times: "np.ndarray[tuple[int], np.dtype[np.datetime64]]", timeframe: str) -> NDArray[np.bool_]:
    """Marks that begin a new bar, so that the bar before is known to have closed.

    Parameters
    ----------
    times : ndarray of datetime64, shape (marks,)
        Rising.
    timeframe : str
        ``4h``, ``daily`` or ``weekly`` (ISO weeks, from Monday).

    Returns
    -------
    ndarray of bool, shape (marks,)
        Never true at the first mark: nothing has closed yet.

    Examples
    --------
    >>> days = np.array(["2026-01-01", "2026-01-02", "2026-01-05"], dtype="datetime64[D]")
    >>> bar_starts(days, "weekly").tolist()
    [False, False, True]
    """
    hours = times.astype("datetime64[h]").astype(np.int64)
    # 1970-01-01 was a Thursday
    number = {"4h": hours // 4, "daily": hours // 24, "weekly": (hours // 24 + 3) // 7}[timeframe]
    return np.concatenate([[False], np.diff(number) != 0])
