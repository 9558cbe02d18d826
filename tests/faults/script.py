"""What happens to a simulated world: drawn from its seed before it begins. Each has only some kinds of trouble."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cache

import numpy as np
from market import BAD, Crash, FeedPlan

from workbench.app.sources import load_rates
from workbench.data.policy_file import read_policy
from workbench.domain.book import Book
from workbench.domain.calibration import Calibration
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.domain.trading.modes import Tier
from workbench.domain.trading.strategies import Strategy, StrategyRecord
from workbench.execution.paper.plan import PaperPlan
from workbench.runtime.replay.scenario import Evening, held_strategies, quick_calibration

EQUITY = 1e6
LEG_PAIRS = tuple(pair for pair in PAIRS if "USD" in pair)
CROSSES = ("EURGBP", "EURJPY", "AUDJPY")
RECORD = StrategyRecord(drawdown=0.10, stress_survival=0.9, walk_forward=0.9, robustness=0.8)
CALM_TICKS = 300
"""After the last fault; convergence ends a world much earlier."""
BROKER_TROUBLES = (
    "partial_fill_probability", "rest_cancelled_probability", "rejection_probability",
    "lost_acknowledgement_probability", "lost_report_probability", "duplicate_report_probability",
    "late_report_probability", "timeout_before_probability",
    "timeout_after_probability", "outage_probability",
)  # fmt: skip
FURTHEST = 0.17
"""Log return of a leg in all crashes together: the feeds' guard refuses a cross that moves by half, for people."""
QUIET_BROKER = PaperPlan(partial_fill_probability=0.0, rejection_probability=0.0)
STRIKES = ("power", "power at an order", "write fails", "sync fails", "disk full", "stopped")


@dataclass(frozen=True, slots=True)
class Strike:
    """Something that ends the process at a tick, at the n-th operation from there."""

    tick: int
    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody puts into the inbox at a tick; an empty act is rubbish."""

    tick: int
    act: str
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Script:
    """Everything that will happen, but for the market's small steps and the dice of broker and feeds."""

    seed: int
    start_ns: int
    values: np.ndarray
    book: Book
    core: list[Strategy]
    calm_tick: int
    leaps: set[int]
    crashes: list[Crash]
    feeds: list[FeedPlan]
    paper: PaperPlan
    strikes: list[Strike]
    messages: list[Message]
    signals: list[tuple[int, str, float]]
    resumed: bool
    """Whether two people resume once all is calm."""
    keeps_broker: bool
    """Whether the broker is a machine of its own that lives on when the loop's dies."""

    @property
    def ticks(self) -> int:
        """Length of the market."""
        return self.calm_tick + CALM_TICKS

    @property
    def strategies(self) -> list[Strategy]:
        """Held positions first."""
        return [*held_strategies(self.book), *self.core]

    @property
    def quoted(self) -> list[int]:
        """Places of the pairs the feeds quote."""
        return [place for place, pair in enumerate(PAIRS) if pair in LEG_PAIRS or pair in self.book.units]


@cache
def ground() -> tuple[Policy, Calibration, dict[str, float], int]:
    """Policy, calibration, values of the legs and the noon after them: the same for every world."""
    rates, policy = load_rates(), read_policy(None)
    values = dict(rates.last_values())
    book = Book({"EURUSD": 1e5, "USDJPY": -1e5, "AUDUSD": 1e5}, EQUITY)
    calibration = quick_calibration(Evening.last_of(rates), book, policy)
    day = rates.as_of + timedelta(days=3 if rates.as_of.weekday() == 4 else 1)
    noon = datetime.combine(day, time(12), UTC)
    return policy, calibration, values, int(noon.timestamp()) * SECOND_NS


def drawn(seed: int) -> Script:
    """The script of a seed."""
    random = np.random.default_rng([seed, 1])
    _, _, values, start_ns = ground()
    calm = int(random.integers(25, 80))
    long_silence = random.random() < 0.04
    calm += 130 * long_silence
    book = _book(random, values)
    core = [
        Strategy(
            f"core {k}",
            LEG_PAIRS[int(random.integers(len(LEG_PAIRS)))],
            Tier.CORE,
            0.1,
            defensive=k == 0,
            record=RECORD,
        )
        for k in range(int(random.integers(0, 3)))
    ]
    happens = random.random(8) < 0.6
    feeds = [_feed(random, calm, bad=bool(happens[0])) for _ in range(1 + (random.random() < 0.25))]
    outages: tuple[tuple[int, int], ...] = ()
    if long_silence and random.random() < 0.5:
        for feed in feeds:
            feed.silent.append((10, 10 + int(random.integers(122, 135))))
    elif long_silence:
        outages = ((start_ns + 10 * SECOND_NS, start_ns + int(random.integers(131, 140)) * SECOND_NS),)
    leaps = {int(random.integers(5, calm))} if happens[1] and random.random() < 0.5 else set()
    leaps |= {calm + 2} if random.random() < 0.3 else set()
    return Script(
        seed=seed,
        start_ns=start_ns,
        values=np.array([values[leg] for leg in LEGS]),
        book=book,
        core=core,
        calm_tick=calm,
        leaps=leaps,
        crashes=_crashes(random, calm, book, values) if random.random() < 0.75 else [],
        feeds=feeds,
        paper=_paper(random, start_ns, calm, outages) if happens[2] else QUIET_BROKER,
        strikes=_strikes(random, calm) if random.random() < 0.8 else [],
        messages=_messages(random, calm, [strategy.name for strategy in core] or list(book.units))
        if happens[4]
        else [],
        signals=_signals(random, calm, start_ns, [strategy.name for strategy in core]),
        resumed=random.random() < 0.5,
        keeps_broker=random.random() < 0.5,
    )


def _book(random: np.random.Generator, values: dict[str, float]) -> Book:
    pairs = random.choice([*LEG_PAIRS, *CROSSES], size=int(random.integers(4, 7)), replace=False).tolist()
    gross = float(np.exp(random.uniform(np.log(0.3), np.log(3.0))))
    units = {}
    for pair, share in zip(pairs, random.dirichlet(np.full(len(pairs), 3.0)).tolist(), strict=True):
        size = round(EQUITY * gross * share / values.get(pair[:3], 1.0) / 1_000) * 1_000.0
        units[pair] = max(size, 1_000.0) * float(random.choice([-1.0, 1.0]))
    return Book(units, EQUITY, name="simulated")


def _crashes(random: np.random.Generator, calm: int, book: Book, values: dict[str, float]) -> list[Crash]:
    """Real moves, most of them against the book."""
    held = dict.fromkeys(LEGS, 0.0)
    for pair, units in book.units.items():
        worth = units * values.get(pair[:3], 1.0)
        for currency, sign in ((pair[:3], 1.0), (pair[3:], -1.0)):
            if currency in held:
                held[currency] += sign * worth
    crashes, total = [], np.zeros(len(LEGS))
    for _ in range(int(random.integers(1, 4))):
        against = random.random() < 0.7
        signs = -np.sign([held[leg] for leg in LEGS]) if against else random.choice([-1.0, 1.0], len(LEGS))
        if random.random() < 0.25:  # a gap in everything at once
            sizes, ticks = random.uniform(0.06, 0.14, len(LEGS)), 1
        else:
            sizes = random.uniform(0.002, 0.08, len(LEGS)) * (random.random(len(LEGS)) < random.choice([0.2, 1.0]))
            ticks = int(random.integers(1, 9))
        moves = np.clip(total + sizes * signs, -FURTHEST, FURTHEST) - total
        total += moves
        crashes.append(Crash(int(random.integers(3, calm + 5)), ticks, moves))
    return crashes


def _feed(random: np.random.Generator, calm: int, *, bad: bool) -> FeedPlan:
    plan = FeedPlan()
    if not bad:
        return plan
    kinds = [kind for kind in BAD if random.random() < 0.5]
    plan.shares = {kind: float(random.uniform(0.005, 0.06)) for kind in kinds}
    for spans in (plan.silent, plan.down):
        if random.random() < 0.35:
            first = int(random.integers(2, calm))
            spans.append((first, first + int(random.choice([2, 4, 7, 12, 36]))))
    if random.random() < 0.3:
        plan.bursts = {int(random.integers(2, calm)) for _ in range(2)}
    return plan


def _paper(random: np.random.Generator, start_ns: int, calm: int, outages: tuple[tuple[int, int], ...]) -> PaperPlan:
    strength = float(random.choice([0.1, 0.3, 0.6]))
    table: dict[str, object] = {
        name: strength * float(random.random()) for name in BROKER_TROUBLES if random.random() < 0.5
    }
    for name in ("timeout_before_probability", "timeout_after_probability"):
        table[name] = 0.5 * float(table.get(name, 0.0))  # type: ignore[arg-type]
    table["outage_seconds"] = float(random.uniform(0.5, 12.0))
    table["late_report_ms"] = float(random.choice([300.0, 3_000.0, 10_000.0]))
    table["orders_per_second"] = int(random.choice([1, 2, 100]))
    if random.random() < 0.3:
        first_ns = start_ns + int(random.integers(2, calm)) * SECOND_NS
        outages = (*outages, (first_ns, first_ns + int(random.integers(1, 20)) * SECOND_NS))
    return PaperPlan.from_mapping({**table, "outages_ns": outages})


def _strikes(random: np.random.Generator, calm: int) -> list[Strike]:
    kinds = random.choice(STRIKES, size=int(random.integers(1, 4)), p=[0.35, 0.3, 0.1, 0.1, 0.05, 0.1]).tolist()
    ticks = sorted(random.integers(1, calm, len(kinds)).tolist())
    return [Strike(tick, kind, int(random.integers(1, 24))) for tick, kind in zip(ticks, kinds, strict=True)]


def _messages(random: np.random.Generator, calm: int, names: list[str]) -> list[Message]:
    found = []
    acts = {
        "halt": 0.22, "reduce": 0.18, "flatten": 0.08, "resume": 0.24, "enable": 0.08, "cancel_all": 0.06,
        "full_halt": 0.03, "again": 0.06, "": 0.05,
    }  # fmt: skip
    for act in random.choice(list(acts), size=int(random.integers(1, 6)), p=list(acts.values())).tolist():
        fields: dict[str, object] = {}
        if act == "reduce":
            fields = {"fraction": float(random.uniform(0.05, 1.0))}
        elif act == "resume":
            fields = {"approver": "second", "rebaseline_peak": bool(random.random() < 0.5)}
        elif act == "enable":
            fields = {"strategy": str(random.choice([*names, "nobody"])), "approver": "second"}
        found.append(Message(int(random.integers(1, calm)), act, fields))
    return sorted(found, key=lambda message: message.tick)


def _signals(random: np.random.Generator, calm: int, start_ns: int, names: list[str]) -> list[tuple[int, str, float]]:
    """Bars every few seconds, so that there are entries to be disturbed; some signals are no numbers."""
    found = []
    for name in names:
        side = float(random.choice([-1.0, 1.0]))
        for tick in range(int(random.integers(2, 8)), calm + 20, int(random.integers(4, 15))):
            side = -side if random.random() < 0.15 else side
            said = float(random.choice([side, side, side, 0.0, float("nan")], p=[0.3, 0.3, 0.3, 0.07, 0.03]))
            found.append((start_ns + tick * SECOND_NS, name, said))
    return sorted(found, key=lambda signal: signal[:2])
