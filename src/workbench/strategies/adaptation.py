"""The side of a configuration at every mark: bars of its timeframe, parameters of the regime."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.modes import Regime
from workbench.strategies.grid import Configuration
from workbench.strategies.positions import bar_starts
from workbench.strategies.protocol import Floats, Parameters, Signal, find_signal

Integers = NDArray[np.int64]
Times = np.ndarray[tuple[int], np.dtype[np.datetime64]]


def regime_codes(names: tuple[str, ...]) -> Integers:
    """Codes of regimes by name.

    Parameters
    ----------
    names : tuple of str, length days
        Such as ``high volatility``.

    Returns
    -------
    ndarray of int, shape (days,)
        Values of `Regime`.

    Raises
    ------
    DataError
        When a name is not one of them.
    """
    known = {regime.name.lower().replace("_", " "): int(regime) for regime in Regime}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DataError(f"unknown regime {unknown[0]!r}: expected one of {', '.join(known)}")
    return np.array([known[name] for name in names], dtype=np.int64)


def adapted_reading(
    signal: Signal, policy: Policy, closes: Floats, regimes: Integers, *, neighbour: int | None = None
) -> Floats:
    """Side after each bar, read with the parameters of that bar's regime.

    Parameters
    ----------
    signal : Signal
        Any.
    policy : Policy
        Its adaptation table.
    closes : ndarray, shape (bars,)
        Oldest first.
    regimes : ndarray of int, shape (bars,)
        Regime as it was known at each close.
    neighbour : int, optional
        Read with this neighbour of each regime's parameters instead.

    Returns
    -------
    ndarray, shape (bars,)
        From -1 to 1.
    """
    sides: dict[Parameters, Floats] = {}
    reading = np.zeros(len(closes))
    for code in np.unique(regimes):
        parameters = signal.parameters(policy, Regime(int(code)))
        if neighbour is not None:
            parameters = signal.neighbours(parameters)[neighbour]
        if parameters not in sides:
            sides[parameters] = signal.read(closes, parameters)
        reading = np.where(regimes == code, sides[parameters], reading)
    return reading


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Prices of one pair at every mark, and the regime known at it.

    Attributes
    ----------
    times : ndarray of datetime64, shape (marks,)
        Rising.
    closes : ndarray, shape (marks,)
        Mid prices, units of the quote currency.
    regimes : ndarray of int, shape (marks,)
        `Regime` as it was known at each mark.
    """

    times: Times
    closes: Floats
    regimes: Integers


def side_at_marks(
    configuration: Configuration, policy: Policy, marks: Marks, *, neighbour: int | None = None
) -> tuple[Floats, NDArray[np.bool_]]:
    """What a configuration's signal says at every mark, from bars that had closed by then.

    Parameters
    ----------
    configuration : Configuration
        Its signal and timeframe.
    policy : Policy
        Parameters, where the configuration has none of its own.
    marks : Marks
        Of its pair.
    neighbour : int, optional
        Read with this neighbour of the parameters instead.

    Returns
    -------
    tuple of (ndarray, ndarray of bool), shape (marks,)
        Side of the last closed bar, 0 before the first; and the marks at which a new one is known.
    """
    signal, starts = find_signal(configuration.signal), bar_starts(marks.times, configuration.timeframe)
    ends = np.flatnonzero(starts) - 1
    if not len(ends):
        return np.zeros(len(marks.closes)), starts
    bars, own = marks.closes[ends], configuration.parameters
    if own:
        reading = signal.read(bars, own if neighbour is None else signal.neighbours(own)[neighbour])
    else:
        reading = adapted_reading(signal, policy, bars, marks.regimes[ends], neighbour=neighbour)
    last = np.cumsum(starts) - 1
    return np.where(last >= 0, reading[np.maximum(last, 0)], 0.0), starts
