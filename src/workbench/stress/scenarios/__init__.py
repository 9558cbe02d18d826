"""Synthetic scenarios: one file and one registration each; a user's own come as TOML."""

from dataclasses import replace

from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.stress.scenarios.combined import combined
from workbench.stress.scenarios.correlation import adverse_correlation, correlation_breakdown, projected
from workbench.stress.scenarios.crash import crash
from workbench.stress.scenarios.legs_against import legs_against
from workbench.stress.scenarios.outage import feed_outage
from workbench.stress.scenarios.protocol import REGISTRY, SyntheticScenario, register
from workbench.stress.scenarios.published import leg_moves, published_scenarios
from workbench.stress.scenarios.spreads import spreads
from workbench.stress.scenarios.volatility import volatility

__all__ = [
    "REGISTRY",
    "SyntheticScenario",
    "adverse_correlation",
    "combined",
    "correlation_breakdown",
    "crash",
    "feed_outage",
    "leg_moves",
    "legs_against",
    "projected",
    "published_scenarios",
    "register",
    "spreads",
    "synthetic_scenarios",
    "volatility",
]


def synthetic_scenarios(policy: Policy) -> list[SyntheticScenario]:
    """Published moves of the policy, then every registered scenario.

    Parameters
    ----------
    policy : Policy
        In force.

    Returns
    -------
    list of SyntheticScenario

    Raises
    ------
    ConfigError
        When a published move has the name of a registered one.
    """
    shocks = policy.stress.synthetic
    sizes = {
        "leg": 100 * shocks.leg_move_against,
        "volatility": shocks.volatility_times,
        "correlation": shocks.correlation_to,
        "spreads": shocks.spreads_times,
        "minutes": shocks.feed_outage_minutes,
    }
    registered = [
        replace(one, title=one.title.format(**sizes), sentence=one.sentence.format(**sizes))
        for one in REGISTRY.values()
    ]
    found = [*published_scenarios(policy.stress.published_moves), *registered]
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two scenarios are named {name!r}")
    return found
