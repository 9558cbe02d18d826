"""A process that dies anywhere and is started again shows what one shows that never died."""

import json

import numpy as np
import pytest

from workbench.domain.trading.market_hours import SECOND_NS
from workbench.runtime.live.rows import event_row
from workbench.runtime.projection.memory import STATUS
from workbench.runtime.projection.series import hour_key

ROUNDS, EVERY_NS = 45, 600 * SECOND_NS
"""Seven hours and a half, over a five o'clock in New York."""


def view(life) -> dict:
    """Everything that must survive, as people see it."""
    table = json.loads(life.show())
    book = table["book"]
    keys = life.journal.shown_keys("series/")
    return {
        "mode": (book["mode"], book["mode_since_ns"]),
        "condition": (book["condition"], book["condition_since_ns"]),
        "regime": (table["regime"]["now"], table["regime"]["since_ns"]),
        "rungs": [(row["ladder"], row["rung"], row["holds"], row["since_ns"]) for row in book["ladders"]],
        "periods": table["periods"],
        "alerts": table["alerts"],
        "decisions": table["decisions"],
        "series": {key: json.loads(life.journal.shown(key)) for key in keys},
    }


@pytest.fixture(scope="module")
def expected(desk, journal_at, tmp_path_factory):
    """What a life without a death shows."""
    whole = journal_at(tmp_path_factory.mktemp("whole") / "journal")
    for event in desk.market(ROUNDS, EVERY_NS):
        whole.take(event)
    seen = view(whole)
    whole.end()
    return seen


@pytest.mark.parametrize("seed", range(2))
def test_a_life_with_many_deaths_shows_what_a_life_without_one_shows(journaled, desk, expected, seed):
    assert len(expected["series"]) > 8 and expected["periods"]["day"]["since_ns"] > desk.begins_ns
    assert expected["alerts"] and expected["mode"][1] > 0
    life, chance = journaled(f"mortal-{seed}"), np.random.default_rng(seed)
    for event in desk.market(ROUNDS, EVERY_NS):
        life.take(event)
        luck = chance.random()
        if luck < 0.02:
            life.die()
        elif luck < 0.05:
            life.keep_snapshot()
        elif luck < 0.08:
            life.show()
    life.die()
    assert view(life) == expected


def test_a_death_between_the_event_and_everything_else_loses_nothing(journaled, desk, expected):
    life = journaled("torn")
    for number, event in enumerate(desk.market(ROUNDS, EVERY_NS)):
        if number % 97 == 50:
            life.journal.write([event_row(event)])
            life.die()
        else:
            life.take(event)
    assert view(life) == expected


def test_a_journal_of_an_older_version_is_gone_on_with_from_what_is_known(journaled, desk):
    life = journaled("old")
    events = list(desk.market(30))
    for event in events[:200]:
        life.take(event)
    life.keep_snapshot()
    life.journal.write([], {STATUS: json.dumps({"book": {}, "journal": {"sequence": 1}})})
    for event in events[200:220]:
        life.take(event)
    life.die()
    table = json.loads(life.show())
    day = table["periods"]["day"]
    assert desk.begins_ns < day["since_ns"] <= table["book"]["time_ns"]
    assert table["alerts"] and table["book"]["mode_since_ns"] >= desk.begins_ns


@pytest.mark.parametrize("body", ["", "[]", "null", "{", '{"version":3}', '{"version":3,"journal":{"sequence":"x"}}'])
def test_a_damaged_projection_never_stops_a_start(journaled, desk, body):
    life = journaled("damaged")
    for event in list(desk.market(4)):
        life.take(event)
    life.show()
    life.journal.write([], {STATUS: body, hour_key(desk.begins_ns): "nonsense"})
    life.die()
    assert json.loads(life.show())["version"] == 3
