"""Quality of a feed: capture, refusals, silence and score, all in market time."""

from datetime import UTC, datetime

import pytest

from workbench.data.feeds.guard import Guard, Refusal
from workbench.data.feeds.protocol import RawQuote
from workbench.data.feeds.quality import FeedQuality, QualityMeter, freshness
from workbench.domain.errors import ConfigError
from workbench.domain.trading.market_hours import HOUR_NS, SECOND_NS

UNIVERSE = ("EURUSD", "GBPUSD")


def moment(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * SECOND_NS


NOW = moment(2024, 1, 10, 12)
CLOSES, OPENS = moment(2024, 1, 12, 22), moment(2024, 1, 14, 22)


def meter(start_ns: int = NOW, rate: float | None = None, guard: Guard | None = None) -> QualityMeter:
    return QualityMeter(guard or Guard(UNIVERSE), UNIVERSE, start_ns, rate)


def run(account: QualityMeter, start_ns: int, seconds: range, pairs: tuple[str, ...] = UNIVERSE) -> None:
    for second in seconds:
        account.begin(start_ns + second * SECOND_NS)
        for pair in pairs:
            account.accept(pair)


def at(account: QualityMeter, now_ns: int) -> FeedQuality:
    account.begin(now_ns)
    return account.snapshot("feed", "a test", connected=True)


@pytest.mark.parametrize("rate", [None, 0.5])
def test_a_steady_feed_is_perfect(rate: float | None) -> None:
    account = meter(rate=rate)
    run(account, NOW, range(2, 602, 2))
    quality = at(account, NOW + 600 * SECOND_NS)
    assert (quality.accepted, quality.expected) == (600, pytest.approx(600))
    assert (quality.capture_rate, quality.score) == (1.0, 100.0)
    assert quality.longest_silence_seconds == 2.0
    assert quality.last_accepted_ns == dict.fromkeys(UNIVERSE, NOW + 600 * SECOND_NS)


@pytest.mark.parametrize("rate", [None, 0.5])
def test_an_outage_is_missed_at_the_rate_of_the_feed(rate: float | None) -> None:
    account = meter(rate=rate)
    run(account, NOW, range(2, 302, 2))
    run(account, NOW, range(400, 602, 2))
    quality = at(account, NOW + 600 * SECOND_NS)
    assert quality.capture_rate == pytest.approx(502 / 600, abs=0.002)
    assert quality.longest_silence_seconds == 100.0


@pytest.mark.parametrize("rate", [None, 0.5])
def test_one_pair_that_falls_silent_is_missed(rate: float | None) -> None:
    account = meter(rate=rate)
    run(account, NOW, range(2, 302, 2))
    run(account, NOW, range(302, 602, 2), ("GBPUSD",))
    assert at(account, NOW + 600 * SECOND_NS).capture_rate == pytest.approx(0.75, abs=0.005)


def test_a_pair_that_never_came_is_held_to_the_others() -> None:
    account = meter()
    run(account, NOW, range(2, 602, 2), ("GBPUSD",))
    assert at(account, NOW + 600 * SECOND_NS).capture_rate == pytest.approx(0.5)


def test_a_slow_pair_is_not_silent_between_two_quotes() -> None:
    account = meter()
    run(account, NOW, range(30, 630, 30))
    assert at(account, NOW + 615 * SECOND_NS).capture_rate == 1.0


def test_a_feed_that_never_spoke_scores_nothing() -> None:
    quality = at(meter(), NOW + 60 * SECOND_NS)
    assert (quality.capture_rate, quality.score, quality.silence_seconds) == (0.0, 0.0, 60.0)
    assert at(meter(), NOW).capture_rate == 1.0


def test_a_week_end_is_neither_expected_nor_missed() -> None:
    start = CLOSES - 600 * SECOND_NS
    account = meter(start)
    run(account, start, range(2, 600, 2))
    saturday = at(account, CLOSES + 12 * HOUR_NS)
    assert (saturday.capture_rate, saturday.silence_seconds) == (1.0, 2.0)
    run(account, OPENS, range(2, 602, 2))
    quality = at(account, OPENS + 600 * SECOND_NS)
    assert quality.score == pytest.approx(100.0, abs=0.2) and quality.longest_silence_seconds == 4.0


def test_quotes_of_a_closed_market_are_not_counted() -> None:
    account = meter(CLOSES - SECOND_NS)
    run(account, CLOSES + HOUR_NS, range(10))
    quality = at(account, CLOSES + 2 * HOUR_NS)
    assert quality.accepted == 0 and quality.last_accepted_ns["EURUSD"] == CLOSES + HOUR_NS + 9 * SECOND_NS


def test_the_score_is_the_product_of_its_three_parts() -> None:
    guard = Guard(UNIVERSE)
    account = meter(rate=1.0, guard=guard)
    for second in range(1, 101):
        time_ns = NOW + second * SECOND_NS
        account.begin(time_ns)
        for pair, bid in (("EURUSD", 1.1 + second * 1e-5), ("GBPUSD", -1.0 if second <= 50 else 1.3 + second * 1e-5)):
            if guard.judge(RawQuote(time_ns, pair, bid, bid + 1e-4), time_ns).refusal is None:
                account.accept(pair)
    quality = at(account, NOW + 115 * SECOND_NS)
    assert quality.refused_shares == {Refusal.NOT_POSITIVE: 0.25}
    assert quality.capture_rate == pytest.approx(150 / 230)
    assert quality.score == pytest.approx(100 * (150 / 230) * 0.75 * 0.6)


@pytest.mark.parametrize(("silence", "wanted"), [(0, 1.0), (5, 1.0), (17.5, 0.5), (30, 0.0), (1_000, 0.0)])
def test_freshness_falls_between_the_first_two_rungs(silence: float, wanted: float) -> None:
    assert freshness(silence) == pytest.approx(wanted)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match="must be positive"):
        meter(rate=rate)
