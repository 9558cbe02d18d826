"""Positions: the compiled walk against a plain twin written from the words of the policy, and each rule by hand."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.data.policy_file import read_policy
from workbench.domain.trading.modes import Regime
from workbench.strategies import Bars, Exits, bar_starts, walk
from workbench.strategies.positions import ENTRY, SIGNAL_GONE, STOP, STOP_AND_TURN, TARGET, TURN

POLICY = read_policy(None)


class PlainStrategy:
    """A strategy as one would tell it: no arrays, no codes."""

    def __init__(self, exits, half_spread):
        self.exits, self.half_spread = exits, half_spread
        self.units = self.entry_price = self.stop = 0.0
        self.signal, self.waits_for_change_from, self.bars, self.said = 0, None, 0, []

    @property
    def direction(self):
        return int(np.sign(self.units))

    def mark(self, close):
        if self.direction == 0:
            return
        gain = self.direction * (close - self.entry_price) / self.entry_price
        if gain <= -self.stop or (self.exits.reward_to_risk and gain >= self.stop * self.exits.reward_to_risk):
            self.units = 0.0
            self.waits_for_change_from = self.signal

    def bar(self, side, close, regime):
        side = int(np.sign(side))
        if self.direction:
            self.bars += 1
        self.signal = side
        self.said.append(side)
        if side != self.waits_for_change_from:
            self.waits_for_change_from = None
        if self.direction and side != self.direction:
            if self.bars < self.exits.minimum_hold[regime]:
                return
            self.units = 0.0
            self.waits_for_change_from = None
        enough = self.said[-self.exits.confirmations :] == [side] * self.exits.confirmations
        if side and enough and not self.direction and self.waits_for_change_from is None:
            self.stop, self.bars = self.exits.stop_distance[regime], 0
            self.units = side * self.exits.risk_per_trade / self.stop / close
            self.entry_price = close + side * self.half_spread


def random_bars(seed, marks=1500):
    generator = np.random.default_rng(seed)
    closes = np.exp(np.cumsum(generator.normal(0.0, 0.012, marks)))
    side = generator.choice([-1.0, 0.0, 1.0], marks, p=[0.4, 0.2, 0.4])
    new_bar = generator.random(marks) < generator.choice([0.2, 0.6, 1.0])
    side = np.where(new_bar, side, 0.0)
    for t in range(1, marks):
        side[t] = side[t] if new_bar[t] and generator.random() < 0.2 else side[t - 1]
    regime = np.repeat(generator.integers(0, len(Regime), marks // 50 + 1), 50)[:marks]
    return Bars(closes, side, new_bar, regime.astype(np.int64), generator.choice([0.0, 0.0004]))


@pytest.mark.parametrize("seed", range(50))
def test_the_compiled_walk_is_the_plain_twin(seed):
    bars = random_bars(seed)
    exits = replace(Exits.of(POLICY, ("conservative", "moderate", "aggressive")[seed % 3]), confirmations=1 + seed % 4)
    twin, expected = PlainStrategy(exits, bars.half_spread), []
    for t, close in enumerate(bars.closes):
        twin.mark(close)
        if bars.new_bar[t]:
            twin.bar(bars.side[t], close, bars.regime[t])
        expected.append(twin.units)
    held, happened = walk(bars, exits)
    assert np.array_equal(held, np.array(expected))
    assert {ENTRY, STOP, TARGET} <= set(happened.tolist())


def one_pair(closes, side, exits=None, regime=Regime.NORMAL, half_spread=0.0):
    count = len(closes)
    bars = Bars(
        np.array(closes, dtype=float), np.array(side, dtype=float), np.arange(count) > 0,
        np.full(count, int(regime), dtype=np.int64), half_spread,
    )  # fmt: skip
    return walk(bars, Exits.of(POLICY, "conservative") if exits is None else exits)


def test_exposure_is_risk_over_stop_distance():
    held, happened = one_pair([1.0, 1.25, 1.25], [0, 1, 1])
    assert held[1] == pytest.approx(0.01 / 0.02 / 1.25)
    assert happened.tolist() == [0, ENTRY, 0]
    crisis, _ = one_pair([1.0, 1.25, 1.25], [0, 1, 1], regime=Regime.CRISIS)
    assert crisis[1] == pytest.approx(0.01 / 0.04 / 1.25)


def test_after_a_stop_nothing_is_entered_until_the_signal_has_changed():
    held, happened = one_pair([1.0, 1.0, 0.979, 1.0, 1.0, 1.0], [0, 1, 1, 1, -1, 1])
    assert happened.tolist() == [0, ENTRY, STOP, 0, ENTRY, TURN]
    assert np.sign(held).tolist() == [0, 1, 0, 0, -1, 1]


def test_the_target_is_reward_times_the_stop_away():
    _, happened = one_pair([1.0, 1.0, 1.0399, 1.0401], [0, 1, 1, 1])
    assert happened.tolist() == [0, ENTRY, 0, TARGET]


def test_stops_are_measured_from_the_price_paid():
    _, near = one_pair([1.0, 1.0, 0.9805], [0, 1, 1])
    _, paid = one_pair([1.0, 1.0, 0.9805], [0, 1, 1], half_spread=0.001)
    assert near[2] != STOP and paid[2] == STOP


def test_a_stop_and_a_new_side_on_one_mark_give_the_new_position():
    held, happened = one_pair([1.0, 1.0, 0.97], [0, 1, -1])
    assert happened[2] == STOP_AND_TURN and held[2] < 0


def test_a_turn_waits_for_the_minimum_hold_a_stop_does_not():
    _, happened = one_pair([1.0] * 6, [0, 1, -1, -1, -1, -1], regime=Regime.TRENDING)
    assert happened.tolist() == [0, ENTRY, 0, 0, TURN, 0]
    _, stopped = one_pair([1.0, 1.0, 0.97, 1.0], [0, 1, 1, 1], regime=Regime.TRENDING)
    assert stopped[2] == STOP


def test_an_entry_waits_for_its_confirmations():
    twice = replace(Exits.of(POLICY, "conservative"), confirmations=2)
    _, happened = one_pair([1.0] * 7, [0, 1, -1, -1, 1, 1, 1], exits=twice)
    assert happened.tolist() == [0, 0, 0, ENTRY, SIGNAL_GONE, ENTRY, 0]
    assert Exits.of(POLICY, "conservative").confirmations == POLICY.market_conditions.normal.confirmations == 1


def test_a_signal_that_is_gone_closes():
    held, happened = one_pair([1.0, 1.0, 1.0], [0, 1, 0])
    assert happened[2] == SIGNAL_GONE and held[2] == 0.0


def test_weeks_begin_on_mondays_and_bars_of_four_hours_at_their_hours():
    times = np.arange("2026-10-29", "2026-11-11", dtype="datetime64[D]")
    assert times[bar_starts(times, "weekly")].astype(str).tolist() == ["2026-11-02", "2026-11-09"]
    hours = np.arange("2026-10-29T00", "2026-10-29T12", dtype="datetime64[h]")
    assert hours[bar_starts(hours, "4h")].astype(str).tolist() == ["2026-10-29T04", "2026-10-29T08"]
    assert not bar_starts(hours, "daily").any()
