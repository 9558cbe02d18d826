"""The grid: pairs × timeframes × signals × risk profiles, from the policy or from the user's own table."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.domain.trading.modes import Regime
from workbench.domain.trading.strategies import TIMEFRAMES
from workbench.strategies.protocol import Parameters, find_signal

PROFILES: tuple[str, ...] = ("conservative", "moderate", "aggressive")
GRID_KEYS = ("pairs", "timeframes", "risk_profiles", "signals")


@dataclass(frozen=True, slots=True)
class Configuration:
    """One strategy of the grid.

    Attributes
    ----------
    pair, timeframe, signal, profile : str
        Names of the policy.
    parameters : tuple of float
        The user's own numbers for the signal; empty means the policy's, adapted to the regime.
    """

    pair: str
    timeframe: str
    signal: str
    profile: str
    parameters: Parameters = ()

    @property
    def name(self) -> str:
        """For people, and unique in a grid."""
        numbers = f"({', '.join(f'{number:g}' for number in self.parameters)})" if self.parameters else ""
        return f"{self.pair} {self.timeframe} {self.signal}{numbers} {self.profile}"

    @property
    def rule(self) -> tuple[str, str, str, Parameters]:
        """What is seen, apart from how much is risked on it."""
        return (self.pair, self.timeframe, self.signal, self.parameters)

    def lookback(self, policy: Policy) -> int:
        """Bars the signal needs before its first reading, in the regime that needs most.

        Parameters
        ----------
        policy : Policy
            Its signals and adaptation.

        Returns
        -------
        int
        """
        signal = find_signal(self.signal)
        if self.parameters:
            return signal.lookback(self.parameters)
        return max(signal.lookback(signal.parameters(policy, regime)) for regime in Regime)


def strategy_grid(policy: Policy, *, intraday: bool = False) -> tuple[Configuration, ...]:
    """The policy's grid.

    Parameters
    ----------
    policy : Policy
        Its universe, timeframes, signals and profiles.
    intraday : bool
        Whether there is intraday data, so that the 4-hour timeframe joins.

    Returns
    -------
    tuple of Configuration
        384 with the shipped policy, 576 with intraday data. Signals the policy does not name join by a grid file.
    """
    own = policy.strategies
    timeframes = own.timeframes_with_intraday_data if intraday else own.timeframes
    signals = tuple(type(own.signals).model_fields)
    return tuple(Configuration(*chosen) for chosen in product(policy.universe.pairs, timeframes, signals, PROFILES))


def grid_from_table(table: Mapping[str, Any], policy: Policy) -> tuple[Configuration, ...]:
    """A user's own grid.

    Parameters
    ----------
    table : mapping
        ``pairs``, ``timeframes``, ``risk_profiles`` (lists of names; what is left out is the policy's) and ``signals``:
        names, or tables of ``name`` and ``parameters`` (numbers of the rule's own).
    policy : Policy
        For what is left out.

    Returns
    -------
    tuple of Configuration

    Raises
    ------
    ConfigError
        On an unknown key, pair, timeframe, profile or signal, on numbers the signal refuses, and when one configuration
        is there twice.
    """
    for key in table:
        if key not in GRID_KEYS:
            raise ConfigError(f"grid: unknown key {key!r}, expected one of {', '.join(GRID_KEYS)}")
    pairs = _names(table, "pairs", policy.universe.pairs, policy.universe.pairs)
    timeframes = _names(table, "timeframes", policy.strategies.timeframes, TIMEFRAMES)
    profiles = _names(table, "risk_profiles", PROFILES, PROFILES)
    own = tuple(type(policy.strategies.signals).model_fields)
    signals = [_signal(entry, place) for place, entry in enumerate(_list(table, "signals", own))]
    grid = tuple(
        Configuration(pair, timeframe, name, profile, numbers)
        for pair, timeframe, (name, numbers), profile in product(pairs, timeframes, signals, profiles)
    )
    for place, one in enumerate(grid):
        if one in grid[:place]:
            raise ConfigError(f"grid: {one.name} is there twice")
        if not one.parameters and one.signal not in own:
            raise ConfigError(f"grid: the policy has no numbers for the signal {one.signal!r}: give it parameters")
    return grid


def _list(table: Mapping[str, Any], key: str, default: tuple[str, ...]) -> list[Any]:
    found = table.get(key, list(default))
    if not isinstance(found, list) or not found:
        raise ConfigError(f"grid: {key} must be a list with at least one entry, got {found!r}")
    return found


def _names(table: Mapping[str, Any], key: str, default: tuple[str, ...], known: tuple[str, ...]) -> list[str]:
    found = _list(table, key, default)
    for name in found:
        if name not in known:
            raise ConfigError(f"grid: {key} names {name!r}, expected some of {', '.join(known)}")
    return found


def _signal(entry: Any, place: int) -> tuple[str, Parameters]:
    if isinstance(entry, str):
        return find_signal(entry).name, ()
    if not (isinstance(entry, Mapping) and set(entry) <= {"name", "parameters"} and "name" in entry):
        raise ConfigError(f"grid: signals[{place}] must be a name, or a table of name and parameters, got {entry!r}")
    signal, numbers = find_signal(str(entry["name"])), entry.get("parameters", [])
    plain = isinstance(numbers, list) and all(isinstance(one, int | float) for one in numbers)
    if not plain:
        raise ConfigError(f"grid: signals[{place}].parameters must be a list of numbers, got {numbers!r}")
    parameters = tuple(float(one) for one in numbers)
    if parameters:
        signal.check(parameters)
    return signal.name, parameters
