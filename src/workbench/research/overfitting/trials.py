"""How many different trials a grid of related strategies amounts to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.domain.errors import DataError
from workbench.domain.tables import html_table, number
from workbench.research.overfitting.panel import finite_panel, moving_columns


@dataclass(frozen=True, slots=True)
class EffectiveTrials:
    """Effective number of trials, in two definitions; `float` of it is the headline.

    Attributes
    ----------
    participation_ratio : float
        The headline: (Σλ)² / Σλ² over the eigenvalues of the correlation matrix.
    average_correlation : float
        ρ̄ + (1 − ρ̄) N, with ρ̄ the mean correlation of all pairs.
    mean_correlation : float
        ρ̄.
    trials, flat : int
        Columns that move, N, and columns that never do.
    """

    participation_ratio: float
    average_correlation: float
    mean_correlation: float
    trials: int
    flat: int

    def __float__(self) -> float:
        return self.participation_ratio

    def _repr_html_(self) -> str:
        rows = [
            ("participation ratio of the eigenvalues (headline)", number(self.participation_ratio, ".1f")),
            ("from the average correlation", number(self.average_correlation, ".1f")),
            ("average correlation", number(self.mean_correlation, "+.3f")),
            ("strategies that move", number(float(self.trials), ",.0f")),
            ("strategies that never move", number(float(self.flat), ",.0f")),
        ]
        return html_table(["effective number of trials", ""], rows)


def effective_trials(returns: ArrayLike) -> EffectiveTrials:
    """Count how many independent strategies would be as varied as these.

    Parameters
    ----------
    returns : array_like of float, shape (periods, strategies)
        Returns of the strategies tried, a fraction per period, oldest first; NaN is refused. Strategies that never
        move are left out.

    Returns
    -------
    EffectiveTrials
        Both counts, each from 1 to the number of strategies that move (the second is above it where the average
        correlation is negative).

    Raises
    ------
    DataError
        If the panel is misshapen, has fewer than three periods, is not finite, or nothing in it moves.

    Notes
    -----
    The participation ratio is the headline because it sees clusters: 16 pairs with 24 copies each count as 16. The
    average correlation sees none of that (it says 360), least of all in a grid where reversion is the opposite of trend
    and correlations cancel. But neither is the number to deflate with: a strategy and its opposite are two chances to
    be lucky and one eigenvalue, and 384 with pairwise correlation 0.5 have a participation ratio of 4, while the best
    of them is as lucky as the best of about 30. Gates therefore count every trial; this is what to quote beside it.
    Sampling noise lowers the ratio, for independent strategies from N to N/(1 + N/periods).

    References
    ----------
    Bailey and López de Prado (2014), The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5), 94–107,
    appendix 3, for the average correlation; the participation ratio is that of Bell and Dean (1970), Discussions of the
    Faraday Society 50, 55–61.

    Examples
    --------
    Two copies and one that is uncorrelated with them: 3² / (2² + 1²).

    >>> float(effective_trials([[1, 1, 1], [1, 1, -1], [-1, -1, 1], [-1, -1, -1.0]]))
    1.8
    """
    panel = finite_panel(returns, least_rows=3)
    moving = moving_columns(panel)
    if not moving.any():
        raise DataError(f"none of the {moving.size} strategies ever moves: there is nothing to count")
    count = int(np.count_nonzero(moving))
    standard = panel[:, moving] - panel[:, moving].mean(axis=0)
    standard /= np.sqrt(np.einsum("tn,tn->n", standard, standard))
    correlations = standard.T @ standard
    # Σλ² of a symmetric matrix is the sum of its squared entries: no eigenvalue has to be found
    mean = float((correlations.sum() - count) / (count * (count - 1))) if count > 1 else 0.0
    return EffectiveTrials(
        participation_ratio=float(count**2 / np.square(correlations).sum()),
        average_correlation=mean + (1.0 - mean) * count,
        mean_correlation=mean,
        trials=count,
        flat=moving.size - count,
    )
