"""Drilling: controls on paper accounts, channels, people; then the record and the page."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.app.drills.people import Waiting, drill_people
from workbench.app.drills.plan import CHANNEL_FILE_NAME, DrillOrder, DrillPlan, refuse_real_folders
from workbench.domain.errors import DataError, ExecutionError
from workbench.response.drills.names import CHANNEL, CONTROL

if TYPE_CHECKING:
    from workbench.monitor.drills.words import Standing
    from workbench.response.drills.record import Drilled
    from workbench.runtime.drills.rehearsal import Timed
    from workbench.runtime.drills.stage import EngineMaker

Tell = Callable[[str, int, int], None]
FIRST_NOTE = " (after an update the engine is compiled first, half a minute)"


def nobody_told(_what: str, _done: int, _total: int) -> None:
    """Tell nobody how far it is.

    Parameters
    ----------
    _what : str
        What is being done.
    _done, _total : int
        Units of work.
    """


@dataclass(frozen=True, slots=True)
class Means:
    """What a drill works with.

    Attributes
    ----------
    by : str
        Who drills, for the page.
    tell : callable
        Told what is being done, and how far it is.
    waiting : Waiting
        How the time passes until people answer.
    engine : callable or None
        Makes the engine that is drilled; None is the real one.
    """

    by: str = "somebody"
    tell: Tell = nobody_told
    waiting: Waiting = field(default_factory=Waiting)
    engine: "EngineMaker | None" = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a drill.

    Attributes
    ----------
    drilled : sequence of Drilled
        Everything that was tried.
    certified : dict of str to int
        Until when people are certified now.
    left : sequence of str
        What was left alone, and why.
    report : Path
        The page.
    """

    drilled: "Sequence[Drilled]"
    certified: dict[str, int]
    left: Sequence[str]
    report: Path

    @property
    def failed(self) -> "list[Drilled]":
        """What did not pass."""
        return [one for one in self.drilled if not one.passed]


def run_drills(order: DrillOrder, plan: DrillPlan, means: Means) -> Outcome:
    """Drill what was planned, write the record, and the page.

    Parameters
    ----------
    order : DrillOrder
        Folders, policy.
    plan : DrillPlan
        From `plan_of`.
    means : Means
        What it works with.

    Returns
    -------
    Outcome

    Raises
    ------
    ConfigError
        When the folder of the paper accounts is a real one, or the record is none of ours.
    ExecutionError
        When a file cannot be written.
    """
    from workbench.response.drills.record import Record

    refuse_real_folders(order)
    Record.read(order.control_folder)
    drilled: list[Drilled] = []
    certified, left = dict[str, int](), list(plan.left)
    for names, drill in ((plan.controls, _controls), (plan.channels, _channels)):
        found = drill(order, names, means) if names else []
        drilled += recorded_in(order, found)
    if plan.people:
        try:
            people = drill_people(order, means.by, means.waiting)
        except (DataError, ExecutionError) as error:
            if order.people:
                raise
            left.append(f"people are not drilled: {error}")
        else:
            drilled += recorded_in(order, people.drilled)
            certified = people.certified
    return Outcome(drilled, certified, left, write_report(order, left))


def recorded_in(order: DrillOrder, found: "Sequence[Drilled]") -> "Sequence[Drilled]":
    """Write drills into the record at once: what comes later may be interrupted.

    Parameters
    ----------
    order : DrillOrder
        Names the folder.
    found : sequence of Drilled
        New.

    Returns
    -------
    sequence of Drilled
        The same.
    """
    from workbench.response.drills.record import recorded

    if found:
        recorded(order.control_folder, found)
    return found


def _controls(order: DrillOrder, names: Sequence[str], means: Means) -> "list[Drilled]":
    from workbench.engine.risk_engine import RiskEngine
    from workbench.runtime.drills.controls import all_controls
    from workbench.runtime.drills.rehearsal import rehearse

    known, engine, drilled = all_controls(order.policy), means.engine or RiskEngine, list["Drilled"]()
    with _scratch(order.keep) as folder:
        for place, name in enumerate(names):
            means.tell(f"firing {name} on a paper account{'' if place else FIRST_NOTE}", place, len(names))
            timed = rehearse(known[name], folder / name.replace(" ", "-"), order.policy, engine)
            drilled.append(_for_the_record(timed, order.clock_ns()))
    return drilled


@contextmanager
def _scratch(keep: str) -> Iterator[Path]:
    """A folder of its own for the paper accounts, gone afterwards unless it is to be kept."""
    if keep:
        yield Path(keep).expanduser().resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="workbench-drill-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _for_the_record(timed: "Timed", now_ns: int) -> "Drilled":
    from workbench.response.drills.record import LONGEST_SENTENCE, Drilled

    return Drilled(
        kind=CONTROL, name=timed.name, time_ns=now_ns, passed=timed.passed, sentence=timed.sentence[:LONGEST_SENTENCE],
        seconds=timed.judged, target_seconds=timed.target_seconds, decided_seconds=timed.decided,
        sent_seconds=timed.sent,
    )  # fmt: skip


def _channels(order: DrillOrder, names: Sequence[str], means: Means) -> "list[Drilled]":
    from workbench.response.drills.channels import try_channels
    from workbench.response.drills.record import LONGEST_SENTENCE, Drilled

    channels, refused = order.configured
    wanted = [one for one in channels if one.name in names]
    now_ns = order.clock_ns()

    def tell(waits_for: str, done: int) -> None:
        means.tell(f"test messages: waiting for {waits_for}", done, len(wanted))

    drilled = list(try_channels(wanted, order.roster, order.policy, now_ns, tell))
    if CHANNEL_FILE_NAME in names:
        sentence = f"not everything in it is used as it should be: {refused}"[:LONGEST_SENTENCE]
        file = Drilled(kind=CHANNEL, name=CHANNEL_FILE_NAME, time_ns=now_ns, passed=False, sentence=sentence)
        drilled.append(file)
    return drilled


def write_report(order: DrillOrder, left: Sequence[str] = ()) -> Path:
    """Write the page: how everything stands, whenever it was drilled.

    Parameters
    ----------
    order : DrillOrder
        Folders, policy.
    left : sequence of str
        What was left alone just now, and why.

    Returns
    -------
    Path
        Of the page.
    """
    from workbench.monitor.drills.page import write_drill_page

    write_drill_page(order.report_path, standing_of(order, left))
    return order.report_path


def standing_of(order: DrillOrder, left: Sequence[str] = ()) -> "Standing":
    """How everything stands.

    Parameters
    ----------
    order : DrillOrder
        Folders, policy.
    left : sequence of str
        What was left alone just now, and why.

    Returns
    -------
    Standing
    """
    from workbench.monitor.drills.words import Standing
    from workbench.response.drills.record import Record

    record = Record.read(order.control_folder)
    return Standing(record, order.duties(), order.roster, order.policy, order.clock_ns(), tuple(left))
