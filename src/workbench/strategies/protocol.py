"""What a signal is, and where it is registered: closes of the past in, a side between -1 and 1 out."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.modes import Regime

Floats = NDArray[np.float64]
Parameters = tuple[float, ...]


class Signal(Protocol):
    """One rule. A new one is one file in `signals` with one call of `register`; every check then runs over it."""

    @property
    def name(self) -> str:
        """Short name in grids and files."""
        ...

    def parameters(self, policy: Policy, regime: Regime) -> Parameters:
        """Numbers of the rule in a regime, from the policy."""
        ...

    def check(self, parameters: Parameters) -> None:
        """Refuse numbers the rule cannot work with."""
        ...

    def lookback(self, parameters: Parameters) -> int:
        """Bars before the first reading can be anything but 0."""
        ...

    def read(self, closes: Floats, parameters: Parameters) -> Floats:
        """Side after each bar's close, from that bar and those before it."""
        ...

    def neighbours(self, parameters: Parameters) -> tuple[Parameters, ...]:
        """Numbers a little smaller and larger, the same steps for all: a rule that works at one point only does not."""
        ...


SIGNALS: dict[str, Signal] = {}
"""Every registered signal by name, in the order of registration."""


def register(signal: Signal) -> None:
    """Make a signal known by its name.

    Parameters
    ----------
    signal : Signal
        Its name must be free.

    Raises
    ------
    ConfigError
        When another signal has the name.
    """
    if signal.name in SIGNALS:
        raise ConfigError(f"two signals are called {signal.name!r}: give each a name of its own")
    SIGNALS[signal.name] = signal


def find_signal(name: str) -> Signal:
    """One registered signal.

    Parameters
    ----------
    name : str
        As registered.

    Returns
    -------
    Signal

    Raises
    ------
    ConfigError
        With the ones there are.
    """
    if name not in SIGNALS:
        raise ConfigError(f"unknown signal {name!r}: expected one of {', '.join(SIGNALS)}")
    return SIGNALS[name]


def finite_closes(closes: Floats) -> Floats:
    """Closes as a signal may read them.

    Parameters
    ----------
    closes : array_like, shape (bars,)
        Prices, oldest first.

    Returns
    -------
    ndarray, shape (bars,)

    Raises
    ------
    DataError
        When one is missing, infinite or not positive: a gap is the caller's to mend or to refuse.
    """
    values = np.ascontiguousarray(closes, dtype=float)
    if values.ndim != 1:
        raise DataError(f"a signal reads the closes of one pair, shape (bars,), got shape {values.shape}")
    bad = np.flatnonzero(~(np.isfinite(values) & (values > 0.0)))
    if bad.size:
        raise DataError(f"closes must be positive numbers: bar {bad[0]} of {len(values)} is {values[bad[0]]!r}")
    return values
