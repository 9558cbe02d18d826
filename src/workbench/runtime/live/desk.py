"""What feeds and orders are told of the engine's state: exposure, targets, the market as the engine sees it."""

from collections.abc import Mapping

from workbench.domain.currencies import CURRENCIES
from workbench.domain.trading.events import Quote
from workbench.domain.trading.modes import Mode
from workbench.engine.risk_engine import EngineState
from workbench.execution.planner import MarketView, Target


def exposure_of(state: EngineState) -> dict[str, float]:
    """Net position of each pair.

    Parameters
    ----------
    state : EngineState
        Now.

    Returns
    -------
    dict of str to float
        Signed base units.
    """
    exposure: dict[str, float] = {}
    for strategy, units in zip(state.settings.strategies, state.units.tolist(), strict=False):
        exposure[strategy.pair] = exposure.get(strategy.pair, 0.0) + units
    return exposure


def units_of(state: EngineState) -> dict[str, float]:
    """Units held by strategy.

    Parameters
    ----------
    state : EngineState
        Now.

    Returns
    -------
    dict of str to float
        Signed base units.
    """
    return {
        strategy.name: units for strategy, units in zip(state.settings.strategies, state.units.tolist(), strict=False)
    }


def targets_of(state: EngineState) -> list[Target]:
    """What every strategy should hold: the engine's stored targets, whenever they were set.

    Parameters
    ----------
    state : EngineState
        Now.

    Returns
    -------
    list of Target
    """
    wanted = zip(state.settings.strategies, state.target.tolist(), state.intent.tolist(), strict=False)
    return [Target(strategy.name, strategy.pair, units, intent) for strategy, units, intent in wanted]


def market_of(state: EngineState, quotes: Mapping[str, Quote]) -> MarketView:
    """The market orders are planned in.

    Parameters
    ----------
    state : EngineState
        Now.
    quotes : mapping of str to Quote
        Last good quote of each pair.

    Returns
    -------
    MarketView
    """
    locked = {
        strategy.name for strategy, lock in zip(state.settings.strategies, state.locked.tolist(), strict=False) if lock
    }
    values = dict(zip(CURRENCIES, state.value.tolist(), strict=True))
    return MarketView(Mode(int(state.mode)), float(state.equity), quotes, values, locked)
