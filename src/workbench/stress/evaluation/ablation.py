"""Ablation: what each control and each factor of sizing saved in the crises, and what it cost in quiet times."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.domain.errors import DataError
from workbench.engine.script import Script, play_rows
from workbench.engine.settings import ALL, CONTROLS, FACTORS
from workbench.stress.runs import DAYS_PER_YEAR, Staged

START, END, TOGETHER = "without controls", "with controls", "together (interaction)"
WORKERS = 2
LEAST_EFFECT = 5e-4
"""Effect that is worth a word: a twentieth of a percentage point."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """Effects of the controls on a set of scenarios.

    Attributes
    ----------
    effects : DataFrame
        Indexed by control, between the run without any and the run with all: drawdown (mean largest drawdown of the
        two runs; of a control the change when it is there, negative when it saves), cost (return a year given up in the
        quiet windows, by all and by each).
    names : tuple of str
        The scenarios, in order.
    drawdowns : DataFrame
        Largest drawdown of each scenario (rows) without each control (columns), with ``all`` and ``none`` switched off.
    """

    effects: pd.DataFrame = field(repr=False)
    names: tuple[str, ...]
    drawdowns: pd.DataFrame = field(repr=False)

    def culprit(self, measure: str = "cost") -> str:
        """The control with the largest effect of its kind.

        Parameters
        ----------
        measure : str
            ``cost`` for the dearest, ``drawdown`` for the one that makes it worst.

        Returns
        -------
        str
            Empty when none has a positive one.
        """
        single = self.effects.drop([START, END, TOGETHER], errors="ignore")[measure]
        return str(single.idxmax()) if bool((single > LEAST_EFFECT).any()) else ""


def ablate(
    staged: Sequence[Staged], *, times: Callable[[Staged], float] = lambda _one: 1.0, workers: int = WORKERS
) -> Ablation:
    """Run every scenario with all controls, with none, and without each of them alone.

    Parameters
    ----------
    staged : sequence of Staged
        Scenarios; the quiet windows of those that have one give the cost.
    times : callable
        Size of the book in each, times the one staged.
    workers : int
        Threads.

    Returns
    -------
    Ablation

    Raises
    ------
    DataError
        When there is no scenario.
    """
    if not staged:
        raise DataError("an ablation needs at least one scenario")
    variants: list[tuple[str, tuple[str, ...]]] = [("none", ()), (ALL, (ALL,))]
    variants += [(name, (name,)) for name in (*CONTROLS, *FACTORS)]
    jobs = [(one, times(one), names) for one in staged for _, names in variants]
    with ThreadPoolExecutor(workers) as threads:
        read = list(threads.map(_one, jobs))
    shape = (len(staged), len(variants))
    worst, given = (np.array(values, dtype=float).reshape(shape) for values in zip(*read, strict=True))
    names = [name for name, _ in variants]
    drawdowns = pd.DataFrame(worst, [one.name for one in staged], names)
    years = np.array([_quiet_years(one) for one in staged])
    # what a book earns in the quiet windows, a year; less of it is the cost
    earned = pd.Series(np.nansum(given, axis=0) / max(years.sum(), 1e-9), names)
    mean = drawdowns.mean()
    single = {
        name: (float(mean["none"] - mean[name]), float(earned[name] - earned["none"])) for name in (*CONTROLS, *FACTORS)
    }
    total = float(mean["none"] - mean[ALL])
    rest = total - sum(effect for effect, _ in single.values())
    cost = float(earned[ALL] - earned["none"])
    rows = {START: (float(mean[ALL]), 0.0)} | single
    rows[TOGETHER] = (rest, cost - sum(price for _, price in single.values()))
    rows[END] = (float(mean["none"]), cost)
    effects = pd.DataFrame.from_dict(rows, orient="index", columns=["drawdown", "cost"])
    return Ablation(effects, tuple(one.name for one in staged), drawdowns)


def _one(job: tuple[Staged, float, tuple[str, ...]]) -> tuple[float, float]:
    """Largest drawdown in the scenario, and what was earned in its quiet window."""
    staged, times, without = job
    worst = play_rows(staged.script.sized(times), without)[0]["drawdown"].max()
    earned = np.nan
    if staged.quiet is not None:
        equity = play_rows(staged.quiet.sized(times), without)[0]["equity"]
        earned = float(equity[-1]) / staged.quiet.start.equity - 1.0
    return float(worst) if np.isfinite(worst) else 1.0, earned


def _quiet_years(one: Staged) -> float:
    quiet: Script | None = one.quiet
    # two marks at the first moment: the fix, and the heart beat that judges the book put on
    return 0.0 if quiet is None else max(len(quiet.synthetic) - 2, 1) / DAYS_PER_YEAR
