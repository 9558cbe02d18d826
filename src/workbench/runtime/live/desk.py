"""What feeds and orders are told of the engine's state: exposure, targets, the market as the engine sees it."""

from collections.abc import Mapping

from workbench.domain.currencies import CURRENCIES
from workbench.domain.errors import DataError, ModelError
from workbench.domain.trading.decisions import AnyDecision
from workbench.domain.trading.events import AnyEvent, Quote
from workbench.domain.trading.modes import Mode
from workbench.engine.risk_engine import EngineState, RiskEngine
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


def stepped(
    engine: RiskEngine, state: EngineState, event: AnyEvent
) -> tuple[EngineState, tuple[AnyDecision, ...], str]:
    """Step an event that is in the journal; one the engine refuses changes nothing, today as at every replay.

    Parameters
    ----------
    engine : RiskEngine
        Of the book.
    state : EngineState
        Before.
    event : Event
        Any.

    Returns
    -------
    tuple of (EngineState, tuple of Decision, str)
        After; what was decided; why it was refused, empty when it was not.
    """
    try:
        after, decisions = engine.step(state, event)
    except (DataError, ModelError) as error:
        return state, (), f"{type(event).__name__} was refused: {error}"
    return after, decisions, ""


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
