"""Monte Carlo: simulated days through the engine, the same compiled step as live, on every core.

Returns are seeded by path block, so that the result is the same on one core or many. Legs follow a Student t with the
calibration's covariance; each step is a fixing that closes a day, and orders are filled at its price.
"""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.domain.currencies import LEGS
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.tables import html_table, percent
from workbench.domain.trading.market_hours import DAY_NS
from workbench.engine.kernel.layout import DECISION, EVENT, MOST_DECISIONS, WORK, records
from workbench.engine.kernel.simulation import drawdown_of, walk_paths
from workbench.engine.risk_engine import EngineState
from workbench.engine.settings import NEVER_NS, Settings, build_settings

Floats = NDArray[np.float64]

BLOCK = 200
"""Paths simulated with one seed and handed to one worker."""
LEVELS = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class PathPlan:
    """What is simulated.

    Attributes
    ----------
    paths, days : int
        How many, and how long.
    seed : int
        Of all blocks.
    degrees : float
        Of freedom of the Student t, above 2.
    """

    paths: int = 2_000
    days: int = 20
    seed: int = 0
    degrees: float = 5.0

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        if self.paths < 1 or self.days < 1 or not self.degrees > 2:
            raise ConfigError(
                f"a simulation needs at least one path of one day and more than 2 degrees of freedom, got "
                f"{self.paths}, {self.days} and {self.degrees}"
            )


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """Simulated paths of a book, oldest path first.

    Attributes
    ----------
    plan : PathPlan
        What was simulated.
    final, drawdown : ndarray, shape (paths,)
        Equity at the end over that at the start; largest drawdown, fraction of the peak.
    """

    plan: PathPlan
    final: Floats = field(repr=False)
    drawdown: Floats = field(repr=False)

    def _repr_html_(self) -> str:
        rows = [
            [f"{level:.0%} of paths".replace("%", " %"), percent(float(np.quantile(self.drawdown, level)))]
            for level in LEVELS
        ]
        rows.append(["mean return", percent(float(self.final.mean() - 1.0))])
        rows.append(["5 % worst return", percent(float(np.quantile(self.final, 0.05) - 1.0))])
        caption = f"SYNTHETIC: {self.plan.paths:,} paths of {self.plan.days} days, Student t({self.plan.degrees:g})"
        return html_table(["drawdown not above, in", "value"], rows, caption=caption)


def simulated_returns(settings: Settings, plan: PathPlan) -> Iterator[Floats]:
    """Leg returns of all paths, block by block.

    Parameters
    ----------
    settings : Settings
        Their calibration gives the covariance.
    plan : PathPlan
        How many, and the seed.

    Yields
    ------
    ndarray, shape (paths of the block, days, legs)
        Simple returns, floored at −90 %.
    """
    factor = np.linalg.cholesky(settings.numbers["covariance"][0])
    for block, first in enumerate(range(0, plan.paths, BLOCK)):
        generator = np.random.Generator(np.random.PCG64([plan.seed, block]))
        shape = (min(BLOCK, plan.paths - first), plan.days, len(LEGS))
        wide = np.sqrt((plan.degrees - 2.0) / generator.chisquare(plan.degrees, shape[:2]))
        yield np.maximum(generator.standard_normal(shape) @ factor.T * wide[:, :, None], -0.9)


def monte_carlo(
    state: EngineState, plan: PathPlan, *, controls: bool = True, executor: Executor | None = None, workers: int = 2
) -> MonteCarlo:
    """Simulate a book from a state on.

    Parameters
    ----------
    state : EngineState
        Priced, with the positions held; it is not changed.
    plan : PathPlan
        What is simulated.
    controls : bool
        Whether ladders, conditions and locks work.
    executor : Executor, optional
        Takes the blocks; by default threads of this process, the compiled step releases the interpreter.
    workers : int
        Threads when no executor is given.

    Returns
    -------
    MonteCarlo
        The same bit for bit, whatever the executor.

    Raises
    ------
    DataError
        When the state has no prices or no calibration yet.
    """
    if int(state.priced) != 1 or state.settings.calibration is None:
        raise DataError("a simulation starts from a state with prices and a calibration: take a fixing in first")
    settings = build_settings(
        state.settings.policy, state.settings.calibration, state.settings.strategies, controls=controls
    )
    numbers = settings.numbers.copy()
    # simulated days bring no new calibration: the one at hand does not grow old
    numbers["stale_after_ns"] = NEVER_NS
    jobs = ((numbers, state.record, returns) for returns in simulated_returns(settings, plan))
    if executor is not None:
        done = list(executor.map(walk_block, jobs))
    else:
        with ThreadPoolExecutor(workers) as threads:
            done = list(threads.map(walk_block, jobs))
    final, drawdown = (np.concatenate(parts) for parts in zip(*done, strict=True))
    return MonteCarlo(plan, final / float(state.equity), drawdown)


def walk_block(job: tuple[NDArray[np.void], NDArray[np.void], Floats]) -> tuple[Floats, Floats]:
    """Walk one block of paths.

    Parameters
    ----------
    job : tuple
        SETTINGS and STATE arrays of one, and the returns of the block.

    Returns
    -------
    tuple of ndarray, shape (paths,)
        Final equity, largest drawdown.
    """
    numbers, record, returns = job
    paths, days, _ = returns.shape
    states, equity = np.repeat(record, paths), np.empty((paths, days))
    walk_paths(
        (numbers, states, records(1, WORK), records(MOST_DECISIONS, DECISION)),
        records(1, EVENT),
        returns,
        DAY_NS,
        equity,
    )
    start = float(record["equity"][0])
    return equity[:, -1].copy(), np.array([drawdown_of(path, start) for path in equity])
