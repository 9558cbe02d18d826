"""GARCH-t on 1,000 days of sixteen pairs in three windows: one cold fit of ours beside one of `arch`, same backcast.

Both get returns times 100, which is what `arch` asks for. Only its `fit` is timed, not the making of its model. Each
window is timed several times on both sides, the best counts: what is compared is the work, not the machine's mood.
"""

import warnings
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median

import numpy as np
from arch import arch_model
from measure import Row, row, run_alone, timed

from workbench.data.sources.ecb import EcbHistory
from workbench.domain.currencies import PAIRS
from workbench.risk import fit_garch

STARTS, DAYS = (0, 2500, 5000), 1000
OURS, THEIRS = 5, 3
MILLI = 1e3


@dataclass(frozen=True, slots=True)
class Window:
    """One window fitted by both: milliseconds, log-likelihood gained, whether `arch` converged."""

    ours: float
    theirs: float
    gain: float
    converged: bool


def compare(window: np.ndarray) -> Window:
    backcast = float(window.var())
    model = arch_model(window, mean="Constant", vol="GARCH", p=1, q=1, dist="t")
    ours = [timed(lambda: fit_garch(window, distribution="t", backcast=backcast)) for _ in range(OURS)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where it did not converge; the note counts them
        theirs = [timed(lambda: model.fit(disp="off", backcast=backcast, show_warning=False)) for _ in range(THEIRS)]
    return Window(
        MILLI * min(run[0] for run in ours),
        MILLI * min(run[0] for run in theirs),
        ours[0][1].log_likelihood - float(theirs[0][1].loglikelihood),
        theirs[0][1].convergence_flag == 0,
    )


def bench(*, smoke: bool) -> list[Row]:
    pairs = PAIRS[:2] if smoke else PAIRS
    returns = 100 * EcbHistory().load().pair_simple_returns(pairs)
    compare(returns[pairs[0]].to_numpy()[:DAYS])  # compile or read the cache
    windows = [compare(returns[pair].to_numpy()[start : start + DAYS]) for pair in pairs for start in STARTS]
    peer = f"arch {version('arch')}"
    worst = min(window.theirs / window.ours for window in windows)
    unfinished = sum(not window.converged for window in windows)
    gains = [window.gain for window in windows]
    note = f"{len(windows)} windows; times faster in the worst one: {worst:.1f}; arch did not converge in {unfinished}"
    return [
        row(
            "GARCH-t fit on 1,000 days, median",
            median(window.ours for window in windows),
            "ms",
            peer=peer,
            peer_value=median(window.theirs for window in windows),
            target=10,
            target_is_ratio=True,
            note=note,
        ),
        row(
            "GARCH-t log-likelihood, ours − theirs, worst window",
            min(gains),
            "nats",
            peer=peer,
            target=-1e-3,
            better="higher",
            note=f"median {median(gains):.1e}, best {max(gains):.1e}",
        ),
    ]


if __name__ == "__main__":
    run_alone(bench)
