"""Times of an incident against the policy: the system's own, the pages', the answers', the checklists'."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from workbench.domain.policy import Policy
from workbench.domain.trading.decisions import CautionChanged, RaiseAlert, TargetPosition
from workbench.domain.trading.market_hours import MINUTE_NS, SECOND_NS
from workbench.domain.trading.modes import Ladder
from workbench.domain.trading.orders import OrderState
from workbench.response.alerts.outbox import HANDED, OUTWARD, Page
from workbench.response.incidents.alert import WARNING
from workbench.response.incidents.checklists import Checklist
from workbench.response.incidents.incident import Acknowledgement
from workbench.response.incidents.report import Timed
from workbench.runtime.incidents.loop_record import CAUTION_NS, LoopRecord, OrderLife
from workbench.runtime.incidents.people_record import PeopleRecord, Step
from workbench.runtime.incidents.words import ACTS, CHANNELS, counted, duration, minutes, moment

ON_TIME_NS = SECOND_NS
"""What is to be done at once, or at a moment, is on time within a second: the dispatcher looks ten times in one."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is judged: both records, the policy, and when."""

    people: PeopleRecord
    loop: LoopRecord
    policy: Policy
    checklists: Sequence[Checklist]
    now_ns: int


def times_of(judged: Judged) -> tuple[Timed, ...]:
    """Every time that has a target.

    Parameters
    ----------
    judged : Judged
        The incident.

    Returns
    -------
    tuple of Timed
        Missed ones first, then in the order in which things happen.
    """
    parts = (_detected, _acted, _sent, _handed_over, _acknowledged, _escalated, _passed_on, _commanded, _ticked)
    found = [one for part in parts for one in part(judged)]
    return tuple(sorted(found, key=lambda one: one.met is not False))


def alerts_of(loop: LoopRecord, cause: str) -> list[RaiseAlert]:
    """The engine's alerts that belong to a cause.

    Parameters
    ----------
    loop : LoopRecord
        The loop's side.
    cause : str
        Of the incident: the name of a ladder, or something else, to which none belong.

    Returns
    -------
    list of RaiseAlert
        In order.
    """
    alerts = (one for one in loop.decisions if isinstance(one, RaiseAlert) and one.ladder is not None)
    return [one for one in alerts if one.ladder is not None and one.ladder.name.lower() == cause]


# the system


def _detected(judged: Judged) -> Iterator[Timed]:
    alerts = alerts_of(judged.loop, judged.people.incident.cause)
    if not alerts or alerts[0].ladder is not Ladder.DRAWDOWN:
        return
    asked = judged.policy.success.technical.drawdown_detection_seconds
    early = [
        one.time_ns
        for one in judged.loop.decisions
        if isinstance(one, CautionChanged) and one.stopped
        and alerts[0].time_ns - CAUTION_NS <= one.time_ns <= alerts[0].time_ns
    ]  # fmt: skip
    took_ns = alerts[0].time_ns - early[-1] if early else 0
    note = "" if early else "the reading that broke the trigger was decided on at once"
    what, met = "First reading above the trigger → decision", took_ns <= asked * SECOND_NS
    yield Timed(what, _within(asked), duration(took_ns), note, met=met)


def _acted(judged: Judged) -> Iterator[Timed]:
    """One row for each rung, for the worst of the times it tripped."""
    by_rung: dict[int, list[RaiseAlert]] = {}
    for alert in alerts_of(judged.loop, judged.people.incident.cause):
        by_rung.setdefault(alert.rung, []).append(alert)
    for alerts in by_rung.values():
        found = [_traded(judged.loop, alert) for alert in alerts]
        worst = max(found, key=lambda one: (one.left, one.took_ns))
        often = f"; tripped {len(alerts)} times, this is the worst" if len(alerts) > 1 else ""
        what = f"{_name(alerts[0])}: decision → every order filled"
        within_ns = round(alerts[0].due_seconds * SECOND_NS) or ON_TIME_NS
        met = worst.left == 0 and worst.took_ns <= within_ns
        yield Timed(what, _within(within_ns / SECOND_NS), worst.took, f"{worst.note}{often}", met=met)


@dataclass(frozen=True, slots=True)
class Traded:
    """What became of the orders a rung caused: how many, how many are not filled, when the last one was."""

    orders: int
    left: int
    took_ns: int

    @property
    def took(self) -> str:
        """In words."""
        if self.left:
            return f"{self.left} of {self.orders} not filled"
        return duration(self.took_ns) if self.orders else "nothing to trade"

    @property
    def note(self) -> str:
        """What to know about it."""
        if self.left:
            return "see the orders"
        return counted(self.orders, "order") if self.orders else "the book was within what the rung allows"


def _traded(loop: LoopRecord, alert: RaiseAlert) -> Traded:
    caused = orders_caused(loop, alert.time_ns)
    ends = [one.last.time_ns for one in caused if one.last.state is OrderState.FILLED]
    return Traded(len(caused), len(caused) - len(ends), max(ends, default=alert.time_ns) - alert.time_ns)


def orders_caused(loop: LoopRecord, time_ns: int) -> list[OrderLife]:
    """Orders that serve the targets set at a moment; one that was tried again counts with its last try.

    Parameters
    ----------
    loop : LoopRecord
        The loop's side.
    time_ns : int
        Of the decisions.

    Returns
    -------
    list of OrderLife
    """
    wanted = {
        (one.strategy, one.intent)
        for one in loop.decisions
        if isinstance(one, TargetPosition) and one.time_ns == time_ns
    }
    found: dict[tuple[str, int], OrderLife] = {}
    for life in loop.orders.values():
        key = (life.last.order.strategy, life.last.order.intent)
        if key in wanted:
            found[key] = life
    return list(found.values())


def _name(alert: RaiseAlert) -> str:
    ladder = alert.ladder.name.lower().replace("_", " ") if alert.ladder is not None else ""
    return f"{ladder.capitalize()} rung {alert.rung}"


def _within(seconds: float) -> str:
    return f"≤ {seconds:g} s"


def _sent(judged: Judged) -> Iterator[Timed]:
    took = judged.loop.sent_milliseconds
    if took is not None and judged.loop.orders:
        asked = judged.policy.success.technical.order_milliseconds
        note = "mean of every order since the loop began, by the stopwatch"
        yield Timed("Quote → order sent", f"≤ {asked:g} ms", f"{took:.1f} ms", note, met=took <= asked)


# pages and answers


def rounds_begun(people: PeopleRecord) -> list[Step]:
    """First rounds of pages: one when the incident opened, one for each time it became worse.

    Parameters
    ----------
    people : PeopleRecord
        The people's side.

    Returns
    -------
    list of Step
        Each is how the incident was after that round.
    """
    begun: list[Step] = []
    for one in people.steps:
        new = not begun or begun[-1].incident.paging_ns != one.incident.paging_ns
        if one.because == "paged" and new:
            begun.append(one)
    return begun


def handed_of(people: PeopleRecord, step: Step) -> list[Page]:
    """Pages of a round that a channel has taken and that leave this machine, first one first.

    Parameters
    ----------
    people : PeopleRecord
        The people's side.
    step : Step
        After the round.

    Returns
    -------
    list of Page
    """
    root = f"{people.id}/{step.incident.round}/"
    pages = [one for one in people.pages.values() if one.id.startswith(root) and one.state == HANDED]
    return sorted((one for one in pages if one.channel in OUTWARD), key=lambda one: one.ended_ns or 0)


def _handed_over(judged: Judged) -> Iterator[Timed]:
    asked = judged.policy.success.technical.alert_handed_over_seconds
    for step in rounds_begun(judged.people):
        began_ns = _alerted_ns(judged, step)
        what = f"Level {step.incident.level} alert → the first channel has it"
        handed = handed_of(judged.people, step)
        if not handed:
            yield Timed(what, _within(asked), "no channel took it", "no page left this machine", met=False)
            continue
        took_ns = max((handed[0].ended_ns or began_ns) - began_ns, 0)
        how = CHANNELS.get(handed[0].channel, handed[0].channel)
        yield Timed(what, _within(asked), duration(took_ns), f"by {how}", met=took_ns <= asked * SECOND_NS)


def _alerted_ns(judged: Judged, step: Step) -> int:
    """When the loop decided, where its clock is ours; else when the dispatcher knew."""
    known_ns = step.incident.paging_ns or step.time_ns
    from_loop = bool(alerts_of(judged.loop, step.incident.cause)) and judged.loop.clocks.are_one
    return min(step.incident.worst.time_ns, known_ns) if from_loop else known_ns


def _acknowledged(judged: Judged) -> Iterator[Timed]:
    """One for each time people were paged for something new; one that became worse before its time is not judged."""
    begun = rounds_begun(judged.people)
    for place, step in enumerate(begun):
        last = place + 1 == len(begun)
        until_ns = judged.now_ns if last else begun[place + 1].time_ns
        began_ns = step.incident.paging_ns or step.time_ns
        deadline_ns = step.incident.deadline_ns or until_ns
        found = _answer(judged.people, began_ns, until_ns)
        if found is None and until_ns <= deadline_ns and not last:
            continue
        who = f" by L{step.incident.asks_level} or above" if step.incident.asks_level > 1 else ""
        what, asked = f"Level {step.incident.level} acknowledged{who}", f"≤ {duration(deadline_ns - began_ns)}"
        if found is not None:
            met = found.time_ns <= deadline_ns
            yield Timed(what, asked, duration(found.time_ns - began_ns), f"by {found.person}", met=met)
        else:
            late = until_ns > deadline_ns
            yield Timed(what, asked, "nobody did" if late else "not yet", met=False if late else None)


def _answer(people: PeopleRecord, began_ns: int, until_ns: int) -> Acknowledgement | None:
    said = people.incident.acknowledgements
    return next((one for one in said if one.stops and began_ns <= one.time_ns <= until_ns), None)


def _escalated(judged: Judged) -> Iterator[Timed]:
    for before, after in pairwise(judged.people.steps):
        planned_ns, moved = before.incident.escalate_ns, after.incident.step != before.incident.step
        if after.because != "paged" or after.incident.step < 1 or planned_ns is None or not moved:
            continue
        late_ns = max(after.time_ns - planned_ns, 0)
        asked = f"± {duration(ON_TIME_NS)} of {moment(planned_ns)} UTC"
        took = "on time" if late_ns <= ON_TIME_NS else f"{duration(late_ns)} late"
        yield Timed(f"Escalation, step {after.incident.step + 1}", asked, took, met=late_ns <= ON_TIME_NS)


def _passed_on(judged: Judged) -> Iterator[Timed]:
    """The duty of L1 to tell L2 of what it has acknowledged."""
    asked = minutes(judged.policy.people.roles.L1.escalates_within_minutes)
    for before, after in pairwise(judged.people.steps):
        due_ns = before.incident.duty_ns
        if due_ns is None or after.incident.duty_ns == due_ns:
            continue
        missed = after.incident.asks_level > before.incident.asks_level
        took = "L1 did not: L2 was paged" if missed else f"over at {moment(after.time_ns)} UTC"
        yield Timed("L1 tells L2 what still holds", f"≤ {asked}", took, met=not missed)


# people


def _commanded(judged: Judged) -> Iterator[Timed]:
    asked = judged.policy.success.technical.manual_control_seconds
    for act in judged.people.acts.values():
        if act.stage == "refused" or not act.sent:
            continue
        what = f"{act.person}: {ACTS.get(str(act.asked['act']), str(act.asked['act']))} → the loop acted"
        if act.done_ns is None or act.stage in {"", "waiting"}:
            yield Timed(what, _within(asked), "no answer from the loop", act.sentence, met=False)
            continue
        took_ns = act.done_ns - act.time_ns
        yield Timed(what, _within(asked), duration(took_ns), act.stage, met=took_ns <= asked * SECOND_NS)


def _ticked(judged: Judged) -> Iterator[Timed]:
    if judged.people.incident.level < WARNING:
        return
    for one in judged.checklists:
        asked, name = f"≤ {minutes(one.within_minutes)}", f"Checklist: {one.title}"
        if one.done_ns is not None and one.due_ns is not None:
            took_ns = one.done_ns - (one.due_ns - round(one.within_minutes * MINUTE_NS))
            yield Timed(name, asked, duration(max(took_ns, 0)), met=one.done_ns <= one.due_ns)
            continue
        left = f"{sum(not step.done for step in one.steps)} of {len(one.steps)} steps open"
        yield Timed(name, asked, left, met=False if one.is_overdue(judged.now_ns) else None)
