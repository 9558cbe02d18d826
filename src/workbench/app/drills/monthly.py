"""The monthly run: the drill in a notebook on paper accounts, then the report."""

import getpass
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.app.daily import absolute
from workbench.app.drills.people import Waiting
from workbench.app.drills.plan import ALL, DrillOrder, plan_of
from workbench.app.drills.run import Means, Outcome, run_drills, standing_of
from workbench.app.environment import home_folder, project_root
from workbench.app.sources import today
from workbench.domain.errors import ConfigError, ExecutionError
from workbench.runtime.session import Results

if TYPE_CHECKING:
    from workbench.monitor.drills.words import Standing
    from workbench.runtime.pipelines.runner import Run, Watcher

EVERYTHING, DUE, CONTROLS = "everything", "due", "controls"
BEGUN, RESULT = "drill_begun", "drill"
NAMED = 3
"""Things that failed which the last sentence names."""


@dataclass
class DrillSession(Results):
    """The drill of one notebook.

    Attributes
    ----------
    order : DrillOrder
        Folders, policy.
    folder : Path
        Where results and pictures go.
    left : sequence of str
        What was left alone, and why.
    """

    order: DrillOrder
    folder: Path
    left: Sequence[str] = ()

    def drill(self, what: str) -> Outcome:
        """Drill; a run that goes on after it was cut off or had failed drills only what is due then.

        Parameters
        ----------
        what : str
            ``everything``, ``due``, or ``controls``: nobody is reached then.

        Returns
        -------
        Outcome

        Raises
        ------
        ConfigError
            When `what` is none of them.
        """
        if what not in (EVERYTHING, DUE, CONTROLS):
            raise ConfigError(f"expected what to be {EVERYTHING!r}, {DUE!r} or {CONTROLS!r}, got {what!r}")
        again = (self.folder / "results" / f"{BEGUN}.json").exists() and what != CONTROLS
        order = replace(self.order, due=what == DUE or again, controls=(ALL,) if what == CONTROLS else ())
        plan = plan_of(order)
        self.keep(BEGUN, {"what": what})
        outcome = run_drills(order, plan, Means(getpass.getuser(), self.progress, Waiting(tell=self.progress)))
        self.left = outcome.left
        self.keep(RESULT, _plain(outcome))
        return outcome

    @property
    def standing(self) -> "Standing":
        """How everything stands now, whenever it was drilled."""
        return standing_of(self.order, self.left)

    def require_passed(self, outcome: Outcome) -> None:
        """Fail the step when anything failed.

        Parameters
        ----------
        outcome : Outcome
            From `drill`.

        Raises
        ------
        ExecutionError
            Names what failed, and the page.
        """
        failed = outcome.failed
        if failed:
            shown = "; ".join(f"{one.name}: {one.sentence}" for one in failed[:NAMED])
            more = f" and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
            raise ExecutionError(
                f"{len(failed)} of {len(outcome.drilled)} drills failed ({shown}{more}); page: {outcome.report}"
            )


def _plain(outcome: Outcome) -> dict[str, Any]:
    drilled = [one.model_dump() for one in outcome.drilled]
    return {"drilled": drilled, "certified": outcome.certified, "left": list(outcome.left)}


def drill_session(
    *, folder: str = "", policy_file: str = "", live_folder: str = "", control_folder: str = ""
) -> DrillSession:
    """Folders and policy for the notebook of the monthly run.

    Parameters
    ----------
    folder : str
        Where results and pictures go; empty means ``explore/`` in the home folder.
    policy_file : str
        The user's own policy; empty means the shipped one.
    live_folder, control_folder : str
        Of the loop, which is never touched, and of the people; empty means those in the home folder.

    Returns
    -------
    DrillSession
    """
    order = DrillOrder(folder=live_folder, control=control_folder, policy_file=policy_file)
    return DrillSession(order, Path(folder) if folder else home_folder() / "explore")


@dataclass(frozen=True, slots=True)
class MonthlyOrder:
    """What the command line asks of a monthly run; empty strings mean the default."""

    due: bool = False
    runs: str = ""
    live_folder: str = ""
    control_folder: str = ""
    policy_file: str = ""
    overrides: tuple[str, ...] = ()

    @property
    def drill(self) -> DrillOrder:
        """As an order of drills."""
        live, control, policy = map(absolute, (self.live_folder, self.control_folder, self.policy_file))
        return DrillOrder(due=self.due, folder=live, control=control, policy_file=policy)


def monthly_run(order: MonthlyOrder, watcher: "Watcher") -> "Run":
    """Build the monthly run.

    Parameters
    ----------
    order : MonthlyOrder
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
        When policy, roster or the record of drills cannot be used.
    """
    from workbench.monitor.drills.page import write_month_page
    from workbench.runtime.pipelines.pipeline import load_pipeline
    from workbench.runtime.pipelines.run_folder import RunFolder
    from workbench.runtime.pipelines.runner import Run

    root, drill = project_root(), order.drill
    standing_of(drill)  # what cannot be read is found before a step starts

    def report(folder: Path) -> None:
        left = json.loads((folder / "results" / f"{RESULT}.json").read_text(encoding="utf-8"))["left"]
        write_month_page(folder, standing_of(drill, left))

    return Run(
        pipeline=load_pipeline(root / "pipelines" / "monthly.toml").with_overrides(list(order.overrides)),
        folder=RunFolder(Path(order.runs).resolve() if order.runs else home_folder() / "monthly", today().isoformat()),
        notebooks=root / "notebooks",
        inputs={
            "what": DUE if order.due else EVERYTHING,
            "policy_file": drill.policy_file,
            "live_folder": drill.folder,
            "control_folder": drill.control,
        },
        actions={"monthly_report": report},
        watcher=watcher,
    )
