"""What the short lives of synthetic books are made of: a team, a market, quotes, positions near their stops."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.policy import Policy
from workbench.domain.trading import events as happened
from workbench.domain.trading.modes import Regime, Tier
from workbench.domain.trading.strategies import Strategy, StrategyRecord
from workbench.engine.player import play
from workbench.engine.risk_engine import RiskEngine, Start

Market = Any
Event = happened.AnyEvent
SECOND = 10**9
MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND


def decided(engine: RiskEngine, start: Start, events: Iterator[Event]) -> list[tuple[Any, ...]]:
    """Everything decided, fills at once at half the spread, without the hash of the policy."""
    told = play(engine, start, ((event, True) for event in events), fill_after_ns=0)
    plain = []
    for one in told.decisions:
        fields = {name: getattr(one, name) for name in one.__slots__ if name not in ("policy", "calibration")}
        plain.append((type(one).__name__, one.time_ns, one.reason, tuple(fields.items())))
    plain.append(("money", *told.path["equity"].round(6).tolist()))
    return plain


def a_team(**changes: Any) -> list[Strategy]:
    """Ten strategies with records on both sides of the limits, two pairs of them on one pair and two timeframes."""
    team = []
    for k in range(10):
        record = StrategyRecord(
            drawdown=(0.10, 0.145, 0.03)[k % 3],
            stress_survival=(0.9, 0.62, 0.75)[k % 3],
            walk_forward=(0.9, 0.72, 0.8)[k % 3],
            robustness=0.9 - 0.05 * k,
        )
        pair = PAIRS[k // 2] if k < 4 else PAIRS[k]
        team.append(
            Strategy(
                f"s{k}", pair, Tier(0 if k < 5 else 1 if k < 8 else 2), (0.12, 0.1, 0.03)[k % 3],
                risk_per_trade=(0.01, 0.02)[k % 2], reward_to_risk=(2.0, 1.5)[k % 2],
                timeframe=("daily", "weekly")[k % 2], defensive=k in (1, 4, 7), record=record,
            )
        )  # fmt: skip
    return team


def market_days(
    market: Market, seed: int, sizes: list[float], common: float = 0.3, drift: float = 0.0
) -> Iterator[tuple[int, dict[str, float]]]:
    """Values of the legs day by day: volatility of each day given, one common factor, a drift."""
    random, values = np.random.default_rng(seed), dict(market.VALUES)
    for day, size in enumerate(sizes, start=1):
        shared = random.normal() * np.sqrt(common)
        moves = {leg: drift + size * (shared + random.normal() * np.sqrt(1 - common)) for leg in LEGS}
        values = market.moved(moves, values)
        yield market.MONDAY_NOON + day * DAY, values


def opening(market: Market, units: dict[str, float]) -> Iterator[Event]:
    yield happened.Fixing(market.MONDAY_NOON, market.VALUES, closes_day=False)
    for pair, size in units.items():
        yield happened.PositionHeld(market.MONDAY_NOON, pair, size, market.price(pair))
    yield happened.Heartbeat(market.MONDAY_NOON)


def bars(now: int, team: list[Strategy], signals: np.ndarray) -> Iterator[Event]:
    for strategy, signal in zip(team, signals, strict=True):
        yield happened.BarClosed(now + SECOND // 2, strategy.name, float(signal))


def daily_life(
    policy: Policy, market: Market, *, seed: int, sizes: list[float], common: float = 0.3, drift: float = 0.0,
    held: dict[str, float] | None = None, calibration: Any = None, regimes: bool = False,
) -> list[tuple[Any, ...]]:  # fmt: skip
    """Days of fixings and bars for a team and a held book."""
    team, held = a_team(), held or {}
    strategies = [*team, *market.held(*held)]
    engine = RiskEngine(policy, calibration or market.small_calibration(as_of="2027-12-31"), strategies)

    def events() -> Iterator[Event]:
        yield from opening(market, held)
        random = np.random.default_rng(seed + 1)
        signals = random.choice([-1.0, 1.0], 10)
        for day, (now, values) in enumerate(market_days(market, seed, sizes, common, drift)):
            yield happened.Fixing(now, values)
            if regimes and day % 6 == 0:
                yield happened.RegimeRead(now + SECOND // 3, Regime(day // 6 % len(Regime)))
            flips = random.random(10) < 0.12
            signals = np.where(flips, -signals, signals)
            yield from bars(now, team, np.where(random.random(10) < 0.05, 0.0, signals))
            if day % 15 == 14:
                yield happened.OperatorResume(now + SECOND, "one", "two", rebaseline_peak=day % 30 == 29)
                for strategy in team:
                    yield happened.OperatorEnable(now + SECOND, "one", strategy.name, "two")

    return decided(engine, Start(market.MONDAY_NOON, 1e6), events())


def quiet(market: Market, correlation: float = 0.4) -> Any:
    """A calibration of a market that hardly moves: large books are small risks in it."""
    leg = {"ewma_lambda": 0.94, "volatility_daily": 0.0005, "normal_volatility_daily": 0.0006, "garch": {}}
    return market.small_calibration(as_of="2027-12-31", correlation=correlation, legs=dict.fromkeys(LEGS, leg))


def near_their_stops() -> list[Strategy]:
    """Three positions in NZDUSD that have lost part of the way to their stops."""
    record = StrategyRecord(0.14, 0.9, 0.9, 0.9)
    return [Strategy(f"near{k}", "NZDUSD", Tier.TACTICAL, 0.1, reward_to_risk=0.0, record=record) for k in range(3)]


def put_near_their_stops(market: Market) -> Iterator[Event]:
    """Bought 1.85, 1.5 and 1.1 % above the price: a stop is 2 % away."""
    for k, loss in enumerate((0.0185, 0.015, 0.011)):
        yield happened.PositionHeld(market.MONDAY_NOON, f"near{k}", 1_000.0, market.price("NZDUSD") / (1 - loss))


def quotes(market: Market, begin: int, seconds: int, *, feed: int = 0, spread: float = 1e-4) -> Iterator[Event]:
    for second in range(seconds):
        pair = PAIRS[second % len(PAIRS)]
        mid = market.price(pair) * (1 + 1e-5 * np.sin(second))
        yield happened.Quote(begin + second * SECOND, pair, mid * (1 - spread / 2), mid * (1 + spread / 2), feed=feed)


def slide(market: Market, begin: int, *, feed: int) -> Iterator[Event]:
    """EURUSD falls by 3 % within ten minutes, quoted every second; every stop on the way is reached."""
    for second in range(600):
        mid = market.price("EURUSD") * (1 - 0.03 * second / 600)
        yield happened.Quote(begin + second * SECOND, "EURUSD", mid * (1 - 5e-5), mid * (1 + 5e-5), feed=feed)
