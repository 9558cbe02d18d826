"""Feeds that fall silent, never speak, or lose a price: the book stops growing and people are told why."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.app.live import LiveRequest, opened_loop
from workbench.data.calendar import fix_times
from workbench.data.policy_file import read_policy
from workbench.domain.book import Book
from workbench.domain.trading.market_hours import HOUR_NS, SECOND_NS
from workbench.runtime.live.loop import LiveLoop
from workbench.runtime.replay.scenario import Evening, quick_calibration
from workbench.runtime.worlds.clock import VirtualClock
from workbench.runtime.worlds.world import GRAIN_NS, WorldOrder, incoming_world, mids_from

Price = Callable[[int, str, float], float | None]


class Market(VirtualClock):
    """Time that is jumped over, and another program that appends quotes to a file meanwhile, every second."""

    def __init__(self, start_ns: int, path: Path, mids: dict[str, float], price: Price) -> None:
        super().__init__(start_ns, GRAIN_NS)
        self.start_ns, self._path, self._mids, self._price = start_ns, path, mids, price
        self._written = 0

    @property
    def seconds(self) -> float:
        """Since the start."""
        return (self.now_ns() - self.start_ns) / SECOND_NS

    def jump(self, seconds: float) -> None:
        """Time nobody sees: what was written meanwhile went by unread."""
        super().wait_until(self.now_ns() + int(seconds * SECOND_NS))
        self._written = int(self.seconds)

    def wait_until(self, time_ns: int) -> None:
        super().wait_until(time_ns)
        while self._written < self.seconds - 1:
            self._written += 1
            moment = self.start_ns + self._written * SECOND_NS
            prices = {pair: self._price(self._written, pair, mid) for pair, mid in self._mids.items()}
            lines = [f"{moment},{pair},{mid:.5f},{mid:.5f}\n" for pair, mid in prices.items() if mid is not None]
            if lines:
                with self._path.open("a") as file:
                    file.writelines(lines)


class Living:
    """A loop in such a market."""

    def __init__(self, market: Market, loop: LiveLoop) -> None:
        self.market, self.loop = market, loop

    def after(self, seconds: float) -> dict[str, Any]:
        """What people are shown so many seconds after the start."""
        while self.market.seconds < seconds:
            self.loop.turn()
            self.market.wait_until(self.loop.due_ns())
        table: dict[str, Any] = json.loads(self.loop.status(self.market.now_ns()))
        return table


@pytest.fixture
def living(ecb, tmp_path) -> Iterator[Callable[..., Living]]:
    """Start a loop that tails a file: its book, and the price of each pair at each second; None for no quote."""
    before = signal.getsignal(signal.SIGUSR1)
    with ExitStack() as opened:

        def start(book: dict[str, float], price: Price) -> Living:
            path, policy, held = tmp_path / "quotes.csv", read_policy(None), Book(book, 1e6)
            begins = int(fix_times(ecb.dates[-1:]).as_unit("ns").asi8[0]) + HOUR_NS
            values = ecb.last_values()
            market = Market(begins, path, mids_from(values), price)
            calibration = quick_calibration(Evening.last_of(ecb), Book({"EURUSD": 1e4}, 1e6), policy)
            world = incoming_world(WorldOrder(f"tail:{path}"), held, calibration, list, values)
            world = replace(world, clock=lambda _: market, begins_ns=begins)
            request = LiveRequest(f"tail:{path}", folder=str(tmp_path / "book"))
            loop, _ = opened.enter_context(opened_loop(request, policy, world, tmp_path / "book"))
            opened.callback(loop._outside.feeds.close)
            opened.callback(loop.end)
            return Living(market, loop)

        yield start
    signal.signal(signal.SIGUSR1, before)


def mode(table: dict[str, Any]) -> str:
    return table["book"]["mode"]


def notes(table: dict[str, Any]) -> list[str]:
    return [note["sentence"] for note in table["notes"] if note["kind"] == "feed"]


def technical(table: dict[str, Any]) -> list[bool]:
    return [row["holds"] for row in table["book"]["ladders"] if row["ladder"] == "TECHNICAL"]


def test_a_file_that_stops_growing_stops_growth_after_half_a_minute_and_flattens_after_two(living) -> None:
    loop = living({"EURUSD": 1e4}, lambda second, _, mid: mid * (1 + second % 5 / 1e4) if second <= 30 else None)
    assert mode(loop.after(30)) == "ACTIVE"
    assert mode(loop.after(58)) == "ACTIVE"
    table = loop.after(64)
    assert mode(table) == "REDUCING" and technical(table) == [True, True, False]
    assert any(row["units"] for row in table["book"]["positions"])
    table = loop.after(155)
    assert mode(table) == "HALTED" and all(technical(table))
    assert not any(row["target"] for row in table["book"]["positions"])


def test_a_flat_book_whose_feed_never_connects_says_so_and_stays_safe(living) -> None:
    loop = living({}, lambda *_: None)
    assert notes(loop.after(20)) == []
    poor, told = notes(table := loop.after(70))
    assert "has not connected once in" in told and "quotes.csv" in told and "scores 0 of 100" in poor
    assert mode(table) == "REDUCING" and not table["loop"]["priced"]
    table = loop.after(160)
    assert mode(table) == "HALTED" and table["orders"] == [] and notes(table) == [poor, told]


def test_a_pair_that_really_moves_by_more_than_half_is_not_taken_for_unchanged(living) -> None:
    def price(second: int, pair: str, mid: float) -> float:
        return mid * (1 + second % 5 / 1e4) * (1.8 if pair == "EURCHF" and 30 < second <= 100 else 1.0)

    loop = living({"EURCHF": 1e4}, price)
    assert mode(loop.after(30)) == "ACTIVE"
    refused = [one for one in notes(loop.after(40)) if "EURCHF" in one]
    assert any("it stays refused" in one for one in refused)
    assert any("counts as silent: of EURCHF, last good at" in one for one in refused)
    assert mode(loop.after(64)) == "ACTIVE"
    table = loop.after(72)
    assert mode(table) == "REDUCING" and technical(table) == [True, True, False]
    assert any("counts again" in one for one in notes(loop.after(104)))


def test_a_pair_that_stops_while_others_go_on_shows_when_its_last_quote_came(living) -> None:
    loop = living(
        {"EURUSD": 1e4, "GBPUSD": 1e4},
        lambda second, pair, mid: None if pair == "GBPUSD" and second > 30 else mid * (1 + second % 5 / 1e4),
    )
    table = loop.after(90)
    behind = table["quoted"]["EURUSD"] - table["quoted"]["GBPUSD"]
    assert 55 * SECOND_NS < behind < 62 * SECOND_NS
    assert mode(table) == "ACTIVE", "the feed itself is not silent"


def test_status_of_a_loop_that_was_killed_says_that_no_loop_is_running(live, command) -> None:
    loop = live("--speed", "1")
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    alive = command("status")
    assert alive.wait() == 0 and "NO LOOP IS RUNNING" not in alive.out.read_text()
    loop.signal(signal.SIGKILL)
    assert loop.wait() == -signal.SIGKILL
    dead = command("status")
    assert dead.wait() == 0, dead.err.read_text()
    assert "NO LOOP IS RUNNING: this is how it was at " in dead.out.read_text()
    waiting = command("halt", "--as", "ana")
    assert waiting.wait() == 0 and "no loop is running: the message is on the disk" in waiting.out.read_text()


@pytest.mark.parametrize("stood", [True, False])
def test_a_process_that_stood_still_does_not_take_that_for_silence_of_the_feed(living, stood) -> None:
    loop = living({"EURUSD": 1e4}, lambda second, _, mid: mid * (1 + second % 5 / 1e4))
    assert not any(technical(loop.after(20)))
    loop.market.jump(8)
    if stood:
        loop.loop._turned_at -= 8 * SECOND_NS
    assert technical(loop.after(loop.market.seconds + 0.3)) == [not stood, False, False]
    table = loop.after(loop.market.seconds + 3)
    assert any("stood still for 8." in one["sentence"] for one in table["notes"]) is stood
