"""Parts of a live loop: feeds under supervision, first prices, the paper broker with limits and gateway, the engine."""

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.app.live import LiveRequest
    from workbench.data.feeds.supervisor import FeedSupervisor
    from workbench.data.journal.journal import Journal
    from workbench.domain.policy import Policy
    from workbench.domain.trading.events import AnyEvent
    from workbench.engine.risk_engine import RiskEngine, Start
    from workbench.execution.gateway import OrderGateway
    from workbench.execution.limits import PreTradeLimits
    from workbench.execution.paper.broker import PaperBroker
    from workbench.runtime.worlds.clock import Clock
    from workbench.runtime.worlds.world import World

FIRST_PRICES_SECONDS = 60.0
PRICE_LIVES_SECONDS = 5.0
"""Of a price orders may meet; a made-up market that quotes rarely has older ones."""


def supervised(world: "World", since_ns: int, known: "Mapping[str, float]") -> "FeedSupervisor":
    """Feeds of a world under one supervisor.

    Parameters
    ----------
    world : World
        Has the feeds.
    since_ns : int
        Where they begin.
    known : mapping of str to float
        Last known prices, so that a bad first one is seen.

    Returns
    -------
    FeedSupervisor
    """
    import numpy as np

    from workbench.data.feeds.supervisor import FeedSupervisor
    from workbench.domain.currencies import PAIRS

    return FeedSupervisor(world.feeds(since_ns), PAIRS, np.random.default_rng(since_ns % 2**32), known)


def first_prices(world: "World", feeds: "FeedSupervisor", clock: "Clock") -> "tuple[AnyEvent, ...]":
    """Wait until every currency has a price, and put the book on at these.

    Parameters
    ----------
    world : World
        Has the book.
    feeds : FeedSupervisor
        Where prices come from.
    clock : Clock
        Of the world.

    Returns
    -------
    tuple of Event

    Raises
    ------
    DataError
        When some currency has no price after a minute; nothing has begun then.
    """
    from workbench.domain.currencies import LEGS
    from workbench.domain.trading.market_hours import SECOND_NS
    from workbench.runtime.worlds.world import opening_of

    deadline, values = clock.now_ns() + round(FIRST_PRICES_SECONDS * SECOND_NS), dict[str, float]()
    while len(values) < len(LEGS):
        now = clock.now_ns()
        for quote in feeds.poll(now, {}).quotes:
            middle = 0.5 * (quote.bid + quote.ask)
            if quote.pair.endswith("USD"):
                values[quote.pair[:3]] = middle
            elif quote.pair.startswith("USD"):
                values[quote.pair[3:]] = 1.0 / middle
        if now > deadline:
            missing = ", ".join(leg for leg in LEGS if leg not in values)
            raise DataError(
                f"no price of {missing} within {FIRST_PRICES_SECONDS:.0f} s ({world.label}): the book cannot be put on "
                "without them and nothing has begun; start again when the feed delivers"
            )
        clock.wait_until(feeds.due_ns(now))
    return opening_of(world.book, {leg: values[leg] for leg in LEGS}, clock.now_ns())


def trading(
    request: "LiveRequest", policy: "Policy", journal: "Journal", world: "World", opening: "Sequence[AnyEvent]"
) -> "tuple[PaperBroker, PreTradeLimits, OrderGateway]":
    """The paper broker with its own books, the limits before it, and the gateway between.

    Parameters
    ----------
    request : LiveRequest
        Names the broker's plan.
    policy : Policy
        Its limits.
    journal : Journal
        Order ids carry its id; an old one knows the first positions.
    world : World
        Has the book.
    opening : sequence of Event
        First positions of a new journal.

    Returns
    -------
    tuple of (PaperBroker, PreTradeLimits, OrderGateway)
    """
    import numpy as np

    from workbench.domain.trading.market_hours import SECOND_NS
    from workbench.execution.blotter import GatewaySettings
    from workbench.execution.gateway import OrderGateway
    from workbench.execution.limits import PreTradeLimits
    from workbench.execution.paper.broker import PaperBroker
    from workbench.execution.paper.ledger import FileLedger
    from workbench.execution.paper.plan import PaperPlan
    from workbench.runtime.live.recovery import held_at_first, is_new
    from workbench.runtime.replay import held_strategies

    patience = max(PRICE_LIVES_SECONDS, 3.0 * request.seconds)
    plan = PaperPlan(price_lives_seconds=patience)
    if request.paper_file:
        plan = PaperPlan.from_toml(Path(request.paper_file))
    held = held_at_first(opening if is_new(journal) else journal)
    ledger = FileLedger(journal.folder / "paper.sqlite")
    broker = PaperBroker(plan, ledger, np.random.default_rng([request.seed, journal.epoch]), opening=held)
    settings = GatewaySettings(journal.id, price_lives_ns=round(patience * SECOND_NS))
    limits = PreTradeLimits(policy.pre_trade, held_strategies(world.book))
    return broker, limits, OrderGateway(settings, broker, limits)


def first_engine(world: "World", policy: "Policy", time_ns: int) -> "tuple[RiskEngine, Start]":
    """The engine of a new book.

    Parameters
    ----------
    world : World
        Has book and calibration.
    policy : Policy
        In force.
    time_ns : int
        Where it begins.

    Returns
    -------
    tuple of (RiskEngine, Start)
    """
    from workbench.engine.risk_engine import RiskEngine, Start
    from workbench.runtime.replay import held_strategies

    return RiskEngine(policy, world.calibration, held_strategies(world.book)), Start(time_ns, world.book.equity)
