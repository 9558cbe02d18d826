"""The gates of a calibration: each a plain number against its limit, and a sentence a risk manager can read.

A gate that cannot be computed has failed: a NaN never passes. What a failure means is in `consequence`: *refuse* keeps
the calibration out, *confirm* asks a person, *warn* is written down and changes nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from workbench.data.calendar import fixing_days
from workbench.domain.errors import DataError
from workbench.domain.policy.risk import CalibrationGates

Consequence = Literal["refuse", "confirm", "warn"]
Zone = Literal["green", "yellow", "red"]
REFUSE: Consequence = "refuse"
CONFIRM: Consequence = "confirm"
WARN: Consequence = "warn"
StressVerdict = Literal["pass", "fail"]


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate: what was measured, what the limit is, and what the outcome means."""

    name: str
    passed: bool
    value: float | str
    limit: float | str
    sentence: str
    consequence: Consequence = REFUSE

    def __post_init__(self) -> None:
        """Put words in place of a number that could not be computed, so that a verdict stays valid JSON."""
        if isinstance(self.value, float) and not math.isfinite(self.value):
            object.__setattr__(self, "value", f"not computed ({self.value})")

    @property
    def told(self) -> dict[str, object]:
        """What a report says of the gate, as plain JSON."""
        return {"name": self.name, "passed": self.passed, "consequence": self.consequence, "sentence": self.sentence}


def daily_coverage_gate(coverage: float, gates: CalibrationGates) -> GateResult:
    """Daily prices against the calendar.

    Parameters
    ----------
    coverage : float
        Lowest share of the expected days present, over all series.
    gates : CalibrationGates
        Limits of the policy.

    Returns
    -------
    GateResult
    """
    limit = gates.minimum_daily_coverage
    sentence = f"the least complete daily series has {coverage:.2%} of its days, {limit:.2%} are needed"
    return GateResult("daily coverage", coverage >= limit, coverage, limit, sentence)


def intraday_capture_gate(captured: Mapping[str, float], gates: CalibrationGates) -> GateResult:
    """Intraday bars that arrived against those expected.

    Parameters
    ----------
    captured : mapping of str to float
        Share per intraday series; empty when there are none.
    gates : CalibrationGates
        Limits of the policy.

    Returns
    -------
    GateResult
        Passed when there is no intraday series: the calibration then rests on daily data alone.
    """
    limit = gates.minimum_intraday_capture
    if not captured:
        sentence = "no intraday series is stored; the calibration rests on daily data"
        return GateResult("intraday capture", passed=True, value="no intraday data", limit=limit, sentence=sentence)
    worst = min(captured, key=lambda name: captured[name] if math.isfinite(captured[name]) else -math.inf)
    share = captured[worst]
    sentence = f"{worst} has {share:.3%} of its intraday bars, {limit:.3%} are needed"
    return GateResult("intraday capture", share >= limit, share, limit, sentence)


def flagged_gate(unaccepted: Iterable[tuple[str, date, str]], as_of: date, gates: CalibrationGates) -> GateResult:
    """Flagged and unaccepted values among the most recent business days.

    Parameters
    ----------
    unaccepted : iterable of (series, day, reason)
        Every flag nobody has accepted, of any age.
    as_of : date
        Last day of the data.
    gates : CalibrationGates
        Limits of the policy.

    Returns
    -------
    GateResult
    """
    window = gates.flagged_window_days
    recent = [flag for flag in unaccepted if business_days_between(min(flag[1], as_of), as_of) < window]
    named = "; ".join(f"{series} on {day}: {reason}" for series, day, reason in recent[:5])
    more = f" and {len(recent) - 5} more" if len(recent) > 5 else ""
    sentence = f"nothing is flagged and unaccepted in the last {window} business days"
    if recent:
        sentence = f"flagged and not accepted in the last {window} business days: {named}{more}"
    return GateResult("flagged values", not recent, float(len(recent)), 0.0, sentence)


def coverage_gate(*, confidence: float, p_value: float, days: int, gates: CalibrationGates) -> GateResult:
    """Number of the champion's exceedances, by its exact binomial p-value.

    Parameters
    ----------
    confidence : float
        Level of the value at risk, 0.95 or 0.99.
    p_value : float
        Exact binomial, two-sided.
    days : int
        Days of the backtest.
    gates : CalibrationGates
        Limits of the policy.

    Returns
    -------
    GateResult
        Failed also when the backtest is shorter than the policy asks.
    """
    limit, name = gates.minimum_coverage_p_value, f"coverage at {confidence:.0%}"
    if days < gates.backtest_days:
        sentence = f"only {days} days of forecasts to backtest at {confidence:.0%}, {gates.backtest_days} are needed"
        return GateResult(name, passed=False, value=float(days), limit=float(gates.backtest_days), sentence=sentence)
    verdict = "fits" if p_value >= limit else "does not fit"
    sentence = (
        f"the number of exceedances at {confidence:.0%} over {days} days {verdict} the level "
        f"(exact p {p_value:.3g}, at least {limit:g} is needed)"
    )
    return GateResult(name, p_value >= limit, p_value, limit, sentence)


def traffic_light_gate(zone: Zone, gates: CalibrationGates) -> GateResult:
    """Basel traffic light of the champion.

    Parameters
    ----------
    zone : {"green", "yellow", "red"}
        Over the policy's number of days.
    gates : CalibrationGates
        Limits of the policy.

    Returns
    -------
    GateResult
    """
    sentence = f"the champion is in the {zone} zone over {gates.traffic_light_days} days"
    return GateResult("traffic light", zone in {"green", "yellow"}, zone, "not red", sentence)


def confidence_set_gate(champion: str, members: Sequence[str], gates: CalibrationGates) -> GateResult:
    """Membership of the champion in the model confidence set by FZ0 loss.

    Parameters
    ----------
    champion : str
        Name of the model.
    members : sequence of str
        Models of the set.
    gates : CalibrationGates
        Limits of the policy.

    Returns
    -------
    GateResult
    """
    inside = champion in members
    where = "inside" if inside else "outside"
    sentence = (
        f"{champion} is {where} the {gates.model_confidence_set:.0%} model confidence set of {len(members)} models"
    )
    return GateResult("model confidence set", inside, champion, ", ".join(members) or "empty set", sentence)


def shortfall_gate(p_value: float, gates: CalibrationGates) -> GateResult:
    """Expected shortfall of the champion, by the simulated p-value of its test.

    Parameters
    ----------
    p_value : float
        Simulated for the length and the law at hand.
    gates : CalibrationGates
        Limits of the policy.

    Returns
    -------
    GateResult
    """
    limit = gates.minimum_shortfall_p_value
    verdict = "are no larger than" if p_value >= limit else "are larger than"
    sentence = (
        f"losses beyond value at risk {verdict} the expected shortfall says "
        f"(simulated p {p_value:.3g}, at least {limit:g} is needed)"
    )
    return GateResult("expected shortfall", p_value >= limit, p_value, limit, sentence)


def convergence_gate(failed_fits: Sequence[str]) -> GateResult:
    """Fits that did not converge.

    Parameters
    ----------
    failed_fits : sequence of str
        Names of the fits the calibration relies on that failed.

    Returns
    -------
    GateResult
    """
    sentence = f"fits that did not converge: {', '.join(failed_fits)}" if failed_fits else "all fits converged"
    return GateResult("convergence", not failed_fits, float(len(failed_fits)), 0.0, sentence)


def stress_gate(verdict: StressVerdict, sentence: str) -> GateResult:
    """Verdict of the stress validation of this calibration.

    Parameters
    ----------
    verdict : {"pass", "fail"}
        Anything but a pass refuses.
    sentence : str
        What it rests on.

    Returns
    -------
    GateResult
    """
    words = f"the stress validation is a {verdict}: {sentence}"
    return GateResult("stress verdict", verdict == "pass", verdict, "not a fail", words, REFUSE)


def independence_warning(*, confidence: float, p_value: float, gates: CalibrationGates) -> GateResult:
    """Christoffersen's independence of exceedances: a warning, whatever it says.

    Parameters
    ----------
    confidence : float
        Level of the value at risk.
    p_value : float
        Of the test.
    gates : CalibrationGates
        Limits of the policy.

    Returns
    -------
    GateResult
    """
    meaning = "exceedances come in clusters: after one, the next is likelier than the level says"
    return _warning(f"independence at {confidence:.0%}", p_value, gates.minimum_coverage_p_value, meaning)


def dynamic_quantile_warning(*, confidence: float, p_value: float, gates: CalibrationGates) -> GateResult:
    """Dynamic quantile test of Engle and Manganelli: a warning, whatever it says.

    Parameters
    ----------
    confidence : float
        Level of the value at risk.
    p_value : float
        Of the test.
    gates : CalibrationGates
        Limits of the policy.

    Returns
    -------
    GateResult
    """
    meaning = "exceedances can be foreseen from the last days: value at risk reacts too slowly in one direction"
    return _warning(f"dynamic quantile at {confidence:.0%}", p_value, gates.minimum_coverage_p_value, meaning)


def _warning(name: str, p_value: float, limit: float, meaning: str) -> GateResult:
    passed = p_value >= limit
    sentence = f"{name}: no sign against it" if passed else f"{name} fails: {meaning}"
    return GateResult(name, passed, p_value, limit, f"{sentence} (p {p_value:.3g})", WARN)


def value_at_risk_move_gate(current: float, adopted: float | None, gates: CalibrationGates) -> GateResult:
    """Relative move of portfolio value at risk against the calibration it would replace.

    Parameters
    ----------
    current : float
        Positive loss fraction of the candidate.
    adopted : float or None
        The same figure of the calibration it replaces; None when there is none.
    gates : CalibrationGates
        Limits of the policy.

    Returns
    -------
    GateResult
        A failure asks a person, it does not refuse.
    """
    name, limit = "value at risk move", gates.unconfirmed_move
    if adopted is None:
        sentence = "no earlier calibration to compare value at risk with"
        return GateResult(
            name, passed=True, value="no predecessor", limit=limit, sentence=sentence, consequence=CONFIRM
        )
    move = current / adopted - 1 if adopted > 0 else math.nan
    sentence = (
        f"portfolio value at risk moves by {move:+.1%} against the adopted calibration ({adopted:.4%} to {current:.4%})"
    )
    if not abs(move) <= limit:
        sentence += f"; more than {limit:.0%} needs a person's confirmation"
    return GateResult(name, abs(move) <= limit, move, limit, sentence, CONFIRM)


def age_gate(as_of: date, today: date, gates: CalibrationGates) -> GateResult:
    """Age of the data behind a calibration: a warning at adoption, a technical breach in live use.

    Parameters
    ----------
    as_of : date
        Last day of the data.
    today : date
        Day of the decision.
    gates : CalibrationGates
        Limits of the policy.

    Returns
    -------
    GateResult
    """
    age, limit = business_days_between(as_of, today), gates.age_limit_business_days
    sentence = f"the data ends {as_of}, {age} business days before {today}"
    if age > limit:
        sentence += (
            f"; more than {limit} is stale: live trading with it is on rung {gates.stale_technical_rung} of the "
            "technical ladder (reduce only) until newer data is calibrated"
        )
    return GateResult("age", age <= limit, float(age), float(limit), sentence, WARN)


def business_days_between(earlier: date, later: date) -> int:
    """Fixing days after one day, up to and including another.

    Parameters
    ----------
    earlier, later : date
        In this order.

    Returns
    -------
    int
        0 for the same day.

    Raises
    ------
    DataError
        When `earlier` is after `later`.

    Examples
    --------
    >>> business_days_between(date(2026, 10, 30), date(2026, 11, 2))
    1
    """
    if earlier > later:
        raise DataError(f"expected {earlier} not to lie after {later}; check the as-of date and the clock")
    return max(0, len(fixing_days(earlier, later)) - len(fixing_days(earlier, earlier)))
