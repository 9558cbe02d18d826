"""What is to be drilled: what was named, what is due, or everything; and where nothing may be drilled."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.app.environment import home_folder
from workbench.app.live_shell import live_folder
from workbench.domain.errors import ConfigError
from workbench.response.drills.names import CHANNEL, CONTROL, CONTROL_NAMES, PERSON

if TYPE_CHECKING:
    from workbench.domain.policy import Policy
    from workbench.response.alerts.channels import Channel
    from workbench.response.drills.duties import Duty
    from workbench.response.people.roster import Roster

ALL = "all"
FOLDER, REPORT = "control", "drill-report.html"
CHANNEL_FILE_NAME = "channels.toml"
"""Stands for all channels in the record while the file has faults: none is tried before it is right."""


@dataclass(frozen=True)
class DrillOrder:
    """What the command line asks for; empty means the default.

    Attributes
    ----------
    controls, channels : sequence of str
        Names, or ``all``; both empty without `people`: everything there is.
    people : bool
        Whether those on call are paged.
    level : int
        Of that page; 0: the policy's.
    due : bool
        Only what is due.
    folder, control : str
        Of the live loop, which is never touched, and of the people.
    policy_file : str
        The user's own policy.
    keep : str
        Folder in which the paper accounts are kept.
    report : str
        Where the page goes.
    clock_ns : callable
        This machine's clock.
    """

    controls: Sequence[str] = ()
    channels: Sequence[str] = ()
    people: bool = False
    level: int = 0
    due: bool = False
    folder: str = ""
    control: str = ""
    policy_file: str = ""
    keep: str = ""
    report: str = ""
    clock_ns: Callable[[], int] = time.time_ns

    @property
    def control_folder(self) -> Path:
        """Folder of the people."""
        return Path(self.control).expanduser().resolve() if self.control else home_folder() / FOLDER

    @property
    def report_path(self) -> Path:
        """Where the page goes."""
        return Path(self.report).expanduser().resolve() if self.report else self.control_folder / REPORT

    @cached_property
    def policy(self) -> "Policy":
        """In force."""
        from workbench.data.policy_file import read_policy

        return read_policy(Path(self.policy_file).expanduser() if self.policy_file else None)

    @property
    def roster(self) -> "Roster":
        """Who there is; nobody where there is no roster yet."""
        from workbench.response.people.roster import Roster

        return Roster.read_or_empty(self.control_folder)

    @cached_property
    def configured(self) -> "tuple[tuple[Channel, ...], str]":
        """Channels, and why the file of them is refused; the log is always among them."""
        from workbench.response.alerts.channel_file import LOG_FILE, read_channels
        from workbench.response.alerts.channels import LogChannel

        try:
            return read_channels(self.control_folder), ""
        except ConfigError as error:
            return (LogChannel(self.control_folder / LOG_FILE),), str(error)

    @property
    def channel_names(self) -> list[str]:
        """Names of the channels, that of the file instead while it is refused."""
        channels, refused = self.configured
        return [*(one.name for one in channels), *([CHANNEL_FILE_NAME] if refused else [])]

    def duties(self) -> "list[Duty]":
        """Everything there is to drill, and by when."""
        from workbench.response.drills.duties import Ready, duties
        from workbench.response.drills.record import Record

        record = Record.read(self.control_folder)
        ready = Ready(record, self.roster.people, self.channel_names, _since_ns(self.control_folder, self.clock_ns()))
        return duties(ready, self.policy, self.clock_ns())


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """What will be drilled, and what will not, a sentence each."""

    controls: tuple[str, ...]
    channels: tuple[str, ...]
    people: bool
    left: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.controls or self.channels or self.people)


def _since_ns(folder: Path, now_ns: int) -> int:
    """When the control service first ran here; now, when it never did."""
    from workbench.data.journal.reader import JournalReader
    from workbench.data.journal.storage import DATABASE

    if not (folder / DATABASE).exists():
        return now_ns
    with JournalReader(folder) as reader:
        return next((row.time_ns for row in reader.rows()), now_ns)


def plan_of(order: DrillOrder) -> DrillPlan:
    """What an order asks for.

    Parameters
    ----------
    order : DrillOrder
        From the command line.

    Returns
    -------
    DrillPlan

    Raises
    ------
    ConfigError
        When a name is none, a level is not allowed, or the record of drills cannot be read.
    """
    refuse_level(order)
    controls = _chosen("control", order.controls, CONTROL_NAMES)
    channels = _chosen("channel", order.channels, order.channel_names)
    if order.due:
        return _due(order)
    if controls or channels or order.people:
        if order.people:
            refuse_quiet_hours(order)
        return DrillPlan(controls, channels, order.people)
    return _allowed(order, CONTROL_NAMES, tuple(order.channel_names), people=True)


def refuse_level(order: DrillOrder) -> None:
    """Refuse a level the policy does not allow for a drill.

    Parameters
    ----------
    order : DrillOrder
        From the command line.

    Raises
    ------
    ConfigError
        Names the bounds.
    """
    highest = order.policy.people.drills.highest_level
    if order.level and not 2 <= order.level <= highest:
        raise ConfigError(
            f"a drill may page at level 2 to {highest} (people.drills.highest_level), got --level {order.level}"
        )


def refuse_quiet_hours(order: DrillOrder) -> None:
    """Refuse a drill whose page would wait for the morning: the time to the answer would mean nothing.

    Parameters
    ----------
    order : DrillOrder
        From the command line.

    Raises
    ------
    ConfigError
        Says until when it is quiet.
    """
    if sentence := _quiet(order):
        raise ConfigError(sentence)


def _quiet(order: DrillOrder) -> str:
    from workbench.response.incidents.escalation import quiet_until
    from workbench.response.people.persons import in_words

    level, paging = order.level or order.policy.people.drills.page_level, order.policy.people.paging
    until = quiet_until(paging, level, order.clock_ns())
    if until is None:
        return ""
    louder = f", or give --level {paging.quiet_up_to_level + 1}, which wakes everybody"
    return f"people are not drilled at level {level} in quiet hours, until {in_words(until)}: try again then" + (
        louder if paging.quiet_up_to_level < order.policy.people.drills.highest_level else ""
    )


def _chosen(what: str, asked: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in asked if name not in (*known, ALL)]
    if unknown:
        raise ConfigError(f"there is no {what} {unknown[0]!r} to drill: expected all, or one of {', '.join(known)}")
    return tuple(known) if ALL in asked else tuple(name for name in known if name in asked)


def _due(order: DrillOrder) -> DrillPlan:
    now = order.clock_ns()
    # what was never drilled does not wait until its first time is up
    due = [one for one in order.duties() if one.last_ns is None or one.due_soon(now, order.policy)]
    names = {kind: tuple(one.name for one in due if one.kind == kind) for kind in (CONTROL, CHANNEL, PERSON)}
    reached = _reached(order)
    plan = _allowed(order, names[CONTROL], names[CHANNEL], people=any(name in reached for name in names[PERSON]))
    missed = ", ".join(name for name in names[PERSON] if name not in reached)
    if not missed:
        return plan
    sentence = (
        f"due, and not reached by a page of this level: {missed}; `workbench drill --people --level 3` reaches all"
    )
    return replace(plan, left=(*plan.left, sentence))


def _reached(order: DrillOrder) -> set[str]:
    """People the page of the drill goes to first: whoever is on call at L1, or everybody."""
    from workbench.response.incidents.escalation import addressed_at, asked_of, places

    people, roster = order.policy.people, order.roster
    asked = asked_of(people, order.level or people.drills.page_level)
    addressed = addressed_at("next_person", 0, roster, order.clock_ns())
    return {*addressed.names, *(name for _, name in places(asked, addressed, roster) if name)}


def _allowed(order: DrillOrder, controls: Sequence[str], channels: Sequence[str], *, people: bool) -> DrillPlan:
    """Without what nobody has named and what would wake somebody, or needs a control service that does not run."""
    from workbench.data.journal.storage import lock_holder
    from workbench.response.drills.channels import quiet_channels

    quiet = quiet_channels(order.policy, order.clock_ns())
    left = [f"{name} is not tried in quiet hours; --channel {name} does" for name in channels if name in quiet]
    if people and lock_holder(order.control_folder) is None:
        people = False
        left.append("people are not drilled: no control service runs here (`workbench control`)")
    if people and (sentence := _quiet(order)):
        people = False
        left.append(sentence)
    return DrillPlan(tuple(controls), tuple(name for name in channels if name not in quiet), people, tuple(left))


def refuse_real_folders(order: DrillOrder) -> None:
    """Refuse to put paper accounts where a real journal is, or anything else.

    Parameters
    ----------
    order : DrillOrder
        From the command line.

    Raises
    ------
    ConfigError
        Names the folder.
    """
    if not order.keep:
        return
    kept = Path(order.keep).expanduser().resolve()
    for name, real in (("the live loop", live_folder(order.folder)), ("people", order.control_folder)):
        if kept == real or real in kept.parents or kept in real.parents:
            raise ConfigError(f"{kept} is the folder of {name}, or around or inside it: a drill never touches it")
    if kept.exists() and (not kept.is_dir() or any(kept.iterdir())):
        raise ConfigError(f"{kept} is not an empty folder: paper accounts of drills begin anew, give another --keep")
