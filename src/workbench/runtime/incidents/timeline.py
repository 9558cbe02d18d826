"""The timeline of an incident, and its orders: everything of both journals in one order, on this machine's clock."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

from workbench.domain.currencies import Pair
from workbench.domain.trading.decisions import EntryRefused, InputRefused, TargetPosition
from workbench.domain.trading.market_hours import MINUTE_NS, SECOND_NS
from workbench.domain.trading.orders import OrderState
from workbench.response.alerts.outbox import DROPPED, FAILED, HANDED, Page
from workbench.response.incidents.checklists import Checklist
from workbench.response.incidents.checklists import Step as Tick
from workbench.response.incidents.duties import DUTY
from workbench.response.incidents.report import Entry, OrderLine
from workbench.runtime.incidents.loop_record import LoopRecord, OrderLife
from workbench.runtime.incidents.people_record import PeopleRecord, PersonAct, Step
from workbench.runtime.incidents.words import ACTS, CHANNELS, counted, duration, listed, percent

SINGLE = (TargetPosition, EntryRefused, InputRefused)
"""Decisions about one order or one input: they are in the table of orders, or too many to read."""


def timeline_of(people: PeopleRecord, loop: LoopRecord, checklists: Sequence[Checklist]) -> list[Entry]:
    """Everything that happened.

    Parameters
    ----------
    people, loop : PeopleRecord, LoopRecord
        Both sides.
    checklists : sequence of Checklist
        Of the incident.

    Returns
    -------
    list of Entry
        Oldest first.
    """
    entries = [
        *_decisions(loop), *_orders(loop), *_messages(people, loop), *_answers(people),
        *(_act(one) for one in people.acts.values()), *_ticks(checklists), *_course(people),
    ]  # fmt: skip
    return sorted(entries, key=lambda one: one.time_ns)


# the loop


def _decisions(loop: LoopRecord) -> Iterator[Entry]:
    for one in loop.decisions:
        if not isinstance(one, SINGLE):
            yield _of_loop(loop, one.time_ns, kind="decision", decision=one)


def _of_loop(loop: LoopRecord, loop_ns: int, **facts: Any) -> Entry:
    own = None if loop.clocks.are_one else loop_ns
    return Entry(loop.clocks.ours(loop_ns), loop_ns=own, **facts)


def _orders(loop: LoopRecord) -> Iterator[Entry]:
    """One line for all orders that were made together."""
    lives = sorted(loop.orders.values(), key=_made_ns)
    for made_ns, together in groupby(lives, key=_made_ns):
        group = list(together)
        filled = [one for one in group if one.last.state is OrderState.FILLED]
        what = f"{counted(len(group), 'order')}: {', '.join(one.last.order.pair for one in group[:8])}"
        what += ", …" if len(group) > 8 else ""
        last_ns = max((one.last.time_ns for one in group), default=made_ns)
        if len(filled) == len(group):
            why = f"all filled, the last after {duration(last_ns - made_ns)}"
        else:
            others = Counter(one.last.state.name.lower().replace("_", " ") for one in group if one not in filled)
            rest = ", ".join(f"{number} {state}" for state, number in others.items())
            why = f"{len(filled)} of {len(group)} filled, {rest}"
        yield _of_loop(loop, made_ns, kind="orders", what=what, why=why, good=len(filled) == len(group))


def _made_ns(life: OrderLife) -> int:
    return life.notes[0].time_ns


def _messages(people: PeopleRecord, loop: LoopRecord) -> Iterator[Entry]:
    """What the loop was asked by another way than the page, and what operations noted."""
    for time_ns, table in loop.messages:
        if table.get("nonce") in people.acts:
            continue
        what = f"asks the loop to {ACTS.get(str(table.get('act')), str(table.get('act')))}{_share(table)}"
        refused = str(table.get("refused", ""))
        why = f"refused: {refused}" if refused else str(table.get("reason", ""))
        by = str(table.get("actor", ""))
        yield _of_loop(loop, time_ns, kind="act", what=what, why=why, by=by, good=False if refused else None)
    for time_ns, table in loop.notes:
        yield _of_loop(loop, time_ns, kind="course", what=f"The loop: {table.get('sentence', '')}")


def _share(table: Any) -> str:
    return f" by {percent(float(table['fraction']), 0)}" if table.get("act") == "reduce" and "fraction" in table else ""


def order_lines(loop: LoopRecord) -> list[OrderLine]:
    """Orders as a table shows them.

    Parameters
    ----------
    loop : LoopRecord
        The loop's side.

    Returns
    -------
    list of OrderLine
        Oldest first.
    """
    return [_line(loop, one) for one in loop.orders.values()]


def _line(loop: LoopRecord, life: OrderLife) -> OrderLine:
    order, last, price = life.last.order, life.last, life.price
    made_ns = _made_ns(life)
    slippage = None
    if price is not None and order.price > 0:
        slippage = (price - order.price) * (1 if order.units > 0 else -1) / Pair.parse(order.pair).pip
    return OrderLine(
        order.id, order.strategy, order.pair, order.units, life.filled, order.reduce_only,
        last.state.name.lower().replace("_", " "), last.reason, loop.clocks.ours(made_ns),
        None if loop.clocks.are_one else made_ns,
        (last.time_ns - made_ns) / SECOND_NS if last.state.is_final else None, price, slippage,
    )  # fmt: skip


# people


def _course(people: PeopleRecord) -> Iterator[Entry]:
    for before, one in pairwise([None, *people.steps]):
        if one is not None:
            yield from _step(people, before, one)
    for time_ns, how in people.halts:
        what = "asks the loop to halt" if how == "asked" else "the halt is in the loop's inbox"
        yield Entry(time_ns, "act", what, "no channel reaches anybody (people.paging.no_channel_act)", "the dispatcher")
    closed_ns = people.incident.closed_ns
    if closed_ns is not None:
        answered = "and somebody has acknowledged it" if people.incident.acknowledgements else "nobody acknowledged it"
        yield Entry(closed_ns, "course", "Incident closed", f"the cause is gone, {answered}")


def _step(people: PeopleRecord, before: Step | None, one: Step) -> Iterator[Entry]:
    incident = one.incident
    if one.because in {"opened", "worse"}:
        how = "Incident opened" if one.because == "opened" else "It became worse"
        did = incident.worst.facts.get("did", "")
        what = f"{how}, level {incident.level}: {incident.worst.sentence}"
        yield Entry(one.time_ns, "alert", what, f"the system: {did}" if did else "")
    elif one.because == "renewed":
        did = incident.worst.facts.get("did", "")
        yield Entry(one.time_ns, "course", f"As it is now: {incident.worst.sentence}", f"the system: {did}")
    elif one.because == "gone":
        left = ", ".join(map(str, incident.rungs))
        yield Entry(one.time_ns, "course", f"Rung {left} still holds" if left else "The cause no longer holds")
    elif one.because == "paged":
        duty = incident.worst.facts.get(DUTY, "")
        if duty and (before is None or before.incident.worst.facts.get(DUTY) != duty):
            yield Entry(one.time_ns, "course", duty)
        if before is None or before.incident.round != incident.round:
            yield _round(people, one)


def _round(people: PeopleRecord, step: Step) -> Entry:
    """One round of pages with every receipt."""
    root = f"{people.id}/{step.incident.round}/"
    pages = [one for one in people.pages.values() if one.id.startswith(root)]
    names = list(dict.fromkeys(one.person for one in pages if one.person))
    whom = listed(names) if names else "the group"
    failed = [one for one in pages if one.state == FAILED]
    return Entry(
        step.time_ns, "page", f"Page {step.incident.round}: {whom}" if pages else f"Page {step.incident.round}: nobody",
        "; ".join(receipts(pages)) or "no channel has an address for whoever is on call",
        good=False if failed or not pages else None,
    )  # fmt: skip


def receipts(pages: Sequence[Page]) -> list[str]:
    """What became of the pages of a round: those that went well by channel, each of the others by itself.

    Parameters
    ----------
    pages : sequence of Page
        Of one round.

    Returns
    -------
    list of str
    """
    well = [one for one in pages if one.state == HANDED and one.person and one.attempts == 1 and not one.repeat]
    told: list[str] = []
    for channel in dict.fromkeys(one.channel for one in well):
        same = [one for one in well if one.channel == channel]
        last_ns = max((one.ended_ns or 0) - one.queued_ns for one in same)
        names = listed([one.person for one in same])
        told.append(f"{CHANNELS.get(channel, channel)} to {names} handed over after {duration(max(last_ns, 0))}")
    return [*(receipt(one) for one in pages if one not in well), *told]


def receipt(page: Page) -> str:
    """What became of a page, in words.

    Parameters
    ----------
    page : Page
        As it ended, or waits.

    Returns
    -------
    str
    """
    where = f"{CHANNELS.get(page.channel, page.channel)}{f' to {page.person}' if page.person else ''}"
    if page.state == HANDED:
        more = f", try {page.attempts}" if page.attempts > 1 else ""
        more += ", may be a repeat" if page.repeat else ""
        return f"{where} handed over after {duration(max((page.ended_ns or 0) - page.queued_ns, 0))}{more}"
    if page.state == FAILED:
        return f"{where} FAILED after {counted(page.attempts, 'try', 'tries')}: {page.answer}"
    if page.state == DROPPED:
        return f"{where} not needed any more: {page.answer}"
    return f"{where} waits"


def _answers(people: PeopleRecord) -> Iterator[Entry]:
    for one in people.incident.acknowledgements:
        what = "acknowledges" if one.stops else "has seen it (a viewer: the paging goes on)"
        why = "after the deadline" if one.late else ""
        yield Entry(
            one.time_ns, "answer", what, why, one.person, good=False if one.late else True if one.stops else None
        )


def _act(one: PersonAct) -> Entry:
    asked = str(one.asked.get("act"))
    what = f"asks to {ACTS.get(asked, asked)}{_share(one.asked)}"
    if asked == "approve":
        what = f"approves proposal {one.asked.get('proposal', '')}"
    took = f" ({duration(one.done_ns - one.time_ns)})" if one.done_ns is not None else ""
    result = f"{one.stage}: {one.sentence}{took}" if one.stage else ""
    good = None if one.stage in {"", "waiting"} else one.stage != "refused"
    return Entry(one.time_ns, "act", what, result or "proposed, or without an answer", one.person, good=good)


def _ticks(checklists: Sequence[Checklist]) -> Iterator[Entry]:
    """One line for what one person ticked of one checklist in one go; the checklist itself has each step."""
    for one in checklists:
        ticked = sorted(
            ((step.time_ns, step) for step in one.steps if step.time_ns is not None), key=lambda pair: pair[0]
        )
        runs: list[list[tuple[int, Tick]]] = []
        for time_ns, step in ticked:
            last = runs[-1][-1] if runs else None
            together = last is not None and (step.done, step.person) == (last[1].done, last[1].person)
            if last is not None and together and time_ns - last[0] <= MINUTE_NS:
                runs[-1].append((time_ns, step))
            else:
                runs.append([(time_ns, step)])
        for run in runs:
            how = "ticks" if run[0][1].done else "takes back the tick of"
            which = f"“{run[0][1].text}”" if len(run) == 1 else counted(len(run), "step")
            yield Entry(run[-1][0], "check", f"{how} {which}", f"checklist {one.title}", run[0][1].person)
