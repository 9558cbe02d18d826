"""A journal of an hour to work by hand: long 900,000 EURUSD at 1.10, which falls by 6 % in ten minutes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workbench.data.feeds.protocol import RawQuote
from workbench.data.policy_file import read_policy
from workbench.domain.book import Book
from workbench.domain.policy import Policy
from workbench.domain.trading.events import PolicyChanged
from workbench.domain.trading.market_hours import MINUTE_NS, SECOND_NS
from workbench.runtime.replay.scenario import Evening, quick_calibration
from workbench.runtime.review.demonstration import play_demonstration
from workbench.runtime.review.what_if import amended
from workbench.runtime.worlds.clock import VirtualClock
from workbench.runtime.worlds.world import World, opening_of

NOON_NS = 1_793_361_600 * SECOND_NS
"""Friday 2026-10-30, 12:00 UTC."""
OFF = 50.0
"""A trigger nothing reaches: only the drawdown ladder is at work here."""
BOUNDED = ("normal", "elevated", "high", "extreme")
ONLY_DRAWDOWN: dict[str, Any] = {
    **{f"ladders.volatility.rung_{rung}.trigger": OFF + rung for rung in (1, 2, 3)},
    **{f"ladders.value_at_risk.rung_{rung}.trigger": 0.5 + 0.1 * rung for rung in (1, 2, 3)},
    **{f"ladders.correlation.rung_{rung}.trigger": OFF + rung for rung in (1, 2)},
    **{f"market_conditions.{name}.ratio_below": OFF + place for place, name in enumerate(BOUNDED)},
    **{f"market_conditions.{name}.score_up_to": 99.5 + 0.1 * place for place, name in enumerate(BOUNDED)},
}
HALF_SPREAD = 0.0001


@dataclass
class Fall:
    """EURUSD every five seconds: 1.10, from minute 20 to 30 down to 1.034, and there it stays."""

    label: str = "a fall made up for tests"
    name: str = "fall"
    synthetic: bool = True

    def poll(self, now_ns: int) -> Sequence[RawQuote]:
        """One quote."""
        share = min(max((now_ns - NOON_NS) / MINUTE_NS - 20.0, 0.0) / 10.0, 1.0)
        middle = 1.10 - 0.066 * share
        return [RawQuote(now_ns, "EURUSD", middle - HALF_SPREAD, middle + HALF_SPREAD)]

    def connect(self, now_ns: int) -> None:
        """Nothing to open."""

    def due_ns(self) -> int | None:
        """Not asked."""
        return None

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture(scope="session")
def drawdown_policy() -> Policy:
    return amended(read_policy(None), ONLY_DRAWDOWN)


@pytest.fixture(scope="session")
def fallen(ecb, drawdown_policy, tmp_path_factory) -> Path:
    """Folder of the journal: read it, do not change it."""
    folder = tmp_path_factory.mktemp("review") / "live"
    play_fall(folder, ecb, drawdown_policy)
    return folder


@dataclass
class Change:
    """Another policy is put in force, once, at a moment."""

    at_ns: int
    policy: Policy
    told: bool = False

    def events(self, now_ns: int, _state: Any) -> Sequence[PolicyChanged]:
        """The change when it is due."""
        if self.told or now_ns < self.at_ns:
            return ()
        self.told = True
        return (PolicyChanged(now_ns, self.policy),)

    def notes(self) -> Sequence[str]:
        """Nothing to say."""
        return ()

    def due_ns(self) -> int | None:
        """When it comes."""
        return None if self.told else self.at_ns


@pytest.fixture
def changed_midway(ecb, drawdown_policy, tmp_path) -> Path:
    """A journal in which the second rung of drawdown was put at 2 % ten minutes before the fall."""
    later = amended(
        drawdown_policy, {"ladders.drawdown.rung_1.trigger": 0.015, "ladders.drawdown.rung_2.trigger": 0.02}
    )
    play_fall(tmp_path / "live", ecb, drawdown_policy, [Change(NOON_NS + 10 * MINUTE_NS, later)])
    return tmp_path / "live"


def play_fall(folder: Path, ecb: Any, policy: Policy, sources: Sequence[Any] = ()) -> None:
    """Play the fall into a journal."""
    book, values = Book({"EURUSD": 900_000.0}, 1e6, name="by hand"), {**ecb.last_values(), "EUR": 1.10}
    world = World(
        "a fall made up for tests", synthetic=True, book=book,
        calibration=quick_calibration(Evening.last_of(ecb), book, policy),
        begins_ns=NOON_NS, ends_ns=NOON_NS + 60 * MINUTE_NS, clock=VirtualClock,
        feeds=lambda _start: [Fall()], sources=lambda _start: sources, opening=opening_of(book, values, NOON_NS),
    )  # fmt: skip
    play_demonstration(folder, world, policy, 1.0, quietly)


def quietly(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""


@pytest.fixture(scope="session")
def quiet() -> Callable[[str, int, int], None]:
    return quietly


@pytest.fixture
def fresh(ecb, drawdown_policy, tmp_path) -> Path:
    """A journal of one's own, to change or hurt."""
    play_fall(tmp_path / "live", ecb, drawdown_policy)
    return tmp_path / "live"
