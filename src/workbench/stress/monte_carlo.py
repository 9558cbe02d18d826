"""Monte Carlo: simulated days through the engine, the same compiled step as live, on every core.

Paths are drawn and walked block by block, each with a seed of its own: the result is the same on one core or many, and
memory does not grow with the number of paths. Each step is a fixing that closes a day, and orders are filled at its
price.
"""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.domain.errors import ConfigError, DataError
from workbench.domain.tables import html_table, percent
from workbench.domain.trading.market_hours import DAY_NS
from workbench.engine.kernel.layout import DECISION, EVENT, MOST_DECISIONS, WORK, records
from workbench.engine.kernel.simulation import drawdown_of, walk_paths
from workbench.engine.risk_engine import EngineState
from workbench.engine.settings import ALL, NEVER_NS, switched_off
from workbench.stress.course import REVIEW_AFTER_NS
from workbench.stress.paths import PathModel

Floats = NDArray[np.float64]

BLOCK = 200
"""Paths simulated with one seed and handed to one worker."""
LEVELS = (0.5, 0.95, 0.99)
FAN_LEVELS = (0.01, 0.05, 0.5, 0.95, 0.99)
FAN_BLOCKS = 5
"""Blocks whose paths are kept day by day for the fan."""


@dataclass(frozen=True, slots=True)
class PathPlan:
    """What is simulated.

    Attributes
    ----------
    paths, days : int
        How many, and how long.
    seed : int
        Of all blocks.
    """

    paths: int = 2_000
    days: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        if self.paths < 1 or self.days < 1:
            raise ConfigError(f"a simulation needs at least one path of one day, got {self.paths} and {self.days}")


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """Simulated paths of a book.

    Attributes
    ----------
    model : str
        That drew them.
    plan : PathPlan
        What was simulated.
    final, drawdown : ndarray, shape (paths,)
        Equity at the end over that at the start; largest drawdown, fraction of the peak.
    fan : ndarray, shape (days + 1, 5)
        Quantiles of the drawdown after each day at `FAN_LEVELS`, of the first thousand paths.
    """

    model: str
    plan: PathPlan
    final: Floats = field(repr=False)
    drawdown: Floats = field(repr=False)
    fan: Floats = field(repr=False)

    def drawdown_not_above(self, level: float) -> float:
        """Largest drawdown that a share of the paths does not exceed.

        Parameters
        ----------
        level : float
            In (0, 1).

        Returns
        -------
        float
        """
        return float(np.quantile(self.drawdown, level))

    def _repr_html_(self) -> str:
        rows = [
            [f"{level:.0%} of paths".replace("%", " %"), percent(self.drawdown_not_above(level))] for level in LEVELS
        ]
        rows.append(["mean return", percent(float(self.final.mean() - 1.0))])
        rows.append(["5 % worst return", percent(float(np.quantile(self.final, 0.05) - 1.0))])
        caption = f"SYNTHETIC: {self.plan.paths:,} paths of {self.plan.days} days, {self.model}"
        return html_table(["drawdown not above, in", "value"], rows, caption=caption)


def monte_carlo(
    state: EngineState,
    model: PathModel,
    plan: PathPlan,
    *,
    controls: bool = True,
    executor: Executor | None = None,
    workers: int = 2,
) -> MonteCarlo:
    """Simulate a book from a state on.

    Parameters
    ----------
    state : EngineState
        Priced, with the positions held; it is not changed.
    model : PathModel
        Draws the returns of the legs.
    plan : PathPlan
        How many paths, how long, which seed.
    controls : bool
        Whether ladders, conditions and locks work. People are taken to look once a day.
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
    numbers = switched_off(state.settings.numbers, () if controls else (ALL,))
    # simulated days bring no new calibration: the one at hand does not grow old
    numbers["stale_after_ns"] = NEVER_NS
    blocks = -(-plan.paths // BLOCK)
    jobs = [Block(numbers, state.record, model, plan, place) for place in range(blocks)]
    if executor is not None:
        done = list(executor.map(walk_block, jobs))
    else:
        with ThreadPoolExecutor(workers) as threads:
            done = list(threads.map(walk_block, jobs))
    final, drawdown = (np.concatenate([one[k] for one in done]) for k in (0, 1))
    kept = np.concatenate([one[2] for one in done if len(one[2])])
    fan = np.vstack([np.zeros(len(FAN_LEVELS)), np.quantile(kept, FAN_LEVELS, axis=0).T])
    return MonteCarlo(model.name, plan, final / float(state.equity), drawdown, fan)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of paths: settings, state, the law, the plan, and which block it is."""

    numbers: NDArray[np.void] = field(repr=False)
    record: NDArray[np.void] = field(repr=False)
    model: PathModel
    plan: PathPlan
    place: int

    def returns(self) -> Floats:
        """Leg returns of the block, shape (paths, days, legs), by its own seed."""
        generator = np.random.Generator(np.random.PCG64([self.plan.seed, self.place]))
        paths = min(BLOCK, self.plan.paths - self.place * BLOCK)
        return self.model.returns(generator, paths, self.plan.days)


def walk_block(job: Block) -> tuple[Floats, Floats, Floats]:
    """Walk one block of paths.

    Parameters
    ----------
    job : Block
        What to walk.

    Returns
    -------
    tuple of ndarray
        Final equity and largest drawdown, shape (paths,); drawdown by day, shape (paths, days), of the first blocks
        only.
    """
    returns = job.returns()
    paths, days, _ = returns.shape
    states, equity = np.repeat(job.record, paths), np.empty((paths, days))
    walk_paths(
        (job.numbers, states, records(1, WORK), records(MOST_DECISIONS, DECISION)),
        records(1, EVENT),
        returns,
        (DAY_NS, REVIEW_AFTER_NS),
        equity,
    )
    start = float(job.record["equity"][0])
    worst = np.array([drawdown_of(path, start) for path in equity])
    shown = np.empty((0, days))
    if job.place < FAN_BLOCKS:
        shown = 1.0 - equity / np.maximum(np.maximum.accumulate(equity, axis=1), start)
    return equity[:, -1].copy(), worst, shown
