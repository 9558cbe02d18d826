"""An incident in a few sentences and large numbers: what a reader takes away who reads nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.domain.trading.decisions import ModeChanged
from workbench.domain.trading.market_hours import MINUTE_NS
from workbench.domain.trading.orders import OrderState
from workbench.response.incidents.alert import WARNING
from workbench.response.incidents.report import Curve, Timed
from workbench.runtime.incidents.loop_record import LoopRecord
from workbench.runtime.incidents.times import Judged, alerts_of, handed_of, rounds_begun
from workbench.runtime.incidents.words import ACTS, CHANNELS, counted, duration, listed, percent

MOST_MODES = 4
"""Changes of mode that are named one by one."""
READINGS = ("drawdown", "value_at_risk", "volatility")
"""Causes whose alerts carry the metric that is drawn."""


@dataclass(frozen=True, slots=True)
class Money:
    """Equity at the beginning and the end of an incident, US dollars; worst drawdown while it lasted, fraction."""

    before: float
    after: float
    drawdown: float

    @property
    def words(self) -> str:
        """What it cost, or brought."""
        change = self.after - self.before
        return f"{change:+,.0f} USD ({100 * change / self.before:+.2f} %)".replace("-", "−")


def money_of(loop: LoopRecord) -> Money | None:
    """What became of the equity.

    Parameters
    ----------
    loop : LoopRecord
        The loop's side.

    Returns
    -------
    Money or None
        None where the minutes are not known. The last minute before the incident is where it began.
    """
    rows = [one for one in loop.path if one.get("equity") is not None]
    before = [one for one in rows if one["time_ns"] + MINUTE_NS <= loop.begins_ns] or rows[:1]
    within = [one for one in rows if loop.begins_ns - MINUTE_NS < one["time_ns"] <= loop.ends_ns] or rows[-1:]
    if not before or not within:
        return None
    worst = max(float(one.get("drawdown") or 0.0) for one in within)
    return Money(float(before[-1]["equity"]), float(within[-1]["equity"]), worst)


def summary_of(judged: Judged) -> tuple[str, ...]:
    """The incident in sentences.

    Parameters
    ----------
    judged : Judged
        The incident.

    Returns
    -------
    tuple of str
        What happened, what the system did, who answered, what people did, how it ended, what it cost.
    """
    parts = (_happened, _did, _answered, _people, _ended, _cost)
    return tuple(sentence for part in parts for sentence in part(judged))


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _happened(judged: Judged) -> Iterator[str]:
    incident = judged.people.incident
    more = f" ({counted(incident.count, 'alert')} of this cause)" if incident.count > 1 else ""
    yield f"{_capital(incident.worst.sentence)}{more}."


def _did(judged: Judged) -> Iterator[str]:
    did = judged.people.incident.worst.facts.get("did")
    modes = [one for one in judged.loop.decisions if isinstance(one, ModeChanged)]
    if did:
        yield f"The system by itself: {did}."
    if modes:
        yield _modes(modes)
    if judged.loop.orders:
        yield _orders(judged.loop)
    elif not judged.loop.trouble:
        yield "No order was needed."


def _modes(changes: Sequence[ModeChanged]) -> str:
    course = [changes[0].before.name, *(one.after.name for one in changes)]
    if len(changes) <= MOST_MODES:
        return f"The book's mode went {' → '.join(course)}."
    known = listed(list(dict.fromkeys(course)))
    return f"The book's mode changed {len(changes)} times between {known}; at the end it was {course[-1]}."


def _orders(loop: LoopRecord) -> str:
    lives = list(loop.orders.values())
    filled = sum(one.last.state is OrderState.FILLED for one in lives)
    every = "all filled" if filled == len(lives) else f"{filled} filled, {len(lives) - filled} not"
    return f"It made {counted(len(lives), 'order')}, {every}."


def _answered(judged: Judged) -> Iterator[str]:
    people, incident = judged.people, judged.people.incident
    if incident.level < WARNING:
        yield "Nobody had to answer: it was told in a digest."
        return
    begun = rounds_begun(people)
    if begun:
        handed = handed_of(people, begun[0])
        channels = listed(list(dict.fromkeys(CHANNELS.get(one.channel, one.channel) for one in handed)))
        yield f"The first pages went out by {channels}." if handed else "No page left this machine."
    stops = [one for one in incident.acknowledgements if one.stops]
    if not stops:
        yield "Nobody has acknowledged it."
    for one in stops[:1]:
        late = "late" if one.late else "in time"
        yield f"{one.person} acknowledged it {duration(one.time_ns - people.opened_ns)} after it opened, {late}."
    if incident.step > 0:
        yield f"It escalated {'once' if incident.step == 1 else counted(incident.step, 'time')}."


def _people(judged: Judged) -> Iterator[str]:
    done = [one for one in judged.people.acts.values() if one.stage not in {"", "refused"}]
    if done:
        acts = [f"{one.person} asked to {ACTS.get(str(one.asked['act']), str(one.asked['act']))}" for one in done]
        yield f"{_capital(listed(acts[:6]))}{' and more' if len(acts) > 6 else ''}."
    elif judged.people.incident.level >= WARNING:
        yield "No person acted on the book from the page."


def _ended(judged: Judged) -> Iterator[str]:
    people, incident = judged.people, judged.people.incident
    if incident.closed_ns is not None:
        yield f"It closed after {duration(incident.closed_ns - people.opened_ns)}."
        return
    holds = "its cause still holds" if incident.rungs else "its cause is gone"
    waits = incident.worst.facts.get("waits", "somebody to acknowledge it")
    yield f"It is still open after {duration(max(judged.now_ns - people.opened_ns, 0))}: {holds}; it waits for {waits}."


def _cost(judged: Judged) -> Iterator[str]:
    money = money_of(judged.loop)
    if money is not None:
        equity = f"from {money.before:,.0f} to {money.after:,.0f} USD, {money.words}"
        yield f"Equity went {equity}, while it was open; the worst drawdown was {percent(money.drawdown)}."


def facts_of(judged: Judged, times: Sequence[Timed], curve: Curve | None) -> tuple[tuple[str, str, str], ...]:
    """What stands in large letters.

    Parameters
    ----------
    judged : Judged
        The incident.
    times : sequence of Timed
        Its times against their targets.
    curve : Curve or None
        Of the book.

    Returns
    -------
    tuple of (str, str, str)
        Name, value, note.
    """
    incident, loop = judged.people.incident, judged.loop
    stops = [one for one in incident.acknowledgements if one.stops]
    met, missed = sum(one.met is True for one in times), sum(one.met is False for one in times)
    still = f", {len(times) - met - missed} open" if len(times) > met + missed else ""
    lasted = duration(max((incident.closed_ns or judged.now_ns) - judged.people.opened_ns, 0))
    facts = [
        ("Lasted", lasted, "closed" if incident.closed_ns is not None else "still open"),
        ("Targets met", f"{met} of {met + missed}", f"{missed} missed{still}"),
        (
            "Acknowledged",
            duration(stops[0].time_ns - judged.people.opened_ns) if stops else "by nobody",
            f"by {stops[0].person}{', late' if stops[0].late else ''}" if stops else "",
        ),
    ]
    money = money_of(loop)
    if money is not None:
        facts.append(("Equity", money.words.partition(" (")[0], money.words.partition(" (")[2].rstrip(")")))
    if curve is not None:
        inside = [
            reading
            for time_ns, reading in zip(curve.times_ns, curve.reading, strict=True)
            if curve.begins_ns - MINUTE_NS < time_ns <= curve.ends_ns
        ]
        # the minutes hold the last reading of each: what tripped a rung may have been worse
        tripped = [one.metric for one in alerts_of(loop, incident.cause) if incident.cause in READINGS]
        worst = max([*(inside or curve.reading), *tripped])
        facts.append((curve.name, percent(worst) if curve.unit == "fraction" else f"{worst:.2f}", "worst meanwhile"))
    if not loop.trouble:
        filled = sum(one.last.state is OrderState.FILLED for one in loop.orders.values())
        facts.append(("Orders", f"{len(loop.orders)}", f"{filled} filled"))
    return tuple(facts)
