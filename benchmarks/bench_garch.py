"""GARCH-t on 1,000 days: the compiled fit against `arch`, cold, same backcast, medians over pairs and windows."""

import time
import warnings
from statistics import median

from arch import arch_model

from workbench.data.sources.ecb import EcbHistory
from workbench.domain.currencies import PAIRS
from workbench.risk import fit_garch


def bench(*, smoke: bool) -> list[dict]:
    returns = 100 * EcbHistory().load().pair_simple_returns()
    ours, theirs, gains = [], [], []
    fit_garch(returns["EURUSD"].to_numpy()[:1000], distribution="t")
    for pair in PAIRS[: 2 if smoke else 16]:
        for start in (0, 2500, 5000):
            window = returns[pair].to_numpy()[start : start + 1000]
            backcast = float(window.var())
            began = time.perf_counter()
            fit = fit_garch(window, distribution="t", backcast=backcast)
            ours.append(1e3 * (time.perf_counter() - began))
            model = arch_model(window, dist="t")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                began = time.perf_counter()
                peer = model.fit(disp="off", backcast=backcast, show_warning=False)
                theirs.append(1e3 * (time.perf_counter() - began))
            gains.append(fit.log_likelihood - peer.loglikelihood)
    mine, other = median(ours), median(theirs)
    speed = {
        "name": "GARCH-t fit, 1,000 days, median",
        "value": mine,
        "unit": "ms",
        "peer": "arch",
        "peer_value": other,
    }
    worst = {"name": "worst log-likelihood gain over arch", "value": min(gains), "unit": "nats", "better": "higher"}
    return [
        {
            **speed,
            "peer": "arch",
            "peer_value": other,
            "ratio": other / mine,
            "target": 10,
            "target_is_ratio": True,
            "better": "higher",
        },
        {**worst, "target": -1e-3},
    ]
