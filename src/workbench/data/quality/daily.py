"""Quality of the daily fixes: coverage, stale runs, extremes that are real, spikes that look like misprints.

A misprint is a jump of *one* currency, taken back at the next fix, on days when the *rest* of the market moved as
usual. A move that stays, or that the others share, is a market event: it is listed as an extreme and never called bad.
What is flagged stays in the data; the estimators downstream are robust enough to live with it.
"""

from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.calendar import FIX, fixing_days
from workbench.data.quality.findings import Finding, SeriesQuality
from workbench.data.rates import DailyRates, log_returns
from workbench.data.sources.ecb import euro_quotes
from workbench.domain.currencies import PAIRS

Floats: TypeAlias = NDArray[np.float64]

MAD_TO_SIGMA = 1.4826
"""1 / Φ⁻¹(3/4): turns a median absolute deviation into a standard deviation under the normal law."""

WINDOW, LEAST, CRISIS_WINDOW = 250, 60, 20
QUIETEST = 1e-5
"""Floor of the robust scale: a tenth of a basis point, for pegs and pegged stretches."""

SPIKE_SCORE, SPIKE_NET, REST_RATIO = 5.0, 0.2, 2.0
"""Jump and reversal together ≥ 5σ; what remains after both ≤ a fifth of that; the other six at most twice as restless
as usual. Together they single out four days in 7,125, among them the known misprint of 6 May 2020."""

EXTREME_SIGMAS, EXTREME_MOVE = 8.0, 0.01
STALE_DAYS = 6
"""Longest honest run in the ECB data is five unchanged fixes: EUR/CHF at its floor, July 2012."""

KNOWN_MISPRINTS = {("EURAUD", date(2020, 5, 6)): "a known misprint, 120 to 140 bp off two independent feeds"}


@dataclass(frozen=True)
class Standardised:
    """Euro quotes standardised against their own past and against each other.

    Attributes
    ----------
    names : tuple of str, length 7
        ``EURUSD``, ``EURJPY``, ...
    days : DatetimeIndex, length days - 1
        The later day of each return, oldest first.
    returns : ndarray, shape (days - 1, 7)
        Log returns of each currency against the euro; + means it gained.
    alone : ndarray, shape (days - 1, 7)
        How far each currency moved beyond what the other six explain, in robust standard deviations. NaN in the first
        days.
    rest : ndarray, shape (days - 1, 7)
        How restless the other six were, as a multiple of the usual squared Mahalanobis distance.
    """

    names: tuple[str, ...]
    days: pd.DatetimeIndex
    returns: Floats
    alone: Floats
    rest: Floats


def standardise(rates: DailyRates) -> Standardised:
    """Separate each currency's own move from the market's.

    Parameters
    ----------
    rates : DailyRates
        Days, oldest first.

    Returns
    -------
    Standardised

    Notes
    -----
    Returns are divided by a rolling robust scale. With the precision matrix P of the clipped, scaled returns x of the
    previous 250 days, ``(P x)_i / sqrt(P_ii)`` is the residual of currency i regressed on the other six, in standard
    deviations, and ``x'Px`` minus its square is the squared Mahalanobis distance of the others. Every scale and matrix
    on day t uses rows before t only.
    """
    returns = -log_returns(euro_quotes(rates))
    scaled = returns.to_numpy() / _scale(returns, WINDOW, LEAST, QUIETEST)
    count, width = scaled.shape
    clipped = np.nan_to_num(np.clip(scaled, -4.0, 4.0))
    totals = np.concatenate([np.zeros((1, width, width)), np.cumsum(clipped[:, :, None] * clipped[:, None, :], axis=0)])
    day = np.arange(count)
    start = np.maximum(day - WINDOW, 0)
    covariance = (totals[day] - totals[start]) / np.maximum(day - start, 1)[:, None, None]
    young = day < LEAST + WINDOW // 2
    covariance[young] = np.eye(width)
    precision = np.linalg.inv(covariance + 0.02 * np.eye(width))
    pulled = (precision @ scaled[:, :, None])[:, :, 0]
    alone = pulled / np.sqrt(np.diagonal(precision, axis1=1, axis2=2))
    alone[young] = np.nan
    distance = (pulled * scaled).sum(axis=1)
    usual = pd.Series(distance).rolling(60, min_periods=20).median().shift(1).to_numpy()
    crisis = _scale(pd.DataFrame(alone), CRISIS_WINDOW, CRISIS_WINDOW // 2, 1.0)
    return Standardised(
        names=tuple(returns.columns),
        days=pd.DatetimeIndex(returns.index),
        returns=returns.to_numpy(),
        alone=alone / crisis,
        rest=(distance[:, None] - alone**2) / usual[:, None],
    )


def spikes(rates: DailyRates) -> tuple[Finding, ...]:
    """Find fixes that look like misprints.

    Parameters
    ----------
    rates : DailyRates
        Days, oldest first.

    Returns
    -------
    tuple of Finding
        ``spike`` (a flag) when the next fix has taken the jump back; ``unconfirmed`` (a note) on the very last day,
        when nobody can know yet.
    """
    parts = standardise(rates)
    alone, rest = parts.alone, parts.rest
    if len(alone) < 2:
        return ()
    today, tomorrow = alone[:-1], alone[1:]
    score = np.where(today * tomorrow < 0, np.abs(today - tomorrow) / np.sqrt(2), 0.0)
    calm = (rest[:-1] <= REST_RATIO) & (rest[1:] <= REST_RATIO)
    # A wrong AUD/EUR makes NZD look odd too: only the currency that explains the day best is named.
    named = score == np.max(np.nan_to_num(score), axis=1)[:, None]
    taken_back = np.abs(today + tomorrow) / np.sqrt(2) <= SPIKE_NET * score
    found = [
        _spike(parts, row, column, score[row, column])
        for row, column in zip(*np.nonzero((score >= SPIKE_SCORE) & calm & named & taken_back), strict=True)
    ]
    last = np.nan_to_num(np.abs(alone[-1])) * (rest[-1] <= REST_RATIO)
    suspect = int(np.argmax(last))
    way_back = any(finding.pair == parts.names[suspect] and finding.day == parts.days[-2].date() for finding in found)
    if last[suspect] >= SPIKE_SCORE / np.sqrt(2) and not way_back:
        found.append(_unconfirmed(parts, suspect))
    return tuple(found)


def extremes(rates: DailyRates) -> tuple[Finding, ...]:
    """List the moves of the sixteen pairs that were extreme for their time; they are real and stay.

    Parameters
    ----------
    rates : DailyRates
        Days, oldest first.

    Returns
    -------
    tuple of Finding
        Notes, oldest first.
    """
    returns = log_returns(rates.pairs_table())
    sigmas = returns.to_numpy() / _scale(returns, WINDOW, LEAST, QUIETEST)
    big = (np.abs(sigmas) >= EXTREME_SIGMAS) & (np.abs(returns.to_numpy()) >= EXTREME_MOVE)
    return tuple(
        Finding(
            PAIRS[column],
            FIX,
            "extreme",
            "note",
            returns.index[row].date(),
            f"{PAIRS[column]} moved {np.expm1(returns.to_numpy()[row, column]):+.1%} on {returns.index[row].date()}, "
            f"{abs(sigmas[row, column]):.0f} robust standard deviations; a market move, kept as it is",
        )
        for row, column in zip(*np.nonzero(big), strict=True)
    )


def assess_rates(rates: DailyRates) -> tuple[SeriesQuality, ...]:
    """Judge the seven euro quotes behind the legs.

    Parameters
    ----------
    rates : DailyRates
        Days, oldest first.

    Returns
    -------
    tuple of SeriesQuality
        In the order of the ECB quotes.
    """
    quotes = euro_quotes(rates)
    expected = fixing_days(rates.dates[0].date(), rates.as_of)
    missing = expected.difference(rates.dates)
    found = spikes(rates)
    return tuple(_quality(rates, quotes[name], expected, missing, found) for name in quotes.columns)


def _quality(
    rates: DailyRates,
    quote: pd.Series,
    expected: pd.DatetimeIndex,
    missing: pd.DatetimeIndex,
    found: tuple[Finding, ...],
) -> SeriesQuality:
    name = str(quote.name)
    findings = [finding for finding in found if finding.pair == name]
    if len(missing):
        findings.append(
            Finding(
                name,
                FIX,
                "coverage",
                "flag",
                None,
                f"{len(missing)} of {len(expected)} expected fixing days are missing, the last of them "
                f"{missing[-1].date()}; get the complete history from the ECB",
                detail=f"{len(missing)} missing",
            )
        )
    longest, stale_findings = _stale(quote)
    holes = np.flatnonzero(np.isin(expected, missing))
    runs = np.split(holes, np.flatnonzero(np.diff(holes) > 1) + 1) if len(holes) else []
    return SeriesQuality(
        pair=name,
        timeframe=FIX,
        source=rates.source,
        first=str(rates.dates[0].date()),
        last=str(rates.as_of),
        rows=len(quote),
        expected=len(expected),
        capture_rate=1.0 - len(missing) / len(expected) if len(expected) else 1.0,
        gaps=len(runs),
        longest_gap=max((len(run) for run in runs), default=0),
        duplicates=0,
        unsorted=0,
        longest_stale=longest,
        findings=tuple(sorted((*findings, *stale_findings), key=lambda finding: str(finding.day or ""))),
    )


def _stale(quote: pd.Series) -> tuple[int, list[Finding]]:
    name = str(quote.name)
    # Quotes are recovered from legs by division, so "unchanged" allows for the last bits.
    still = np.abs(log_returns(quote.to_frame()).to_numpy()[:, 0]) < 1e-9
    ends = run_ends(still)
    findings = [
        Finding(
            name,
            FIX,
            "stale",
            "flag",
            quote.index[row + 1].date(),
            f"{name} has not moved for {length} fixes up to {quote.index[row + 1].date()}; "
            "check it against another source",
            affected=traded_with(name),
        )
        for row, length in ends
        if length >= STALE_DAYS
    ]
    return max((length for _, length in ends), default=0), findings


def run_ends(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Find runs of True.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows,)
        Oldest first.

    Returns
    -------
    list of (int, int)
        Last row and length of every run.

    Examples
    --------
    >>> run_ends(np.array([True, True, False, True]))
    [(1, 2), (3, 1)]
    """
    edges = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(int(stop) - 1, int(stop - start)) for start, stop in zip(starts, stops, strict=True)]


def traded_with(quote: str) -> tuple[str, ...]:
    """Name the traded pairs that contain the quoted currency, for these are wrong when the euro quote is.

    Parameters
    ----------
    quote : str
        Such as ``EURAUD``.

    Returns
    -------
    tuple of str
        In the order of the universe.
    """
    return tuple(pair for pair in PAIRS if quote[3:] in (pair[:3], pair[3:]))


def _scale(values: pd.DataFrame, window: int, least: int, floor: float) -> Floats:
    """Rolling robust standard deviation about zero, of earlier rows only; NaN until there are enough."""
    rolling = values.abs().rolling(window, min_periods=least).median().shift(1).to_numpy()
    return np.maximum(MAD_TO_SIGMA * rolling, floor)


def _spike(parts: Standardised, row: int, column: int, score: float) -> Finding:
    name, day = parts.names[column], parts.days[row].date()
    there, back = 1e4 * parts.returns[row : row + 2, column]
    known = KNOWN_MISPRINTS.get((name, day), "a misprint or a real there-and-back, check it")
    return Finding(
        name,
        FIX,
        "spike",
        "flag",
        day,
        f"{name[3:]} moved {there:+.0f} bp against the euro on {day} and {back:+.0f} bp at the next fix, alone: "
        f"{score:.1f} robust standard deviations beyond what the other currencies explain; {known}",
        affected=traded_with(name),
    )


def _unconfirmed(parts: Standardised, column: int) -> Finding:
    name, day = parts.names[column], parts.days[-1].date()
    return Finding(
        name,
        FIX,
        "unconfirmed",
        "note",
        day,
        f"{name[3:]} moved {1e4 * parts.returns[-1, column]:+.0f} bp against the euro on {day}, alone: "
        f"{abs(parts.alone[-1, column]):.1f} robust standard deviations beyond what the other currencies explain; "
        "whether it stays is known only at the next fix",
        affected=traded_with(name),
    )
