"""What the projection says of calibration and regime: their age, their status, what a regime's probability rests on."""

from typing import Any

import numpy as np

from workbench.domain.calibration import Calibration
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import DAY_NS
from workbench.domain.trading.modes import Regime

BANDS = "The regime in force is the engine's own: volatility bands first, then what slow work last read of calm times."


def age_days(calibration: Calibration, time_ns: int) -> int:
    """Business days since the day a calibration is of.

    Parameters
    ----------
    calibration : Calibration
        In force.
    time_ns : int
        Now by the loop's clock, UTC.

    Returns
    -------
    int
        Negative when it is of a later day.
    """
    day = np.datetime64(time_ns // DAY_NS, "D")
    return int(np.busday_count(np.datetime64(calibration.as_of, "D"), day))


def calibration_table(calibration: Calibration | None, policy: Policy, time_ns: int) -> dict[str, Any] | None:
    """The calibration in force.

    Parameters
    ----------
    calibration : Calibration or None
        None when there is none.
    policy : Policy
        Limits its age.
    time_ns : int
        Now by the loop's clock, UTC.

    Returns
    -------
    dict or None
    """
    if calibration is None:
        return None
    return {
        "id": calibration.id,
        "as_of": str(calibration.as_of),
        "age_days": age_days(calibration, time_ns),
        "limit_days": policy.calibration.age_limit_business_days,
        "provisional": calibration.status == "provisional",
    }


def regime_table(calibration: Calibration | None, regime: Regime, since_ns: int) -> dict[str, Any]:
    """The regime in force, and the probability the calibration keeps of the one it read.

    Parameters
    ----------
    calibration : Calibration or None
        In force.
    regime : Regime
        The engine's.
    since_ns : int
        Since when.

    Returns
    -------
    dict
        ``probabilities`` is None where the calibration holds none.
    """
    probabilities, source = _read_probability(calibration)
    return {
        "now": regime.name,
        "since_ns": since_ns,
        "probabilities": probabilities,
        "source": f"{source} {BANDS}",
    }


def _read_probability(calibration: Calibration | None) -> tuple[dict[str, float] | None, str]:
    if calibration is None:
        return None, "There is no calibration, so no probability."
    found: Any = calibration.evidence.get("regime")
    if not isinstance(found, dict) or not isinstance(found.get("probability"), int | float):
        return None, f"The calibration of {calibration.as_of} holds no regime probability."
    state, model = str(found.get("state")), str(found.get("model"))
    sentence = (
        f"Probability of the regime that {model} read at the end of {calibration.as_of}, from data up to that day; the "
        "calibration keeps no other state's."
    )
    return {state: float(found["probability"])}, sentence
