"""The weekly run, its notebooks, and the sweep from the command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.app.daily import LIVE_WITHIN_DAYS, absolute
from workbench.app.environment import home_folder, project_root
from workbench.app.sources import load_rates, today

if TYPE_CHECKING:
    from workbench.runtime.pipelines.runner import Run, Watcher
    from workbench.runtime.studies.overfitting_lab import OverfittingLab
    from workbench.runtime.weekly.registry import StrategySetRegistry
    from workbench.runtime.weekly.session import WeeklySession


def weekly_session(*, as_of: str = "", folder: str = "", ecb_file: str = "", policy_file: str = "") -> "WeeklySession":
    """Data, policy and result folder for one notebook of the weekly run.

    Parameters
    ----------
    as_of : str
        ISO date; empty means the last fix in the data. Rows after it are never looked at.
    folder : str
        Where results and figures go; empty means ``explore/`` in the home folder.
    ecb_file, policy_file : str
        The user's own rates and policy; empty means the shipped ones.

    Returns
    -------
    WeeklySession
    """
    from workbench.data.policy_file import read_policy
    from workbench.runtime.weekly.session import WeeklySession

    home = home_folder()
    return WeeklySession(
        rates=load_rates(as_of, ecb_file),
        policy=read_policy(Path(policy_file) if policy_file else None),
        home=home,
        folder=Path(folder) if folder else home / "explore",
    )


def overfitting_lab(*, days: int, sharpe: float, bootstraps: int, seed: int) -> "OverfittingLab":
    """Panels whose truth is known, and the real grid, through the same gate.

    Parameters
    ----------
    days : int
        Length of a synthetic panel.
    sharpe : float
        Annual Sharpe ratio planted in three of 384 series.
    bootstraps : int
        Samples behind every test.
    seed : int
        Of everything drawn.

    Returns
    -------
    OverfittingLab
    """
    from workbench.research import GateSettings
    from workbench.runtime.studies.overfitting_lab import OverfittingLab

    session = weekly_session()
    settings = GateSettings(bootstraps=bootstraps)
    return OverfittingLab(session, session.sweep_grid(where="overfitting lab"), days, sharpe, settings, seed)


@dataclass(frozen=True, slots=True)
class WeeklyOrder:
    """What the command line asks of a weekly run; empty strings mean the default."""

    as_of: str = ""
    runs: str = ""
    grid_file: str = ""
    equity: float = 1e6
    ecb_file: str = ""
    policy_file: str = ""
    accepted_by: str = ""
    overrides: tuple[str, ...] = ()


def weekly_run(order: WeeklyOrder, watcher: "Watcher") -> "Run":
    """Build the weekly run: everything that can be wrong with its inputs is found here, before a step starts.

    Parameters
    ----------
    order : WeeklyOrder
        From the command line.
    watcher : Watcher
        Who is told how it goes.

    Returns
    -------
    Run
        Ready for `execute`.

    Raises
    ------
    WorkbenchError
        When an input cannot be used.
    """
    from workbench.data.grid_file import read_grid
    from workbench.data.policy_file import read_policy
    from workbench.domain.book import Book
    from workbench.monitor.weekly_report import write_weekly_report
    from workbench.runtime.pipelines.pipeline import load_pipeline
    from workbench.runtime.pipelines.run_folder import RunFolder
    from workbench.runtime.pipelines.runner import Run
    from workbench.runtime.weekly.candidate import decide_set

    root, home = project_root(), home_folder()
    as_of = load_rates(order.as_of, order.ecb_file).as_of
    policy = read_policy(Path(order.policy_file) if order.policy_file else None)
    if order.grid_file:
        read_grid(Path(order.grid_file), policy)
    Book({}, order.equity)
    live = not order.as_of or (today() - as_of).days <= LIVE_WITHIN_DAYS

    def decide(folder: Path) -> None:
        decide_set(folder, home, live=live)

    return Run(
        pipeline=load_pipeline(root / "pipelines" / "weekly.toml").with_overrides(list(order.overrides)),
        folder=RunFolder(Path(order.runs).resolve() if order.runs else home / "weekly", as_of.isoformat()),
        notebooks=root / "notebooks",
        inputs={
            "as_of": as_of.isoformat(),
            "ecb_file": absolute(order.ecb_file),
            "policy_file": absolute(order.policy_file),
            "accepted_by": order.accepted_by,
            "grid_file": absolute(order.grid_file),
            "equity": order.equity,
        },
        actions={"decide_set": decide, "weekly_report": write_weekly_report},
        watcher=watcher,
    )


def strategy_registry() -> "StrategySetRegistry":
    """Registry of strategy sets of the home folder.

    Returns
    -------
    StrategySetRegistry
    """
    from workbench.runtime.weekly.registry import StrategySetRegistry

    return StrategySetRegistry(home_folder())
