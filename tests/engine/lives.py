"""Short lives of synthetic books in which every control has something to do; each returns what the engine decided."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from workbench.domain.currencies import LEGS
from workbench.domain.policy import Policy
from workbench.domain.trading import events as happened
from workbench.domain.trading.modes import Regime, Tier
from workbench.domain.trading.strategies import Strategy, StrategyRecord
from workbench.engine.risk_engine import RiskEngine, Start

_spec = importlib.util.spec_from_file_location("lives_base", Path(__file__).with_name("lives_base.py"))
assert _spec is not None
assert _spec.loader is not None
base = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(base)

Market = Any
Event = happened.AnyEvent
SECOND = 10**9
MINUTE, DAY = 60 * SECOND, 86_400 * SECOND


def falling(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """A slow fall of a large book in a quiet market, through every drawdown rung; strategies go on trying."""
    held, team = {"EURUSD": 2_000_000.0}, base.a_team()
    engine = RiskEngine(policy, base.quiet(market), [*team, *market.held(*held), *base.near_their_stops()])

    def events() -> Iterator[Event]:
        yield happened.Fixing(market.MONDAY_NOON, market.VALUES, closes_day=False)
        yield from base.put_near_their_stops(market)
        yield from base.opening(market, held)
        values, random = dict(market.VALUES), np.random.default_rng(3)
        signals = random.choice([-1.0, 1.0], 10)
        for day in range(1, 320):
            now = market.MONDAY_NOON + day * DAY
            noise = {leg: float(random.normal(0, 0.0002)) if leg != "NZD" else 0.0 for leg in LEGS}
            values = market.moved(noise | {"EUR": -0.0005 + noise["EUR"]} if day < 260 else noise, values)
            yield happened.Fixing(now, values)
            signals = np.where(random.random(10) < 0.12, -signals, signals)
            yield from base.bars(now, team, signals)
            if day % 100 == 99:
                yield happened.OperatorResume(now + SECOND, "one", "two", rebaseline_peak=True)

    return base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())


def storm(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Volatility rises to five times normal and falls again, twice."""
    wave = [0.004] * 8 + [0.009] * 6 + [0.014] * 5 + [0.02] * 5 + [0.03] * 3 + [0.004] * 40
    small = {"EURJPY": 20_000.0, "GBPCHF": -20_000.0, "AUDCAD": 30_000.0, "CHFJPY": 15_000.0}
    return base.daily_life(policy, market, seed=5, sizes=[*wave, *wave], held=small)


def calm_then_storm(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Calm weeks with every regime read, then one storm."""
    sizes = [0.004] * 84 + [0.011] * 12 + [0.004] * 30
    return base.daily_life(policy, market, seed=6, sizes=sizes, regimes=True)


def trends(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Quiet trends: stops and targets are reached, minimum holds are met, limits bind."""
    up = base.daily_life(policy, market, seed=7, sizes=[0.005] * 90, drift=0.002, regimes=True)
    return up + base.daily_life(policy, market, seed=8, sizes=[0.005] * 120, regimes=True)


def together(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Legs that were apart move as one."""
    apart = market.small_calibration(as_of="2027-12-31", correlation=0.1)
    sizes, held = [0.005] * 60, {"EURUSD": 20_000.0, "AUDJPY": 20_000.0, "GBPCHF": 20_000.0, "USDCAD": 20_000.0}
    found = base.daily_life(policy, market, seed=9, sizes=sizes, common=0.97, calibration=apart, held=held)
    close = market.small_calibration(as_of="2027-12-31", correlation=0.6)
    found += base.daily_life(policy, market, seed=10, sizes=sizes, common=0.85, calibration=close, held=held)
    middle = market.small_calibration(as_of="2027-12-31", correlation=0.45)
    return found + base.daily_life(policy, market, seed=11, sizes=sizes, common=0.78, calibration=middle, held=held)


def large(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """A held book that grows into every VaR rung as volatility rises."""
    sizes = [0.004] * 5 + [0.006] * 8 + [0.009] * 8 + [0.004] * 40
    held = {"EURUSD": 150_000.0, "GBPUSD": 100_000.0, "USDJPY": -120_000.0, "EURCHF": 60_000.0}
    return base.daily_life(policy, market, seed=12, sizes=sizes, held=held)


def silence(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """One feed falls silent, prices slide on the other; both do; the broker is lost; people resume."""
    found = []
    for quiet_seconds in (12, 60, 150):
        held, team = {"EURUSD": 40_000.0, "GBPJPY": 20_000.0}, base.a_team()
        engine = RiskEngine(policy, base.quiet(market), [*team, *market.held(*held), *base.near_their_stops()])

        def events(
            team: list[Strategy] = team, held: Any = held, quiet_seconds: int = quiet_seconds
        ) -> Iterator[Event]:
            yield happened.Fixing(market.MONDAY_NOON, market.VALUES, closes_day=False)
            yield from base.put_near_their_stops(market)
            yield from base.opening(market, held)
            now = market.MONDAY_NOON + SECOND
            yield from base.quotes(market, now, 40)
            for _ in range(7):
                yield from base.bars(now + 40 * SECOND, team, np.ones(10))
            now += 41 * SECOND
            for second in range(1, quiet_seconds):
                yield happened.Heartbeat(now + second * SECOND)
                if quiet_seconds == 12 and second > 3:
                    yield from base.quotes(market, now + second * SECOND + 1, 1, feed=1)
            now += quiet_seconds * SECOND
            yield from base.bars(now, team, np.array([-1.0, 1.0] * 5))
            yield from base.slide(market, now + SECOND, feed=int(quiet_seconds == 12))
            now += 602 * SECOND
            for minute in range(40):
                yield from base.quotes(market, now + minute * MINUTE, 60, feed=int(quiet_seconds == 12))
                if minute in (20, 30):
                    yield happened.OperatorResume(now + (minute + 1) * MINUTE - 1, "one", "two")

        found += base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())
    return found + lost_broker(policy, market)


def lost_broker(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Prices go on, the broker does not answer."""
    held = {"EURUSD": 40_000.0}
    engine = RiskEngine(policy, base.quiet(market), market.held(*held))

    def events() -> Iterator[Event]:
        yield from base.opening(market, held)
        yield happened.BrokerStatus(market.MONDAY_NOON, connected=False)
        yield from base.quotes(market, market.MONDAY_NOON + SECOND, 140)

    return base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())


def wild_neighbours(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Six legs grow wild around the one that is held, and calm down again."""
    engine = RiskEngine(policy, market.small_calibration("2027-12-31"), base.near_their_stops())

    def events() -> Iterator[Event]:
        yield happened.Fixing(market.MONDAY_NOON, market.VALUES, closes_day=False)
        yield from base.put_near_their_stops(market)
        random, values = np.random.default_rng(51), dict(market.VALUES)
        for day in range(1, 90):
            size = 0.004 + 0.0006 * min(day, 60)
            values = market.moved(
                {leg: float(random.choice([-1.0, 1.0])) * size if leg != "NZD" else 0.0 for leg in LEGS}, values
            )
            yield happened.Fixing(market.MONDAY_NOON + day * DAY, values)

    return base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())


def heavy(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """A heavy book twice: the strategy that goes on trying is the best survivor, and is not."""
    return [one for survival in (0.95, 0.8) for one in heavy_book(policy, market, survival)]


def heavy_book(policy: Policy, market: Market, survival: float) -> list[tuple[Any, ...]]:
    """A held book too large for the VaR ladder as its market wakes up; strategies go on trying; people resume."""
    held = {"GBPUSD": 200_000.0, "EURUSD": 80_000.0}
    record = StrategyRecord(0.14, survival, 0.95, 0.95)
    tries = [Strategy("try", "AUDUSD", Tier.CORE, 0.02, defensive=True, record=record)]
    strategies = [*market.held(*held), *base.near_their_stops(), *tries]
    engine = RiskEngine(policy, market.small_calibration("2027-12-31"), strategies)

    def events() -> Iterator[Event]:
        yield happened.Fixing(market.MONDAY_NOON, market.VALUES, closes_day=False)
        yield from base.put_near_their_stops(market)
        yield from base.opening(market, held)
        random, values = np.random.default_rng(52), dict(market.VALUES)
        for day in range(1, 110):
            size = 0.05 if day in (20, 60) else 0.004
            values = market.moved(
                {leg: float(random.choice([-1.0, 1.0])) * size if leg != "NZD" else 0.0 for leg in LEGS}, values
            )
            now = market.MONDAY_NOON + day * DAY
            yield happened.Fixing(now, values)
            for strategy in tries:
                yield happened.BarClosed(now + 1, strategy.name, 1.0 if day // 10 % 2 else -1.0)
            if day in (22, 30, 50, 62, 70):
                yield happened.OperatorResume(now + 2, "one", "two")

    return base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())


def rising(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Volatility rises slowly while correlations stay what they were: the ratio alone makes the condition."""
    found = []
    for seed in (61, 62, 63):
        evidence = {"correlation": {"turbulence_normal_threshold": 7_000.0}}
        engine = RiskEngine(policy, market.small_calibration("2027-12-31", evidence=evidence), base.a_team())

        def events(seed: int = seed) -> Iterator[Event]:
            yield from base.opening(market, {})
            random, values = np.random.default_rng(seed), dict(market.VALUES)
            for day in range(1, 110):
                size = 0.006 + 0.0001 * day
                common = random.normal()
                moves = {leg: size * (0.4**0.5 * common + 0.6**0.5 * random.normal()) for leg in LEGS}
                values = market.moved(moves, values)
                yield happened.Fixing(market.MONDAY_NOON + day * DAY, values)

        found += base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())
    return found


def cluster(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Four of the legs, all held, move as one while the others go their way."""
    held = {"EURUSD": 20_000.0, "GBPUSD": -20_000.0, "USDCHF": 20_000.0, "AUDUSD": 20_000.0}
    found = []
    for seed, share, correlation in ((21, 0.97, 0.1), (22, 0.88, 0.5), (23, 0.86, 0.55)):
        engine = RiskEngine(policy, market.small_calibration("2027-12-31", correlation), market.held(*held))

        def events(seed: int = seed, share: float = share) -> Iterator[Event]:
            yield from base.opening(market, held)
            random, values = np.random.default_rng(seed), dict(market.VALUES)
            for day in range(1, 60):
                common = random.normal()
                moves = {
                    leg: 0.005 * (np.sqrt(share) * common + np.sqrt(1 - share) * random.normal())
                    if leg in ("EUR", "GBP", "CHF", "AUD")
                    else 0.005 * random.normal()
                    for leg in LEGS
                }
                values = market.moved(moves, values)
                yield happened.Fixing(market.MONDAY_NOON + day * DAY, values)

        found += base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())
    return found


def regimes_read(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """One pair in a calm market while slow work reads every regime; signals turn every few days."""
    record = StrategyRecord(0.1, 0.9, 0.9, 0.9)
    team = [Strategy(f"s{k}", "EURUSD", Tier(k), 0.1, record=record) for k in range(3)]
    engine = RiskEngine(policy, market.small_calibration("2027-12-31"), team)

    def events() -> Iterator[Event]:
        yield from base.opening(market, {})
        random, values = np.random.default_rng(31), dict(market.VALUES)
        for day in range(1, 200):
            now = market.MONDAY_NOON + day * DAY
            values = market.moved({leg: float(random.normal(0, 0.004)) for leg in LEGS}, values)
            yield happened.Fixing(now, values)
            if day % 14 == 1:
                yield happened.RegimeRead(now + 1, Regime(day // 14 % len(Regime)))
            signals = (1.0 if day // 5 % 2 else -1.0, 1.0 if day // 2 % 2 else -1.0, 1.0 if day // 9 % 2 else -1.0)
            for strategy, signal in zip(team, signals, strict=True):
                yield happened.BarClosed(now + 2, strategy.name, signal)

    return base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())


def whipsaw(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """The market turns each time a stop has been reached."""
    record = StrategyRecord(0.14, 0.9, 0.9, 0.9)
    team = [Strategy("s0", "EURUSD", Tier.CORE, 0.3, record=record)]
    engine = RiskEngine(policy, market.small_calibration("2027-12-31"), team)

    def events() -> Iterator[Event]:
        yield from base.opening(market, {})
        values = dict(market.VALUES)
        for day in range(1, 120):
            now, up = market.MONDAY_NOON + day * DAY, day // 8 % 2 == 0
            values = market.moved({"EUR": 0.004 if up else -0.004}, values)
            yield happened.Fixing(now, values)
            yield happened.BarClosed(now + 1, "s0", -1.0 if up else 1.0)

    return base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())


def limits(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Large allocations in a quiet market meet the limits on orders, gross and net exposure."""
    record = StrategyRecord(0.1, 0.9, 0.9, 0.9)
    pairs = ("EURGBP", "GBPCHF", "CHFJPY", "AUDCAD", "NZDUSD", "EURCAD", "USDCHF", "EURUSD")
    team = [Strategy(pair, pair, Tier.CORE, 2.0, record=record) for pair in pairs]
    engine = RiskEngine(policy, base.quiet(market), team)

    def events() -> Iterator[Event]:
        yield from base.opening(market, {})
        for turn, pair in enumerate(pairs):
            yield happened.BarClosed(market.MONDAY_NOON + (turn + 1) * SECOND, pair, 1.0)

    return base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())


def extremes(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Stress near its top while volatility stays under its last rung; the best survivor may still enter."""
    record = StrategyRecord(0.1, 0.9, 0.9, 0.9)
    team = [
        Strategy(f"s{k}", "EURUSD", Tier.CORE, 0.2, timeframe=("daily", "weekly")[k], defensive=True, record=record)
        for k in range(2)
    ]
    found = []
    for size in (0.011, 0.013, 0.014, 0.015, 0.0155):
        evidence = {"correlation": {"absorption_shift": 3.0, "absorption_threshold": 2.0}}
        calibration = market.small_calibration("2027-12-31", 0.05, evidence=evidence)
        engine = RiskEngine(policy, calibration, team)

        def events(size: float = size) -> Iterator[Event]:
            yield from base.opening(market, {})
            random, values = np.random.default_rng(41), dict(market.VALUES)
            for day in range(1, 60):
                common = float(random.choice([-1.0, 1.0]))
                values = market.moved({leg: size * (common + 0.1 * random.normal()) for leg in LEGS}, values)
                now = market.MONDAY_NOON + day * DAY
                yield happened.Fixing(now, values)
                for strategy in team:
                    yield happened.BarClosed(now + 1, strategy.name, 1.0 if day // 20 % 2 else -1.0)

        found += base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())
    return found


def ticks(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Bad ticks, wide spreads, scheduled releases, fast minutes, a calibration with an absorption shift."""
    evidence = {
        "correlation": {"absorption_shift": 1.6, "absorption_threshold": 2.0, "turbulence_normal_threshold": 21.0}
    }
    held, team = {"EURUSD": 90_000.0, "EURGBP": 30_000.0}, base.a_team()
    engine = RiskEngine(policy, market.small_calibration(evidence=evidence), [*team, *market.held(*held)])

    def events() -> Iterator[Event]:
        yield from base.opening(market, held)
        now, random = market.MONDAY_NOON + SECOND, np.random.default_rng(13)
        middle = market.price("EURUSD")
        for place in range(1_500):
            now += int(random.choice([SECOND * 3 // 5, SECOND, 3 * SECOND, 10 * SECOND]))
            wild = 2e-4 if 400 < place < 900 else 2e-5
            middle *= 1 + random.normal(0, wild)
            tick = middle * (0.8 if place % 200 == 50 else 1.0)
            half = 5e-5 * (1 + 3 * (place % 300 > 200))
            yield happened.Quote(now, "EURUSD", tick * (1 - half), tick * (1 + half))
            if place % 200 == 51 and place < 800:
                yield happened.Quote(now + SECOND // 10, "EURUSD", tick * (1 - half), tick * (1 + half))
            if place % 90 == 30:
                yield happened.ScheduledRisk(now, 0.9, now + 20 * MINUTE)
            if place % 25 == 0:
                yield from base.bars(now, team, np.sign(np.sin(place / 60 + np.arange(10))))

    return base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())


def old_calibration(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """A calibration grows old day by day."""
    held = {"EURUSD": 50_000.0}
    engine = RiskEngine(policy, market.small_calibration(as_of="2026-10-30"), market.held(*held))

    def events() -> Iterator[Event]:
        yield from base.opening(market, held)
        for day in range(1, 10):
            yield happened.Fixing(market.MONDAY_NOON + day * DAY, market.VALUES)

    return base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())


def not_a_number(policy: Policy, market: Market) -> list[tuple[Any, ...]]:
    """Risk that cannot be computed, and a fill nobody asked for."""
    held, team = {"EURUSD": 50_000.0}, base.a_team()
    engine = RiskEngine(policy, market.small_calibration(), [*team, *market.held(*held)])

    def events() -> Iterator[Event]:
        yield from base.opening(market, held)
        yield happened.Fill(market.MONDAY_NOON + SECOND, "s0", 99, 1_000.0, 1.1)
        yield from base.bars(market.MONDAY_NOON + 2 * SECOND, team, np.ones(10))

    return base.decided(engine, Start(market.MONDAY_NOON, 1e6), events())


LIVES: dict[str, Callable[[Policy, Market], list[tuple[Any, ...]]]] = {
    life.__name__: life
    for life in (
        storm, trends, together, large, ticks, falling, silence, regimes_read, calm_then_storm, cluster, whipsaw,
        limits, extremes, wild_neighbours, heavy, rising, old_calibration, not_a_number,
    )
}  # fmt: skip
