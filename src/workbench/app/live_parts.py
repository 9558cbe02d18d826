"""Parts of a live loop: feeds under supervision, first prices, the paper broker with limits and gateway, the engine."""

import secrets
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.errors import DataError, ExecutionError, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.app.live import LiveRequest
    from workbench.data.feeds.supervisor import FeedSupervisor
    from workbench.data.inbox import Inbox
    from workbench.data.journal.journal import Journal
    from workbench.domain.policy import Policy
    from workbench.domain.trading.events import AnyEvent
    from workbench.engine.risk_engine import RiskEngine, Start
    from workbench.execution.gateway import OrderGateway
    from workbench.execution.limits import PreTradeLimits
    from workbench.execution.paper.broker import PaperBroker
    from workbench.runtime.live.outside import Log
    from workbench.runtime.live.recovery import Begun
    from workbench.runtime.worlds.clock import Clock
    from workbench.runtime.worlds.world import World

FIRST_PRICES_SECONDS = 60.0
PRICE_LIVES_SECONDS = 5.0
"""Of a price orders may meet; a made-up market that quotes rarely has older ones."""


def halted_after_a_loss(journal: "Journal", inbox: "Inbox") -> None:
    """Leave a halt when the journal has lost acknowledged rows: the loop acts on it before anything else.

    It must be on the disk before the journal is written, which forgets the loss then. When the disk does not take it,
    the halt is asked for by signal.

    Parameters
    ----------
    journal : Journal
        Opened, and not yet written.
    inbox : Inbox
        Of the loop; `Halts` listens to signals already.
    """
    from workbench.data.inbox import Command

    if not journal.lost:
        return
    try:
        inbox.send(Command.made("halt", "the loop", time.time_ns(), reason=journal.lost[:2_000]))
    except ExecutionError:
        signal.raise_signal(signal.SIGUSR1)


def tell_how_it_opened(journal: "Journal", begun: "Begun", log: "Log") -> None:
    """Say in log, journal and projection what people should know of how the journal was opened.

    Parameters
    ----------
    journal : Journal
        Has the notes.
    begun : Begun
        Knows the time, and what is shown.
    log : Log
        Takes a line each.
    """
    from workbench.runtime.live.rows import plain_row

    now = int(begun.state.time_ns)
    for sentence in journal.notes:
        log("warning", sentence, kind="journal")
        begun.memory.recent.noted(now, "journal", sentence)
    if journal.notes:
        journal.write([plain_row(now, {"kind": "journal", "sentence": sentence}) for sentence in journal.notes])


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
    # drawn anew at every start: a damaged disk may take rows back, and no number of theirs may be used again
    prefix = f"{journal.id}.{secrets.token_hex(3)}"
    settings = GatewaySettings(prefix, price_lives_ns=round(patience * SECOND_NS))
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


def adopted_strategies(log: "Log") -> "dict[str, str | int] | None":
    """The strategy set that research has adopted; the loop only shows which one it is.

    Parameters
    ----------
    log : Log
        Told when it cannot be read: a book is protected all the same.

    Returns
    -------
    dict or None
        ``id``, ``as_of`` and the number of ``strategies``; None while there is none that can be read.
    """
    from workbench.app.weekly import strategy_registry

    try:
        found = strategy_registry().adopted()
    except WorkbenchError as error:
        log("warning", f"the adopted strategy set is not shown: {error}")
        return None
    if found is None:
        return None
    return {"id": found.id, "as_of": found.as_of.isoformat(), "strategies": len(found.members)}
