"""Stress validation from the command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.app.environment import home_folder
from workbench.app.sources import load_rates

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.runtime.crises.validation import StressValidation

    Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class StressRequest:
    """What the command line asks of a stress validation; empty strings mean the default.

    Attributes
    ----------
    policy_file, book_file, own : str
        The user's policy, book, and scenario file or folder.
    equity : float
        Of the account, US dollars.
    volatility : float
        Annual, of the reference book.
    scenarios : tuple of str
        Ids; empty for all.
    paths, days, seed : int
        Of the Monte Carlo.
    """

    policy_file: str = ""
    book_file: str = ""
    own: str = ""
    equity: float = 1e6
    volatility: float = 0.15
    scenarios: tuple[str, ...] = ()
    paths: int = 10_000
    days: int = 250
    seed: int = 0


def validate_stress(request: StressRequest, tell: "Tell") -> "StressValidation":
    """Every scenario with today's book and the reference book.

    Parameters
    ----------
    request : StressRequest
        What is asked.
    tell : callable
        Who is told how far it is: what, done, total.

    Returns
    -------
    StressValidation

    Raises
    ------
    WorkbenchError
        When an input cannot be used or a scenario is not known.
    """
    from workbench.data.policy_file import read_policy
    from workbench.data.scenario_file import read_scenarios
    from workbench.runtime.crises.running import validate_stress as run
    from workbench.runtime.crises.validation import InForce, StressOrder
    from workbench.runtime.daily.session import DailySession
    from workbench.runtime.weekly.registry import StrategySetRegistry
    from workbench.stress.scenarios.own import own_scenario

    policy = read_policy(Path(request.policy_file) if request.policy_file else None)
    found = read_scenarios(Path(request.own)) if request.own else []
    order = StressOrder(
        paths=request.paths,
        days=request.days,
        seed=request.seed,
        reference_volatility=request.volatility,
        scenarios=request.scenarios,
        own=tuple(own_scenario(**one) for one in found),
    )
    home = home_folder()
    session = DailySession(rates=load_rates(), policy=policy, home=home, folder=home / "stress")
    book = session.book(request.book_file, request.equity)
    return run(
        session.rates,
        policy,
        book,
        in_force=InForce(session.candidate(), StrategySetRegistry(home).adopted()),
        order=order,
        tell=tell,
    )
