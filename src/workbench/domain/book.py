"""The book: signed units per pair against an equity, and its exposure in legs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.domain.currencies import ACCOUNT_CURRENCY, LEGS, PAIRS, pair_leg_matrix
from workbench.domain.errors import DataError


@dataclass(frozen=True, slots=True)
class Book:
    """Positions held: units of the base currency per pair, + is long base; equity in US dollars."""

    units: Mapping[str, float]
    equity: float
    name: str = "book"

    def __post_init__(self) -> None:
        """Refuse unknown pairs, units that are not finite numbers and an equity that is not positive."""
        for pair, units in self.units.items():
            if pair not in PAIRS:
                raise DataError(f"unknown pair {pair!r} in the book: expected one of {', '.join(PAIRS)}")
            if not np.isfinite(units):
                raise DataError(f"units of {pair} in the book must be a finite number, got {units!r}")
        if not (np.isfinite(self.equity) and self.equity > 0):
            raise DataError(f"equity must be a positive amount of {ACCOUNT_CURRENCY}, got {self.equity!r}")

    @property
    def pairs(self) -> tuple[str, ...]:
        """Pairs with a position, in the order of the universe."""
        return tuple(pair for pair in PAIRS if self.units.get(pair, 0.0) != 0.0)

    def pair_weights(self, leg_values: Mapping[str, float]) -> NDArray[np.float64]:
        """Signed value of each position over equity.

        Parameters
        ----------
        leg_values : mapping of str to float
            US dollars per unit of each currency of `LEGS`.

        Returns
        -------
        ndarray, shape (pairs,)
            Units × value of the base currency ÷ equity, in the order of `self.pairs`; + is long base.
        """
        values = {**leg_values, ACCOUNT_CURRENCY: 1.0}
        return np.array([self.units[pair] * values[pair[:3]] / self.equity for pair in self.pairs])

    def leg_weights(self, leg_values: Mapping[str, float]) -> NDArray[np.float64]:
        """Signed exposure to each leg over equity; the book's return is `leg_simple_returns @ leg_weights`.

        Parameters
        ----------
        leg_values : mapping of str to float
            US dollars per unit of each currency of `LEGS`.

        Returns
        -------
        ndarray, shape (legs,)
            A pair adds its value to its base leg and takes it from its quote leg.

        Examples
        --------
        >>> Book({"EURUSD": 1000.0}, equity=2200.0).leg_weights({leg: 1.1 for leg in LEGS})[0]
        0.5
        """
        if not self.pairs:
            return np.zeros(len(LEGS))
        return self.pair_weights(leg_values) @ pair_leg_matrix(self.pairs)


def equal_risk_book(
    pair_volatility: Mapping[str, float], leg_values: Mapping[str, float], *, equity: float, gross: float
) -> Book:
    """Long every pair with the same stand-alone volatility, sized to a gross exposure.

    Parameters
    ----------
    pair_volatility : mapping of str to float
        Normal daily volatility per pair, positive.
    leg_values : mapping of str to float
        US dollars per unit of each currency of `LEGS`.
    equity : float
        US dollars.
    gross : float
        Sum of absolute position values over equity.

    Returns
    -------
    Book
        Units of each pair, all long base.

    Raises
    ------
    DataError
        When a volatility is not positive.

    Examples
    --------
    >>> book = equal_risk_book({"EURUSD": 0.01, "USDJPY": 0.005}, {"EUR": 2.0}, equity=300.0, gross=1.0)
    >>> {pair: round(units, 6) for pair, units in book.units.items()}
    {'EURUSD': 50.0, 'USDJPY': 200.0}
    """
    for pair, volatility in pair_volatility.items():
        if not volatility > 0:
            raise DataError(f"volatility of {pair} must be positive, got {volatility!r}")
    values = {**leg_values, ACCOUNT_CURRENCY: 1.0}
    total = sum(1 / volatility for volatility in pair_volatility.values())
    units = {
        pair: gross * equity / volatility / total / values[pair[:3]] for pair, volatility in pair_volatility.items()
    }
    return Book(units, equity, name="equal risk")
