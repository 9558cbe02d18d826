"""Does a regime model earn its place? Out of sample, against EWMA, with the answer in plain sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from workbench.domain.errors import DataError
from workbench.domain.tables import html_list, html_table, number, percent
from workbench.regimes.jump import fit_jump, volatility_features
from workbench.regimes.markov import MarkovParameters, filter_series, fit_markov
from workbench.regimes.measures import (
    NAMED_CRISES,
    Crisis,
    CrisisDelay,
    area_under_curve,
    count_switches,
    crisis_delays,
    density_gain,
    fit_degrees_of_freedom,
    student_log_density,
)
from workbench.regimes.online import StateLabels
from workbench.regimes.series import (
    NORMAL_WINDOW_DAYS,
    Dates,
    Floats,
    Integers,
    ewma_variance,
    finite_series,
    rising_dates,
    volatility_ratio,
)
from workbench.regimes.volatility import DEFAULT_BANDS

WARM_UP_DAYS = 60
"""Days of EWMA history before its forecasts are used to fit the benchmark's tail."""
DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class AdoptionRule:
    """How the test is run and what a model must reach.

    Attributes
    ----------
    states : int
        States of the Markov model and of the challenger.
    first_fit_days, refit_days : int
        Rows before the first out-of-sample day, and between expanding refits (256 ECB fixes are a year).
    significance : float
        One-sided level of the density test.
    large_move_quantile : float
        A move is large beyond this quantile of |return| in the rows before the refit.
    most_switches_per_year, most_crisis_share : float
        A regime that flickers, or a crisis that is the usual state, is of no use to sizing.
    jump_penalty : float
        Of the challenger.
    """

    states: int = 3
    first_fit_days: int = 1280
    refit_days: int = 256
    significance: float = 0.05
    large_move_quantile: float = 0.95
    most_switches_per_year: float = 12.0
    most_crisis_share: float = 1.0 / 3.0
    jump_penalty: float = 50.0

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be run."""
        if self.first_fit_days < NORMAL_WINDOW_DAYS or self.refit_days < 1:
            raise DataError(
                f"first_fit_days must be at least {NORMAL_WINDOW_DAYS} and refit_days at least 1, got {self}"
            )
        if not (0.0 < self.significance < 0.5 and 0.5 < self.large_move_quantile < 1.0):
            raise DataError(f"expected 0 < significance < 0.5 < large_move_quantile < 1, got {self}")


@dataclass(frozen=True, slots=True)
class StateScore:
    """One way of reading the regime, scored out of sample.

    Attributes
    ----------
    auc : float
        For large moves of the next day; 0.5 is no skill.
    switches_per_year : float
        Changes of state per calendar year.
    mean_dwell_days : float
        Trading days per stay.
    crisis_share : float
        Fraction of days with the top state on; read it together with the delays.
    delays : tuple of CrisisDelay
        For the named crises.
    """

    auc: float
    switches_per_year: float
    mean_dwell_days: float
    crisis_share: float
    delays: tuple[CrisisDelay, ...]

    @property
    def detected(self) -> int:
        """Named crises in which the top state came on."""
        return sum(delay.detected for delay in self.delays)


@dataclass(frozen=True, slots=True)
class Adoption:
    """Verdict on a Markov model against EWMA.

    Attributes
    ----------
    adopted : bool
        Every gate passed.
    reasons : tuple of str
        One sentence per gate that failed when refused; all of them when adopted.
    evidence : tuple of str
        One sentence per gate, whatever the verdict.
    density_gain : float
        Mean one-step log density of the model minus EWMA-t, nats a day; + favours the model.
    t_statistic, p_value : float
        Of that gain, Newey-West; one-sided p for "the model is better".
    ewma_auc : float
        AUC of EWMA variance, the benchmark of `markov.auc`.
    markov, jump, ratio : StateScore
        The model, the jump-model challenger, and the volatility ratio that carries the regime when nothing is adopted.
    days, refits : int
        Out-of-sample days and expanding refits.
    """

    adopted: bool
    reasons: tuple[str, ...]
    evidence: tuple[str, ...]
    density_gain: float
    t_statistic: float
    p_value: float
    ewma_auc: float
    markov: StateScore
    jump: StateScore
    ratio: StateScore
    days: int
    refits: int

    def _repr_html_(self) -> str:
        """Verdict, reasons and the table of scores for a notebook."""
        rows = [
            [
                name,
                number(score.auc),
                number(score.switches_per_year, ".1f"),
                number(score.mean_dwell_days, ".0f"),
                percent(score.crisis_share, 1),
                f"{score.detected} of {len(score.delays)}",
            ]
            for name, score in (("Markov", self.markov), ("jump", self.jump), ("volatility ratio", self.ratio))
        ]
        head = ["reading", "AUC", "switches a year", "dwell, days", "time in top state", "crises seen"]
        verdict = "Adopted" if self.adopted else "Not adopted"
        return html_table(head, rows, caption=verdict) + html_list(self.reasons)


@dataclass(frozen=True, slots=True, eq=False)
class _Walk:
    """Out-of-sample columns, one row per day from the first fit on; every score is known the evening before."""

    markov_density: Floats
    ewma_density: Floats
    markov_variance: Floats
    markov_label: Integers
    jump_label: Integers
    jump_before: Integers
    event: NDArray[np.bool_]
    converged: int
    refits: int


def regime_adoption(
    series: ArrayLike,
    dates: ArrayLike,
    *,
    rule: AdoptionRule | None = None,
    crises: tuple[Crisis, ...] = NAMED_CRISES,
) -> Adoption:
    """Run a Markov model out of sample against an EWMA-t benchmark and decide whether it is adopted.

    Parameters
    ----------
    series : array_like, shape (days,)
        Daily log returns of one pair or leg, oldest first, no NaN.
    dates : array_like, shape (days,)
        Of the same days, rising.
    rule : AdoptionRule, optional
        How to run it and what to demand.
    crises : tuple of Crisis, optional
        Named stretches for the delays; those before the first out-of-sample day are left out.

    Returns
    -------
    Adoption
        Verdict, sentences and numbers.

    Raises
    ------
    DataError
        When the series is too short, not finite, does not move, or the dates do not match.

    Notes
    -----
    Parameters of day t come from rows before the last refit, its state and variance from rows before t. The benchmark
    is a Student t with EWMA variance (decay 0.94) whose ν is refitted at the same days on the same rows.

    References
    ----------
    Amisano and Giacomini (2007) for the density test; see `density_gain`.
    """
    chosen = rule if rule is not None else AdoptionRule()
    values = finite_series(series, least=chosen.first_fit_days + chosen.refit_days)
    stamps = rising_dates(dates, values.size)
    walk = _walk_forward(values, chosen)
    first = chosen.first_fit_days
    out_dates, variance = stamps[first:], ewma_variance(values)
    gain, statistic = density_gain(walk.markov_density - walk.ewma_density)
    ratio = volatility_ratio(values)[first - NORMAL_WINDOW_DAYS :]
    high = (ratio >= DEFAULT_BANDS.high).astype(np.int64)
    top = chosen.states - 1
    markov = _score(walk.markov_variance, walk.markov_label == top, walk.markov_label, walk, (out_dates, crises))
    jump = _score(walk.jump_before, walk.jump_label == top, walk.jump_label, walk, (out_dates, crises))
    fallback = _score(ratio[:-1], high[1:] == 1, high[1:], walk, (out_dates, crises))
    ewma_auc = area_under_curve(variance[first - 1 : -1], walk.event)
    p_value = float(scipy.special.ndtr(-statistic))
    gates = [
        _density_gate(gain, statistic, p_value, len(out_dates), chosen),
        _auc_gate(markov.auc, ewma_auc, chosen),
        _calm_gate(markov, chosen),
        _share_gate(markov, fallback, chosen),
        (
            walk.converged == walk.refits,
            f"{walk.converged} of {walk.refits} expanding refits converged; all of them have to.",
        ),
    ]
    adopted = all(passed for passed, _ in gates)
    return Adoption(
        adopted=adopted,
        reasons=tuple(sentence for passed, sentence in gates if adopted or not passed),
        evidence=tuple(sentence for _, sentence in gates),
        density_gain=gain,
        t_statistic=statistic,
        p_value=p_value,
        ewma_auc=ewma_auc,
        markov=markov,
        jump=jump,
        ratio=fallback,
        days=len(out_dates),
        refits=walk.refits,
    )


def _blocks(days: int, rule: AdoptionRule) -> Iterator[tuple[int, int]]:
    """Row of each refit and the row after the last one it serves."""
    for refit in range(rule.first_fit_days, days, rule.refit_days):
        yield refit, min(refit + rule.refit_days, days)


def _walk_forward(values: Floats, rule: AdoptionRule) -> _Walk:
    variance, features = ewma_variance(values), volatility_features(values)
    parts: list[tuple[Floats, Floats, Floats, Integers, Integers, Integers, NDArray[np.bool_]]] = []
    near: MarkovParameters | None = None
    labels: StateLabels | None = None
    converged = 0
    for refit, stop in _blocks(values.size, rule):
        fit = fit_markov(values[:refit], states=rule.states, near=near)
        near, converged = fit.parameters, converged + fit.converged
        if labels is None:
            labels = StateLabels.freeze(near, tuple(f"state {k + 1}" for k in range(rule.states)))
        positions = np.array(labels.match(near).positions)
        online = filter_series(values[:stop], near)
        predicted = online.filtered_probability[refit - 1 : stop - 1] @ near.transition
        nu = fit_degrees_of_freedom(values[WARM_UP_DAYS:refit], variance[WARM_UP_DAYS - 1 : refit - 1])
        jump = fit_jump(features[:refit], states=rule.states, jump_penalty=rule.jump_penalty)
        jump_label = jump.online_labels(features[:stop])
        large = float(np.quantile(np.abs(values[:refit]), rule.large_move_quantile))
        parts.append(
            (
                online.log_density[refit:],
                student_log_density(values[refit:stop], variance[refit - 1 : stop - 1], nu),
                near.predictive_variance(predicted),
                positions[np.argmax(online.filtered_probability[refit:], axis=1)],
                jump_label[refit:],
                jump_label[refit - 1 : -1],
                np.abs(values[refit:stop]) > large,
            )
        )
    density, benchmark, variance_ahead, label, jump_now, jump_before, event = zip(*parts, strict=True)
    return _Walk(
        markov_density=np.concatenate(density),
        ewma_density=np.concatenate(benchmark),
        markov_variance=np.concatenate(variance_ahead),
        markov_label=np.concatenate(label),
        jump_label=np.concatenate(jump_now),
        jump_before=np.concatenate(jump_before),
        event=np.concatenate(event),
        converged=converged,
        refits=len(parts),
    )


def _score(
    score: NDArray[np.generic],
    in_crisis: NDArray[np.bool_],
    label: Integers,
    walk: _Walk,
    history: tuple[Dates, tuple[Crisis, ...]],
) -> StateScore:
    dates, crises = history
    years = float((dates[-1] - dates[0]) / np.timedelta64(1, "D")) / DAYS_PER_YEAR
    switches = count_switches(label)
    return StateScore(
        auc=area_under_curve(score, walk.event),
        switches_per_year=switches / years,
        mean_dwell_days=len(label) / (switches + 1),
        crisis_share=float(np.mean(in_crisis)),
        delays=crisis_delays(in_crisis, dates, crises),
    )


def _density_gate(gain: float, statistic: float, p_value: float, days: int, rule: AdoptionRule) -> tuple[bool, str]:
    passed = p_value < rule.significance
    verdict = "better" if passed else "not better"
    return passed, (
        f"One-step log density over {days} days out of sample: {gain:+.4f} nats a day against EWMA with Student t, "
        f"t = {statistic:.2f}, one-sided p = {p_value:.3f}: {verdict} at the {rule.significance:.0%} level."
    )


def _auc_gate(auc: float, benchmark: float, rule: AdoptionRule) -> tuple[bool, str]:
    passed = auc >= benchmark
    verdict = "no worse" if passed else "worse"
    return passed, (
        f"AUC for next-day moves beyond the {rule.large_move_quantile:.0%} quantile: {auc:.3f} against {benchmark:.3f} "
        f"of EWMA variance: {verdict}."
    )


def _calm_gate(score: StateScore, rule: AdoptionRule) -> tuple[bool, str]:
    return score.switches_per_year <= rule.most_switches_per_year, (
        f"The state changes {score.switches_per_year:.1f} times a year and stays {score.mean_dwell_days:.0f} days on "
        f"average; at most {rule.most_switches_per_year:g} changes a year are wanted."
    )


def _share_gate(score: StateScore, fallback: StateScore, rule: AdoptionRule) -> tuple[bool, str]:
    def told(name: str, reading: StateScore) -> str:
        late = [delay.delay_days for delay in reading.delays if delay.detected]
        delay = f"{median(late):g} days" if late else "no detection"
        return (
            f"{name} {reading.crisis_share:.1%} of days, {reading.detected} of {len(reading.delays)} named crises, "
            f"median delay {delay}"
        )

    return score.crisis_share <= rule.most_crisis_share, (
        f"Time in the top state: {told('Markov', score)}; {told('volatility ratio', fallback)}; "
        f"at most {rule.most_crisis_share:.0%} of days are wanted."
    )
