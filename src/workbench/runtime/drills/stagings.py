"""Prices and calibrations that bring one metric just above one trigger of the policy, and leave the others alone.

Each climate keeps the metrics of the other ladders low: where value at risk shall speak, normal volatility is so large
that the volatility ladder does not, and so on. A policy with triggers far from the shipped ones may trip others too;
that changes nothing for the rung that is drilled, which must fire all the same.
"""

import math
from collections.abc import Mapping, Sequence

from workbench.domain.policy import Policy
from workbench.domain.policy.risk import Ladder
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.engine.kernel.readings import HOURS_PER_DAY
from workbench.runtime.drills.market import DECAY, DOLLAR_PAIRS, NEVER, TRIGGER_NS, Climate, Course
from workbench.runtime.drills.stage import Staging

FOUR = ("EUR", "GBP", "AUD", "NZD")
ALL_BUT_HELD = ("JPY", "CHF", "CAD")
BEYOND = 1.1
"""Metric over the trigger of the last rung."""
CALM = Climate(volatility=0.005, normal_volatility=0.005, correlation=0.0, quantile=0.05)
"""Nothing speaks."""
BACK_AFTER_NS = 5 * SECOND_NS
"""From the last technical rung to the first price, or answer of the broker, after it."""
SILENT_FROM_NS = TRIGGER_NS + 1


def book_of(legs: Sequence[str], gross: float) -> dict[str, float]:
    """Long every leg against the dollar, with the same value.

    Parameters
    ----------
    legs : sequence of str
        Currencies.
    gross : float
        Value of all of them over equity.

    Returns
    -------
    dict of str to float
        Weight by pair; short the pairs that begin with the dollar.
    """
    weight = gross / len(legs)
    return {DOLLAR_PAIRS[leg]: weight if DOLLAR_PAIRS[leg].endswith("USD") else -weight for leg in legs}


def above(triggers: Sequence[float], rung: int) -> float:
    """A metric above the trigger of a rung and under that of the next.

    Parameters
    ----------
    triggers : sequence of float
        Of the ladder, rising.
    rung : int
        From 1.

    Returns
    -------
    float
    """
    here = triggers[rung - 1]
    return 0.5 * (here + triggers[rung]) if rung < len(triggers) else BEYOND * here


def triggers_of(ladder: Ladder) -> list[float]:
    """Triggers of a ladder that is measured by one number.

    Parameters
    ----------
    ladder : Ladder
        Of the policy.

    Returns
    -------
    list of float
    """
    return [float(getattr(rung, "trigger")) for rung in ladder.rungs]  # noqa: B009 -- not every rung has one


def drawdown_staging(policy: Policy, rung: int) -> Staging:
    """A fall that takes so much of equity, in a market so wild that only the drawdown ladder minds.

    Parameters
    ----------
    policy : Policy
        Its triggers.
    rung : int
        From 1.

    Returns
    -------
    Staging
    """
    gross = 0.9
    fall = above(triggers_of(policy.ladders.drawdown), rung) / gross
    wild = Climate(volatility=5.0, normal_volatility=5.0, correlation=0.0, quantile=1e-4)
    return Staging(wild, Course(dict.fromkeys(FOUR, -fall)), book_of(FOUR, gross))


def volatility_staging(ratio: float) -> Staging:
    """A jump of every leg, to and fro by turns, so that the legs are as wild as wanted and the book loses nothing.

    Parameters
    ----------
    ratio : float
        Volatility over normal that is wanted.

    Returns
    -------
    Staging
    """
    jump = ratio * CALM.normal_volatility / math.sqrt(HOURS_PER_DAY)
    legs = (*FOUR, *ALL_BUT_HELD)
    return Staging(CALM, Course({leg: jump * (-1) ** place for place, leg in enumerate(legs)}), book_of(FOUR, 0.2))


def value_at_risk_staging(policy: Policy, rung: int) -> Staging:
    """A jump of the legs held that makes the last hour's VaR as large as wanted, far from what counts as wild.

    Parameters
    ----------
    policy : Policy
        Its triggers.
    rung : int
        From 1.

    Returns
    -------
    Staging
    """
    triggers, gross = triggers_of(policy.ladders.value_at_risk), 0.4
    quiet = 0.4 * triggers[0]
    own = CALM.volatility * gross / math.sqrt(len(FOUR))
    climate = Climate(CALM.volatility, 10 * CALM.volatility, 0.0, quiet / own)
    jump = above(triggers, rung) / (climate.quantile * math.sqrt(HOURS_PER_DAY) * gross)
    return Staging(climate, Course(dict.fromkeys(FOUR, -jump)), book_of(FOUR, gross))


def correlation_staging(normal: float, wanted: float, legs: Sequence[str]) -> Staging:
    """A day on which some legs move together until their correlations are as wanted, too small for any other ladder.

    With ``k`` the share of the day's squared move in the new variance over that of the old one, the correlation of two
    legs that moved alike is ``(normal + k) / (1 + k)``.

    Parameters
    ----------
    normal : float
        Correlation of any two legs by the calibration.
    wanted : float
        Correlation of the legs that move.
    legs : sequence of str
        Those; they are held too.

    Returns
    -------
    Staging
    """
    share = (wanted - normal) / (1.0 - wanted)
    climate = Climate(volatility=0.001, normal_volatility=0.1, correlation=normal, quantile=0.02)
    move = climate.volatility * math.sqrt(share * DECAY / (1.0 - DECAY))
    return Staging(climate, Course(dict.fromkeys(legs, move)), book_of(legs, 0.2))


def correlation_stagings(policy: Policy) -> Mapping[str, Staging]:
    """Three ways the correlation ladder speaks: all have moved, all are high, or enough of those held have broken out.

    Parameters
    ----------
    policy : Policy
        Its triggers.

    Returns
    -------
    mapping of str to Staging
        By name of the control.
    """
    everything, ladder = (*FOUR, *ALL_BUT_HELD), policy.ladders.correlation
    moved, high = ladder.rung_1.trigger, ladder.rung_2
    level = high.trigger + 0.4 * (1.0 - high.trigger)
    held = next((count for count in range(2, 8) if count * (count - 1) // 2 >= high.moved_count), len(everything))
    apart = high.high_correlation + 0.5 * (1.0 - high.high_correlation)
    return {
        "correlation 1": correlation_staging(0.1, min(0.1 + 1.2 * moved, 0.95), everything),
        "correlation 2": correlation_staging(max(level - 0.5 * moved, 0.0), level, everything),
        "correlation 2 of held legs": correlation_staging(
            min(0.1, 0.5 * (apart - high.moved_correlation)), apart, everything[:held]
        ),
    }


def silence_staging(*, primary_ns: int = 0, backup_ns: int = 0) -> Staging:
    """Feeds that fall silent.

    Parameters
    ----------
    primary_ns, backup_ns : int
        For how long, each; 0: it goes on.

    Returns
    -------
    Staging
    """
    silent = tuple((SILENT_FROM_NS, SILENT_FROM_NS + length) if length else NEVER for length in (primary_ns, backup_ns))
    return Staging(CALM, Course(silent_ns=silent), book_of(FOUR, 0.4))


def outage_staging(length_ns: int) -> Staging:
    """A broker that cannot be reached.

    Parameters
    ----------
    length_ns : int
        For how long.

    Returns
    -------
    Staging
    """
    return Staging(CALM, Course(), book_of(FOUR, 0.4), ((SILENT_FROM_NS, SILENT_FROM_NS + length_ns),))


def still_staging() -> Staging:
    """Nothing happens by itself: what people do is drilled.

    Returns
    -------
    Staging
    """
    return Staging(CALM, Course(), book_of(FOUR, 0.4))
