"""What can be read on the page of a real loop is what its journal says: numbers in their units, to the last digit."""

import importlib.util
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

spec = importlib.util.spec_from_file_location("board_page", Path(__file__).with_name("board_page.py"))
assert spec and spec.loader
PAGE = importlib.util.module_from_spec(spec)
spec.loader.exec_module(PAGE)
browser = PAGE.browser

pytestmark = pytest.mark.browser

READ = """
const texts = (row) => [...row.children].map((cell) => cell.textContent);
const table = (id) => {
  const heads = texts(document.querySelector(`#${id} thead tr`));
  const rows = [...document.querySelectorAll(`#${id} tbody tr`)].map(texts);
  return rows.map((row) => Object.fromEntries(row.map((text, place) => [heads[place], text])));
};
return {
  keyed: Object.fromEntries([...document.querySelectorAll('[data-key]')].map((one) =>
    [one.dataset.key, [one.dataset.value ?? one.dataset.metric ?? '', one.textContent]])),
  tables: Object.fromEntries(['orders', 'alerts', 'feeds', 'health', 'positions'].map((id) => [id, table(id)])),
};"""
NUMBER = re.compile(r"([+−]?)(\d[\d,]*|(?=\.))(?:\.(\d+))?(?:\s*(%|ms\b|kB\b|MB\b|GB\b|TB\b))?")
UNITS = {"": 1.0, "%": 0.01, "ms": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True)
class Read:
    """What was read off a page that stood still, and what the journal said then."""

    table: dict[str, Any]
    values: dict[str, str]
    texts: dict[str, str]
    rows: dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def read(browser: Any, page_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """A loop that has orders and alerts is stopped for a moment, so that journal and page stand still."""
    place = tmp_path_factory.mktemp("shown")
    folder = place / "live"
    with PAGE.real_loop(folder, "--seconds", "1") as loop, page_server(place / "home", folder) as server:
        browser.get(server.address)
        PAGE.until(lambda: PAGE.state(browser) == "fresh", 180)
        PAGE.until(lambda: (table := PAGE.shown(folder))["alerts"] and table["orders"], 120)
        time.sleep(1.0)
        loop.send_signal(signal.SIGSTOP)
        try:
            PAGE.until(lambda: PAGE.state(browser) == "silent", 5)
            time.sleep(0.5)
            found = browser.execute_script(READ)
            table = PAGE.shown(folder)
        finally:
            loop.send_signal(signal.SIGCONT)
        yield Read(
            table,
            {key: value for key, (value, _) in found["keyed"].items()},
            {key: text for key, (_, text) in found["keyed"].items()},
            found["tables"],
        )
    browser.get("about:blank")


def number_in(text: str) -> tuple[float, float]:
    """A number as people read it, without its unit; and half of its last digit."""
    found = NUMBER.search(text.replace("\u00a0", " "))
    assert found, f"no number in {text!r}"
    sign, whole, digits, unit = found.groups(default="")
    value = float(f"{whole.replace(',', '') or '0'}.{digits or '0'}") * (-1.0 if sign == "−" else 1.0)
    factor = UNITS[unit]
    return value * factor, 0.5000001 * 10.0 ** -len(digits) * factor


def assert_read(text: str, value: float | None, where: str) -> None:
    """A text says a value as exactly as it is written; where there is none, it shows no number."""
    if value is None:
        assert text in {"not known", "missing", "no price", "not filled", "not yet"}, where
        return
    told, half = number_in(text)
    assert abs(told - value) <= half, f"{where}: {text!r} is shown for {value!r}"


def seconds_in(text: str) -> tuple[float, float]:
    """A duration as people read it, and how much more it may be."""
    days, hours, minutes, seconds = (
        float(found[1]) if (found := re.search(rf"(\d+)\s{unit}\b", text)) else None for unit in ("d", "h", "min", "s")
    )
    total = 24 * HOUR * (days or 0) + HOUR * (hours or 0) + MINUTE * (minutes or 0) + (seconds or 0)
    return total, 1.0 if seconds is not None else MINUTE if minutes is not None else HOUR


def clock(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%H:%M:%S")


def figures_of(table: dict[str, Any]) -> dict[str, float | None]:
    """What a projection says, by the keys of the page."""
    book, matrix = table["book"], table["correlation"]
    names = ("equity", "drawdown", "value_at_risk_95", "expected_shortfall_975", "cap", "stress_score")
    found: dict[str, float | None] = {f"book.{name}": book[name] for name in names}
    found |= {f"stress.{part['name']}": part["points"] for part in book["score_parts"]}
    found |= {f"periods.{name}.profit": one["profit"] for name, one in table["periods"].items()}
    for one in book["positions"]:
        key = f"position.{one['strategy']}.{one['pair']}"
        found |= {f"{key}.units": one["units"], f"{key}.target": one["target"], f"{key}.profit": one["profit"]}
    found |= {f"feed.{one['name']}.score": one["score"] for one in table["feeds"]}
    for row, leg in enumerate(matrix["legs"]):
        for column, other in enumerate(matrix["legs"]):
            found[f"correlation.now.{leg}.{other}"] = matrix["now"][row][column]
            found[f"correlation.normal.{leg}.{other}"] = matrix["normal"][row][column]
    health, loop = table["health"], table["loop"]
    found |= {f"health.{name}": health[name] for name in ("memory_bytes", "journal_bytes", "disk_free_bytes")}
    return found | {"loop.turns": loop["turns"], "journal.sequence": table["journal"]["sequence"]}


def test_the_exact_value_behind_every_number_is_the_one_in_the_journal(read):
    rungs = {f"ladder.{one['ladder']}.{one['rung']}": one["metric"] for one in read.table["book"]["ladders"]}
    wanted = {key: value for key, value in {**figures_of(read.table), **rungs}.items() if value is not None}
    assert len(wanted) > 150
    assert {key: float(read.values[key]) for key in wanted} == pytest.approx(wanted, rel=1e-12)
    assert read.values["book.mode"] == read.texts["book.mode"] == read.table["book"]["mode"]
    assert read.values["journal.digest"] == read.table["journal"]["digest"]


def test_every_number_reads_as_the_one_in_the_journal(read):
    checked = 0
    for key, value in figures_of(read.table).items():
        if key.startswith("correlation.") and read.texts[key] == "·":
            continue
        assert_read(read.texts[key], value, key)
        checked += 1
    assert checked > 130
    assert read.table["journal"]["digest"].startswith(read.texts["journal.digest"])
    assert clock(read.table["loop"]["now_ns"]) in read.texts["time.utc"]


def test_every_rung_reads_as_the_one_in_the_journal(read):
    ladders: dict[str, list[dict[str, Any]]] = {}
    for row in read.table["book"]["ladders"]:
        ladders.setdefault(row["ladder"], []).append(row)
    checked = 0
    for name, rows in ladders.items():
        if len({row["metric_name"] for row in rows}) == 1:
            assert_read(read.texts[f"ladder.{name}.now"], rows[0]["metric"], name)
            checked += 1
        for row in rows:
            words = read.texts[f"ladder.{name}.{row['rung']}"]
            assert words.endswith(" holds" if row["holds"] else " does not hold"), words
    assert checked >= 3


def test_positions_read_as_those_in_the_journal(read):
    shown, wanted = read.rows["positions"], read.table["book"]["positions"]
    assert len(shown) == len(wanted) > 0
    for row, one in zip(shown, wanted, strict=True):
        assert (row["Strategy"], row["Pair"]) == (one["strategy"], one["pair"])
        assert_read(row["Price"], one["mark"], one["pair"])
        assert_read(row["P&L, USD"], one["profit"], one["pair"])
        assert_read(row["Full size"], one["full"], one["pair"])


def test_orders_read_as_those_in_the_journal(read):
    shown, wanted = read.rows["orders"], read.table["orders"]
    assert len(shown) == len(wanted) > 0
    for row, one in zip(shown, wanted, strict=True):
        assert (row["Made, UTC"][-8:], row["Pair"]) == (clock(one["made_ns"]), one["pair"])
        assert_read(row["Units"], one["units"], one["id"])
        assert one["state"].lower().replace("_", " ") in row["State"]
        assert_read(row["Price"], one.get("price") or None, one["id"])
        times = one["times"]
        if answered := times.get("ACKNOWLEDGED", times.get("REJECTED")):
            assert_read(row["Broker took"], (answered - times["SENT"]) / 1e6, one["id"])


def test_alerts_read_as_those_in_the_journal(read):
    shown, wanted = read.rows["alerts"], read.table["alerts"]
    assert len(shown) == len(wanted) > 0
    for row, one in zip(shown, wanted, strict=True):
        assert re.findall(r"\d", row["Level"]) == [str(one["level"])]
        assert row["Raised, UTC"][-8:] == clock(one["time_ns"])
        assert (f"rung {one['rung']}" if one["ladder"] else one["sentence"]) in row["What"]
        if one["level"] > 1 and one["deadline_ns"] is not None:
            left = (one["deadline_ns"] - read.table["loop"]["now_ns"]) / 1e9
            told, more = seconds_in(row["To acknowledge"])
            assert told <= abs(left) < told + more, (row, left)
            assert ("overdue" in row["To acknowledge"]) == (left < 0)


def test_feeds_read_as_those_in_the_journal(read):
    shown, wanted = read.rows["feeds"], read.table["feeds"]
    assert len(shown) == len(wanted) > 0
    for row, one in zip(shown, wanted, strict=True):
        assert row["Feed"] == one["name"]
        assert_read(row["Captured"], one["capture_rate"], one["name"])
        assert_read(row["Silent for"], one["silence_seconds"], one["name"])
        assert_read(row["Refused"], sum(one["refused"].values()), one["name"])
        assert_read(row["Spikes"], one["spikes"], one["name"])


def test_latency_reads_as_the_one_in_the_journal(read):
    wanted = [one for one in read.table["latency"].values() if one["count"]]
    assert len(read.rows["health"]) == len(wanted) > 0
    for row, one in zip(read.rows["health"], wanted, strict=True):
        assert_read(row["Count"], one["count"], row["Latency"])
        for head, name in (("Median", "p50"), ("99 %", "p99"), ("Worst", "max")):
            assert row[head].endswith("ms")
            assert_read(row[head], one[name], f"{row['Latency']}, {head}")
