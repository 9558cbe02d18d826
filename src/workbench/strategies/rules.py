"""Two families of rules: crossing moving averages, and the return to one."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from workbench.domain.compiled import compiled
from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.domain.trading.modes import Regime
from workbench.strategies.protocol import Floats, Parameters, finite_closes

STEPS: tuple[tuple[float, float], ...] = tuple(
    (one, two) for one, two in product((0.8, 1.0, 1.25), repeat=2) if (one, two) != (1.0, 1.0)
)
"""Factors on both numbers of a rule: a fifth down and a quarter up are the same step on a log scale."""
EQUAL = 1e-12
"""Averages closer than this share of the price are equal: sums of the same prices differ in their last bits."""


@compiled
def crossing_side(closes: Floats, short: int, long: int) -> Floats:
    """Sign of the short average minus the long one; 0 while the long one has too few bars, or when they are equal."""
    count = len(closes)
    side, sums = np.zeros(count), np.zeros(count + 1)
    for t in range(count):
        # the distance from the first close: a constant price then gives averages that are exactly equal
        sums[t + 1] = sums[t] + (closes[t] - closes[0])
    for t in range(long - 1, count):
        gap = (sums[t + 1] - sums[t + 1 - short]) / short - (sums[t + 1] - sums[t + 1 - long]) / long
        if abs(gap) > EQUAL * closes[t]:
            side[t] = 1.0 if gap > 0.0 else -1.0
    return side


@compiled
def reversion_side(closes: Floats, window: int, sigmas: float) -> Floats:
    """Against a close beyond `sigmas` standard deviations of its average, until a close is back at the average."""
    count, held = len(closes), 0.0
    side = np.zeros(count)
    for t in range(window - 1, count):
        mean = 0.0
        for k in range(window):
            mean += closes[t - k] - closes[0]
        mean /= window
        variance = 0.0
        for k in range(window):
            variance += (closes[t - k] - closes[0] - mean) ** 2
        deviation = np.sqrt(variance / (window - 1))
        distance = closes[t] - closes[0] - mean
        if held * distance >= 0.0:
            held = 0.0
        if deviation > EQUAL * closes[t] and abs(distance) > sigmas * deviation:
            held = -1.0 if distance > 0.0 else 1.0
        side[t] = held
    return side


@dataclass(frozen=True, slots=True)
class MovingAverageCross:
    """Long while the short average is above the long one, short while it is below."""

    name: str

    def parameters(self, policy: Policy, regime: Regime) -> Parameters:
        """Windows in a regime: those of the adaptation table, or the signal's own where it has none.

        Parameters
        ----------
        policy : Policy
            Its signals and adaptation.
        regime : Regime
            NORMAL and RANGING use the signal's own windows.

        Returns
        -------
        tuple of float
            Short and long window, bars.
        """
        adapted = getattr(policy.adaptation.moving_averages, self.name, None)
        column = regime.name.lower()
        windows = getattr(adapted, column, None) or getattr(policy.strategies.signals, self.name).windows
        return (float(windows[0]), float(windows[1]))

    def check(self, parameters: Parameters) -> None:
        """Refuse windows that are no windows.

        Parameters
        ----------
        parameters : tuple of float
            Short and long window.

        Raises
        ------
        ConfigError
            When there are not two whole numbers, the first at least 1 and smaller than the second.
        """
        whole = len(parameters) == 2 and all(float(number).is_integer() for number in parameters)
        if not (whole and 1 <= parameters[0] < parameters[1]):
            raise ConfigError(
                f"signal {self.name!r}: windows must be two whole numbers of bars, a short one of at least 1 and a "
                f"longer one, got {list(parameters)}"
            )

    def lookback(self, parameters: Parameters) -> int:
        """Bars of the long window.

        Parameters
        ----------
        parameters : tuple of float
            Short and long window.

        Returns
        -------
        int
        """
        return int(parameters[1])

    def read(self, closes: Floats, parameters: Parameters) -> Floats:
        """Side after each close.

        Parameters
        ----------
        closes : array_like, shape (bars,)
            Oldest first.
        parameters : tuple of float
            Short and long window.

        Returns
        -------
        ndarray, shape (bars,)
            -1, 0 or 1; 0 while there are fewer bars than the long window.

        Examples
        --------
        >>> MovingAverageCross("moderate").read([1.0, 1.0, 2.0, 1.0, 0.5], (1.0, 2.0)).tolist()
        [0.0, 0.0, 1.0, -1.0, -1.0]
        """
        return crossing_side(finite_closes(closes), int(parameters[0]), int(parameters[1]))

    def neighbours(self, parameters: Parameters) -> tuple[Parameters, ...]:
        """Windows a step away.

        Parameters
        ----------
        parameters : tuple of float
            Short and long window.

        Returns
        -------
        tuple of tuple
            Eight pairs of windows in a fixed order; very short ones are moved apart until they are windows.
        """
        around = []
        for one, two in STEPS:
            short = max(round(parameters[0] * one), 1)
            around.append((float(short), float(max(round(parameters[1] * two), short + 1))))
        return tuple(around)


@dataclass(frozen=True, slots=True)
class Reversion:
    """Fade a close far from its average; hold until a close has come back to it."""

    name: str

    def parameters(self, policy: Policy, _regime: Regime) -> Parameters:
        """Window and distance; the same in every regime.

        Parameters
        ----------
        policy : Policy
            Its signals.

        Returns
        -------
        tuple of float
            Window in bars, standard deviations.
        """
        own = policy.strategies.signals.reversion
        return (float(own.window), float(own.sigmas))

    def check(self, parameters: Parameters) -> None:
        """Refuse what measures no distance.

        Parameters
        ----------
        parameters : tuple of float
            Window and distance.

        Raises
        ------
        ConfigError
            When the window is no whole number of at least 3, or the distance is not positive.
        """
        two = len(parameters) == 2 and float(parameters[0]).is_integer()
        if not (two and parameters[0] >= 3 and np.isfinite(parameters[1]) and parameters[1] > 0):
            raise ConfigError(
                f"signal {self.name!r}: expected a window of at least 3 whole bars and a positive number of standard "
                f"deviations, got {list(parameters)}"
            )

    def lookback(self, parameters: Parameters) -> int:
        """Bars of the window.

        Parameters
        ----------
        parameters : tuple of float
            Window and distance.

        Returns
        -------
        int
        """
        return int(parameters[0])

    def read(self, closes: Floats, parameters: Parameters) -> Floats:
        """Side after each close.

        Parameters
        ----------
        closes : array_like, shape (bars,)
            Oldest first.
        parameters : tuple of float
            Window and distance in sample standard deviations (divisor window - 1).

        Returns
        -------
        ndarray, shape (bars,)
            -1 above, 1 below, 0 otherwise.
        """
        return reversion_side(finite_closes(closes), int(parameters[0]), float(parameters[1]))

    def neighbours(self, parameters: Parameters) -> tuple[Parameters, ...]:
        """Window and distance a step away.

        Parameters
        ----------
        parameters : tuple of float
            Window and distance.

        Returns
        -------
        tuple of tuple
            Eight, in a fixed order.
        """
        return tuple((float(max(round(parameters[0] * one), 3)), parameters[1] * two) for one, two in STEPS)
