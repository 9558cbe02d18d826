"""What the page is told: parts that changed, history thinned without losing an extreme, and nothing that acts."""

import json
import random

import pytest

from workbench.monitor.board.messages import Beats, History, alert_words, cut_words
from workbench.monitor.board.series import MOST_POINTS, newest_rows, series_of, thinned
from workbench.monitor.board.source import Condition, Source

MINUTE_NS, DAY_NS = 60 * 10**9, 86_400 * 10**9
BEGIN_NS = 1_466_640_000 * 10**9
GOOD = Condition("ok", "The loop is running.", 0.1)


class Shelf:
    """Series in memory."""

    def __init__(self, bodies: dict[str, str]) -> None:
        self.bodies = bodies

    def shown(self, key: str) -> str | None:
        return self.bodies.get(key)

    def shown_keys(self, beginning: str) -> list[str]:
        return sorted(key for key in self.bodies if key.startswith(beginning))


@pytest.fixture
def week(hour_of_minutes) -> Shelf:
    bodies: dict[str, str] = {}
    for hour in range(24 * 7):
        bodies |= hour_of_minutes(hour)
    return Shelf(bodies)


def test_only_parts_that_changed_are_told_again():
    beats, table = Beats(), {"book": {"mode": "ACTIVE"}, "orders": [1], "loop": {"turns": 1}}
    first = beats.next(table, GOOD, 5)
    assert first["sections"] == table
    assert first["source"] == {"state": "ok", "sentence": "The loop is running.", "age_seconds": 0.1}
    second = beats.next({**table, "loop": {"turns": 2}}, GOOD, 6)
    assert (second["n"], second["sections"]) == (2, {"loop": {"turns": 2}})
    assert beats.next({"book": table["book"]}, GOOD, 7)["sections"] == {"orders": None, "loop": None}
    beats.forget()
    assert beats.next(table, GOOD, 8)["sections"] == table


@pytest.mark.parametrize(("period", "count"), [("hour", 60), ("day", 1_440)])
def test_a_short_period_keeps_every_minute(week, period, count):
    found = series_of(week, period, BEGIN_NS + 7 * DAY_NS - MINUTE_NS)
    assert found.columns == ["time_ns", "equity", "mode"]
    assert len(found.rows) in {count, count + 1}
    assert found.rows[-1][1] == 7 * 1_440 - 1


@pytest.mark.parametrize("period", ["week", "month", "all"])
def test_a_long_period_is_thinned_and_keeps_first_last_lowest_and_highest(week, period):
    found = series_of(week, period, BEGIN_NS + 7 * DAY_NS - MINUTE_NS)
    assert 1_000 < len(found.rows) <= MOST_POINTS
    values = [row[1] for row in found.rows]
    assert (min(values), max(values)) == (0.0, 7 * 1_440 - 1)
    assert [row[0] for row in found.rows] == sorted(row[0] for row in found.rows)


def test_ten_years_of_hours_are_thinned_without_losing_an_extreme_or_a_halt():
    dice, hour_ns = random.Random(7), 3_600 * 10**9  # noqa: S311 -- made-up prices, no secret
    bodies: dict[str, str] = {}
    rows = [[BEGIN_NS + n * hour_ns, dice.gauss(0, 1), 0] for n in range(87_600)]
    rows[50_000][2] = 2
    for month in range(120):
        year, rest = divmod(month, 12)
        part = rows[730 * month : 730 * (month + 1)]
        table = {"columns": ["time_ns", "equity", "mode"], "rows": part, "strategies": []}
        bodies[f"series/hour/{2016 + year}-{rest + 1:02d}"] = json.dumps(table)
    found = series_of(Shelf(bodies), "all", rows[-1][0])
    assert len(found.rows) <= MOST_POINTS
    assert min(row[1] for row in found.rows) == min(row[1] for row in rows)
    assert max(row[1] for row in found.rows) == max(row[1] for row in rows)
    assert 2 in {row[2] for row in found.rows}
    assert [mark["words"] for mark in found.marks] == ["mode ACTIVE to HALTED", "mode HALTED to ACTIVE"]


def test_extremes_come_in_the_order_they_happened_and_gaps_stay_gaps():
    rows = [[0, 1.0, 5.0, None], [1, 9.0, 1.0, None], [2, 3.0, 3.0, None], [10, 4.0, 4.0, 1.0]]
    assert list(thinned(rows, 10)) == [[0, 1.0, 5.0, None], [2, 9.0, 1.0, None], [10, 4.0, 4.0, 1.0]]


def test_new_rows_are_those_from_the_last_known_on_in_the_columns_of_the_first_message(hour_of_minutes):
    shelf = Shelf(hour_of_minutes(0))
    found = series_of(shelf, "day", BEGIN_NS + 60 * MINUTE_NS)
    last = found.rows[-1]
    shelf.bodies |= hour_of_minutes(1, ("time_ns", "equity"))
    assert newest_rows(shelf, found, last[0])[:2] == [last, [last[0] + MINUTE_NS, last[1] + 1, None]]


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "{", '{"columns": 5, "rows": []}', '{"columns": ["equity"], "rows": [[1]]}',
        '{"columns": ["time_ns", "equity"], "rows": 7}',
        '{"columns": ["time_ns", "equity"], "rows": [5, null, [1], ["x", 2], [true, 1], {"a": 1}]}',
    ],
)  # fmt: skip
def test_a_series_that_is_none_is_an_empty_one(body):
    for key in ("series/minute/2016-06-23T00", "series/hour/2016-06", "series/minute/garbage"):
        assert series_of(Shelf({key: body}), "all", BEGIN_NS).rows == []


def test_numbers_that_are_none_are_not_known():
    rows = f"[[{BEGIN_NS}, NaN], [{BEGIN_NS + 1}, Infinity], [{BEGIN_NS + 2}, [1]], [{BEGIN_NS + 3}, 1e999]]"
    body = f'{{"columns": ["time_ns", "equity"], "rows": {rows}}}'
    found = series_of(Shelf({"series/minute/2016-06-23T00": body}), "hour", BEGIN_NS)
    assert [row[1] for row in found.rows] == [None] * 4
    json.dumps(found.rows, allow_nan=False)


@pytest.fixture
def history(writer, made_up, hour_of_minutes):
    loop = writer()
    alert = {"time_ns": BEGIN_NS, "level": 3, "ladder": "DRAWDOWN", "rung": 2, "strategy": "", "sentence": "too much"}
    loop.show(made_up(alerts=[alert]))
    loop.journal.write([], hour_of_minutes(0))
    source = Source(loop.folder)
    source.look()
    yield loop, History(source)
    source.close()


def test_history_is_told_whole_and_then_only_what_is_new(history, hour_of_minutes):
    loop, told = history
    first = told.all("day", 0.0)
    assert (first["kind"], first["first"], len(first["rows"])) == ("series", True, 60)
    assert {"time_ns": BEGIN_NS, "words": "alert level 3, drawdown rung 2: too much", "level": 3} in first["marks"]
    assert told.new(5.0) is None
    loop.journal.write([], hour_of_minutes(1))
    assert told.new(5.5) is None, "once a second is enough"
    added = told.new(7.0)
    assert added is not None
    assert (added["first"], len(added["rows"])) == (False, 61)
    assert told.new(9.0) is None


def test_history_that_begins_later_is_told_when_it_does(writer, made_up, hour_of_minutes):
    loop = writer()
    loop.show(made_up())
    source = Source(loop.folder)
    source.look()
    told = History(source)
    assert told.all("day", 0.0)["rows"] == []
    assert told.new(2.0) is None
    loop.journal.write([], hour_of_minutes(0))
    found = told.new(4.0)
    assert found is not None
    assert (found["first"], len(found["rows"])) == (True, 60)
    source.close()


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        ({"level": 3, "sentence": "a person halted trading"}, "alert level 3: a person halted trading"),
        (
            {"level": 2, "strategy": "EURCHF", "sentence": "the broker rejected an order"},
            "alert level 2, EURCHF: the broker rejected an order",
        ),
        ({"level": 1, "ladder": None, "strategy": ""}, "alert level 1"),
    ],
)
def test_the_words_of_an_alert_are_its_level_what_and_why(alert, words):
    assert alert_words(alert) == words
    assert len(alert_words(alert | {"sentence": "x" * 9_000})) < 300


def cut(time_ns, units, reason="CLOSED_BY_RUNG"):
    return {"kind": "TargetPosition", "time_ns": time_ns, "reason": reason, "units": units}


def test_a_cut_of_many_positions_is_one_mark_and_what_is_no_cut_is_none():
    decisions = [cut(9, 0.0, "OPERATOR_REDUCE"), *(cut(7, 5.0) for _ in range(16)), cut(6, 5.0, "RESTORED")]
    assert cut_words({"decisions": decisions}) == {
        (9, "OPERATOR_REDUCE"): "a person closes 1 position",
        (7, "CLOSED_BY_RUNG"): "a rung closes part of 16 positions",
    }
    assert cut_words({"decisions": [cut(7, 5.0)] * 40})[7, "CLOSED_BY_RUNG"].endswith("at least 40 positions")
    assert cut_words({"decisions": "none"}) == cut_words({}) == {}


def test_a_cut_that_the_loop_forgets_in_part_keeps_its_words(history, made_up, hour_of_minutes):
    loop, told = history
    loop.show(made_up(decisions=[cut(BEGIN_NS, 5.0)] * 16))
    told._source.look()
    words = {mark["words"] for mark in told.all("day", 0.0)["marks"]}
    assert words == {"a rung closes part of 16 positions"}
    later = [{"kind": "CancelAll", "time_ns": BEGIN_NS + 1}] * 30
    loop.show(made_up(decisions=[*later, *[cut(BEGIN_NS, 5.0)] * 10]), **hour_of_minutes(1))
    told._source.look()
    added = told.new(2.0)
    assert added is not None
    assert {mark["words"] for mark in added["marks"]} == words
