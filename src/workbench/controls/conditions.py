"""Which strategies may be active in which market condition."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.domain.policy import Policy
from workbench.domain.trading.modes import Condition
from workbench.domain.trading.strategies import STRATEGY_SLOTS, Strategy


def is_eligible(policy: Policy, strategy: Strategy, condition: Condition) -> bool:
    """Whether a strategy's record lets it be active at all.

    Parameters
    ----------
    policy : Policy
        Its eligibility limits.
    strategy : Strategy
        With its record; what is not known counts as not good enough.
    condition : Condition
        In which it may not have lost money.

    Returns
    -------
    bool
    """
    limits, record = policy.market_conditions.eligibility, strategy.record
    return (
        record.drawdown < limits.drawdown_below
        and record.stress_survival > limits.stress_survival_above
        and record.walk_forward > limits.walk_forward_above
        and condition not in record.negative_conditions
    )


def preference(choice: str, strategy: Strategy) -> tuple[float, ...]:
    """Order in which strategies are taken; smaller is first.

    Parameters
    ----------
    choice : str
        One of the policy's choices.
    strategy : Strategy
        Candidate.

    Returns
    -------
    tuple of float
        Most robust: by robustness. Defensive: defensive ones first, then by stress survival. Most conservative: by
        risk per trade, then by drawdown. Survival: by stress survival, then by drawdown.
    """
    record = strategy.record
    orders = {
        "most_robust": (-record.robustness,),
        "defensive": (-float(strategy.defensive), -record.stress_survival, -record.robustness),
        "most_conservative": (strategy.risk_per_trade, record.drawdown, -record.robustness),
        "survival": (-record.stress_survival, record.drawdown, -record.robustness),
    }
    return orders[choice]


def active_strategies(policy: Policy, strategies: Sequence[Strategy]) -> NDArray[np.int64]:
    """Active strategies in every condition.

    Parameters
    ----------
    policy : Policy
        How many, and which first.
    strategies : sequence of Strategy
        In the order of their slots.

    Returns
    -------
    ndarray of int, shape (conditions, slots)
        1 where a strategy may be active; equals are taken in the order of their slots.
    """
    active = np.zeros((len(Condition), STRATEGY_SLOTS), dtype=np.int64)
    for condition in Condition:
        rules = getattr(policy.market_conditions, condition.name.lower())
        eligible = [slot for slot, one in enumerate(strategies) if is_eligible(policy, one, condition)]
        keys = {slot: preference(rules.choice, strategies[slot]) for slot in eligible}
        eligible.sort(key=keys.__getitem__)
        active[condition, eligible[: rules.strategies]] = 1
    return active
