"""The market of a drill: still prices, one move at one moment, feeds that fall silent. Every number is made up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.data.feeds.protocol import RawQuote
from workbench.domain.calibration import Calibration
from workbench.domain.currencies import LEGS, PAIRS
from workbench.domain.trading.market_hours import SECOND_NS

BEGINS_NS = 1_788_782_400 * SECOND_NS
"""Monday, 7 September 2026, 12:00 UTC: the market is open for days."""
CALIBRATED = "2026-09-04"
"""The Friday before."""
TRIGGER_NS = BEGINS_NS + 12 * SECOND_NS
"""When what is drilled begins: the loop has read prices and compared positions by then."""
VALUES = {"EUR": 1.1, "JPY": 1 / 150, "GBP": 1.3, "CHF": 1.2, "AUD": 0.7, "CAD": 0.75, "NZD": 0.6}
"""US dollars for one unit of each currency before the move."""
DOLLAR_PAIRS = {leg: f"{leg}USD" if f"{leg}USD" in PAIRS else f"USD{leg}" for leg in LEGS}
QUOTE_EVERY_NS = SECOND_NS
WIGGLE = 2e-6
"""Share by which a price differs from the one before, up and down by turns: one that never moves counts as stale."""
HALF_SPREAD = 2e-5
ECHO_NS = SECOND_NS // 5
NEVER: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Course:
    """What prices do.

    Attributes
    ----------
    moves : mapping of str to float
        Simple return of each leg at `TRIGGER_NS`; a leg that is missing stays.
    silent_ns : sequence of (int, int)
        When each feed says nothing: primary, backup; from the first moment to before the second.
    """

    moves: Mapping[str, float] = field(default_factory=dict)
    silent_ns: Sequence[tuple[int, int]] = (NEVER, NEVER)

    def values(self, time_ns: int) -> dict[str, float]:
        """US dollars for one unit of each currency.

        Parameters
        ----------
        time_ns : int
            UTC.

        Returns
        -------
        dict of str to float
        """
        share = 1.0 if time_ns >= TRIGGER_NS else 0.0
        wiggle = WIGGLE * ((time_ns - BEGINS_NS) // QUOTE_EVERY_NS % 2)
        return {leg: value * (1.0 + share * self.moves.get(leg, 0.0)) * (1.0 + wiggle) for leg, value in VALUES.items()}


class DrillFeed:
    """Quotes the seven dollar pairs once a second.

    Parameters
    ----------
    place : int
        0 the primary, 1 the backup, a fifth of a second later.
    course : Course
        What prices do.
    """

    label, synthetic = "DRILL: every price is made up", True

    def __init__(self, place: int, course: Course) -> None:
        self.name = ("drill feed", "drill feed, backup")[place]
        self._course, self._silent = course, course.silent_ns[place]
        self._delay_ns = place * ECHO_NS
        self._next_ns = BEGINS_NS + self._delay_ns

    def connect(self, now_ns: int) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to let go of."""

    def due_ns(self) -> int | None:
        """Time of the next quote.

        Returns
        -------
        int
        """
        first, end = self._silent
        return end + self._delay_ns if first <= self._next_ns < end else self._next_ns

    def poll(self, now_ns: int) -> Sequence[RawQuote]:
        """Quotes up to a moment that have not been handed over yet.

        Parameters
        ----------
        now_ns : int
            UTC.

        Returns
        -------
        sequence of RawQuote
        """
        handed: list[RawQuote] = []
        first, end = self._silent
        while self._next_ns <= now_ns:
            if not first <= self._next_ns < end:
                handed += self._quotes(self._next_ns)
            self._next_ns += QUOTE_EVERY_NS
        return handed

    def _quotes(self, time_ns: int) -> list[RawQuote]:
        values, quotes = self._course.values(time_ns - self._delay_ns), []
        for leg, pair in DOLLAR_PAIRS.items():
            middle = values[leg] if pair.endswith("USD") else 1.0 / values[leg]
            quotes.append(RawQuote(time_ns, pair, middle * (1.0 - HALF_SPREAD), middle * (1.0 + HALF_SPREAD)))
        return quotes


@dataclass(frozen=True, slots=True)
class Climate:
    """What the calibration of a drill says: one number for all legs.

    Attributes
    ----------
    volatility, normal_volatility : float
        Daily, fractions.
    correlation : float
        Of any two legs, normal and now.
    quantile : float
        Value at risk at 95 % over volatility.
    """

    volatility: float
    normal_volatility: float
    correlation: float
    quantile: float


DECAY = 0.94
"""EWMA weight of yesterday's covariance, as in the calibrations of every day."""


def calibration_of(climate: Climate, policy_hash: str) -> Calibration:
    """A calibration for a drill.

    Parameters
    ----------
    climate : Climate
        Its numbers.
    policy_hash : str
        Of the policy in force.

    Returns
    -------
    Calibration
    """
    rho, tail = climate.correlation, climate.quantile
    matrix = [[1.0 if one == other else rho for other in LEGS] for one in LEGS]
    leg = {
        "ewma_lambda": DECAY, "volatility_daily": climate.volatility,
        "normal_volatility_daily": climate.normal_volatility, "garch": {},
    }  # fmt: skip
    risk = tail * climate.volatility
    return Calibration.from_mapping(
        {
            "as_of": CALIBRATED,
            "created": f"{CALIBRATED}T18:00:00+00:00",
            "data_hash": "made up for a drill",
            "code_version": "drill",
            "policy_hash": policy_hash,
            "legs": dict.fromkeys(LEGS, leg),
            "normal_correlation": matrix,
            "current_correlation": matrix,
            "residual_quantiles": {
                "0.95": {"quantile": tail, "expected_shortfall": 1.3 * tail},
                "0.975": {"quantile": 1.2 * tail, "expected_shortfall": 1.5 * tail},
            },
            "value_at_risk": {
                "champion": "made up", "book": "drill", "equity": 1e6, "portfolio_95": risk, "portfolio_99": 1.4 * risk,
                "expected_shortfall_975": 1.5 * risk, "backtests": {},
            },
            "regime": {"model": "made up", "parameters": {}, "labels": [], "adopted": False, "reasons": []},
            "evidence": {},
        }
    )  # fmt: skip
