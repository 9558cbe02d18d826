"""The player: events into the engine, its orders filled by a simple broker, and what became of the book.

The broker fills every target a tenth of a second later at the mark, half the policy's spread against us, in full. For a
liquid pair that is fair; in a gap it is far too kind, though the gap itself is suffered first.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.domain.currencies import CURRENCIES, PAIRS, Pair
from workbench.domain.trading.decisions import AnyDecision, RiskSnapshot
from workbench.domain.trading.events import AnyEvent, Fill, Fixing, Heartbeat, PositionHeld
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.domain.trading.modes import Condition, Mode, Regime
from workbench.engine.kernel.simulation import MOST_ROUNDS
from workbench.engine.risk_engine import EngineState, RiskEngine, Start

FILL_AFTER_NS = SECOND_NS // 10
People = Callable[[EngineState, int], Iterable[AnyEvent]]


@dataclass(frozen=True, slots=True)
class Played:
    """A replay that has ended.

    Attributes
    ----------
    path : DataFrame
        One row a mark, indexed by time (UTC): equity, drawdown, value_at_risk, volatility_ratio, stress_score, cap,
        gross (exposure over equity), mode, condition, regime, synthetic.
    units, profits : DataFrame
        Same rows, one column a strategy: units held, and profit since the start in US dollars, open positions marked.
    decisions : tuple of Decision
        All but snapshots, in order.
    events : tuple of Event
        Everything that was taken in, fills too: taken in again it gives the same decisions.
    final : EngineState
        The last state.
    """

    path: pd.DataFrame = field(repr=False)
    units: pd.DataFrame = field(repr=False)
    profits: pd.DataFrame = field(repr=False)
    decisions: tuple[AnyDecision, ...] = field(repr=False)
    events: tuple[AnyEvent, ...] = field(repr=False)
    final: EngineState = field(repr=False)

    @property
    def largest_drawdown(self) -> float:
        """Largest drawdown over the marks, fraction of the peak."""
        return float(self.path["drawdown"].max())


def play(
    engine: RiskEngine,
    start: Start,
    events: Iterable[tuple[AnyEvent, bool]],
    *,
    fill_after_ns: int = FILL_AFTER_NS,
    people: People | None = None,
) -> Played:
    """Play events through an engine and fill what it wants.

    Parameters
    ----------
    engine : RiskEngine
        Any.
    start : Start
        Time and equity.
    events : iterable of (Event, bool)
        In order of time; whether the event is synthetic.
    fill_after_ns : int
        Nanoseconds from a decision to its fill; the next event may not be earlier than the fills.
    people : callable, optional
        Looks at the state after every event and gives what people do half a second later, nothing most of the time.

    Returns
    -------
    Played

    Raises
    ------
    DataError
        When an event is out of time order or names something unknown.
    """
    state, rows, said, taken = engine.init(start), [], list[AnyDecision](), list[AnyEvent]()
    names, books = [strategy.name for strategy in engine.settings.strategies], []
    for event, synthetic in events:
        state, decisions = engine.step(state, event)
        taken.append(event)
        said += decisions
        # positions are put on all at one moment: nothing is filled between them
        for turn in range(1, 1 if isinstance(event, PositionHeld) else MOST_ROUNDS + 1):
            fills = list(_fills(engine, state, event.time_ns + turn * fill_after_ns))
            for fill in fills:
                state, decisions = engine.step(state, fill)
                taken.append(fill)
                said += decisions
            if not fills:
                break
        for act in people(state, event.time_ns + SECOND_NS // 2) if people is not None else ():
            state, decisions = engine.step(state, act)
            taken.append(act)
            said += decisions
        if isinstance(event, Fixing | Heartbeat):
            rows.append(_row(event.time_ns, state, synthetic))
            books.append(np.array([state.units[: len(names)], state.profit[: len(names)]]))
    path = pd.DataFrame(rows)
    last = ~path["time"].duplicated(keep="last").to_numpy()
    times = pd.DatetimeIndex(path["time"][last], name="time")
    units, profits = (pd.DataFrame(np.array(books)[last, k], times, names) for k in (0, 1))
    kept = tuple(one for one in said if not isinstance(one, RiskSnapshot))
    return Played(path[last].set_index("time"), units, profits, kept, tuple(taken), state)


def play_events(engine: RiskEngine, start: Start, events: Iterable[AnyEvent]) -> tuple[AnyDecision, ...]:
    """Take events in as they are, fills and all; nothing is added.

    Parameters
    ----------
    engine : RiskEngine
        Any.
    start : Start
        Time and equity.
    events : iterable of Event
        In order of time.

    Returns
    -------
    tuple of Decision
        All but snapshots.
    """
    state, said = engine.init(start), list[AnyDecision]()
    for event in events:
        state, decisions = engine.step(state, event)
        said += decisions
    return tuple(one for one in said if not isinstance(one, RiskSnapshot))


def _fills(engine: RiskEngine, state: EngineState, time_ns: int) -> Iterator[Fill]:
    numbers, missing = engine.settings.numbers, state.target - state.units
    for slot, strategy in enumerate(engine.settings.strategies):
        units = float(missing[slot])
        if units != 0.0:
            place = PAIRS.index(strategy.pair)
            half = float(numbers["half_spread_pips"][0, place]) * Pair.parse(strategy.pair).pip
            price = float(state.good[place]) + (half if units > 0 else -half)
            yield Fill(time_ns, strategy.name, int(state.intent[slot]), units, price)


def _row(time_ns: int, state: EngineState, synthetic: bool) -> dict[str, object]:
    values = np.asarray(state.value)
    strategies = state.settings.strategies
    gross = sum(
        abs(float(state.units[slot])) * float(values[CURRENCIES.index(strategy.pair[:3])])
        for slot, strategy in enumerate(strategies)
    )
    return {
        "time": pd.Timestamp(time_ns, tz="UTC"),
        "equity": float(state.equity),
        "drawdown": 1.0 - float(state.equity) / float(state.peak),
        "value_at_risk": float(state.value_at_risk),
        "volatility_ratio": float(state.ratio),
        "correlation_mean": float(state.correlation_mean),
        "correlation_drift": float(state.correlation_drift),
        "stress_score": float(state.score),
        "cap": float(state.cap),
        "gross": gross / float(state.equity),
        "mode": Mode(int(state.mode)).name,
        "condition": Condition(int(state.condition)).name,
        "regime": Regime(int(state.regime)).name,
        "synthetic": synthetic,
    }
