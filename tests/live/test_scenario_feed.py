"""A scenario as a feed: everything once, in the order of time, from any moment on, and the backup a little later."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from workbench.data.feeds.paths import Fixes, QuotePlan
from workbench.data.feeds.protocol import RawQuote
from workbench.domain.currencies import PAIRS
from workbench.domain.trading.market_hours import MINUTE_NS
from workbench.runtime.worlds.scenario_feed import ECHO_NS, ScenarioFeed

HOURS = pd.DatetimeIndex([f"2016-06-23T{hour}:15" for hour in (12, 13, 14)], tz="UTC").as_unit("ns").asi8
FIXES = Fixes(
    HOURS,
    np.array([[1.13, 0.0095, 1.48, 1.04, 0.76, 0.78, 0.72]]) * np.array([[1.0], [0.97], [0.96]]),
    np.array([np.eye(7) * 1e-4] * 2),
)
PLAN = QuotePlan(dict.fromkeys(PAIRS, 1.0), 60.0)


@pytest.fixture
def feed() -> Callable[..., ScenarioFeed]:
    """A feed of two hours with a quote of each pair a minute."""
    return lambda start=0, **more: ScenarioFeed(("a", "b"), FIXES, PLAN, seed=3, start_ns=int(HOURS[0]) + start, **more)


def test_everything_is_handed_over_once_however_often_it_is_asked_for(feed) -> None:
    at_once, asked, handed = feed().poll(int(HOURS[2])), feed(), list[RawQuote]()
    assert asked.poll(int(HOURS[0]) - 1) == []
    for moment in range(int(HOURS[0]), int(HOURS[2]) + 1, 7 * MINUTE_NS):
        handed += asked.poll(moment)
        assert asked.poll(moment) == [] and (asked.due_ns() or moment + 1) > moment
    handed += asked.poll(int(HOURS[2]))
    assert handed == at_once and len(handed) == 2 * 60 * len(PAIRS)
    assert np.all(np.diff([raw.event_ns for raw in handed]) >= 0)
    assert (asked.ended, asked.due_ns(), asked.poll(2**62)) == (True, None, [])


def test_a_feed_that_starts_in_the_middle_plays_the_rest_of_the_same_prices(feed) -> None:
    whole = feed().poll(int(HOURS[2]))
    for minutes in (0, 17, 60, 61):
        rest = feed(minutes * MINUTE_NS).poll(int(HOURS[2]))
        assert rest == [raw for raw in whole if raw.event_ns >= HOURS[0] + minutes * MINUTE_NS]


def test_the_echo_is_the_same_a_fifth_of_a_second_later(feed) -> None:
    whole, echo = feed().poll(int(HOURS[2])), feed(echo=True).poll(int(HOURS[2]) + ECHO_NS)
    assert [(raw.event_ns + ECHO_NS, raw.pair, raw.bid, raw.ask) for raw in whole] == [
        (raw.event_ns, raw.pair, raw.bid, raw.ask) for raw in echo
    ]
