"""Block bootstrap: days that happened, in blocks of random length, all seven legs together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.domain.compiled import compiled
from workbench.domain.errors import ConfigError
from workbench.stress.paths.protocol import FLOOR, LEG_COUNT, Floats, Integers, checked_history, checked_size


@dataclass(frozen=True, slots=True, eq=False)
class BlockBootstrap:
    """Stationary bootstrap of the history. Zero mean: the mean of each leg is taken off, no drift flatters a book.

    A day keeps its seven legs together. The next day follows it in the history, or, with probability
    1 / `mean_block`, a new block starts anywhere; after the last day comes the first.

    Attributes
    ----------
    history : ndarray, shape (days, 7)
        Simple returns, fractions, oldest first; at least 2 days. Kept without its means.
    mean_block : float
        Mean length of a block, days, ≥ 1; 1 draws days independently.

    Raises
    ------
    DataError
        When the history has another shape, is too short or holds what is no return.
    ConfigError
        When the mean block is shorter than a day or not finite.

    References
    ----------
    Politis and Romano (1994), The Stationary Bootstrap, Journal of the American Statistical Association 89.
    """

    history: Floats
    mean_block: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what cannot be resampled, take off the means."""
        rows = checked_history(self.history, least=2)
        if not (np.isfinite(self.mean_block) and self.mean_block >= 1.0):
            raise ConfigError(f"the mean block must be a finite number of days of at least 1, got {self.mean_block!r}")
        object.__setattr__(self, "history", rows - rows.mean(axis=0))

    @property
    def name(self) -> str:
        """Block bootstrap."""
        return "block bootstrap"

    def returns(self, generator: np.random.Generator, paths: int, days: int) -> Floats:
        """Draw returns, see `PathModel`."""
        checked_size(paths, days)
        fresh = generator.random((paths, days)) < 1.0 / self.mean_block
        starts = generator.integers(0, len(self.history), size=(paths, days))
        drawn = np.empty((paths, days, LEG_COUNT))
        follow_blocks(np.maximum(self.history, FLOOR), fresh, starts, drawn)
        return drawn


@compiled
def follow_blocks(rows: Floats, fresh: NDArray[np.bool_], starts: Integers, drawn: Floats) -> None:
    """Fill `drawn`, shape (paths, days, legs): a fresh day takes its own start, another one the row that follows."""
    for path in range(drawn.shape[0]):
        row = starts[path, 0]
        for day in range(drawn.shape[1]):
            if day > 0:
                row = starts[path, day] if fresh[path, day] else row + 1
                if row == rows.shape[0]:
                    row = 0
            for leg in range(drawn.shape[2]):
                drawn[path, day, leg] = rows[row, leg]
