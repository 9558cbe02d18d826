"""What the controls did to the profit: the same strategies with and without them, day by day."""

import pandas as pd

from workbench.domain.errors import DataError
from workbench.domain.trading.decisions import EntryRefused, TargetPosition
from workbench.domain.trading.market_hours import HOUR_NS
from workbench.engine.player import Played
from workbench.runtime.weekly.replayed import StrategyReplay

SAME = "same position, other entry price"
OTHER_SIZE = "sized by another equity or risk reading"


def attribute_controls(replayed: StrategyReplay) -> pd.DataFrame:
    """What the controls did to the profit, by strategy and by the reason of the decision in force.

    Parameters
    ----------
    replayed : StrategyReplay
        With both runs.

    Returns
    -------
    DataFrame
        strategy, reason, effect (US dollars, + where the controls earned or saved); the effects add up to the
        difference of the two equities. From mark to mark the difference in a strategy's profit belongs to the last
        decision about it that its two runs did not share: a refused entry, a lowered cap, a closing, a restoration.

    Raises
    ------
    DataError
        When there is no run with controls.
    """
    if replayed.controlled is None:
        raise DataError("there is no run with controls to attribute: replay with controls")
    free, controlled = replayed.free, replayed.controlled
    index = controlled.profits.index
    parts: dict[tuple[str, str], float] = {}
    for strategy in replayed.strategies:
        name = strategy.name
        gained = (controlled.profits[name] - free.profits[name]).diff().fillna(0.0).to_numpy()
        same = (controlled.units[name] == free.units[name]).to_numpy()
        words = _reasons(free, controlled, name)
        for place in range(1, len(index)):
            word = SAME if same[place - 1] else words[place - 1]
            parts[name, word] = parts.get((name, word), 0.0) + float(gained[place])
    rows = [{"strategy": name, "reason": word, "effect": effect} for (name, word), effect in parts.items()]
    table = pd.DataFrame(rows, columns=["strategy", "reason", "effect"])
    return table[table["effect"] != 0.0].reset_index(drop=True)


def _reasons(free: Played, controlled: Played, name: str) -> list[str]:
    """At every mark the reason of the last decision about a strategy that only its controlled run has taken."""
    kinds = TargetPosition | EntryRefused
    shared = {(one.time_ns, one.reason) for one in free.decisions if isinstance(one, kinds) and one.strategy == name}
    told = [
        one
        for one in controlled.decisions
        if isinstance(one, kinds) and one.strategy == name and (one.time_ns, one.reason) not in shared
    ]
    words, current, place = [], OTHER_SIZE, 0
    for time in pd.DatetimeIndex(controlled.profits.index).as_unit("ns").asi8:
        # decisions within the hour after a fix belong to it
        while place < len(told) and told[place].time_ns < time + HOUR_NS:
            current = told[place].reason.sentence
            place += 1
        words.append(current)
    return words
