"""Eight currencies, sixteen pairs, seven USD legs, and the linear map between pairs and legs.

A *leg* is the value of one currency in US dollars. The log return of a pair is the log return of its base leg minus
that of its quote leg, so the covariance of the pairs is singular (rank 7): estimate, shrink, invert and shock in
legs; derive pairs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.domain.errors import DataError

ACCOUNT_CURRENCY = "USD"
CURRENCIES: tuple[str, ...] = ("USD", "EUR", "JPY", "GBP", "CHF", "AUD", "CAD", "NZD")
LEGS: tuple[str, ...] = tuple(c for c in CURRENCIES if c != ACCOUNT_CURRENCY)
"""The seven currencies whose value in US dollars moves; order of every leg axis."""

PAIRS: tuple[str, ...] = (
    "EURUSD", "GBPUSD", "AUDUSD", "NZDUSD", "USDJPY", "USDCHF", "USDCAD", "EURGBP",
    "EURJPY", "EURCHF", "EURCAD", "GBPJPY", "GBPCHF", "AUDJPY", "AUDCAD", "CHFJPY",
)  # fmt: skip
"""The traded universe; order of every pair axis."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A currency pair: how many units of `quote` buy one unit of `base`."""

    base: str
    quote: str

    @classmethod
    def parse(cls, name: str) -> "Pair":
        """Read ``EURUSD``, ``EUR/USD`` or ``eur-usd``.

        Parameters
        ----------
        name : str
            Six letters with an optional separator.

        Returns
        -------
        Pair

        Raises
        ------
        DataError
            When the name is not one of the sixteen pairs of the universe.
        """
        letters = "".join(character for character in name if character.isalpha()).upper()
        if letters not in PAIRS:
            raise DataError(f"unknown pair {name!r}: expected one of {', '.join(PAIRS)}")
        return cls(letters[:3], letters[3:])

    @property
    def name(self) -> str:
        """Six letters, base first."""
        return self.base + self.quote

    @property
    def pip(self) -> float:
        """Size of one pip in units of the quote currency: 0.01 for yen, else 0.0001."""
        return 0.01 if self.quote == "JPY" else 0.0001


def pair_leg_matrix(pairs: tuple[str, ...] = PAIRS) -> NDArray[np.float64]:
    """Loadings of pairs on legs: +1 on the base leg, −1 on the quote leg, the US dollar has none.

    Parameters
    ----------
    pairs : tuple of str
        Names such as ``EURUSD``.

    Returns
    -------
    ndarray, shape (pairs, legs)
        `pair_log_returns = leg_log_returns @ matrix.T`.

    Examples
    --------
    >>> pair_leg_matrix(("EURGBP",)).tolist()
    [[1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0]]
    """
    matrix = np.zeros((len(pairs), len(LEGS)))
    for row, name in enumerate(pairs):
        for currency, sign in ((name[:3], 1.0), (name[3:], -1.0)):
            if currency != ACCOUNT_CURRENCY:
                matrix[row, LEGS.index(currency)] = sign
    return matrix
