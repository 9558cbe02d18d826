"""A loop that speaks when told to, the heartbeat of a control service, and a watchdog on both, on their own clock."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.data.inbox import Inbox
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import Row, RowKind
from workbench.data.policy_file import read_policy
from workbench.response.alerts.direct import DirectPages
from workbench.response.alerts.messages import Letter
from workbench.response.alerts.outbox import Receipt
from workbench.response.alerts.watchdog_file import ServiceBeat, read_heartbeat
from workbench.runtime.watchdog import Watchdog, WatchOptions

SECOND, NOON = 1_000_000_000, 1_795_780_800 * 1_000_000_000
KEY = Signer.from_seed(bytes(32))
PEOPLE = read_policy().people


@dataclass(frozen=True)
class Someone:
    name: str
    level: int
    contacts: Mapping[str, str]
    certified_until_ns: int | None = None
    disabled: bool = False


class SmallRoster:
    def __init__(self) -> None:
        names = enumerate(("ann", "cara", "dan"), 1)
        self.people = {name: Someone(name, level, {"call": name}) for level, name in names}

    def on_call(self, level: int, time_ns: int) -> Someone:
        return list(self.people.values())[level - 1]


class Phone:
    name, personal = "call", True

    def __init__(self) -> None:
        self.letters: list[tuple[float, Letter]] = []

    def hand_over(self, letter: Letter, timeout_seconds: float) -> Receipt:
        self.letters.append((time.monotonic(), letter))
        return Receipt(handed=True, answer="taken")


@dataclass
class TestClock:
    """Time that passes when somebody sleeps."""

    __test__ = False
    seconds: float = 0.0
    meanwhile: Callable[[], None] = lambda: None
    """Happens while somebody sleeps for less than a second."""

    def wall_ns(self) -> int:
        return NOON + int(self.seconds * SECOND)

    def steady(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        if seconds < 1:
            self.meanwhile()
        self.seconds += seconds


@dataclass
class Kennel:
    """A loop's journal that speaks when told to, and a watchdog on it."""

    home: Path
    clock: TestClock = field(default_factory=TestClock)
    phone: Phone = field(default_factory=Phone)
    told: list[str] = field(default_factory=list)
    process: int = field(default_factory=os.getpid)
    """The loop's number, as it shows it; the one that holds the lock of its journal is always this process."""

    def __post_init__(self) -> None:
        self.loop = Journal(self.home / "live", KEY)
        self.options = WatchOptions(self.home / "control", halt=True, tell=self.told.append)
        self.options.control.mkdir(parents=True, exist_ok=True)
        self.beat = ServiceBeat(self.options.control, "https://box.example/")
        self.watchdog = self.fresh()

    def fresh(self, **options: object) -> Watchdog:
        pages = DirectPages({"call": self.phone}, SmallRoster, PEOPLE)
        return Watchdog(self.home / "live", pages, self.clock, replace(self.options, **options))

    def speak(self, *rows: Row) -> None:
        self.loop.write(rows, {"status": json.dumps({"loop": {"wall_ns": self.clock.wall_ns()}, "pid": self.process})})

    def run(self, seconds: float, *, speaking: bool) -> None:
        for _ in range(int(seconds)):
            if speaking:
                self.speak()
            self.watchdog.turn()
            self.settle()
            self.clock.sleep(1)

    def serve(self, seconds: float, *, turning: bool) -> None:
        """The loop speaks; the control service turns, or does not."""
        for _ in range(int(seconds)):
            if turning:
                self.beat.tell(self.clock.wall_ns())
            self.run(1, speaking=True)

    def settle(self) -> None:
        for _ in range(500):
            if self.watchdog._pages._workers.idle():
                break
            self.watchdog._pages.turn(self.clock.wall_ns())
            time.sleep(0.001)

    def called(self) -> list[str]:
        return [letter.address for _, letter in self.phone.letters]

    def stop_in_good_order(self) -> None:
        """The loop says that it was asked to stop, and is gone."""
        self.speak(Row(RowKind.NOTE, NOON, b'{"kind":"stopped","sentence":"the loop was asked to stop"}'))
        self.loop.close(NOON)

    def start_again(self) -> None:
        """Another loop takes the lock, and has not spoken yet."""
        self.loop = Journal(self.home / "live", KEY)

    def level(self) -> int:
        """Of what people are paged for because of the loop; 0 for nothing."""
        beat = read_heartbeat(self.options.control)
        return beat.incident.level if beat is not None and beat.incident is not None else 0

    def halts(self) -> int:
        """Messages in the loop's inbox."""
        return len(Inbox(self.home / "live" / "inbox").waiting())
