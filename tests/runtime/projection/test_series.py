"""Series: a row a minute and a row an hour, each the last reading, with the worst drawdown of its time."""

import json

import pytest

from workbench.domain.trading.market_hours import HOUR_NS, MINUTE_NS, SECOND_NS
from workbench.runtime.projection.memory import Memory
from workbench.runtime.projection.series import HOURS_SHOWN_NS, Series, drawdown_of


@pytest.fixture(scope="module")
def lived(desk):
    """Every reading of two hours and more, and the series they became."""
    state = desk.engine.init(desk.start)
    memory, seen, shown = Memory.begun(state), [], {}
    for event in (*desk.opening, *desk.market(800, every_ns=11 * SECOND_NS)):
        memory.watch(state, event.time_ns)
        seen.append((int(state.time_ns), float(state.equity), drawdown_of(state)))
        state, _ = desk.engine.step(state, event)
    seen.append((int(state.time_ns), float(state.equity), drawdown_of(state)))
    shown.update(memory.series.changed(state, 0))
    return seen, {key: json.loads(body) for key, body in shown.items()}, state


@pytest.mark.parametrize(("beginning", "length"), [("series/minute/", MINUTE_NS), ("series/hour/", HOUR_NS)])
def test_a_row_is_the_last_reading_and_the_worst_drawdown(lived, beginning, length):
    seen, shown, _ = lived
    tables = [table for key, table in shown.items() if key.startswith(beginning)]
    rows = {row[0]: row for table in tables for row in table["rows"]}
    times = {time_ns - time_ns % length for time_ns, _, _ in seen}
    assert set(rows) == times and list(rows) == sorted(rows)
    for begins, row in rows.items():
        within = [one for one in seen if begins <= one[0] < begins + length]
        assert row[1] == round(within[-1][1], 2)
        assert row[2] == round(max(drawdown for _, _, drawdown in within), 8)


def test_a_table_names_its_columns_and_each_strategys_profit(lived, desk):
    _, shown, state = lived
    for table in shown.values():
        assert table["columns"][:3] == ["time_ns", "equity", "drawdown"]
        assert table["columns"][-16:] == [f"profit:{name}" for name in table["strategies"]]
        assert table["strategies"] == list(desk.book.pairs)
        assert all(len(row) == len(table["columns"]) for row in table["rows"])
    last = max(table["rows"][-1] for table in shown.values())
    assert last[-16:] == [round(one, 2) for one in state.profit[:16].tolist()]


def test_only_what_has_changed_is_shown_again_and_the_month_seldom(desk):
    state, memory = desk.lived(desk.market(3))
    series = memory.series
    assert {key.rpartition("/")[0] for key in series.changed(state, 0)} == {"series/minute", "series/hour"}
    assert series.changed(state, HOURS_SHOWN_NS - 1) == {}
    assert list(series.changed(state, HOURS_SHOWN_NS)) == [series.keys()["hour_key"]]


def test_rows_of_other_columns_are_not_gone_on_with(desk):
    state, memory = desk.lived(desk.market(3))
    keys = memory.series.keys()
    shown = memory.series.changed(state, 0)
    other = json.dumps({"columns": ["time_ns"], "strategies": [], "rows": [[1], [2]]})
    series = Series.begun(state)
    series.restore(other, shown[keys["hour_key"]])
    assert len(json.loads(series.changed(state, 0)[keys["minute_key"]])["rows"]) == 1
