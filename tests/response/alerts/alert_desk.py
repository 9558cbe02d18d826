"""A roster, a loop's journal, channels that do as they are told, and a dispatcher among them."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.data.inbox import Inbox
from workbench.data.journal.chain import Signer
from workbench.data.journal.codec import encode_decision
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import Row, RowKind
from workbench.data.policy_file import read_policy
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.decisions import AnyDecision, RaiseAlert, RungReleased
from workbench.domain.trading.modes import Ladder
from workbench.domain.trading.reasons import Reason
from workbench.response.alerts.channels import Channel
from workbench.response.alerts.dispatcher import Dispatcher, Surroundings
from workbench.response.alerts.messages import Letter
from workbench.response.alerts.outbox import Receipt
from workbench.response.incidents.loop_alerts import LoopAlerts

SECOND, MINUTE, HOUR = 1_000_000_000, 60_000_000_000, 3_600_000_000_000
NOON = 1_795_780_800 * SECOND
"""2026-11-27 12:00 UTC: no quiet hours."""
ONE_KEY = Signer.from_seed(bytes(32))


@dataclass(frozen=True)
class Someone:
    name: str
    level: int
    contacts: Mapping[str, str]
    certified_until_ns: int | None = None
    disabled: bool = False


@dataclass
class SmallRoster:
    """One person on call at each level; levels in `holes` have nobody on call."""

    people: dict[str, Someone]
    holes: set[int] = field(default_factory=set)

    def on_call(self, level: int, time_ns: int) -> Someone:
        if level in self.holes:
            raise DataError(f"nobody is on call at L{level}")
        return next(one for one in self.people.values() if one.level == level)


def someone(name: str, level: int) -> Someone:
    number = f"+1555{abs(hash_of(name)) % 10**7:07d}"
    return Someone(name, level, {"email": f"{name}@example.org", "sms": number, "call": number})


def hash_of(name: str) -> int:
    return sum(ord(letter) * 31**place for place, letter in enumerate(name))


def roster() -> SmallRoster:
    people = [someone("ann", 1), someone("ben", 1), someone("cara", 2), someone("dan", 3), someone("vera", 0)]
    return SmallRoster({one.name: one for one in people})


class Fake:
    """A channel of this test: keeps what it is given; refuses, or hangs, while told to."""

    def __init__(self, name: str, *, personal: bool = True) -> None:
        self.name, self.personal = name, personal
        self.letters: list[Letter] = []
        self.refuses = False
        self.hangs: threading.Event | None = None

    def hand_over(self, letter: Letter, timeout_seconds: float) -> Receipt:
        if self.hangs is not None:
            self.hangs.wait(5)
        if self.refuses:
            return Receipt(handed=False, answer="refused")
        self.letters.append(letter)
        return Receipt(handed=True, answer="taken")


def four() -> dict[str, Fake]:
    return {name: Fake(name, personal=name != "chat") for name in ("chat", "email", "sms", "call")}


def policy_with(**paging: object) -> Policy:
    policy = read_policy()
    people = policy.people.model_copy(update={"paging": policy.people.paging.model_copy(update=paging)})
    return policy.model_copy(update={"people": people})


def rung(level: int, number: int, ladder: Ladder = Ladder.DRAWDOWN, time_ns: int = NOON) -> RaiseAlert:
    return RaiseAlert(time_ns, Reason.RUNG_TRIPPED, "p" * 12, "c", level, 0.06, 0.05, 10.0, ladder, number)


def released(number: int, ladder: Ladder = Ladder.DRAWDOWN, time_ns: int = NOON) -> RungReleased:
    return RungReleased(time_ns, Reason.RUNG_RELEASED, "p" * 12, "c", ladder, number, 0.01)


class Desk:
    """Everything around a dispatcher, in a folder; `start` makes a new dispatcher on what is on the disk."""

    def __init__(self, folder: Path, policy: Policy, channels: dict[str, Fake] | None = None) -> None:
        self.folder, self.policy = folder, policy
        self.channels: dict[str, Channel] = dict(four() if channels is None else channels)
        self.roster = roster()
        self.loop = Journal(folder / "live", ONE_KEY)
        self.loop.write([Row(RowKind.NOTE, NOON, b'{"kind":"started"}')])
        self.journal: Journal | None = None
        self.conditions: dict = {}
        self.inbox = Inbox(folder / "live" / "inbox")

    def start(self) -> Dispatcher:
        self.stop()
        self.journal = Journal(self.folder / "control", ONE_KEY)
        source = LoopAlerts(self.folder / "live", self.policy)
        around = Surroundings(
            self.journal, source, self.inbox, lambda: self.roster, dict(self.channels), self.policy,
            lambda time_ns: self.conditions, "https://box.example/",
        )  # fmt: skip
        return Dispatcher(around)

    def stop(self) -> None:
        if self.journal is not None:
            self.journal.close(NOON)
            self.journal = None

    def close(self) -> None:
        self.stop()
        self.loop.close(NOON)

    def say(self, *decisions: AnyDecision) -> None:
        self.loop.write([Row(RowKind.DECISION, one.time_ns, encode_decision(one)) for one in decisions])

    def letters(self, channel: str) -> list[Letter]:
        return self.channels[channel].letters  # type: ignore[attr-defined, no-any-return]


def settle(dispatcher: Dispatcher, now: int, seconds: float = 10.0) -> None:
    """Turn at one moment until no channel has anything left to say."""
    ends = time.monotonic() + seconds
    dispatcher.turn(now)
    while not dispatcher._workers.idle() and time.monotonic() < ends:
        time.sleep(0.002)
        dispatcher.turn(now)
    dispatcher.turn(now)
