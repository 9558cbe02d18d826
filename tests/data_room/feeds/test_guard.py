"""Each refusal around its edge, the marks, and a fuzz that rubbish never gets through."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.feeds.guard import Guard, Mark, Refusal
from workbench.data.feeds.protocol import RawQuote
from workbench.domain.currencies import PAIRS
from workbench.domain.errors import ConfigError
from workbench.domain.trading.market_hours import SECOND_NS

NOW = int(datetime(2024, 1, 10, 12, tzinfo=UTC).timestamp()) * SECOND_NS
MILLISECOND_NS = 1_000_000


def quote(mid: float = 1.1, *, at: float = 0.0, pair: str = "EURUSD", spread: float = 0.0001) -> RawQuote:
    return RawQuote(NOW + round(at * SECOND_NS), pair, mid - spread / 2, mid + spread / 2)


def judged(guard: Guard, raw: RawQuote) -> Refusal | None:
    return guard.judge(raw, raw.event_ns).refusal


@pytest.fixture
def guard() -> Guard:
    """A guard that knows EURUSD at 1.1 since `NOW`."""
    guard = Guard(PAIRS)
    assert judged(guard, quote()) is None
    return guard


@pytest.mark.parametrize(
    ("bid", "ask", "refusal"),
    [
        (1.1, 1.1, None),
        (1.1, 1.1001, None),
        (math.nan, 1.1, Refusal.NOT_A_NUMBER),
        (1.1, math.nan, Refusal.NOT_A_NUMBER),
        (math.inf, math.inf, Refusal.NOT_A_NUMBER),
        (-math.inf, 1.1, Refusal.NOT_A_NUMBER),
        (0.0, 1.1, Refusal.NOT_POSITIVE),
        (-1.1, 1.1, Refusal.NOT_POSITIVE),
        (-1.1, -1.2, Refusal.NOT_POSITIVE),
        (1.1001, 1.1, Refusal.CROSSED),
        (1e300, 1e300, Refusal.IMPLAUSIBLE),
        (1.7e308, 1.7e308, Refusal.IMPLAUSIBLE),
        (0.009, 0.009, Refusal.IMPLAUSIBLE),
        (1.0, 1.5, None),
        (1.0, 1.51, Refusal.IMPLAUSIBLE),
    ],
)
def test_a_first_quote_passes_the_absolute_checks_only(bid: float, ask: float, refusal: Refusal | None) -> None:
    assert judged(Guard(PAIRS), RawQuote(NOW, "EURUSD", bid, ask)) is refusal


@pytest.mark.parametrize("pair", ["EURPLN", "", "eurusd", "EUR/USD", "EURUSD\x00", "💶"])
def test_a_pair_outside_the_universe_is_refused(pair: str) -> None:
    assert judged(Guard(PAIRS), quote(pair=pair)) is Refusal.WRONG_INSTRUMENT


@pytest.mark.parametrize(
    ("age_ns", "refusal"),
    [
        (5 * SECOND_NS, None),
        (5 * SECOND_NS + 1, Refusal.OUTDATED),
        (-2 * SECOND_NS, None),
        (-2 * SECOND_NS - 1, Refusal.FROM_THE_FUTURE),
    ],
)
def test_the_clock_of_the_feed_may_be_five_seconds_behind_and_two_ahead(age_ns: int, refusal: Refusal | None) -> None:
    raw = quote()
    assert Guard(PAIRS).judge(raw, raw.event_ns + age_ns).refusal is refusal


def test_an_older_quote_than_the_last_is_refused_and_one_of_the_same_time_is_not(guard: Guard) -> None:
    older = RawQuote(NOW - 1, "EURUSD", 1.1, 1.1002)
    assert guard.judge(older, NOW).refusal is Refusal.REORDERED
    assert judged(guard, RawQuote(NOW, "EURUSD", 1.1, 1.1002)) is None
    assert guard.judge(quote(1.3, at=-1.0, pair="GBPUSD"), NOW).refusal is None


def test_the_same_quote_of_the_same_time_is_a_duplicate(guard: Guard) -> None:
    assert judged(guard, quote()) is Refusal.DUPLICATE
    assert judged(guard, quote(at=0.001)) is None


@pytest.mark.parametrize(
    ("factor", "refusal"),
    [
        (1.49, None),
        (1.51, Refusal.IMPLAUSIBLE),
        (1 / 1.49, None),
        (1 / 1.51, Refusal.IMPLAUSIBLE),
        (10, Refusal.IMPLAUSIBLE),
        (0.1, Refusal.IMPLAUSIBLE),
    ],
)
def test_a_price_half_as_high_again_is_refused(guard: Guard, factor: float, refusal: Refusal | None) -> None:
    assert judged(guard, quote(1.1 * factor, at=1.0)) is refusal


def test_a_level_that_insists_stays_refused_and_people_are_told_once(guard: Guard) -> None:
    verdicts = [guard.judge(quote(2.0, at=k), NOW + k * SECOND_NS) for k in range(1, 31)]
    assert {verdict.refusal for verdict in verdicts} == {Refusal.IMPLAUSIBLE}
    assert [k for k, verdict in enumerate(verdicts) if verdict.mark is Mark.NEW_LEVEL] == [4]
    assert judged(guard, quote(1.1002, at=31)) is None


@pytest.mark.parametrize(
    ("bid", "ask", "why"),
    [
        (2.2, 2.2, Refusal.IMPLAUSIBLE),
        (1e6, 1e6, Refusal.IMPLAUSIBLE),
        (math.nan, 1.1, Refusal.NOT_A_NUMBER),
        (0.0, 1.1, Refusal.NOT_POSITIVE),
        (1.1, 1.09, Refusal.CROSSED),
    ],
)
def test_a_pair_that_gives_nothing_but_impossible_prices_is_lost_until_a_good_one(
    guard: Guard, bid: float, ask: float, why: Refusal
) -> None:
    for second in range(1, 8):
        assert guard.lost == {}
        assert judged(guard, RawQuote(NOW + second * SECOND_NS, "EURUSD", bid, ask)) is why
    assert guard.lost == {"EURUSD": why}
    assert judged(guard, quote(1.1, at=8)) is None and guard.lost == {}


def test_impossible_prices_between_good_ones_lose_nothing(guard: Guard) -> None:
    for second in range(1, 60):
        judged(guard, quote(2.2 if second % 5 else 1.1 + second / 1e5, at=second))
        assert guard.lost == {}


def test_late_and_repeated_prices_do_not_say_that_the_last_one_is_wrong(guard: Guard) -> None:
    for second in range(1, 60):
        late, again = quote(1.2, at=second - 10), quote()
        assert {guard.judge(one, NOW + second * SECOND_NS).refusal for one in (late, again)} <= {
            Refusal.OUTDATED,
            Refusal.DUPLICATE,
        }
    assert guard.lost == {} and guard.accepted == 1


@pytest.mark.parametrize("mids", [[2.0, 2.1, 2.0, 2.1, 2.0], [2.0] * 4, [2.0, 3.0, 4.0, 5.0, 6.0]])
def test_prices_that_disagree_or_are_few_are_no_level(guard: Guard, mids: list[float]) -> None:
    marks = [guard.judge(quote(mid, at=k + 1), NOW + (k + 1) * SECOND_NS).mark for k, mid in enumerate(mids)]
    assert set(marks) == {Mark.NONE}


def test_a_price_known_beforehand_keeps_a_wrong_first_quote_out() -> None:
    guard = Guard(PAIRS, {"EURUSD": 1.1})
    assert judged(guard, quote(11.0)) is Refusal.IMPLAUSIBLE
    assert judged(guard, quote(1.12)) is None
    assert guard.spikes == 0


@pytest.mark.parametrize("mid", [0.0, -1.0, math.nan, math.inf])
def test_a_known_price_must_be_one(mid: float) -> None:
    with pytest.raises(ConfigError, match="for EURUSD"):
        Guard(PAIRS, {"EURUSD": mid})


def calm_guard(typical: float) -> tuple[Guard, float]:
    """A guard after 500 normal moves with this median size, and the last price."""
    guard, generator, mid = Guard(PAIRS), np.random.default_rng(5), 1.1
    for k in range(500):
        mid *= math.exp(generator.normal(0.0, typical / 0.6745))
        guard.judge(quote(mid, at=0.01 * k), NOW + 10 * MILLISECOND_NS * k)
    return guard, mid


@pytest.mark.parametrize(("move", "mark"), [(0.03, Mark.SPIKE), (0.0011, Mark.SPIKE), (0.0009, Mark.NONE)])
def test_a_real_gap_gets_through_at_once_with_a_mark(move: float, mark: Mark) -> None:
    guard, mid = calm_guard(2e-5)
    verdict = guard.judge(quote(mid * math.exp(move), at=6.0), NOW + 6 * SECOND_NS)
    assert (verdict.refusal, verdict.mark) == (None, mark)
    assert guard.spikes == (mark is Mark.SPIKE)


def test_in_a_wild_market_only_a_wilder_move_is_a_spike() -> None:
    guard, mid = calm_guard(3e-4)
    assert guard.spikes == 0
    assert guard.judge(quote(mid * 1.002, at=6.0), NOW + 6 * SECOND_NS).mark is Mark.NONE
    assert guard.judge(quote(mid * 1.002 * 1.006, at=7.0), NOW + 7 * SECOND_NS).mark is Mark.SPIKE


def test_the_running_median_stays_near_the_median() -> None:
    guard, _ = calm_guard(2e-5)
    assert guard._last["EURUSD"].typical == pytest.approx(2e-5, rel=0.3)


def repeats(guard: Guard, count: int, seconds: float, others_move: bool) -> list[Refusal | None]:
    """Verdicts on a price of EURUSD that stands still from one second after `NOW` on."""
    seen, mid = [], 1.3
    for k in range(1, count + 1):
        mid += 0.0001 if others_move else 0.0
        judged(guard, quote(mid, at=k * seconds, pair="GBPUSD"))
        seen.append(judged(guard, quote(at=k * seconds)))
    return seen


def test_the_twenty_first_repeat_is_stale_while_others_move(guard: Guard) -> None:
    assert repeats(guard, 23, 1.0, others_move=True) == [None] * 20 + [Refusal.STALE_REPEAT] * 3
    assert judged(guard, quote(1.1001, at=24)) is None


def test_a_repeat_is_stale_after_a_minute_while_others_move(guard: Guard) -> None:
    assert repeats(guard, 5, 20.0, others_move=True) == [None] * 3 + [Refusal.STALE_REPEAT] * 2


def test_a_market_in_which_nothing_moves_is_not_stale(guard: Guard) -> None:
    assert repeats(guard, 50, 1.0, others_move=False) == [None] * 50


def test_refusals_are_counted(guard: Guard) -> None:
    for raw in (quote(), quote(), quote(11.0, at=1), quote(pair="XXXYYY")):
        judged(guard, raw)
    counts = {reason: count for reason, count in guard.refused.items() if count}
    assert counts == {Refusal.DUPLICATE: 2, Refusal.IMPLAUSIBLE: 1, Refusal.WRONG_INSTRUMENT: 1}
    assert guard.accepted == 1


def test_the_codes_of_refusals_are_stable() -> None:
    assert [reason.value for reason in Refusal] == list(range(10))
    assert Refusal.STALE_REPEAT == 9 and Refusal.NOT_A_NUMBER == 0


PRICES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1e308, 5e-324, 1.1, 1.1001, 11.0, 0.11]),
    st.floats(1.0, 1.2),
)
RUBBISH = st.builds(
    RawQuote,
    st.one_of(st.integers(NOW - 10 * SECOND_NS, NOW + 10 * SECOND_NS), st.integers(-(10**30), 10**30)),
    st.one_of(st.sampled_from(["EURUSD", "EURUSD", "EURPLN", "eurusd"]), st.text(max_size=8)),
    PRICES,
    PRICES,
)


@settings(deadline=None)
@given(st.lists(RUBBISH, max_size=30))
def test_rubbish_never_gets_through(raws: list[RawQuote]) -> None:
    guard, mid, last_ns = Guard(PAIRS, {"EURUSD": 1.1}), 1.1, -(2**63)
    for raw in raws:
        if guard.judge(raw, NOW).refusal is not None:
            continue
        middle = (raw.bid + raw.ask) / 2
        assert raw.pair in PAIRS
        assert 0.0 < raw.bid <= raw.ask < math.inf
        assert NOW - 5 * SECOND_NS <= raw.event_ns <= NOW + 2 * SECOND_NS
        if raw.pair == "EURUSD":
            assert mid / 1.5 * 0.999 < middle < mid * 1.5 * 1.001 and raw.event_ns >= last_ns
            mid, last_ns = middle, raw.event_ns
    assert guard.accepted + sum(guard.refused.values()) == len(raws)
