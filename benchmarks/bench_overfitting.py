"""Overfitting statistics over the whole grid: 384 strategies on 27 years of days.

Peers: `arch.bootstrap.SPA` with the same blocks and samples for the test of superior predictive ability (it compares
means that are not studentised, and sums as many products); the peer of the probability of backtest overfitting is the
paper's procedure split by split in numpy, timed on a part of the splits and scaled up. Returns are noise with common
factors: the time does not depend on them. Ours is the median of warm runs.
"""

from importlib.metadata import version
from itertools import combinations, islice
from statistics import median

import numpy as np
from measure import Row, row, run_alone, timed

from workbench.research.overfitting import (
    probability_of_backtest_overfitting,
    step_m,
    superior_predictive_ability,
)

RUNS = 5
BLOCKS, SPLITS = 16, 12_870
LOOPED_SPLITS = 20
BLOCK_DAYS = 10


def panel(days: int, strategies: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    factors = generator.normal(size=(days, 7)) @ generator.normal(size=(7, strategies))
    return 0.002 * (factors + generator.normal(size=(days, strategies)))


def looped_splits(returns: np.ndarray, count: int) -> None:
    """The best strategy in sample and its rank out of sample, one split after the other."""
    parts = np.array_split(np.arange(len(returns)), BLOCKS)
    for taken in islice(combinations(range(BLOCKS), BLOCKS // 2), count):
        inside = np.isin(np.arange(BLOCKS), taken)
        halves = [np.concatenate([parts[block] for block in np.flatnonzero(kept)]) for kept in (inside, ~inside)]
        first, second = (returns[rows].mean(axis=0) / returns[rows].std(axis=0, ddof=1) for rows in halves)
        np.count_nonzero(second <= second[np.argmax(first)])


def arch_seconds(returns: np.ndarray, bootstraps: int) -> tuple[float, float]:
    """Seconds, consistent p-value."""
    from arch.bootstrap import SPA

    def test() -> float:
        peer = SPA(np.zeros(len(returns)), -returns, block_size=BLOCK_DAYS, reps=bootstraps, seed=0)
        peer.compute()
        return float(peer.pvalues["consistent"])

    return timed(test)


def bench(*, smoke: bool) -> list[Row]:
    days, strategies, bootstraps = (1_000, 40, 100) if smoke else (7_126, 384, 1_000)
    returns = panel(days, strategies)
    size = f"{strategies} strategies, {days:,} days"
    probability_of_backtest_overfitting(returns, blocks=4)  # imports
    overfit = [timed(lambda: probability_of_backtest_overfitting(returns, blocks=BLOCKS)) for _ in range(RUNS)]
    looped, _ = timed(lambda: looped_splits(returns, LOOPED_SPLITS))
    result = overfit[0][1]

    def test():
        return superior_predictive_ability(
            returns, generator=np.random.default_rng(0), bootstraps=bootstraps, block=BLOCK_DAYS
        )

    tested = [timed(test) for _ in range(RUNS)]
    automatic, _ = timed(lambda: superior_predictive_ability(returns, generator=np.random.default_rng(0)))
    stepped, _ = timed(lambda: step_m(returns, generator=np.random.default_rng(0), block=BLOCK_DAYS))
    peer_seconds, peer_p_value = arch_seconds(returns, bootstraps)
    return [
        row(
            f"PBO, 16 blocks, {size}",
            median(seconds for seconds, _ in overfit),
            "s",
            peer="numpy, split by split",
            peer_value=looped * SPLITS / LOOPED_SPLITS,
            target=10,
            note=f"interval included; the peer's time is {LOOPED_SPLITS} of {SPLITS:,} splits, scaled up; "
            f"PBO {result.probability:.2f}, 90 % {result.interval[0]:.2f} to {result.interval[1]:.2f}",
        ),
        row(
            f"SPA, {bootstraps:,} bootstraps, {size}",
            median(seconds for seconds, _ in tested),
            "s",
            peer=f"arch {version('arch')}",
            peer_value=peer_seconds,
            target=20,
            note=f"reality check included; consistent p-value {tested[0][1].consistent:.3f}, "
            f"arch's (not studentised) {peer_p_value:.3f}",
        ),
        row(f"SPA with the automatic block length, {size}", automatic, "s"),
        row(f"StepM, {size}", stepped, "s"),
    ]


if __name__ == "__main__":
    run_alone(bench)
