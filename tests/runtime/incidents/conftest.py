"""An incident played out between a loop's journal and a dispatcher, on a virtual clock."""

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from workbench.data.journal.codec import encode_decision, encode_note, encode_table
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.trading.decisions import CautionChanged, ModeChanged, RaiseAlert, TargetPosition
from workbench.domain.trading.modes import Ladder, Mode
from workbench.domain.trading.orders import Execution, Order, OrderNote, OrderState
from workbench.domain.trading.reasons import Reason
from workbench.response.incidents.report import Report, Timed
from workbench.runtime.incidents.making import make_report

SECOND, MINUTE = 1_000_000_000, 60_000_000_000
ORIGIN = ("p" * 12, "c")


def desk_module() -> ModuleType:
    path = Path(__file__).parents[2] / "response" / "alerts" / "alert_desk.py"
    spec = importlib.util.spec_from_file_location("alert_desk", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Play:
    """A desk, what the loop's world is, and a clock that is moved by hand."""

    desk: Any
    module: ModuleType
    feed: str = "tail:quotes.csv"
    now_ns: int = 0
    control: Any = None
    equity: list[float] = field(default_factory=lambda: [1_000_000.0, 998_000.0, 997_500.0])

    def begin(self) -> None:
        """The loop begins, and a dispatcher that has paged nobody yet."""
        self.now_ns = self.module.NOON
        world = {"world": {"feed": self.feed, "label": "Quotes of a file"}}
        self.desk.loop.write([Row(RowKind.START, self.now_ns - 5 * MINUTE, encode_table(world))], self.minutes())
        self.control = self.desk.start()
        self.turn()

    def minutes(self) -> dict[str, str]:
        """The book before noon, at noon and after."""
        columns = ["time_ns", "equity", "drawdown", "value_at_risk_95", "volatility_ratio", "correlation_mean"]
        rows: dict[str, list[Any]] = {}
        for place, equity in enumerate(self.equity, -2):
            moment = self.module.NOON + place * MINUTE
            key = f"series/minute/{datetime.fromtimestamp(moment // SECOND, UTC):%Y-%m-%dT%H}"
            rows.setdefault(key, []).append([moment, equity, 1 - equity / 1e6, 0.004, 1.2, 0.3])
        return {key: json.dumps({"columns": columns, "rows": found}) for key, found in rows.items()}

    def turn(self, seconds: float = 0.0) -> None:
        """Some time passes, then the dispatcher turns until nothing waits."""
        self.now_ns += round(seconds * SECOND)
        self.module.settle(self.control, self.now_ns)

    def breach(self, *, state: OrderState = OrderState.FILLED, due_seconds: float = 10.0) -> None:
        """A drawdown rung trips, the book is reduced, and an order goes out."""
        at = self.now_ns
        decisions = [
            CautionChanged(at - 2 * SECOND, Reason.FIRST_READING, *ORIGIN, stopped=True, metric=0.06),
            RaiseAlert(at, Reason.RUNG_TRIPPED, *ORIGIN, 3, 0.06, 0.05, due_seconds, Ladder.DRAWDOWN, 1),
            ModeChanged(at, Reason.MODE_CHANGED, *ORIGIN, Mode.ACTIVE, Mode.REDUCING),
            TargetPosition(at, Reason.RUNG_TRIPPED, *ORIGIN, "EURUSD", "EURUSD", 5_000.0, 10_000.0, 7),
        ]
        order = Order("o1", "EURUSD", "EURUSD", -5_000.0, 7, reduce_only=True, price=1.1, valid_until_ns=at + MINUTE)
        fill = (
            Execution(1, "o1", "EURUSD", "EURUSD", -5_000.0, 1.0998, at + SECOND)
            if state is OrderState.FILLED
            else None
        )
        notes = [
            OrderNote(at, OrderState.INTENT, order),
            OrderNote(at, OrderState.SENT, order),
            OrderNote(at + SECOND, state, order, fill, "" if fill else "no price"),
        ]
        rows = [Row(RowKind.DECISION, one.time_ns, encode_decision(one)) for one in decisions]
        self.desk.loop.write([*rows, *(Row(RowKind.ORDER, one.time_ns, encode_note(one)) for one in notes)])

    def note(self, **table: Any) -> None:
        """A row of the journal of people, as the control service writes it."""
        table = {"time_ns": self.now_ns, **table}
        self.desk.journal.write([Row(RowKind.NOTE, self.now_ns, encode_table(table))])

    def ask(self, nonce: str, person: str, act: str, **more: Any) -> None:
        """Somebody asks for something on the page."""
        table = {"nonce": nonce, "person": person, "asked": {"act": act, **more}}
        self.desk.journal.write([Row(RowKind.COMMAND, self.now_ns, encode_table(table))])

    def tick(self, procedure: str, step: int, *, done: bool = True, person: str = "ann") -> None:
        """Somebody ticks a step."""
        self.note(kind="tick", incident="I1", procedure=procedure, step=step, done=done, person=person)

    def acknowledge(self, person: str) -> None:
        """Somebody has it."""
        self.control.acknowledge("I1", self.desk.roster.people[person], self.now_ns)

    def release(self) -> None:
        """The rung lets go."""
        self.desk.say(self.module.released(1, time_ns=self.now_ns))
        self.turn()

    def report(self, name: str = "I1") -> Report:
        """As it is now."""
        folders = (self.desk.folder / "control", self.desk.folder / "live")
        return make_report(*folders, name, self.desk.policy, self.now_ns)

    def timed(self, beginning: str) -> list[Timed]:
        """Times whose name begins so."""
        return [one for one in self.report().times if one.what.startswith(beginning)]


@pytest.fixture
def new_play(tmp_path: Path) -> Iterator[Any]:
    module = desk_module()
    opened: list[Play] = []

    def make(**options: Any) -> Play:
        channels = options.pop("channels", module.four())
        desk = module.Desk(tmp_path / str(len(opened)), module.policy_with(attempts=1, hand_over_seconds=5), channels)
        opened.append(Play(desk, module, **options))
        opened[-1].begin()
        return opened[-1]

    yield make
    for one in opened:
        one.desk.close()


@pytest.fixture
def play(new_play: Any) -> Play:
    return new_play()
