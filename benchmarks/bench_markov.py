"""Three-state Markov fit on 27 years of EURUSD, side by side with statsmodels; and the whole adoption test.

Peer: `statsmodels.tsa.MarkovRegression` with switching mean and variance on returns times 100 (it fails on raw
returns), its default search, one run because it takes ten seconds. Ours: median of five warm runs. Log likelihoods are
compared in the units of raw returns.
"""

import warnings
from importlib.metadata import version
from statistics import median

import numpy as np
from measure import Row, row, run_alone, timed

from workbench.data.sources.ecb import EcbHistory
from workbench.regimes import fit_markov, regime_adoption

RUNS = 5
PERCENT = 100.0


def statsmodels_fit(returns: np.ndarray) -> tuple[float, float, bool]:
    """Seconds, log likelihood in raw units, converged."""
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that it did not converge; the row says so
        model = MarkovRegression(returns * PERCENT, k_regimes=3, switching_variance=True)
        seconds, result = timed(lambda: model.fit(disp=False))
    return seconds, float(result.llf + returns.size * np.log(PERCENT)), bool(result.mle_retvals["converged"])


def bench(*, smoke: bool) -> list[Row]:
    series = EcbHistory().load().pair_log_returns(("EURUSD",))["EURUSD"].iloc[-1000 if smoke else -7125 :]
    returns, dates = series.to_numpy(), series.index.to_numpy()
    if not smoke:
        regime_adoption(returns, dates)  # compile or read the cache
    fit_markov(returns, states=3)
    runs = [timed(lambda: fit_markov(returns, states=3)) for _ in range(RUNS)]
    seconds, fit = median(run[0] for run in runs), runs[0][1]
    peer_seconds, peer_likelihood, converged = statsmodels_fit(returns)
    peer = f"statsmodels {version('statsmodels')}" + ("" if converged else ", not converged")
    rows = [
        row(
            f"Markov fit, 3 states, {returns.size:,} days",
            seconds,
            "s",
            peer=peer,
            peer_value=peer_seconds,
            target=10,
            target_is_ratio=True,
        ),
        row(
            "Markov log-likelihood, ours − theirs",
            fit.log_likelihood - peer_likelihood,
            "nats",
            peer=peer,
            target=0,
            better="higher",
            note=f"{fit.log_likelihood:.3f} against {peer_likelihood:.3f}, raw returns",
        ),
    ]
    if smoke:
        return rows
    adoption = median(timed(lambda: regime_adoption(returns, dates))[0] for _ in range(3))
    return [*rows, row("regime adoption test, one series", adoption, "s", target=4)]


if __name__ == "__main__":
    run_alone(bench)
