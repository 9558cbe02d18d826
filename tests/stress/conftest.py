"""Books of the last evening in the wheel, ready for a shock."""

from collections.abc import Callable, Mapping

import pytest

from workbench.data.calendar import fix_times
from workbench.data.policy_file import read_policy
from workbench.domain.book import Book
from workbench.domain.currencies import LEGS
from workbench.domain.policy import Policy
from workbench.runtime.replay.scenario import Evening, quick_calibration
from workbench.stress import Situation


@pytest.fixture(scope="session")
def policy() -> Policy:
    return read_policy(None)


@pytest.fixture(scope="session")
def situation_for(ecb, policy) -> Callable[..., Situation]:
    """A situation for units by pair, on the last evening or so many fixes before it."""

    def build(units: Mapping[str, float], *, equity: float = 1e6, back: int = 0) -> Situation:
        rates = ecb.up_to(ecb.dates[len(ecb) - 1 - back])
        calibration = quick_calibration(Evening.last_of(rates), Book(dict(units), equity), policy)
        return Situation(
            policy=policy,
            calibration=calibration,
            units=dict(units),
            equity=equity,
            values=rates.last_values(),
            time_ns=int(fix_times(rates.dates[-1:]).as_unit("ns").asi8[0]),
            recent=rates.leg_simple_returns()[list(LEGS)].to_numpy()[-20:],
        )

    return build
