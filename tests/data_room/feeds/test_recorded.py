"""The tail of a file of quotes: late, torn, rotated, truncated, huge and full of rubbish."""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.feeds.protocol import FeedDownError, RawQuote
from workbench.data.feeds.recorded import LONGEST_LINE, FileTail, LineReader, parse_quote
from workbench.domain.trading.market_hours import SECOND_NS

NOW = int(datetime(2024, 1, 10, 12, tzinfo=UTC).timestamp()) * SECOND_NS
GOOD = RawQuote(NOW, "EURUSD", 1.1, 1.1001)


def line(raw: RawQuote) -> str:
    return f"{raw.event_ns},{raw.pair},{raw.bid!r},{raw.ask!r}\n"


def write_quotes(path: Path, quotes: Sequence[RawQuote]) -> None:
    path.write_text("time,pair,bid,ask\n" + "".join(map(line, quotes)))


def append(path: Path, text: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def quotes(count: int, first: int = 0) -> list[RawQuote]:
    return [RawQuote(NOW + k, "USDJPY", 150.0 + k / 100, 150.01 + k / 100) for k in range(first, first + count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "quotes.csv"


@pytest.fixture
def tail(path: Path) -> FileTail:
    """A tail connected to a file of three quotes that have been read."""
    write_quotes(path, quotes(3))
    tail = FileTail(path, "a test")
    tail.connect(NOW)
    assert list(tail.poll(NOW)) == quotes(3)
    return tail


@pytest.mark.parametrize(
    "text",
    [
        f"{NOW},EURUSD,1.1,1.1001",
        " 2024-01-10T12:00:00Z , eur/usd , 1.1 , 1.1001 \r",
        "2024-01-10T13:00:00+01:00,EURUSD,1.1,1.1001",
        json.dumps({"time": NOW, "pair": "EURUSD", "bid": 1.1, "ask": 1.1001}),
        json.dumps({"venue_id": 7, "ask": "1.1001", "bid": 1.1, "pair": "EUR/USD", "time": "2024-01-10T12:00:00Z"}),
    ],
)
def test_both_forms_and_both_times_are_read(text: str) -> None:
    assert parse_quote(text.strip().encode()) == GOOD


def test_fractions_of_a_second_are_kept_to_the_microsecond() -> None:
    assert parse_quote(b"2024-01-10T12:00:00.123456Z,EURUSD,1.1,1.2").event_ns == NOW + 123_456_000


@pytest.mark.parametrize(
    "text",
    [
        "rubbish",
        "2024-01-10T12:00:00,EURUSD,1.1,1.1001",
        f"{NOW},EURUSD,1.1",
        f"{NOW},EURUSD,1.1,1.2,1.3",
        f"{NOW},EURUSD,1.1,",
        f"{NOW},EURUSD,1_1,1.2",
        f"{NOW},EURUSD,one,two",
        "9" * 20 + ",EURUSD,1.1,1.2",
        f"{NOW}.5,EURUSD,1.1,1.2",
        '{"time": 1, "pair": "EURUSD", "bid": 1.1}',
        '{"time": 1, "pair": "EURUSD", "bid": true, "ask": 1.1}',
        '{"time": 1, "pair": "EURUSD", "bid": [1], "ask": 1.1}',
        '{"heartbeat": 1}',
        '{"a":' * 800,
        "\x00\x01\x02",
        f"{NOW},EURUSD,\uff11.1,1.2",
    ],
)
def test_what_is_no_quote_is_told_not_raised(tail: FileTail, path: Path, text: str) -> None:
    append(path, text + "\n" + line(GOOD))
    assert list(tail.poll(NOW)) == [GOOD]
    (sentence,) = tail.troubles()
    assert sentence.startswith("lines dropped: 1 that cannot be read, the first ") and len(sentence) < 420
    assert tail.troubles() == ()


def test_a_file_that_is_not_there_is_a_feed_that_is_down(path: Path, tmp_path: Path) -> None:
    tail = FileTail(path, "a test")
    with pytest.raises(FeedDownError, match="no such file"):
        tail.connect(NOW)
    with pytest.raises(FeedDownError, match="connect first"):
        tail.poll(NOW)
    with pytest.raises(FeedDownError, match="no regular file"):
        FileTail(tmp_path, "a folder").connect(NOW)
    write_quotes(path, [GOOD])
    tail.connect(NOW)
    assert list(tail.poll(NOW)) == [GOOD] and tail.due_ns() is None
    assert FileTail(path).label == f"quotes from {path}"


def test_a_pipe_is_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(FeedDownError, match="no regular file"):
        FileTail(path, "a pipe").connect(NOW)


def test_a_half_written_line_waits_for_its_rest(tail: FileTail, path: Path) -> None:
    text = line(GOOD)
    for cut in text[:-1]:
        append(path, cut)
        assert list(tail.poll(NOW)) == []
    append(path, "\n")
    assert list(tail.poll(NOW)) == [GOOD] and tail.troubles() == ()


def test_a_rotated_file_is_read_from_its_beginning(tail: FileTail, path: Path) -> None:
    append(path, "a torn li")
    path.rename(path.with_name("old.csv"))
    append(path.with_name("old.csv"), "ne\n" + line(GOOD))
    write_quotes(path, quotes(5, first=10))
    assert list(tail.poll(NOW)) == [GOOD]
    assert list(tail.poll(NOW)) == [] and list(tail.poll(NOW)) == quotes(5, first=10)


def test_a_truncated_file_is_read_from_its_beginning(tail: FileTail, path: Path) -> None:
    append(path, "torn")
    assert list(tail.poll(NOW)) == []
    path.write_text(line(GOOD))
    assert list(tail.poll(NOW)) == [GOOD] and tail.troubles() == ()


def test_a_file_that_goes_away_and_comes_back_longer_is_read_whole(tail: FileTail, path: Path) -> None:
    path.unlink()
    with pytest.raises(FeedDownError, match="no such file"):
        tail.poll(NOW)
    write_quotes(path, quotes(50))
    tail.connect(NOW)
    assert list(tail.poll(NOW)) == quotes(50)


def test_a_reconnection_goes_on_where_it_was(tail: FileTail, path: Path) -> None:
    append(path, line(GOOD))
    tail.close()
    tail.connect(NOW)
    assert list(tail.poll(NOW)) == [GOOD]


def test_what_was_there_before_can_be_skipped(path: Path) -> None:
    write_quotes(path, quotes(3))
    tail = FileTail(path, "a test", skip_existing=True)
    tail.connect(NOW)
    append(path, line(GOOD))
    assert list(tail.poll(NOW)) == [GOOD]


def test_a_line_of_a_megabyte_is_dropped_as_it_comes(tail: FileTail, path: Path) -> None:
    for _ in range(16):
        append(path, b"x" * 65_536)
        assert list(tail.poll(NOW)) == [] and len(tail._lines._rest) <= LONGEST_LINE
    append(path, "\n" + line(GOOD))
    assert list(tail.poll(NOW + SECOND_NS)) == [GOOD]
    assert [text.split(";")[0] for text in tail.troubles()] == ["lines dropped: 1 of more than 4096 bytes"]


@pytest.mark.parametrize(("size", "dropped"), [(LONGEST_LINE, 0), (LONGEST_LINE + 1, 1)])
def test_the_longest_line_has_4096_bytes(size: int, dropped: int) -> None:
    reader = LineReader()
    assert [len(text) for text in reader.feed(b"x" * size + b"\nab\n")] == ([2] if dropped else [size, 2])
    assert reader.take_dropped() == dropped


@settings(deadline=None)
@given(st.binary(max_size=3_000).map(lambda data: data * 4), st.lists(st.integers(1, 5_000), max_size=8))
def test_lines_do_not_depend_on_how_the_bytes_are_cut(data: bytes, cuts: list[int]) -> None:
    reader, lines, place = LineReader(), [], 0
    for cut in [*cuts, len(data)]:
        lines += reader.feed(data[place : place + cut])
        place += cut
    whole = data.split(b"\n")
    expected = [text for text in whole[:-1] if len(text) <= LONGEST_LINE]
    assert lines == expected
    assert reader.take_dropped() == sum(len(text) > LONGEST_LINE for text in whole)


@settings(deadline=None)
@given(st.binary(max_size=200).filter(lambda data: b"\n" not in data))
def test_binary_rubbish_is_a_quote_or_a_value_error(data: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(parse_quote(data.strip()), RawQuote)


def test_troubles_come_at_most_once_a_second_with_a_count(tail: FileTail, path: Path) -> None:
    told: list[str] = []
    for step in range(21):
        append(path, "bad\n")
        tail.poll(NOW + step * SECOND_NS // 10)
        told += tail.troubles()
    assert [text.split(" that")[0] for text in told] == [
        "lines dropped: 1", "lines dropped: 10", "lines dropped: 10",
    ]  # fmt: skip


def test_a_backlog_is_read_in_portions(path: Path) -> None:
    write_quotes(path, quotes(40_000))
    tail = FileTail(path, "a test")
    tail.connect(NOW)
    portions: list[list[RawQuote]] = [list(tail.poll(NOW)) for _ in range(3)]
    assert len(portions[0]) < 40_000 and list(chain(*portions)) == quotes(40_000)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.chmod(0o000)])
def test_losing_the_name_does_not_lose_what_can_still_be_read(
    tail: FileTail, path: Path, damage: Callable[[Path], None]
) -> None:
    append(path, line(GOOD))
    damage(path)
    assert list(tail.poll(NOW)) == [GOOD]
