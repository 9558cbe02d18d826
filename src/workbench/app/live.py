"""The live loop put together: world, journal, broker, orders, engine; and what people ask of it from a shell."""

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import apsw

from workbench.app.live_parts import (
    adopted_strategies,
    first_engine,
    first_prices,
    halted_after_a_loss,
    supervised,
    tell_how_it_opened,
    trading,
)
from workbench.app.live_shell import live_folder, set_aside
from workbench.app.live_start import in_real_time, starting
from workbench.app.sources import load_rates, registry
from workbench.data.files import reason_of
from workbench.domain.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

    from workbench.domain.policy import Policy
    from workbench.engine.risk_engine import EngineState
    from workbench.runtime.live.loop import LiveLoop
    from workbench.runtime.live.recovery import Begun
    from workbench.runtime.worlds.world import World

DISK_ERRORS = frozenset({errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says of a disk that is full or fails; the last one of a limit on the size of files."""
LOG_ROOM_BYTES = 5 * 2**20
"""SQLite folds its log into the file every 1,000 pages of 4,120 bytes: so much, and one write more, does it need."""


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """What the command line asks of a loop; empty strings mean the default.

    Attributes
    ----------
    feed, backup : str
        See `WorldOrder`.
    speed, seconds, seed : float, float, int
        See `WorldOrder`.
    folder : str
        Where its journal is.
    book_file, equity : str, float
        Positions at the very start; a made-up world has a reference book without.
    policy_file, paper_file : str
        The user's own policy, and plan of the paper broker.
    new : bool
        Move an earlier journal aside and begin anew.
    changed_by, approved_by : str
        Two people who want the policy of the file in place of the one in force.
    """

    feed: str = "replay:brexit-2016"
    backup: str = ""
    speed: float = 1.0
    seconds: float = 2.0
    seed: int = 0
    folder: str = ""
    book_file: str = ""
    equity: float = 1e6
    policy_file: str = ""
    paper_file: str = ""
    new: bool = False
    changed_by: str = ""
    approved_by: str = ""


def run_live(request: LiveRequest, stopped: Callable[[], bool], tell: Callable[[str], None]) -> None:
    """Run the loop until it is stopped or its world ends.

    Parameters
    ----------
    request : LiveRequest
        From the command line.
    stopped : callable
        Whether to stop.
    tell : callable
        Takes a sentence for people.

    Raises
    ------
    ConfigError, DataError
        When it cannot start.
    ExecutionError
        When the disk refuses, or the program is wrong: start again.
    """
    from workbench.data.policy_file import read_policy

    folder = live_folder(request.folder)
    policy = read_policy(Path(request.policy_file) if request.policy_file else None)
    if request.new and (aside := set_aside(folder)):
        tell(f"the earlier journal is now in {aside}")
    with ExitStack() as opened:
        with starting(folder, tell):
            world = world_of(request, policy)
            tell(f"{world.label}; {world.book.name} book, equity {world.book.equity:,.0f} USD")
            loop, begun = opened.enter_context(opened_loop(request, policy, world, folder))
        tell(f"journal in {folder}: " + (f"resumed after {begun.stepped} events" if begun.resumed else "new"))
        if request.speed == 1.0:
            # a replay that runs faster would take all there is from whoever watches it
            hindered = opened.enter_context(in_real_time())
            tell(f"the loop runs among other programs, {hindered}" if hindered else "the loop runs in real time")
        loop.run(lambda: stopped() or is_over(world, loop))
        tell(". ".join(("stopped: everything is on the disk, starting again goes on from here", *loop.ending.left)))


def disk_trouble(error: BaseException) -> str:
    """What to tell people when it is the disk that ended a loop, at its start or later.

    Parameters
    ----------
    error : BaseException
        From `run_live`; what it was raised from counts.

    Returns
    -------
    str
        One sentence; empty when something else is wrong, which would be wrong again at the next start.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (apsw.IOError, apsw.FullError)) or (
            isinstance(cause, OSError) and cause.errno in DISK_ERRORS
        ):
            said = reason_of(error) if isinstance(error, OSError) else str(error)
            return f"the disk is full or fails: {said}; see to it, a new start goes on from what it has kept"
        cause = cause.__cause__
    return ""


def without_arrow() -> None:
    """Let pandas do without Arrow in this process: the loop reads no Parquet, and 39 MB stay free (measured).

    Call it before anything imports pandas: it has no effect where Arrow is loaded already.
    """
    sys.modules.setdefault("pyarrow", cast("ModuleType", None))


def is_over(world: "World", loop: "LiveLoop") -> bool:
    """Whether a replay has come to its end.

    Parameters
    ----------
    world : World
        Knows when.
    loop : LiveLoop
        Knows the time.

    Returns
    -------
    bool
    """
    return world.ends_ns is not None and int(loop.state.time_ns) >= world.ends_ns


@contextmanager
def opened_loop(
    request: LiveRequest, policy: "Policy", world: "World", folder: Path
) -> "Iterator[tuple[LiveLoop, Begun]]":
    """A loop on its journal, ready to turn.

    Parameters
    ----------
    request : LiveRequest
        From the command line.
    policy : Policy
        In force for a new journal.
    world : World
        Where it lives.
    folder : Path
        Of the journal.

    Yields
    ------
    tuple of (LiveLoop, Begun)
    """
    from workbench.data.inbox import Inbox
    from workbench.data.journal.chain import Signer
    from workbench.data.journal.journal import Journal, JournalOptions
    from workbench.runtime.live.halts import Halts
    from workbench.runtime.live.log import Metrics, open_log
    from workbench.runtime.live.loop import LiveLoop
    from workbench.runtime.live.outside import Outside
    from workbench.runtime.live.recovery import begin, is_new
    from workbench.runtime.projection.health import Machine
    from workbench.runtime.worlds.policy_watch import policy_sources

    names = (request.changed_by, request.approved_by)
    # before the lock names this process: a signal that nobody listens to would end it
    messages = Inbox(folder / "inbox")
    inbox = Halts(messages)
    journal = Journal(folder, Signer.open(folder), JournalOptions(log_room_bytes=LOG_ROOM_BYTES))
    halted_after_a_loss(journal, messages)
    since = world.begins_ns
    clock, feeds = world.clock(since), supervised(world, since, world.mids)
    opening = world.opening
    if is_new(journal) and world.book.pairs and not opening:
        opening = first_prices(world, feeds, clock)
    broker, limits, gateway = trading(request, policy, journal, world, opening)
    fresh = first_engine(world, policy, since)
    begun = begin(journal, gateway, fresh, opening, {"feed": request.feed, "label": world.label})
    if begun.resumed:
        since = int(begun.state.time_ns)
        clock, feeds = world.clock(since), supervised(world, since, mids_of(begun.state))
    sources = [*world.sources(since), *policy_sources(begun.state, policy, request.policy_file, names)]
    log, file = open_log(folder / "log.jsonl")
    with file, inbox:
        about = {
            "label": world.label, "synthetic": world.synthetic, "feed": request.feed, "pid": os.getpid(),
            "strategy_set": adopted_strategies(log),
        }  # fmt: skip
        outside = Outside(
            clock, time.perf_counter_ns, journal, feeds, broker, limits, inbox, sources, log, about,
            Metrics(folder / "metrics.prom").publish, Machine(folder), speed=request.speed,
        )  # fmt: skip
        tell_how_it_opened(journal, begun, log)
        log("info", "loop started", resumed=begun.resumed, stepped=begun.stepped, feed=request.feed)
        yield LiveLoop(outside, (begun.engine, begun.state), gateway, seen=begun.seen, memory=begun.memory), begun


def mids_of(state: "EngineState") -> dict[str, float]:
    """Good prices of the engine.

    Parameters
    ----------
    state : EngineState
        Now.

    Returns
    -------
    dict of str to float
        Pairs without a price are left out.
    """
    from workbench.domain.currencies import PAIRS

    return {pair: price for pair, price in zip(PAIRS, state.good.tolist(), strict=True) if price > 0}


def world_of(request: LiveRequest, policy: "Policy") -> "World":
    """The world a request names.

    Parameters
    ----------
    request : LiveRequest
        From the command line.
    policy : Policy
        In force.

    Returns
    -------
    World

    Raises
    ------
    ConfigError
        When the feed is none there is.
    """
    from workbench.data.book import read_book
    from workbench.domain.book import Book
    from workbench.runtime.replay import find_scenario
    from workbench.runtime.worlds import world as worlds
    from workbench.runtime.worlds.sources import AdoptedCalibrations

    order = worlds.WorldOrder(request.feed, request.backup, request.speed, request.seconds, request.seed)
    kind, _, name = request.feed.partition(":")
    book = read_book(Path(request.book_file), equity=request.equity) if request.book_file else None
    if kind == "replay":
        return worlds.scenario_world(load_rates(), policy, find_scenario(policy, name), order, book or request.equity)
    if kind == "simulated":
        return worlds.simulated_world(load_rates(), policy, order, book or request.equity)
    if kind != "tail":
        raise ConfigError(
            f"unknown feed {request.feed!r}: expected replay:SCENARIO (see `workbench replay --list`), simulated, "
            "simulated:SEED, or tail:FILE"
        )
    known = registry()
    slow = [AdoptedCalibrations(known.folder / "adopted.json", known.adopted)]
    flat = Book({}, request.equity, name="flat")
    return worlds.incoming_world(order, book or flat, known.adopted(), lambda: slow, load_rates().last_values())
