"""The adopted strategies through the recorded crises: they enter, leave and are sized, so the factors of sizing act.

They begin flat sixty fixes before, so that they hold what they would have held; losses are counted from the first fix
of the crisis on. Signals are those known at each fix.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.book import Book
from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.strategy_set import StrategySet
from workbench.domain.tables import html_table, percent
from workbench.domain.trading.events import AnyEvent, CalibrationAdopted, OperatorEnable, OperatorResume
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.engine.risk_engine import Start
from workbench.engine.script import Script, play_rows, write_script
from workbench.engine.settings import ALL, CONTROLS, FACTORS
from workbench.runtime.crises.staging import DAYS_AFTER, DAYS_BEFORE, History
from workbench.runtime.replay.market import scenarios_of
from workbench.runtime.weekly.grid import market_history
from workbench.runtime.weekly.replayed import Calls, strategy_events
from workbench.strategies import side_at_marks, strategy_grid
from workbench.stress.course import REVIEWERS
from workbench.stress.evaluation.comparison import market_weights

Floats = NDArray[np.float64]

LEAST_EFFECT = 5e-5
"""Change of a drawdown under which it is not worth a word."""
LEAD_IN = 60
"""Fixes before a crisis in which strategies may enter."""


@dataclass(frozen=True, slots=True, eq=False)
class StrategyCrises:
    """What the crises did to the adopted strategies.

    Attributes
    ----------
    strategy_set : StrategySet
        Adopted.
    table : DataFrame
        One row a crisis: drawdown_with, drawdown_without, drawdown_placebo, fractions of the peak since its first fix.
    effects : Series
        Change of the mean drawdown when each control or factor is there; negative saves.
    policy : Policy
        Its limit.
    skipped : int
        Crises of the policy with too little history before them.
    """

    strategy_set: StrategySet
    table: pd.DataFrame = field(repr=False)
    effects: pd.Series = field(repr=False)
    policy: Policy = field(repr=False)
    skipped: int = 0

    @property
    def sentence(self) -> str:
        """How many crises they survive, and what saves most."""
        limit, mean = self.policy.success.technical.survival_drawdown_below, self.table.mean()
        kept = int((self.table["drawdown_with"] < limit).sum())
        words = (
            f"strategy set {self.strategy_set.id}: survives {kept} of {len(self.table)} crises; mean largest drawdown "
            f"{100 * mean['drawdown_with']:.2f} % with controls, {100 * mean['drawdown_without']:.2f} % without, "
            f"{100 * mean['drawdown_placebo']:.2f} % placebo"
        )
        changes = {str(name): float(value) for name, value in self.effects.items()}
        best = min(changes, key=lambda name: changes[name])
        words += " (they were chosen with these crises in view: no test)"
        words += f"; {self.skipped} crises have too little history before them" if self.skipped else ""
        if not changes[best] < -LEAST_EFFECT:
            return words
        return f"{words}; the {best} saves most, {-100 * changes[best]:.2f} points"

    def summary(self) -> dict[str, Any]:
        """Plain JSON of the table and the effects.

        Returns
        -------
        dict
        """
        rows = [{"name": str(name), **one.to_dict()} for name, one in self.table.iterrows()]
        return {"set": self.strategy_set.id, "scenarios": rows, "effects": self.effects.to_dict()}

    def _repr_html_(self) -> str:
        rows = [[str(name), *(percent(value, 2) for value in one)] for name, one in self.table.iterrows()]
        crises = html_table(["crisis", "with controls", "without", "placebo"], rows, caption=self.sentence)
        acts = [[str(name), percent(value, 3)] for name, value in self.effects.items() if abs(value) > 0.0]
        caption = "Change of the mean largest drawdown when it is there, others as they are"
        return crises + html_table(["control or factor", "change"], acts, caption=caption)


def strategy_crises(history: History, strategy_set: StrategySet) -> StrategyCrises:
    """Replay the adopted strategies through every historical crisis of the policy.

    Parameters
    ----------
    history : History
        Rates, policy, and the book whose residuals the calibrations carry.
    strategy_set : StrategySet
        With at least one member.

    Returns
    -------
    StrategyCrises

    Raises
    ------
    DataError
        When the set is empty, names a strategy outside the policy's grid, or no crisis lies in the data.
    """
    known = {one.name: one for one in strategy_grid(history.policy)}
    strangers = [one.name for one in strategy_set.members if one.name not in known]
    if strangers or not strategy_set.members:
        raise DataError(f"strategy set {strategy_set.id} cannot be replayed: {', '.join(strangers) or 'it is empty'}")
    market = market_history(history.rates, history.policy.universe.pairs).market
    chosen = [known[one.name] for one in strategy_set.members]
    signals = [side_at_marks(one, history.policy, market.marks(one.pair)) for one in chosen]
    calls = Calls(tuple(one.name for one in strategy_set.members), signals, market.regimes)
    rows, changes = {}, []
    for scenario in scenarios_of(history.policy):
        first = history.row_of(pd.Timestamp(scenario.start - timedelta(days=DAYS_BEFORE)))
        last = history.row_of(pd.Timestamp(scenario.end + timedelta(days=DAYS_AFTER)))
        if first - LEAD_IN < LEAD_IN * 10 or last <= first:
            continue
        script = _script(history, strategy_set, calls, np.arange(first - LEAD_IN, last + 1))
        since = int(history.times[first])
        free, kept = _since(script, since, (ALL,)), _since(script, since, ())
        spent = market_weights(free["time_ns"])
        held = float((free["gross"] * free["equity"]) @ spent)
        scale = float((kept["gross"] * kept["equity"]) @ spent) / held if held > 0.0 else 1.0
        smaller = free["equity"][0] + scale * (free["equity"] - free["equity"][0])
        rows[scenario.id] = [_drawdown(kept["equity"]), _drawdown(free["equity"]), _drawdown(smaller)]
        changes.append(_changes(script, since, rows[scenario.id][0]))
    if not rows:
        raise DataError("no historical crisis lies in the data")
    columns = ["drawdown_with", "drawdown_without", "drawdown_placebo"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    skipped = len(history.policy.stress.historical) - len(rows)
    return StrategyCrises(strategy_set, table, pd.DataFrame(changes).mean(), history.policy, skipped)


def _changes(script: Script, since: int, whole: float) -> dict[str, float]:
    return {name: whole - _drawdown(_since(script, since, (name,))["equity"]) for name in (*CONTROLS, *FACTORS)}


def _since(script: Script, since: int, without: Sequence[str]) -> Any:
    shown = play_rows(script, tuple(without))[0]
    return shown[shown["time_ns"] >= since]


def _drawdown(equity: Floats) -> float:
    return float((1.0 - equity / np.maximum.accumulate(equity)).max())


def _script(history: History, strategy_set: StrategySet, calls: Calls, rows: NDArray[np.int64]) -> Script:
    book: Book = history.book_at(int(rows[0]))
    calibrations = [history.calibration(row, book) for row in rows.tolist()]
    start = Start(int(history.times[rows[0]]), book.equity)
    events = _reviewed(strategy_events(history.times, history.values, rows, calls, calibrations), calls.names)
    return write_script(history.policy, calibrations[0], strategy_set.strategies(), start, events)


def _reviewed(events: Iterator[tuple[AnyEvent, bool]], names: Sequence[str]) -> Iterator[tuple[AnyEvent, bool]]:
    """The same events, and people who look after each new calibration."""
    for event, synthetic in events:
        yield event, synthetic
        if isinstance(event, CalibrationAdopted):
            later = event.time_ns + SECOND_NS
            yield OperatorResume(later, *REVIEWERS), False
            yield from ((OperatorEnable(later, REVIEWERS[0], name, REVIEWERS[1]), False) for name in names)
