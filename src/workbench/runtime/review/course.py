"""What a run went through: a thinned path of the book, and totals over every event."""

from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.currencies import CURRENCIES, PAIRS, Pair
from workbench.domain.trading.events import AnyEvent, Fill, Fixing, Quote
from workbench.domain.trading.modes import Condition, Mode
from workbench.engine.risk_engine import EngineState

MOST_POINTS = 2_000
"""Of a path that is drawn; a screen has not many more columns."""


@dataclass(frozen=True, slots=True)
class Book:
    """The book after an event: money in US dollars, risk as positive fractions of equity."""

    equity: float
    drawdown: float
    value_at_risk: float
    volatility_ratio: float
    correlation_mean: float
    correlation_drift: float
    stress_score: float
    cap: float
    gross: float
    mode: str
    condition: str


def book_of(state: EngineState) -> Book:
    """The book as it stands.

    Parameters
    ----------
    state : EngineState
        Any.

    Returns
    -------
    Book
    """
    values, equity = state.value.tolist(), float(state.equity)
    held = zip(state.settings.strategies, state.units.tolist(), strict=False)
    gross = sum(abs(units) * values[CURRENCIES.index(strategy.pair[:3])] for strategy, units in held if units)
    return Book(
        equity,
        1.0 - equity / float(state.peak),
        float(state.value_at_risk),
        float(state.ratio),
        float(state.correlation_mean),
        float(state.correlation_drift),
        float(state.score),
        float(state.cap),
        gross / equity,
        Mode(int(state.mode)).name,
        Condition(int(state.condition)).name,
    )


class Market:
    """Last recorded mid and half spread of each pair, whichever feed it came from.

    Parameters
    ----------
    state : EngineState
        Believed prices and the policy's half spreads count until a pair is quoted.
    """

    def __init__(self, state: EngineState) -> None:
        costs = state.settings.policy.costs
        self._half = {pair: costs.of(pair).half_spread_pips * Pair.parse(pair).pip for pair in PAIRS}
        self._mid = dict(zip(PAIRS, state.good.tolist(), strict=True))

    def see(self, event: AnyEvent) -> None:
        """Remember the prices of an event.

        Parameters
        ----------
        event : Event
            Only quotes and fixings have any.
        """
        if isinstance(event, Quote):
            if 0.0 < event.bid <= event.ask:
                self._mid[event.pair] = 0.5 * (event.bid + event.ask)
                self._half[event.pair] = 0.5 * (event.ask - event.bid)
        elif isinstance(event, Fixing):
            for pair in PAIRS:
                self._mid[pair] = event.values.get(pair[:3], 1.0) / event.values.get(pair[3:], 1.0)

    def price(self, pair: str, units: float) -> float:
        """What an order would meet: the mid, half the spread against it.

        Parameters
        ----------
        pair : str
            Such as ``EURUSD``.
        units : float
            Signed: + buys.

        Returns
        -------
        float
        """
        return float(self._mid[pair] + (self._half[pair] if units > 0 else -self._half[pair]))

    def cost(self, pair: str, fill: Fill, state: EngineState) -> float:
        """What a fill cost against the mid.

        Parameters
        ----------
        pair : str
            Of its strategy.
        fill : Fill
            Units and price.
        state : EngineState
            Gives the value of the quote currency.

        Returns
        -------
        float
            US dollars; negative when the price was better than the mid.
        """
        return float(fill.units * (fill.price - self._mid[pair]) * state.value[CURRENCIES.index(pair[3:])])


@dataclass(frozen=True, slots=True)
class Totals:
    """A run in a few numbers.

    Attributes
    ----------
    events : int
        Stepped.
    begins, ends : float
        Equity, US dollars.
    drawdown : float
        Largest fall of equity from its highest point inside the window, fraction; looked at after every event.
    in_mode_ns : dict of str to int
        Time in each mode.
    fills : int
        Executions.
    traded, cost : float
        Turnover, and what it cost against the mid; US dollars.
    exposure : float
        Average over time of gross exposure over equity.
    """

    events: int
    begins: float
    ends: float
    drawdown: float
    in_mode_ns: dict[str, int]
    fills: int
    traded: float
    cost: float
    exposure: float

    @property
    def profit(self) -> float:
        """Equity at the end less equity at the beginning, US dollars."""
        return self.ends - self.begins


@dataclass(slots=True)
class Course:
    """Follows a run.

    Attributes
    ----------
    every_ns : int
        At most one point of the path in this time, but for what matters.
    state : EngineState
        Where the run stands.
    """

    every_ns: int
    state: EngineState
    market: Market = field(init=False, repr=False)
    _times: list[int] = field(default_factory=list, repr=False)
    _books: list[Book] = field(default_factory=list, repr=False)
    _prices: list[NDArray[np.float64]] = field(default_factory=list, repr=False)
    _units: list[NDArray[np.float64]] = field(default_factory=list, repr=False)
    _in_mode: list[int] = field(default_factory=lambda: [0] * len(Mode), repr=False)
    _due_ns: int = 0
    _events: int = 0
    _top: float = 0.0
    _begins: float = 0.0
    _worst: float = 0.0
    _fills: int = 0
    _money: list[float] = field(default_factory=lambda: [0.0, 0.0], repr=False)

    def __post_init__(self) -> None:
        """Begin where the state stands."""
        self.market = Market(self.state)
        self._top = self._begins = float(self.state.equity)

    def follow(self, event: AnyEvent, after: EngineState, *, matters: bool) -> bool:
        """Take an event in.

        Parameters
        ----------
        event : Event
            Stepped.
        after : EngineState
            The state after it.
        matters : bool
            Whether it gets a point of its own.

        Returns
        -------
        bool
            Whether it got a point.
        """
        before = self.state
        self.market.see(event)
        if isinstance(event, Fill):
            self._count(event, after)
        time_ns, equity = event.time_ns, float(after.equity)
        if self._events:
            self._in_mode[int(before.mode)] += time_ns - int(before.time_ns)
        self._events += 1
        if equity > self._top:
            self._top = equity
        elif 1.0 - equity / self._top > self._worst:
            self._worst = 1.0 - equity / self._top
        self.state = after
        if not (matters or time_ns >= self._due_ns):
            return False
        self._due_ns = max(self._due_ns, time_ns - time_ns % self.every_ns + self.every_ns)
        self._times.append(time_ns)
        self._books.append(book_of(after))
        self._prices.append(after.good.copy())
        self._units.append(after.units[: len(after.settings.strategies)].copy())
        return True

    def _count(self, fill: Fill, after: EngineState) -> None:
        strategy = after.settings.strategies[after.settings.slots[fill.strategy]]
        self._fills += 1
        self._money[0] += abs(fill.units) * float(after.value[CURRENCIES.index(strategy.pair[:3])])
        self._money[1] += self.market.cost(strategy.pair, fill, after)

    @property
    def path(self) -> pd.DataFrame:
        """The book over time, one row a point."""
        table = pd.DataFrame([asdict(book) for book in self._books], columns=list(Book.__annotations__))
        return _last_of_each_moment(table, self._times)

    @property
    def prices(self) -> pd.DataFrame:
        """Prices the engine believed, one column a pair; same rows as the path."""
        return _last_of_each_moment(pd.DataFrame(self._prices, columns=list(PAIRS)), self._times)

    @property
    def units(self) -> pd.DataFrame:
        """Units held, one column a strategy; same rows as the path."""
        names = [strategy.name for strategy in self.state.settings.strategies]
        return _last_of_each_moment(pd.DataFrame(self._units, columns=names), self._times)

    @property
    def totals(self) -> Totals:
        """The run in a few numbers."""
        gross, ends = self.path["gross"], float(self.state.equity)
        times = pd.DatetimeIndex(gross.index).asi8
        lasted = np.diff(times, append=times[-1:])
        average = float(np.average(gross, weights=lasted)) if lasted.sum() > 0 else float(gross.mean())
        modes, (traded, cost) = {mode.name: self._in_mode[mode] for mode in Mode}, self._money
        return Totals(self._events, self._begins, ends, self._worst, modes, self._fills, traded, cost, average)


def _last_of_each_moment(table: pd.DataFrame, times_ns: list[int]) -> pd.DataFrame:
    table.index = pd.DatetimeIndex(pd.to_datetime(times_ns, utc=True), name="time")
    return table[~table.index.duplicated(keep="last")]
