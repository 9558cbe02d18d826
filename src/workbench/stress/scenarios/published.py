"""Published moves from before the data begin."""

import numpy as np
from numpy.typing import NDArray

from workbench.domain.currencies import LEGS
from workbench.domain.policy.response import PairMove
from workbench.stress.course import Course
from workbench.stress.scenarios.protocol import SyntheticScenario
from workbench.stress.scenarios.volatility import and_then_as_before
from workbench.stress.situation import Situation


def leg_moves(pair: str, move: float) -> NDArray[np.float64]:
    """Leg returns of one pair's move: all of it on the side that is no US dollar, on the base where both are.

    Parameters
    ----------
    pair : str
        Such as ``USDJPY``.
    move : float
        Simple return of the pair, above −1.

    Returns
    -------
    ndarray, shape (7,)
    """
    found = np.zeros(len(LEGS))
    if pair[:3] in LEGS:
        found[LEGS.index(pair[:3])] = move
    else:
        found[LEGS.index(pair[3:])] = 1.0 / (1.0 + move) - 1.0
    return found


def published_scenarios(moves: tuple[PairMove, ...]) -> list[SyntheticScenario]:
    """A scenario for each published move of the policy.

    Parameters
    ----------
    moves : tuple of PairMove
        Of the policy.

    Returns
    -------
    list of SyntheticScenario
        Spread evenly, in logarithms, over the weekdays it took; what the other legs did is not published, so they stay.
    """
    return [_scenario(one) for one in moves]


def _scenario(one: PairMove) -> SyntheticScenario:
    def shape(situation: Situation) -> Course:
        count = max(int(np.busday_count(one.start, one.end)) + 1, 1)
        daily = np.expm1(np.log1p(leg_moves(one.pair, one.move)) / count)
        return and_then_as_before(situation, np.tile(daily, (count, 1)))

    words = (
        f"{one.pair} moves {100 * one.move:+.2f} % from {one.start} to {one.end}; the other legs stay where they are."
    )
    name = f"{one.name.split()[0].strip(',').lower()}-{one.start.year}"
    return SyntheticScenario(name, one.name, words, "published move, risk policy, stress.published_moves", shape)
