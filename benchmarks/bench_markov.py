"""Three-state Markov fit on 27 years of EURUSD, side by side with statsmodels; and the whole adoption test.

Peer: `statsmodels.tsa.MarkovRegression` with switching mean and variance on returns times 100 (it fails on raw
returns), its default search, one run because it takes ten seconds. Ours: median of five warm runs. Log likelihoods are
compared in the units of raw returns.
"""

import warnings
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from workbench.data.sources.ecb import EcbHistory
from workbench.regimes import fit_markov, regime_adoption

RUNS = 5
PERCENT = 100.0


def timed(call) -> tuple[float, Any]:
    start = perf_counter()
    result = call()
    return perf_counter() - start, result


def statsmodels_fit(returns: np.ndarray) -> tuple[float, float, bool]:
    """Seconds, log likelihood in raw units, converged."""
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that it did not converge; the row says so
        model = MarkovRegression(returns * PERCENT, k_regimes=3, switching_variance=True)
        seconds, result = timed(lambda: model.fit(disp=False))
    return seconds, float(result.llf + returns.size * np.log(PERCENT)), bool(result.mle_retvals["converged"])


def row(name: str, value: float, unit: str, target: float, better: str, **peer: Any) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "peer": peer.get("peer", ""),
        "peer_value": peer.get("peer_value"),
        "ratio": peer.get("ratio"),
        "target": target,
        "better": better,
    }


def bench(*, smoke: bool) -> list[dict[str, Any]]:
    """One row a figure; `ratio` is how many times faster we are, or our likelihood minus theirs."""
    series = EcbHistory().load().pair_log_returns(("EURUSD",))["EURUSD"].iloc[-2000 if smoke else -7125 :]
    returns, dates = series.to_numpy(), series.index.to_numpy()
    fit_markov(returns, states=3)  # compile or read the cache
    regime_adoption(returns, dates)
    runs = [timed(lambda: fit_markov(returns, states=3)) for _ in range(RUNS)]
    seconds, fit = median(run[0] for run in runs), runs[0][1]
    adoption = median(timed(lambda: regime_adoption(returns, dates))[0] for _ in range(3))
    peer_seconds, peer_likelihood, peer_converged = statsmodels_fit(returns)
    peer = "statsmodels MarkovRegression" + ("" if peer_converged else " (did not converge)")
    faster = peer_seconds / seconds
    return [
        row("markov_3_states_fit", seconds, "s", 1.0, "lower", peer=peer, peer_value=peer_seconds, ratio=faster),
        row("markov_3_states_speed_up", faster, "times", 10.0, "higher", peer=peer, peer_value=1.0, ratio=faster),
        row(
            "markov_3_states_log_likelihood",
            fit.log_likelihood,
            "nats",
            peer_likelihood,
            "higher",
            peer=peer,
            peer_value=peer_likelihood,
            ratio=fit.log_likelihood - peer_likelihood,
        ),
        row("regime_adoption_one_series", adoption, "s", 4.0, "lower"),
    ]


if __name__ == "__main__":
    for line in bench(smoke=False):
        print(line)
