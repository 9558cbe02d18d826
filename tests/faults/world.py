"""A simulated world: one seed drives clock, disk, market, broker and people; the live loop inside is the real one.

Phase 1: faults on, safety is checked. Phase 2: faults off, convergence too. The process may die at any operation of the
disk; whatever starts again does so as production does, through `recovery.begin` on what the disk has kept.
"""

from collections import Counter
from dataclasses import dataclass

import apsw
import numpy as np
from invariants import Convergence, Witness, followed, stepped_again
from market import FaultyFeed, Market
from planted import HONEST, PLANTED
from script import EQUITY, QUIET_BROKER, Strike, drawn, ground
from simulated_disk import SimulatedDisk
from trouble import MemoryInbox, Signals, TroubledBroker, WatchedJournal, in_words, journal_folder

from workbench.data.feeds.supervisor import FeedSupervisor
from workbench.data.inbox import Command
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import JournalError, JournalOptions
from workbench.data.journal.storage import DATABASE
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.errors import WorkbenchError
from workbench.domain.trading.events import AnyEvent
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.domain.trading.orders import Order
from workbench.engine.risk_engine import RiskEngine, Start
from workbench.execution.blotter import GatewaySettings
from workbench.execution.limits import PreTradeLimits
from workbench.execution.paper.ledger import MemoryLedger
from workbench.runtime.live.loop import LiveLoop
from workbench.runtime.live.outside import Outside, Rhythm
from workbench.runtime.live.recovery import begin, held_at_first, is_new
from workbench.runtime.worlds.world import mids_from, opening_of

RHYTHM = Rhythm(inbox_ns=SECOND_NS, shown_ns=3_600 * SECOND_NS, snapshot_ns=25 * SECOND_NS, figures_ns=30 * SECOND_NS)
CHECKPOINT_ROWS = 300
SMALLEST_WAIT_NS = 1_000
MOST_TURNS = 4_000
MOST_STARTS = 40
CALM_SECONDS = 12
"""A world goes on at least so long after its faults; at most `LATEST_SECONDS`."""
LATEST_SECONDS = 150
STEPPED_AGAIN_EVERY = 8
"""One world in so many has its whole journal stepped again: every restart does it from the last snapshot on anyway."""


class ProcessDiedError(BaseException):
    """The power is gone: no `except Exception` of the program under test may catch it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a world: broken promises, counts, the journal's last digest and last rows."""

    seed: int
    violations: tuple[str, ...]
    counts: "Counter[str]"
    digest: str
    rows: tuple[str, ...]

    @property
    def report(self) -> str:
        """For people."""
        broken, last = "\n  ".join(self.violations), "\n  ".join(self.rows)
        again = f"python tests/faults/campaign.py --first {self.seed} --seeds 1"
        return f"seed {self.seed} broke a promise:\n  {broken}\nlast rows:\n  {last}\nalone: {again}"


class SimulatedClock:
    """Stands still while work is done, and jumps over waiting."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Time now."""
        return self._now_ns

    def wait_until(self, time_ns: int) -> None:
        """Be there at once, and a little later than before in any case."""
        self._now_ns = max(self._now_ns + SMALLEST_WAIT_NS, time_ns)


class SimulatedWorld:
    """A world of a seed.

    Parameters
    ----------
    seed : int
        Decides everything.
    bug : str or None
        Name of a planted bug; None for the honest program.
    """

    def __init__(self, seed: int, bug: str | None = None) -> None:
        self.script = script = drawn(seed)
        self._program = PLANTED[bug] if bug else HONEST
        self.market = Market(
            np.random.default_rng([seed, 2]), script.start_ns, script.values, script.leaps, script.crashes, script.ticks
        )
        self.clock, self.ledger = SimulatedClock(script.start_ns), MemoryLedger()
        self.disk = SimulatedDisk(np.random.default_rng([seed, 3]))
        self.witness = Witness(self.market, self.ledger)
        self.inbox = MemoryInbox(self.disk)
        self._chance = np.random.default_rng([seed, 4])
        self._broker: TroubledBroker | None = None
        self._strikes, self._messages = list(script.strikes), list(script.messages)
        self._signals = Signals(list(script.signals))
        self._armed: Strike | None = None
        self._said: list[Command] = []
        self._calm: Convergence | None = None
        self._over = self._stopping = False
        self._loop: LiveLoop | None = None
        self._engine: RiskEngine | None = None
        self._starts = 0

    # ----------------------------------------------------------------------------------------------------- its life

    def run(self) -> Outcome:
        """Live through it.

        Returns
        -------
        Outcome
        """
        with self.disk, self._program.around():
            while not self._over:
                self._live()
            return self._ended()

    def _live(self) -> None:
        """One process, from its start to its end."""
        try:
            self._start()
            self._stopping = False
            if self._loop is not None:
                self._loop.run(self._stopped)
        except ProcessDiedError:
            pass
        except JournalError:
            self.witness.counts["journal refused"] += not self.disk.lost_power
        except WorkbenchError as error:
            if not self.disk.lost_power:
                self.witness.violate("RUN", f"the program failed: {type(error).__name__}: {error}")
        self._over = self._over or bool(self.witness.violations)
        if not self._over:
            self._bury()

    def _bury(self) -> None:
        self.witness.counts["power lost"] += self.disk.lost_power
        if self.disk.lost_power:
            self.disk.crash()
        else:
            self.disk.kill()
        self.disk.plan.heal()
        self.witness.state, self._loop = None, None
        if not self.script.keeps_broker:
            self._broker = None
        later_ns = self.clock.now_ns() + int(self._chance.integers(0, 8)) * SECOND_NS
        self.clock.wait_until(self.market.next_ns(later_ns))

    def _start(self) -> None:
        """As production starts: journal, broker, limits, gateway, engine, feeds, loop."""
        self._starts += 1
        if self._starts > MOST_STARTS:
            raise WorkbenchError(f"{MOST_STARTS} starts were not enough")
        self._program.on_disk(self.disk)
        script, (policy, calibration, _, _) = self.script, ground()
        journal = self._opened()
        now = self.clock.now_ns()
        new = is_new(journal)
        opening = opening_of(script.book, self._values(now), now) if new else ()
        broker = self._connected(held_at_first(opening if new else journal))
        limits = PreTradeLimits(policy.pre_trade, script.strategies)
        gateway = self._program.gateway(GatewaySettings(journal.id), broker, limits)
        self._program.equip(gateway)
        if self._engine is None:
            self._engine = RiskEngine(policy, calibration, script.strategies)
        fresh = (self._engine, Start(now, EQUITY))
        begun = begin(journal, gateway, fresh, opening, {"feed": "simulated", "label": "simulated"})
        begun = self._program.begun(begun, gateway)
        self.witness.counts["restarts"] += begun.resumed
        self.witness.started(journal, begun.state)
        feeds = self._feeds(now, opening)
        outside = Outside(
            self.clock, self.clock.now_ns, journal, feeds, broker, limits, self.inbox, [self._signals], _silent,
            {"label": "simulated"}, wall_ns=self.clock.now_ns,
        )  # fmt: skip
        self.gateway = gateway
        self._loop = self._program.loop(
            outside, (begun.engine, begun.state), gateway, seen=begun.seen, rhythm=RHYTHM, memory=begun.memory
        )

    def _opened(self) -> WatchedJournal:
        name = f"{self.script.seed:012x}"
        options = JournalOptions(self.disk.name, exclusive=True, checkpoint_rows=CHECKPOINT_ROWS, journal_id=name)
        journal = self._program.journal(
            journal_folder(), Signer.from_seed(b"a key of a simulated machine...."), options
        )
        journal.watcher = self
        self.witness.opened(journal)
        return journal

    def _values(self, now: int) -> dict[str, float]:
        return dict(zip(LEGS, self.market.values[self.market.tick(now)].tolist(), strict=True))

    def _connected(self, held: dict[str, float]) -> TroubledBroker:
        """The broker that is there, or a new one on the old books."""
        if self._broker is None:
            plan = self.script.paper if self._calm is None else QUIET_BROKER
            generator = np.random.default_rng([self.script.seed, 5, self._starts])
            self._broker = TroubledBroker((self, self.disk), plan, self.ledger, generator, held)
            if self._calm is not None:
                self._broker.heal(QUIET_BROKER)
        return self._broker

    def _feeds(self, now: int, opening: tuple[AnyEvent, ...]) -> FeedSupervisor:
        generator = np.random.default_rng([self.script.seed, 6, self._starts])
        chance = (generator, self.witness.counts)
        feeds = [
            FaultyFeed(f"feed {number}", self.market, self.script.quoted, plan, chance)
            for number, plan in enumerate(self.script.feeds)
        ]
        state = self.witness.state
        known = (
            mids_from(self._values(now))
            if opening or state is None
            else {pair: price for pair, price in zip(PAIRS, state.good.tolist(), strict=True) if price > 0.0}
        )
        return FeedSupervisor(feeds, PAIRS, generator, known, 0.5)

    # ------------------------------------------------------------------------------------------- between two turns

    def _stopped(self) -> bool:
        """Look at the turn that is over, and let happen what is due; whether the loop is asked to stop."""
        if self.disk.lost_power:
            raise ProcessDiedError
        loop = self._loop
        if loop is None:
            raise ProcessDiedError
        witness = self.witness
        if loop.turns:
            witness.state = loop.state
            witness.turned(loop.state, self.inbox.halts_done)
            self.inbox.halts_done.clear()
        if witness.counts["turns"] > MOST_TURNS:
            witness.violate("RUN", f"{MOST_TURNS} turns were not enough")
        now = self.clock.now_ns()
        tick = self.market.tick(now)
        if tick in self.script.leaps and now < self.market.times_ns[tick + 1]:
            witness.counts["machine slept"] += 1
            self.clock.wait_until(self.market.times_ns[tick + 1])
            # nobody was awake to converge
            self._calm = Convergence(self.clock.now_ns()) if self._calm else None
        witness.now_ns = self.clock.now_ns()
        self._post(tick)
        if tick >= self.script.calm_tick:
            self._let_converge(loop)
        elif self._strikes and self._strikes[0].tick <= tick:
            self._strike(self._strikes.pop(0))
        return self._stopping or self._over or bool(witness.violations)

    def _post(self, tick: int) -> None:
        now = self.clock.now_ns()
        while self._messages and self._messages[0].tick <= tick:
            message = self._messages.pop(0)
            self.witness.counts[f"message: {message.act or 'rubbish'}"] += 1
            if message.act == "":
                self.inbox.put_rubbish(now)
            elif message.act != "again":
                self._said.append(self.inbox.put(message.act, "first", now, **message.fields))
                self.witness.asked(self._said[-1])
            elif self._said:
                self.inbox.put_again(self._said[-1])

    def _strike(self, strike: Strike) -> None:
        plan = self.disk.plan
        self.witness.counts[f"strike: {strike.kind}"] += 1
        if strike.kind == "power":
            plan.power_at(strike.number)
        elif strike.kind == "power at an order":
            self._armed = strike
        elif strike.kind == "write fails":
            plan.fail_write(strike.number)
        elif strike.kind == "sync fails":
            plan.fail_sync(1 + strike.number % 4)
        elif strike.kind == "disk full":
            plan.capacity_bytes = self.disk.used_bytes()
        else:
            self._stopping = True

    def _let_converge(self, loop: LiveLoop) -> None:
        """Phase 2: no faults any more."""
        now, broker = self.clock.now_ns(), self._connected({})
        if self._calm is None:
            self._calm, self._armed = Convergence(now), None
            self.disk.plan.heal()
            self._program.on_disk(self.disk)
            broker.heal(QUIET_BROKER)
            for feed in self.script.feeds:
                feed.heal()
            if self.script.resumed:
                self.inbox.put("resume", "first", now, approver="second", rebaseline_peak=True)
        if self.witness.last_quote_ns < self._calm.calm_ns:
            return
        late = self._calm.late(loop.state, self.gateway, broker, now)
        for sentence in late or ():
            self.witness.violate("I8", f"after its time: {sentence}")
        waited_s = (now - self._calm.calm_ns) / SECOND_NS
        slept = any(leap >= self.script.calm_tick and leap >= self.market.tick(now) for leap in self.script.leaps)
        self._over = not slept and ((late is None and waited_s >= CALM_SECONDS) or bool(self.witness.violations))
        self.witness.counts["converged"] = late is None

    # ------------------------------------------------------------------------------- what the witness is told first

    @property
    def counts(self) -> "Counter[str]":
        """Of the witness."""
        return self.witness.counts

    def submitted(self, order: Order) -> None:
        """Pass on; and the power may go at an order."""
        if self._loop is not None:
            self.witness.state = self._loop.state
        self.witness.submitted(order)
        if self._armed is not None:
            self.disk.plan.power_at(1 + self._armed.number % 9)
            self._armed = None

    def __getattr__(self, name: str) -> object:
        if name in ("accepted", "executed", "wrote"):
            return getattr(self.witness, name)
        raise AttributeError(name)

    # ---------------------------------------------------------------------------------------------------- its end

    def _ended(self) -> Outcome:
        """Look at what is left: the chain, the last row, equity, and now and then every decision."""
        witness, loop = self.witness, self._loop
        self.disk.plan.heal()
        self.disk.crash()
        connection = apsw.Connection(str(journal_folder() / DATABASE), vfs=self.disk.name)
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        rows = followed(connection, f"{self.script.seed:012x}", witness.head)
        words: tuple[str, ...] = ()
        digest = ""
        if isinstance(rows, str):
            witness.violate("I5", rows)
        else:
            digest = rows[-1].digest.hex()
            if not witness.violations and loop is not None and self._broker is not None:
                first = next(row for row in rows if row.kind == 1)
                start = self.market.tick(first.time_ns)
                prices = dict(zip(PAIRS, self.market.mids[start].tolist(), strict=True))
                witness.check_equity(loop.state, self._broker, (EQUITY, prices))
                again = self._program is HONEST and self.script.seed % STEPPED_AGAIN_EVERY == 0
                if again and (difference := stepped_again(rows, loop.state)):
                    witness.violate("I7", f"stepping the journal again: {difference}")
            if witness.violations:
                words = tuple(in_words(row) for row in rows[-15:])
        return Outcome(self.script.seed, tuple(witness.violations), witness.counts, digest, words)


def _silent(*said: str, **fields: object) -> None:
    """A log nobody reads."""
