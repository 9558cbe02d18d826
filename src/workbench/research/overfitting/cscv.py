"""Probability of backtest overfitting by combinatorially symmetric cross-validation (CSCV)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import max_len_seq

from workbench.domain.errors import ConfigError, DataError
from workbench.domain.tables import html_table, number, percent
from workbench.research.overfitting.panel import FloatArray, IntArray, finite_panel, moving_columns

MAXIMUM_BLOCKS = 20
"""184,756 splits; two blocks more are four times the work and hardly narrow the interval."""
LEAST_ROWS_PER_BLOCK = 2
TIE = 1e-12
"""Sharpe ratios closer than this are the same one: scaled copies of a strategy differ by rounding only."""
_STILL = 1e-10
"""Variance in a half of the sample, as a fraction of the whole sample's, below which a strategy did not move there."""
_CHUNK_CELLS = 200_000
"""Splits × strategies at a time; a dozen such matrices stay near the processor."""
_NORMAL_QUANTILE = 1.6448536269514722
"""95 % point of the standard normal: two of them leave 10 % outside."""
_SIGN_REGISTER = 6
"""Length of the shift register that makes the sign patterns: 2⁶ − 1 = 63 of them, any two nearly orthogonal."""
_INTERVAL_SPLITS = 300
"""Splits, spread evenly over all, that judge one sign pattern."""


@dataclass(frozen=True)
class BacktestOverfitting:
    """How often the best strategy of one half of the history falls below the median in the other half.

    Attributes
    ----------
    probability : float
        PBO: share of splits in which the strategy chosen in sample has a logit of at most 0 out of sample.
    interval : tuple of float
        90 % interval (low, high) of the PBO one would expect of another history of this length; see
        `probability_of_backtest_overfitting` for how it is made and what it covers.
    slope : float
        Least-squares slope of the chosen strategy's out-of-sample Sharpe ratio on its in-sample one, over the splits.
        Negative even for a lasting edge (−0.3 to −0.6 on the panels measured below): the halves add up to the whole.
    probability_of_loss : float
        Share of splits in which the chosen strategy has a negative Sharpe ratio out of sample.
    logits, in_sample, out_of_sample : ndarray of float, shape (splits,)
        Logit of the relative rank, and the chosen strategy's Sharpe ratios per period. Splits in lexicographic order of
        the blocks taken in sample; split i and split −1 − i are each other's mirror image.
    chosen : ndarray of int, shape (splits,)
        Column that was best in sample.
    strategies, blocks, flat : int
        Columns, blocks, and columns that never move (their Sharpe ratio counts as 0).
    effective_splits : float
        Number of independent splits that would scatter as the dependent ones do.
    """

    probability: float
    interval: tuple[float, float]
    slope: float
    probability_of_loss: float
    logits: FloatArray
    in_sample: FloatArray
    out_of_sample: FloatArray
    chosen: IntArray
    strategies: int
    blocks: int
    flat: int
    effective_splits: float

    def _repr_html_(self) -> str:
        low, high = self.interval
        rows = [
            ("probability of backtest overfitting", percent(self.probability, 1)),
            ("90 % interval", f"{percent(low, 1)} to {percent(high, 1)}"),
            ("slope of out-of-sample on in-sample Sharpe", number(self.slope, "+.2f")),
            ("probability that the chosen one loses", percent(self.probability_of_loss, 1)),
            ("mean Sharpe per period, in sample", number(float(self.in_sample.mean()), ".4f")),
            ("mean Sharpe per period, out of sample", number(float(self.out_of_sample.mean()), ".4f")),
            ("different strategies chosen", number(float(np.unique(self.chosen).size), ".0f")),
            ("strategies that never move", number(float(self.flat), ".0f")),
        ]
        caption = f"{self.logits.size:,} splits of {self.blocks} blocks, {self.strategies} strategies"
        return html_table(["", ""], rows, caption=caption)


@dataclass(frozen=True)
class _Blocks:
    """Sums over each block of returns standardised over the whole history, which keeps the variances exact."""

    rows: FloatArray
    sums: FloatArray
    squares: FloatArray
    shift: FloatArray

    @cached_property
    def splits(self) -> FloatArray:
        """Return 1 where a block is in sample, shape (splits, blocks)."""
        blocks = self.rows.size
        taken = np.array(list(combinations(range(blocks), blocks // 2)))
        membership = np.zeros((len(taken), blocks))
        np.put_along_axis(membership, taken, 1.0, axis=1)
        return membership

    def sharpe_ratios(self, membership: FloatArray) -> FloatArray:
        """Return the Sharpe ratio of every strategy over the blocks taken, shape (splits, strategies)."""
        rows = (membership @ self.rows)[:, np.newaxis]
        mean = membership @ self.sums
        mean /= rows
        variance = membership @ self.squares
        variance /= rows
        variance -= mean * mean
        moving = variance > _STILL
        mean += self.shift
        variance *= rows / (rows - 1.0)
        ratios = np.zeros_like(mean)
        np.sqrt(variance, out=variance, where=moving)
        np.divide(mean, variance, out=ratios, where=moving)
        return ratios


@dataclass(frozen=True)
class _Outcome:
    """What the splits of one chunk say of the strategy chosen in each."""

    relative_rank: FloatArray
    in_sample: FloatArray
    out_of_sample: FloatArray
    chosen: IntArray


def probability_of_backtest_overfitting(returns: ArrayLike, *, blocks: int) -> BacktestOverfitting:
    """Probability that the best strategy in sample is below the median out of sample.

    Parameters
    ----------
    returns : array_like of float, shape (periods, strategies)
        Returns of **every** strategy tried, a fraction per period, oldest first; NaN is refused.
    blocks : int
        Even number of consecutive blocks; every choice of half of them is one split (16 blocks: 12,870 splits). Where
        the periods cannot be shared out evenly, the oldest blocks have one more.

    Returns
    -------
    BacktestOverfitting
        `probability` near 0.5 is what pure noise gives, near 0 a ranking that lasts; above 0.5 the choice is worse than
        drawing lots.

    Raises
    ------
    ConfigError
        If `blocks` is odd, below 2 or above 20.
    DataError
        If there are fewer than two strategies or two periods a block, a return is not finite, no strategy moves, the
        best one in sample is always one that does not move, or its Sharpe ratio is the same in all splits, so that
        there is no slope.

    Notes
    -----
    Sharpe ratios of equal size share the average of their ranks; of several best ones in sample the first is chosen.
    The relative rank is rank/(strategies + 1) and a logit of exactly 0 counts as overfit, as in the paper's integral up
    to and including 0. A strategy without movement, in the history or in one half, has a Sharpe ratio of 0.

    The interval. Splits share blocks, so thousands of them are worth only a handful: a binomial interval over the
    splits held the true 0.5 in 2 % of noise panels. Under the null of no difference between strategies the blocks'
    centred sums may have either sign, so turning the signs of whole blocks around gives panels as good as the one seen,
    with the correlation between strategies kept and no block in both halves. The scatter of PBO over 63 such panels
    (signs from a maximal-length shift register, so no randomness is needed) gives the effective number of independent
    splits, and the interval is Wilson's for that number. Measured coverage of the expected PBO, 16 blocks:

    ==========================================================  ======  ==========  ========
    returns                                                     panels  PBO         covered
    ==========================================================  ======  ==========  ========
    noise, 1,000 × 20                                           400     0.08–0.95   94 %
    noise with common factors, t(4), clustered volatility       400     0.04–0.98   89 %
    noise, 7,126 × 384                                          100     0.23–0.78   89 %
    annual Sharpe 1 in 3 of 20, 1,000 days                      400     0.00–0.88   92 %
    annual Sharpe 2 in 3 of 20, 1,000 days                      400     0.00–0.18   98 %
    annual Sharpe 1 in 3 of 384, 7,126 days                     50      0.00–0.14   94 %
    ==========================================================  ======  ==========  ========

    A jackknife over pairs of blocks is wider still (97 % on noise with 8 blocks) and slow; drawing blocks with
    replacement puts the same block on both sides.

    References
    ----------
    Bailey, Borwein, López de Prado and Zhu (2017), The Probability of Backtest Overfitting, Journal of Computational
    Finance 20(4), 39–69, sections 3 and 4; Wilson (1927), Journal of the American Statistical Association 22, 209–212.

    Examples
    --------
    Strategy 0 is the best of both halves, so it is never overfit:

    >>> result = probability_of_backtest_overfitting([[3, 1], [5, -1], [4, 1], [6, -2.0]], blocks=2)
    >>> result.probability
    0.0
    """
    if blocks < 2 or blocks % 2 or blocks > MAXIMUM_BLOCKS:
        raise ConfigError(
            f"an even number of blocks from 2 to {MAXIMUM_BLOCKS} expected, got {blocks}; 16 is the paper's choice"
        )
    panel = finite_panel(returns, least_rows=LEAST_ROWS_PER_BLOCK * blocks, least_columns=2)
    moving = moving_columns(panel)
    if not moving.any():
        raise DataError(f"none of the {moving.size} strategies ever moves: there is nothing to rank")
    summed = _blocks_of(panel, blocks)
    found = list(_outcomes(summed, summed.splits))
    rank = np.concatenate([chunk.relative_rank for chunk in found])
    in_sample = np.concatenate([chunk.in_sample for chunk in found])
    out_of_sample = np.concatenate([chunk.out_of_sample for chunk in found])
    effective = _effective_splits(summed)
    probability = float(np.mean(rank <= 0.5))
    return BacktestOverfitting(
        probability=probability,
        interval=_wilson(probability, effective),
        slope=_slope(in_sample, out_of_sample),
        probability_of_loss=float(np.mean(out_of_sample < 0.0)),
        logits=np.log(rank / (1.0 - rank)),
        in_sample=in_sample,
        out_of_sample=out_of_sample,
        chosen=np.concatenate([chunk.chosen for chunk in found]),
        strategies=panel.shape[1],
        blocks=blocks,
        flat=int(np.count_nonzero(~moving)),
        effective_splits=effective,
    )


def _blocks_of(panel: FloatArray, blocks: int) -> _Blocks:
    moving = moving_columns(panel)
    mean, deviation = panel.mean(axis=0), np.where(moving, panel.std(axis=0), 1.0)
    rows, sums, squares = [], [], []
    for part in np.array_split(panel, blocks):
        standard = np.where(moving, (part - mean) / deviation, 0.0)
        rows.append(float(len(part)))
        sums.append(standard.sum(axis=0))
        squares.append(np.einsum("tn,tn->n", standard, standard))
    shift = np.where(moving, mean / deviation, 0.0)
    return _Blocks(np.array(rows), np.array(sums), np.array(squares), shift)


def _outcomes(blocks: _Blocks, splits: FloatArray) -> Iterator[_Outcome]:
    strategies = blocks.shift.size
    step = max(1, _CHUNK_CELLS // strategies)
    for begin in range(0, len(splits), step):
        membership = splits[begin : begin + step]
        inside, outside = blocks.sharpe_ratios(membership), blocks.sharpe_ratios(1.0 - membership)
        chosen = np.argmax(inside >= inside.max(axis=1, keepdims=True) - TIE, axis=1)[:, np.newaxis]
        own = np.take_along_axis(outside, chosen, axis=1)
        worse = np.count_nonzero(outside < own - TIE, axis=1)
        better = np.count_nonzero(outside > own + TIE, axis=1)
        rank = (1 + worse + strategies - better) / 2.0  # the mean of worse + 1 and strategies − better
        yield _Outcome(
            relative_rank=rank / (strategies + 1),
            in_sample=np.take_along_axis(inside, chosen, axis=1)[:, 0],
            out_of_sample=own[:, 0],
            chosen=chosen[:, 0].astype(np.int64),
        )


def _slope(in_sample: FloatArray, out_of_sample: FloatArray) -> float:
    centred = in_sample - in_sample.mean()
    if not in_sample.any():
        raise DataError(
            f"the best strategy never moves in any split of {in_sample.size}: all that move lose, and a ranking of "
            "losers below doing nothing cannot be overfit; leave out what never trades, or select nothing"
        )
    if np.abs(centred).max() <= TIE:
        raise DataError(
            f"the chosen strategy's Sharpe ratio is {in_sample[0]:.6g} in sample in all {in_sample.size} splits: "
            "there is no slope; use more blocks or a longer history"
        )
    return float(centred @ out_of_sample / (centred @ centred))


def _effective_splits(blocks: _Blocks) -> float:
    """Return 0.25 over the variance of PBO around 0.5 when whole blocks change sign; at least 1."""
    half = len(blocks.splits) // 2
    every = np.arange(0, half, max(1, 2 * half // _INTERVAL_SPLITS))
    splits = blocks.splits[np.concatenate([every, -1 - every])]  # each with its mirror image
    sequence = 1.0 - 2.0 * max_len_seq(_SIGN_REGISTER)[0]
    patterns = np.array([np.roll(sequence, -first)[: blocks.rows.size] for first in range(sequence.size)])
    scatter = [_noise_probability(blocks, pattern, splits) - 0.5 for pattern in patterns]
    pairs = max(1.0, float(half))
    return float(np.clip(0.25 / max(float(np.mean(np.square(scatter))), 1e-300), 1.0, pairs))


def _noise_probability(blocks: _Blocks, signs: FloatArray, splits: FloatArray) -> float:
    turned = _Blocks(blocks.rows, signs[:, np.newaxis] * blocks.sums, blocks.squares, np.zeros_like(blocks.shift))
    return float(np.mean(np.concatenate([chunk.relative_rank for chunk in _outcomes(turned, splits)]) <= 0.5))


def _wilson(share: float, trials: float) -> tuple[float, float]:
    squared = _NORMAL_QUANTILE**2
    centre = (share + squared / (2.0 * trials)) / (1.0 + squared / trials)
    reach = _NORMAL_QUANTILE * np.sqrt(share * (1.0 - share) / trials + squared / (4.0 * trials**2))
    reach /= 1.0 + squared / trials
    return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))
