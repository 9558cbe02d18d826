"""Whether a paper account is where the policy wants it: mode, cap, positions, what was closed."""

from collections.abc import Mapping

from workbench.domain.currencies import CURRENCIES
from workbench.domain.policy.risk import Rung
from workbench.domain.trading.modes import Condition, Ladder, Mode
from workbench.engine.risk_engine import EngineState
from workbench.runtime.live.desk import units_of

Units = Mapping[str, float]
ROUNDING_UNITS = 1.0
"""Units are whole and rounded once for every reduction."""
MOST_VOLATILE = "most_volatile_positions"


def missing_share(share: float, state: EngineState, before: Units) -> str:
    """What is held above a share of every position.

    Parameters
    ----------
    share : float
        In [0, 1].
    state : EngineState
        Now.
    before : mapping of str to float
        Units before.

    Returns
    -------
    str
        Empty when nothing is.
    """
    for strategy, units in units_of(state).items():
        if abs(units) > share * abs(before[strategy]) + ROUNDING_UNITS:
            return f"{strategy} holds {units:,.0f} units of {before[strategy]:,.0f}, more than {100 * share:.0f} %"
    return ""


def missing_in_condition(condition: Condition, cap: float, state: EngineState, before: Units) -> str:
    """What a market condition wants and is not so.

    Parameters
    ----------
    condition : Condition
        That should hold.
    cap : float
        Its exposure cap.
    state : EngineState
        Now.
    before : mapping of str to float
        Units before.

    Returns
    -------
    str
        Empty when all is.
    """
    if int(state.condition) != condition:
        return f"the market condition is {Condition(int(state.condition)).name.lower()}, not {condition.name.lower()}"
    return missing_share(cap, state, before)


def missing_on_rung(rung: Rung, place: tuple[Ladder, int], state: EngineState, before: Units) -> str:
    """What a rung wants and is not so.

    Parameters
    ----------
    rung : Rung
        Of the policy.
    place : tuple of (Ladder, int)
        Which it is.
    state : EngineState
        Now.
    before : mapping of str to float
        Units before.

    Returns
    -------
    str
        Empty when all is.
    """
    ladder, number = place
    if not state.tripped[ladder, number - 1]:
        return f"it did not trip: the metric is {float(state.metric[ladder, number - 1]):.4g}"
    if int(state.mode) < Mode[rung.mode]:
        return f"the mode is {Mode(int(state.mode)).name}, not {rung.mode}"
    if getattr(rung, "fail_over", False) and int(state.feed) == 0:
        return "the backup feed has not taken over"
    return missing_share(rung.cap, state, before) or _not_closed(rung, state, before)


def _not_closed(rung: Rung, state: EngineState, before: Units) -> str:
    """What was to be closed at once and still is held."""
    units = units_of(state)
    if rung.close_order == MOST_VOLATILE:
        wanted = max(round(rung.close_fraction * len(before)), 1)
        flat = sum(1 for name in before if abs(units[name]) <= ROUNDING_UNITS)
        return "" if flat >= wanted else f"{flat} of {len(before)} positions are closed, not {wanted}"
    share = 1.0 - rung.close_fraction
    if rung.close_order == "every_position_alike":
        return missing_share(share, state, before)
    held, was = _gross(units, state), _gross(before, state)
    rounding = _gross(dict.fromkeys(before, ROUNDING_UNITS), state)
    return (
        ""
        if held <= share * was + rounding
        else f"{100 - 100 * held / was:.0f} % is closed, not {100 * rung.close_fraction:.0f} %"
    )


def _gross(units: Units, state: EngineState) -> float:
    """Value of positions, US dollars."""
    values = dict(zip(CURRENCIES, state.value.tolist(), strict=True))
    pairs = {strategy.name: strategy.pair for strategy in state.settings.strategies}
    return float(sum(abs(one) * values[pairs[name][:3]] for name, one in units.items()))
