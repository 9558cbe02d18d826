"""The report of an incident, put together from both journals; reads only, so it can be made beside whatever runs."""

from datetime import UTC, datetime
from pathlib import Path

from workbench.domain.policy import Policy
from workbench.domain.policy.risk import LevelRung
from workbench.domain.trading.decisions import AnyDecision, FailOver, ModeChanged, RaiseAlert, ScopeLocked
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.response.incidents.checklists import checklists_of
from workbench.response.incidents.report import Curve, Entry, Report
from workbench.runtime.incidents.loop_record import LoopRecord, read_loop
from workbench.runtime.incidents.people_record import PeopleRecord, incidents_shown, read_people
from workbench.runtime.incidents.summary import facts_of, summary_of
from workbench.runtime.incidents.timeline import order_lines, timeline_of
from workbench.runtime.incidents.times import Judged, alerts_of, times_of

READINGS = {
    "drawdown": ("drawdown", "Drawdown from the peak", "fraction"),
    "value_at_risk": ("value_at_risk_95", "VaR 95 %, one day", "fraction"),
    "volatility": ("volatility_ratio", "Volatility over normal", ""),
    "correlation": ("correlation_mean", "Mean absolute correlation", ""),
}
"""Column of the minutes, name and unit of what an incident is about; the drawdown for all others."""
MOST_MARKS = 12
REVIEW = "notebooks/monitor/incident_review.ipynb"
MOST_ENTRIES = 400


def make_report(control: Path, live: Path, name: str, policy: Policy, now_ns: int) -> Report:
    """Read both journals and judge an incident.

    Parameters
    ----------
    control : Path
        Folder of the people.
    live : Path
        Folder of the loop's journal.
    name : str
        Id of the incident, such as ``I12``.
    policy : Policy
        In force, for targets, checklists and triggers.
    now_ns : int
        This machine's clock.

    Returns
    -------
    Report
        Of an incident that is still open: as far as it has gone.

    Raises
    ------
    DataError
        When there is no such incident, or the journal of people cannot be read.
    """
    people = read_people(control, name)
    incident = people.incident
    loop = read_loop(live, people, incident.closed_ns or now_ns)
    checklists = checklists_of(incident, dict(policy.people.procedures), people.ticks)
    judged = Judged(people, loop, policy, checklists, now_ns)
    times, curve, timeline = times_of(judged), curve_of(judged), timeline_of(people, loop, checklists)
    shown = weightiest(timeline)
    return Report(
        incident.id, incident.cause, incident.worst.sentence, incident.level, people.opened_ns, incident.closed_ns,
        now_ns, summary_of(judged), facts_of(judged, times, curve), times, tuple(shown), tuple(order_lines(loop)),
        tuple(checklists), tuple(people.lessons), curve, tuple(_notes(judged, len(timeline) - len(shown))),
        (*_others(control, people, now_ns), *_sources(judged, live)),
    )  # fmt: skip


def weightiest(timeline: list[Entry]) -> list[Entry]:
    """Of a timeline that is too long to read, what people did and were told, and the first and last of the rest.

    Parameters
    ----------
    timeline : list of Entry
        Oldest first.

    Returns
    -------
    list of Entry
        At most `MOST_ENTRIES` beside what concerns people.
    """
    rest = [place for place, one in enumerate(timeline) if one.kind in {"decision", "orders"}]
    if len(rest) <= MOST_ENTRIES:
        return timeline
    left_out = set(rest[MOST_ENTRIES // 2 : len(rest) - MOST_ENTRIES // 2])
    return [one for place, one in enumerate(timeline) if place not in left_out]


def curve_of(judged: Judged) -> Curve | None:
    """The book over the incident.

    Parameters
    ----------
    judged : Judged
        The incident.

    Returns
    -------
    Curve or None
        None where fewer than two minutes are known.
    """
    loop, cause = judged.loop, judged.people.incident.cause
    column, name, unit = READINGS.get(cause, READINGS["drawdown"])
    rows = [one for one in loop.path if one.get("equity") is not None and one.get(column) is not None]
    if len(rows) < 2:
        return None
    return Curve(
        tuple(int(one["time_ns"]) for one in rows), tuple(float(one["equity"]) for one in rows),
        tuple(float(one[column]) for one in rows), name, unit, _triggers(judged, column),
        tuple((one.time_ns, one) for one in _marks(loop, cause)), loop.begins_ns, loop.ends_ns,
        "UTC" if loop.clocks.are_one else "UTC of the loop's own clock",
    )  # fmt: skip


def _triggers(judged: Judged, column: str) -> tuple[float, ...]:
    ladders = judged.policy.ladders
    if column == "correlation_mean":
        return (float(ladders.correlation.rung_2.trigger),)
    ladder = {
        "drawdown": ladders.drawdown, "value_at_risk_95": ladders.value_at_risk, "volatility_ratio": ladders.volatility
    }[column]  # fmt: skip
    return tuple(float(rung.trigger) for rung in ladder.rungs if isinstance(rung, LevelRung))


def _marks(loop: LoopRecord, cause: str) -> list[AnyDecision]:
    """Alerts of the cause first, then changes of mode, then the rest that people should see in the picture."""
    own = alerts_of(loop, cause)

    def order(one: AnyDecision) -> int | None:
        if any(one is alert for alert in own):
            return 0
        if isinstance(one, ModeChanged):
            return 1
        if isinstance(one, ScopeLocked | FailOver) or (isinstance(one, RaiseAlert) and one.level > 1):
            return 2
        return None

    ranked = [(rank, one) for one in loop.decisions if (rank := order(one)) is not None]
    kept = sorted(ranked, key=lambda pair: pair[0])[:MOST_MARKS]
    return sorted((one for _, one in kept), key=lambda one: one.time_ns)


def _notes(judged: Judged, hidden: int) -> list[str]:
    people, loop = judged.people, judged.loop
    notes = [f"{loop.trouble[:1].upper()}{loop.trouble[1:]}."] if loop.trouble else []
    if loop.label:
        notes.append(f"Prices: {loop.label}.")
    if not loop.clocks.are_one:
        notes.append(
            f"The loop ({loop.feed}) has a clock of its own. Its decisions, orders and the picture carry that clock's "
            "time; the timeline turns it into this machine's by moments at which both were known, to about a second."
        )
    if hidden or loop.left_out:
        notes.append(
            f"{hidden + loop.left_out:,} decisions and orders in the middle are left out here; the journal has them."
        )
    if people.incident.closed_ns is None:
        notes.append("The incident is still open: this is how far it has gone.")
    return notes


def _others(control: Path, people: PeopleRecord, now_ns: int) -> list[tuple[str, str]]:
    """Other incidents that were open at the same time: what people did may be told there."""
    ends_ns = people.incident.closed_ns or now_ns
    found = [
        f"{one['id']} {one['cause']}"
        for one in incidents_shown(control)
        if one["id"] != people.id and one["opened_ns"] <= ends_ns and (one["closed_ns"] or now_ns) >= people.opened_ns
    ]
    return [("Open at the same time", ", ".join(found))] if found else []


def _sources(judged: Judged, live: Path) -> list[tuple[str, str]]:
    people, loop = judged.people, judged.loop
    found = [("Journal of people", people.head), ("Policy", judged.policy.hash)]
    if loop.head:
        found.insert(1, ("Journal of the loop", loop.head))
    if not loop.trouble:
        moment = datetime.fromtimestamp(loop.begins_ns // SECOND_NS, tz=UTC)
        again = f'{REVIEW} with folder = "{live}", day = "{moment:%Y-%m-%d}", moment = "{moment:%Y-%m-%d %H:%M:%S}"'
        found.append(("Step it again, event by event", again))
    return found
