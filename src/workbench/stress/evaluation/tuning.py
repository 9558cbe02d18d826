"""What is ours to tune, the way back: dwell, restoration and release, tried with one crisis left out at a time.

The thresholds of the policy are the user's and stay. A setting is judged by what it saves beyond its own placebo, and
by crises it was not chosen on.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.errors import DataError
from workbench.domain.policy import Policy
from workbench.domain.tables import html_table, number
from workbench.domain.trading.market_hours import MINUTE_NS
from workbench.engine.script import play_rows
from workbench.engine.settings import ALL
from workbench.stress.evaluation.comparison import FEWEST, market_weights
from workbench.stress.runs import Staged

Floats = NDArray[np.float64]

DWELL_MINUTES = (15.0, 1_440.0, 4_320.0)
RESTORATION_STEPS = (0.1, 0.25, 0.5, 1.0)
RELEASE_FRACTIONS = (0.6, 0.8, 0.95)
WORKERS = 2
SHOWN = 8
"""Best settings that are shown, beside the policy's."""
BOOTSTRAPS = 2_000


@dataclass(frozen=True, slots=True)
class Tuning:
    """Settings of the way back and what they save beyond a placebo of equal exposure.

    Attributes
    ----------
    settings : DataFrame
        One row a setting: dwell_minutes, restoration_step, release_fraction, skill (mean over all), is_policy.
    chosen : DataFrame
        Indexed by the scenario left out: the setting best on the others, and its skill on the one left out.
    out_of_sample, policy_skill : float
        Mean skill of what was chosen, on what was left out; and of the policy's own setting.
    interval : tuple of float
        90 % interval of their difference, by bootstrap over scenarios.
    """

    settings: pd.DataFrame = field(repr=False)
    chosen: pd.DataFrame = field(repr=False)
    out_of_sample: float
    policy_skill: float
    interval: tuple[float, float]

    @property
    def sentence(self) -> str:
        """What it says."""
        best, (low, high) = float(self.settings["skill"].max()), self.interval
        words = (
            f"skill of the policy's way back {self.policy_skill:+.3f}; chosen on the other scenarios "
            f"{self.out_of_sample:+.3f} on the one left out (difference {low:+.3f} to "
            f"{high:+.3f}); best with hindsight {best:+.3f} ({len(self.settings)} settings, "
            f"{len(self.chosen)} scenarios)"
        )
        if low > 0.0:
            return f"another way back does better out of sample: {words}"
        return f"no way back can be told to be better than the policy's: {words}"

    def _repr_html_(self) -> str:
        ranked = self.settings.sort_values("skill", ascending=False, kind="stable")
        shown = pd.concat([ranked.head(SHOWN), ranked[ranked["is_policy"]]]).drop_duplicates()
        rows = [
            [f"{one['dwell_minutes']:g}", number(one["restoration_step"], ".2f"),
             number(one["release_fraction"], ".2f"), number(one["skill"], "+.3f"), "policy" if one["is_policy"] else ""]
            for one in shown.to_dict("records")
        ]  # fmt: skip
        head = ["dwell, market minutes", "restoration step", "release at", "skill", ""]
        return html_table(head, rows, caption=self.sentence)


def tune(
    staged: Sequence[Staged], policy: Policy, *, times: Callable[[Staged], float], workers: int = WORKERS
) -> Tuning:
    """Try settings of the way back with one scenario left out at a time.

    Parameters
    ----------
    staged : sequence of Staged
        Scenarios, six at least.
    policy : Policy
        Its own setting is among those tried.
    times : callable
        Size of the book in each.
    workers : int
        Threads.

    Returns
    -------
    Tuning

    Raises
    ------
    DataError
        When there are fewer than six scenarios in which something is lost without controls.
    """
    rules = policy.ladders.rules
    own = (rules.dwell_market_minutes, rules.restoration_step, rules.release_fraction)
    grid = list(dict.fromkeys([own, *product(DWELL_MINUTES, RESTORATION_STEPS, RELEASE_FRACTIONS)]))
    with ThreadPoolExecutor(workers) as threads:
        rows = list(threads.map(lambda one: _skills(one, times(one), grid), staged))
    skills = np.array(rows)
    known = np.asarray(np.isfinite(skills).all(axis=1))
    if int(known.sum()) < FEWEST:
        raise DataError(f"leaving one out needs at least {FEWEST} scenarios in which something is lost")
    skills, names = skills[known], [staged[place].name for place in np.flatnonzero(known).tolist()]
    total, picked = skills.sum(axis=0), []
    for place, name in enumerate(names):
        # ties go to the policy's own setting, which is the first
        best = int(np.argmax(total - skills[place]))
        picked.append({"left_out": name, **_named(grid[best]), "skill": float(skills[place, best])})
    settings = pd.DataFrame([_named(one) for one in grid])
    settings["skill"], settings["is_policy"] = skills.mean(axis=0), [one == own for one in grid]
    chosen = pd.DataFrame(picked).set_index("left_out")
    gained = chosen["skill"].to_numpy() - skills[:, 0]
    generator = np.random.Generator(np.random.PCG64(0))
    drawn = gained[generator.integers(0, len(gained), (BOOTSTRAPS, len(gained)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.05, 0.95])
    means = float(chosen["skill"].mean()), float(skills[:, 0].mean())
    return Tuning(settings, chosen, *means, (float(low), float(high)))


def _named(setting: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("dwell_minutes", "restoration_step", "release_fraction"), setting, strict=True))


def _skills(one: Staged, times: float, grid: Sequence[tuple[float, float, float]]) -> Floats:
    """Saving beyond the placebo of one scenario, by setting; NaN when nothing is lost."""
    script = one.script.sized(times)
    free = play_rows(script, (ALL,))[0]
    lost = _drawdown(free["equity"])
    found = np.full(len(grid), np.nan)
    if not lost > 0.0:
        return found
    spent = market_weights(free["time_ns"])
    held = float((free["gross"] * free["equity"]) @ spent)
    for place, (dwell, step, release) in enumerate(grid):
        changed = {"dwell_ns": round(dwell * MINUTE_NS), "restoration_step": step, "release_fraction": release}
        kept: Any = play_rows(script, changed=changed)[0]
        scale = float((kept["gross"] * kept["equity"]) @ spent) / held if held > 0.0 else 1.0
        smaller = free["equity"][0] + scale * (free["equity"] - free["equity"][0])
        found[place] = (_drawdown(smaller) - float(kept["drawdown"].max())) / lost
    return found


def _drawdown(equity: Floats) -> float:
    return float((1.0 - equity / np.maximum.accumulate(equity)).max())
