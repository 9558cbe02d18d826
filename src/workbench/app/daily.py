"""The daily run and its notebooks."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.app.environment import home_folder, project_root
from workbench.app.sources import load_rates, today

if TYPE_CHECKING:
    from workbench.runtime.daily.session import DailySession
    from workbench.runtime.pipelines.runner import Run, Watcher

LIVE_WITHIN_DAYS = 92
"""A run for a day further back than a quarter is history: it is judged, but never goes live."""


def daily_session(*, as_of: str = "", folder: str = "", ecb_file: str = "", policy_file: str = "") -> "DailySession":
    """Data, policy and result folder for one notebook of the daily run.

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
    DailySession
    """
    from workbench.data.policy_file import read_policy
    from workbench.runtime.daily.session import DailySession

    home = home_folder()
    return DailySession(
        rates=load_rates(as_of, ecb_file),
        policy=read_policy(Path(policy_file) if policy_file else None),
        home=home,
        folder=Path(folder) if folder else home / "explore",
    )


@dataclass(frozen=True, slots=True)
class DailyOrder:
    """What the command line asks of a daily run; empty strings mean the default."""

    as_of: str = ""
    runs: str = ""
    book_file: str = ""
    equity: float = 1e6
    ecb_file: str = ""
    policy_file: str = ""
    accepted_by: str = ""
    confirmed_by: str = ""
    overrides: tuple[str, ...] = ()


def daily_run(order: DailyOrder, watcher: "Watcher") -> "Run":
    """Build the daily run: everything that can be wrong with its inputs is found here, before a step starts.

    Parameters
    ----------
    order : DailyOrder
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
    from workbench.data.book import read_book
    from workbench.data.policy_file import read_policy
    from workbench.domain.book import Book
    from workbench.monitor.report import write_report
    from workbench.runtime.calibrations.proposal import Decision, decide
    from workbench.runtime.pipelines.pipeline import load_pipeline
    from workbench.runtime.pipelines.run_folder import RunFolder
    from workbench.runtime.pipelines.runner import Run

    root, home = project_root(), home_folder()
    as_of = load_rates(order.as_of, order.ecb_file).as_of
    policy = read_policy(Path(order.policy_file) if order.policy_file else None)
    if order.book_file:
        read_book(Path(order.book_file), equity=order.equity)
    else:  # the default book is made later, from the data; its equity can be checked now
        Book({}, order.equity)
    live = not order.as_of or (today() - as_of).days <= LIVE_WITHIN_DAYS
    judged = Decision(today=today(), confirmed_by=order.confirmed_by, live=live)
    inputs = {
        "as_of": as_of.isoformat(),
        "ecb_file": absolute(order.ecb_file),
        "policy_file": absolute(order.policy_file),
        "accepted_by": order.accepted_by,
        "book_file": absolute(order.book_file),
        "equity": order.equity,
    }
    return Run(
        pipeline=load_pipeline(root / "pipelines" / "daily.toml").with_overrides(list(order.overrides)),
        folder=RunFolder(Path(order.runs).resolve() if order.runs else home / "runs", as_of.isoformat()),
        notebooks=root / "notebooks",
        inputs=inputs,
        actions={
            "decide": lambda folder: _done(decide(folder, home, policy, judged)),
            "report": lambda folder: write_report(folder, policy),
        },
        watcher=watcher,
    )


def absolute(path: str) -> str:
    """A path that means the same in another folder.

    Parameters
    ----------
    path : str
        As typed; empty stays empty.

    Returns
    -------
    str
    """
    return str(Path(path).resolve()) if path else ""


def _done(_summary: object) -> None:
    """Drop a result that is already on disk."""
