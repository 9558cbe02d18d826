"""Rolling one-day-ahead VaR and ES forecasts of every model, resumable to the last digit.

Days are counted from the first return. Segment j covers the `refit_every` days from ``first + j × refit_every``; its
models are fitted on the `window` days before it, starting from the estimate of segment j − 1. Because the schedule is
anchored and the estimates are kept, adding days, or cutting them off, gives the same numbers as starting anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from workbench.domain.errors import DataError, ModelError
from workbench.risk.models import COMBINATION, CONFIDENCES, MEMBERS, MODELS, VarModel

Floats = NDArray[np.float64]
Progress = Callable[[int], None]

COLD_EVERY = 5
"""Every fifth refit also starts cold, so that a warm start cannot stay in a poorer local optimum for long."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When forecasts begin, how far models look back, how often they are fitted; all in days."""

    first: int
    window: int = 1000
    refit_every: int = 20

    def __post_init__(self) -> None:
        """Refuse a schedule whose first window reaches before the data."""
        if not 0 < self.window <= self.first or self.refit_every < 1:
            raise DataError(
                f"forecasts need {self.window} returns before the first day and a refit interval of at least 1, "
                f"got first day {self.first}, refit every {self.refit_every}"
            )

    def start_of(self, segment: int) -> int:
        """First day of a segment.

        Parameters
        ----------
        segment : int
            Counted from 0.

        Returns
        -------
        int
            Index into the returns.
        """
        return self.first + segment * self.refit_every


@dataclass(frozen=True, slots=True)
class RollingForecasts:
    """Forecasts for days ``first … days``; the last row is for the day after the last return.

    Attributes
    ----------
    returns : ndarray, shape (days,)
        The series forecast, oldest first.
    value_at_risk, expected_shortfall : ndarray, shape (rows, models, confidences)
        Positive loss fractions; NaN only in the rows of a refused model from its refusal on.
    estimates : mapping of str to ndarray, shape (segments, parameters)
        What each estimator found.
    refused : mapping of str to (int, str)
        Model → day and reason of its refusal.
    """

    returns: Floats
    schedule: Schedule
    names: tuple[str, ...]
    value_at_risk: Floats
    expected_shortfall: Floats
    estimates: dict[str, Floats]
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of days forecast, tomorrow included."""
        return int(self.value_at_risk.shape[0])

    @property
    def realised(self) -> Floats:
        """Returns of the days forecast, without tomorrow; shape (rows − 1,)."""
        return self.returns[self.schedule.first :]

    def of(self, name: str, confidence: float) -> tuple[Floats, Floats]:
        """VaR and ES of one model at one level, tomorrow's last.

        Parameters
        ----------
        name : str
            Model.
        confidence : float
            One of `CONFIDENCES`.

        Returns
        -------
        tuple of ndarray, shape (rows,)
            Positive loss fractions.

        Raises
        ------
        ModelError
            When the model or the level is not there.
        """
        level = np.flatnonzero(np.isclose(CONFIDENCES, confidence))
        if name not in self.names or level.size == 0:
            raise ModelError(f"no forecasts of {name!r} at {confidence}: have {', '.join(self.names)} at {CONFIDENCES}")
        place = self.names.index(name)
        return self.value_at_risk[:, place, level[0]], self.expected_shortfall[:, place, level[0]]

    def cold_starts(self) -> dict[str, dict[str, int]]:
        """How often the cold start was tried, and how often it beat the warm one, per GARCH estimator.

        Returns
        -------
        dict
            Estimator → {"refits", "cold tried", "cold better"}.
        """
        counts = {}
        for key, rows in self.estimates.items():
            if key.startswith(("garch", "gjr")):
                outcome = rows[:, -1]
                counts[key] = {
                    "refits": int(outcome.size),
                    "cold tried": int(np.sum(outcome > 0)),
                    "cold better": int(np.sum(outcome == 2)),
                }
        return counts

    def cut(self, days: int) -> "RollingForecasts":
        """The same forecasts as they stood when only the first `days` returns were known.

        Parameters
        ----------
        days : int
            Number of returns to keep.

        Returns
        -------
        RollingForecasts
        """
        rows = days + 1 - self.schedule.first
        segments = -(-rows // self.schedule.refit_every)
        return replace(
            self,
            returns=self.returns[:days],
            value_at_risk=self.value_at_risk[:rows],
            expected_shortfall=self.expected_shortfall[:rows],
            estimates={key: values[:segments] for key, values in self.estimates.items()},
            refused={name: why for name, why in self.refused.items() if why[0] <= days},
        )


def forecast_segment(
    returns: Floats, segment: int, schedule: Schedule, models: Sequence[VarModel], earlier: Mapping[str, Floats | None]
) -> tuple[Floats, dict[str, Floats], dict[str, str]]:
    """Forecasts of one segment.

    Parameters
    ----------
    returns : ndarray, shape (days,)
        All returns known.
    segment : int
        Which one.
    schedule : Schedule
        When and how.
    models : sequence of VarModel
        Models to run; refused ones are left out by the caller.
    earlier : mapping of str to ndarray or None
        Per estimator the estimate to start from; the key ``=key`` holds one that is to be used as it is.

    Returns
    -------
    tuple
        Array (2, days, models, confidences) with VaR and ES; the estimates; model → reason of refusal.
    """
    start = schedule.start_of(segment)
    stop = min(start + schedule.refit_every, returns.size + 1)
    window = returns[start - schedule.window : start]
    estimates: dict[str, Floats] = {}
    refused: dict[str, str] = {}
    numbers = np.full((2, stop - start, len(models), CONFIDENCES.size), np.nan)
    for place, model in enumerate(models):
        key = model.estimator.key
        try:
            if key not in estimates:
                known = earlier.get(f"={key}")
                check = segment % COLD_EVERY == 0
                estimates[key] = (
                    model.estimator.estimate(window, earlier.get(key), check_cold=check) if known is None else known
                )
            parameters = model.tail(window, estimates[key])
        except ModelError as error:
            refused[model.name] = str(error)
            continue
        forecast = model.forecast(returns, (start, stop), schedule.window, parameters)
        numbers[0, :, place], numbers[1, :, place] = forecast.value_at_risk, forecast.expected_shortfall
    return numbers, estimates, refused


def agreeing_days(stored: RollingForecasts, returns: Floats) -> int:
    """Leading returns that are the same to the last bit.

    Parameters
    ----------
    stored : RollingForecasts
        Earlier forecasts.
    returns : ndarray, shape (days,)
        The series now.

    Returns
    -------
    int
    """
    shared = min(stored.returns.size, returns.size)
    different = np.flatnonzero(stored.returns[:shared] != returns[:shared])
    return int(different[0]) if different.size else shared


def rolling_forecasts(
    returns: Floats,
    schedule: Schedule,
    *,
    models: Sequence[VarModel] = tuple(MODELS.values()),
    stored: RollingForecasts | None = None,
    progress: Progress = lambda days: None,
) -> RollingForecasts:
    """Run every model over the days from `schedule.first` to the day after the last return.

    Parameters
    ----------
    returns : ndarray, shape (days,)
        Simple returns of the series at today's positions, oldest first, finite.
    schedule : Schedule
        First day, window, refit interval.
    models : sequence of VarModel
        Models to run; the equal-weight combination is added when all its members are among them.
    stored : RollingForecasts, optional
        An earlier result; the part that rests on the same returns, schedule and models is taken over.
    progress : callable
        Called with the number of days finished since the last call.

    Returns
    -------
    RollingForecasts
        Row t saw returns before t only.

    Raises
    ------
    DataError
        When a return is not finite or no return lies at or after the first day.
    """
    if not np.all(np.isfinite(returns)) or returns.size < schedule.first:
        raise DataError(f"rolling forecasts need finite returns up to day {schedule.first}, got {returns.size} days")
    names = tuple(model.name for model in models)
    last_segment = (returns.size - schedule.first) // schedule.refit_every
    begin, parts, estimates, refused = _resume(returns, schedule, names, stored)
    if parts:
        progress(parts[0].shape[1])
    for segment in range(begin, last_segment + 1):
        active = [model for model in models if model.name not in refused]
        earlier = {key: rows[segment - 1] for key, rows in estimates.items() if len(rows) >= segment > 0}
        earlier |= {f"={key}": rows[segment] for key, rows in estimates.items() if len(rows) > segment}
        numbers, found, why = forecast_segment(returns, segment, schedule, active, earlier)
        full = np.full((2, numbers.shape[1], len(models), CONFIDENCES.size), np.nan)
        full[:, :, [names.index(model.name) for model in active]] = numbers
        parts.append(full)
        for key, row in found.items():
            estimates[key] = [*estimates.get(key, [])[:segment], row]
        refused |= {name: (schedule.start_of(segment), reason) for name, reason in why.items()}
        progress(full.shape[1])
    joined = np.concatenate(parts, axis=1)
    result = RollingForecasts(
        returns, schedule, names, joined[0], joined[1], {k: np.array(v) for k, v in estimates.items()}, refused
    )
    return _with_combination(result)


def _resume(
    returns: Floats, schedule: Schedule, names: tuple[str, ...], stored: RollingForecasts | None
) -> tuple[int, list[Floats], dict[str, list[Floats]], dict[str, tuple[int, str]]]:
    """First segment to run, the finished forecasts before it, the estimates that hold, earlier refusals."""
    own = tuple(name for name in stored.names if name != COMBINATION) if stored else ()
    if stored is None or stored.schedule != schedule or own != names:
        return 0, [], {}, {}
    known = min(agreeing_days(stored, returns), stored.returns.size)
    if known < schedule.first:
        return 0, [], {}, {}
    kept = stored.cut(known)
    segment = (kept.rows - 1) // schedule.refit_every
    whole = segment * schedule.refit_every
    models = len(names)
    parts = [np.stack([kept.value_at_risk[:whole, :models], kept.expected_shortfall[:whole, :models]])] if whole else []
    estimates = {key: list(rows[: segment + 1]) for key, rows in kept.estimates.items()}
    refused = {name: why for name, why in kept.refused.items() if why[0] < schedule.start_of(segment)}
    return segment, parts, estimates, refused


def _with_combination(result: RollingForecasts) -> RollingForecasts:
    """Add the equal-weight mean of the members, when all of them ran."""
    if not set(MEMBERS) <= set(result.names) or set(MEMBERS) & set(result.refused):
        return result
    places = [result.names.index(name) for name in MEMBERS]
    mean_var = result.value_at_risk[:, places].mean(axis=1, keepdims=True)
    mean_es = result.expected_shortfall[:, places].mean(axis=1, keepdims=True)
    return replace(
        result,
        names=(*result.names, COMBINATION),
        value_at_risk=np.concatenate([result.value_at_risk, mean_var], axis=1),
        expected_shortfall=np.concatenate([result.expected_shortfall, mean_es], axis=1),
    )
