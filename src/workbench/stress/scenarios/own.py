"""A user's own scenario, as a table: moves, volatility, correlations, spreads, silence. The text is read elsewhere."""

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from re import fullmatch
from typing import Annotated, Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from workbench.domain.currencies import ACCOUNT_CURRENCY, CURRENCIES, LEGS
from workbench.domain.errors import ConfigError
from workbench.domain.policy.fields import Section, Text, refuse
from workbench.domain.trading.market_hours import DAY_NS, MINUTE_NS
from workbench.stress.course import (
    RAMP_MINUTES,
    Course,
    and_then,
    days,
    next_weekday,
    on_an_open_night,
    plain_course,
    ramp,
)
from workbench.stress.scenarios.correlation import Projected, adverse_correlation, projected, recoloured
from workbench.stress.scenarios.protocol import SyntheticScenario
from workbench.stress.situation import Situation

Floats = NDArray[np.float64]

MOST_CORRECTED = 0.5
"""An entry that must change by more than this was not meant."""
CONTRADICTION = 1e-6
"""Moves agree when their logarithms do up to this."""
MOST_REFUSALS = 3
"""So many are told at once."""
DAY_MINUTES = DAY_NS // MINUTE_NS

Move = Annotated[float, Field(strict=True, gt=-1.0, le=10.0, allow_inf_nan=False)]
Correlation = Annotated[float, Field(strict=True, ge=-1.0, le=1.0, allow_inf_nan=False)]


class Volatility(Section):
    """The last month again, its moves so many times as large."""

    times: float = Field(strict=True, gt=1.0, le=100.0, allow_inf_nan=False)


class Spreads(Section):
    """Spreads so many times the policy's, while the moves happen."""

    times: float = Field(strict=True, gt=1.0, le=1000.0, allow_inf_nan=False)


class Outage(Section):
    """Feeds silent so long, in the middle of the first day."""

    minutes: int = Field(strict=True, ge=1, le=1200)


class OwnTable(Section):
    """A scenario as the user writes it."""

    name: Text
    title: Text | None = None
    sentence: Text | None = None
    days: int = Field(default=1, strict=True, ge=1, le=250)
    after_days: int = Field(default=20, strict=True, ge=0, le=60)
    moves: dict[str, Move] = Field(default_factory=dict)
    volatility: Volatility | None = None
    correlation: dict[str, Correlation] | None = None
    spreads: Spreads | None = None
    outage: Outage | None = None

    @field_validator("name")
    @classmethod
    def _fit_for_a_file(cls, name: str) -> str:
        if len(name) > 60 or not fullmatch("[a-z0-9][a-z0-9-]*", name):
            refuse("", "at most 60 lower case letters, digits and dashes, a dash not first", name)
        return name

    @field_validator("title", "sentence")
    @classmethod
    def _one_printable_line(cls, words: str | None) -> str | None:
        line = None if words is None else " ".join(words.split())
        if line is not None and not (0 < len(line) <= 600 and line.isprintable()):
            refuse("", "1 to 600 printable characters", words)
        return line

    @field_validator("moves")
    @classmethod
    def _of_legs_or_pairs(cls, moves: dict[str, float]) -> dict[str, float]:
        for name in moves:
            if name not in LEGS and not _is_pair(name):
                refuse("", f"legs ({', '.join(LEGS)}) or pairs of currencies such as USDJPY", name)
        _leg_returns(moves)
        return moves

    @field_validator("correlation")
    @classmethod
    def _to_or_entries(cls, entries: dict[str, float] | None) -> dict[str, float] | None:
        if entries is None:
            return None
        if not entries or ("to" in entries and len(entries) > 1):
            refuse("", "either to or entries such as EUR-GBP", list(entries))
        if "to" in entries:
            if not 0.0 < entries["to"] < 1.0:
                refuse("to", "more than 0 and less than 1", entries["to"])
            return entries
        seen = set[frozenset[str]]()
        for name in entries:
            legs = frozenset(name.split("-"))
            if len(name) != 7 or len(legs) != 2 or not legs <= set(LEGS):
                refuse("", f"to, or entries of two legs ({', '.join(LEGS)}) such as EUR-GBP", name)
            if legs in seen:
                refuse("", "every two legs once", name)
            seen.add(legs)
        return entries

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        shocks = (self.volatility, self.correlation, self.spreads, self.outage)
        if not _leg_returns(self.moves).any() and all(one is None for one in shocks):
            _refuse_plainly("", "it does nothing: give it moves, volatility, correlation, spreads or an outage")
        if "days" in self.model_fields_set and not (self.moves or self.spreads or self.outage):
            refuse("days", "moves, spreads or outage to happen in these days", self.days)
        return self


def own_scenario(table: Mapping[str, Any], *, source: str) -> SyntheticScenario:
    """A user's own scenario.

    Parameters
    ----------
    table : mapping
        ``name``, and any of ``title``, ``sentence``, ``days``, ``after_days``, ``moves``, ``volatility``,
        ``correlation``, ``spreads`` and ``outage``; ``docs/examples/own_scenario.toml`` explains each.
    source : str
        Where the table comes from, such as the name of a file; begins every refusal.

    Returns
    -------
    SyntheticScenario
        Staging it refuses, with a `ConfigError`, correlations that no book of that evening can have.

    Raises
    ------
    ConfigError
        On an unknown key, a value out of range, moves that contradict each other, and a scenario that does nothing;
        names the key.
    """
    try:
        own = OwnTable.model_validate(dict(table))
    except ValidationError as error:
        told = [_sentence(details) for details in error.errors()]
        more = f"; and {len(told) - MOST_REFUSALS} more" if len(told) > MOST_REFUSALS else ""
        raise ConfigError(f"{source}: the scenario is refused: {'; '.join(told[:MOST_REFUSALS])}{more}") from error
    move = _leg_returns(own.moves)

    def shape(situation: Situation) -> Course:
        return _course(own, move, situation)

    def correction(situation: Situation) -> str:
        changed = 0.0 if own.correlation is None else _correlation_after(own, own.correlation, situation).moved
        if changed == 0.0:
            return ""
        size = f"{changed:.2f}" if changed >= 0.005 else "less than 0.01"
        return f"correlations were projected to the nearest valid matrix, largest change {size}"

    return SyntheticScenario(
        own.name, own.title or own.name, own.sentence or _words(own), source, shape, correction=correction
    )


@dataclass(frozen=True, slots=True)
class _Relations:
    """What is known of currencies: how far one moves against another, in logarithms, and by which entry."""

    links: dict[str, list[tuple[str, str, float]]] = field(default_factory=lambda: {name: [] for name in CURRENCIES})

    def link(self, entry: str, first: str, second: str, size: float) -> None:
        self.links[first].append((second, entry, size))
        self.links[second].append((first, entry, -size))

    def between(self, first: str, second: str) -> tuple[list[str], float] | None:
        """Entries that lead from the first to the second, and their sum; None when none do."""
        found: dict[str, tuple[list[str], float]] = {first: ([], 0.0)}
        waiting = [first]
        for here in waiting:
            entries, total = found[here]
            for other, entry, size in self.links[here]:
                if other not in found:
                    found[other] = ([*entries, entry], total + size)
                    waiting.append(other)
        return found.get(second)


def _leg_returns(moves: Mapping[str, float]) -> Floats:
    """Simple returns of the legs from moves of legs and pairs; an entry that contradicts the others is refused.

    A leg that no entry tells anything of stays. Where pairs relate legs and nothing ties these to the US dollar, the
    quote currency of the first such pair stays.
    """
    known = _Relations()
    sides = {name: (name[:3], name[3:] or ACCOUNT_CURRENCY) for name in sorted(moves, key=lambda name: len(name) > 3)}
    for name, (first, second) in sides.items():
        size = float(np.log1p(moves[name]))
        told = known.between(first, second)
        if told is None:
            known.link(name, first, second, size)
        elif abs(told[1] - size) > CONTRADICTION:
            _contradicts(name, moves[name], *told)
    for name, (_, second) in sides.items():
        if known.between(second, ACCOUNT_CURRENCY) is None:
            known.link(name, second, ACCOUNT_CURRENCY, 0.0)
    found = (known.between(leg, ACCOUNT_CURRENCY) or ([], 0.0) for leg in LEGS)
    return np.expm1([size for _, size in found])


def _contradicts(name: str, move: float, entries: list[str], size: float) -> NoReturn:
    """Refuse an entry, with as many digits as show the difference."""
    given, told = 100.0 * move, 100.0 * float(np.expm1(size))
    digits = next((count for count in range(2, 9) if f"{given:.{count}f}" != f"{told:.{count}f}"), 9)
    others = " and ".join(part for part in (", ".join(entries[:-1]), entries[-1]) if part)
    verb = "gives" if len(entries) == 1 else "give"
    _refuse_plainly(name, f"{name} {given:+.{digits}f} % contradicts {others}, which {verb} {told:+.{digits}f} %")


def _refuse_plainly(key: str, words: str) -> NoReturn:
    """Refuse in words that need neither an expected value nor the one that is there."""
    raise PydanticCustomError("plain", "{words}", {"key": key, "words": words})


def _sentence(details: ErrorDetails) -> str:
    """Say which key, what was expected and what was got."""
    context = details.get("ctx", {})
    parts = [*map(str, details["loc"]), *filter(None, [str(context.get("key", ""))])]
    key = ".".join(part if fullmatch("[A-Za-z0-9_-]{1,40}", part) else reprlib.repr(part) for part in parts)
    if details["type"] == "missing":
        return f"{key}: expected a value, got nothing (the key is missing)"
    if details["type"] == "extra_forbidden":
        return f"{key}: unknown key{_suggestion(parts)}"
    message = details["msg"].replace("Input should be", "expected").replace("Input should", "expected to")
    if details["type"] != "plain":
        message += f", got {reprlib.repr(context.get('got', details['input']))}"
    return f"{key}: {message}" if key else message


def _suggestion(parts: list[str]) -> str:
    """Name the known key of the same section that looks most like the unknown one."""
    sections: dict[str, type[BaseModel]] = {"volatility": Volatility, "spreads": Spreads, "outage": Outage}
    known = list((sections[parts[0]] if len(parts) > 1 else OwnTable).model_fields)
    close = get_close_matches(parts[-1][:40], known, n=1)
    return f", did you mean {close[0]!r}?" if close else f", expected one of {', '.join(known)}"


def _is_pair(name: str) -> bool:
    return len(name) == 6 and name[:3] != name[3:] and {name[:3], name[3:]} <= set(CURRENCIES)


def _words(own: OwnTable) -> str:
    """What happens, for a scenario whose author does not say."""
    span = "within a day" if own.days == 1 else f"over {own.days} weekdays"
    moves = ", ".join(f"{name} {100.0 * move:+.2f} %" for name, move in own.moves.items()) or "no move"
    first = [f"{moves} {span}"] if own.moves or own.spreads or own.outage else []
    if own.spreads is not None:
        first.append(f"spreads {own.spreads.times:g} times as wide")
    if own.outage is not None:
        first.append(f"{own.outage.minutes} minutes of silent feeds on the first day")
    month = []
    if own.volatility is not None:
        month.append(f"with moves {own.volatility.times:g} times as large")
    if own.correlation is not None:
        to = own.correlation.get("to")
        entries = ", ".join(f"{name} {value:g}" for name, value in own.correlation.items())
        against = f"correlations of at least {to:g} against the book" if to is not None else f"correlations {entries}"
        month.append(f"under {against}")
    told = [", ".join(first)] * bool(first)
    told += [f"the last month again {' and '.join(month)}, turned so that the book loses"] * bool(month)
    told += [f"{own.after_days} days as in the last month"] * bool(own.after_days)
    words = "; then ".join(told) + "."
    return words[0].upper() + words[1:]


def _course(own: OwnTable, move: Floats, situation: Situation) -> Course:
    """The moves; then the month made worse, where it is; then the month as it was."""
    after = np.resize(situation.recent, (own.after_days, len(LEGS)))
    if own.volatility is not None or own.correlation is not None:
        after = np.concatenate([situation.against(_worse_month(own, situation)), after])
    values = np.array([situation.values[leg] for leg in LEGS])
    if not (own.moves or own.spreads or own.outage):
        return days(situation.time_ns, values, after)
    if own.days == 1 or own.spreads is not None or own.outage is not None:
        shock = on_an_open_night(situation, lambda eve, start: _moves(own, move, eve, start))
    else:
        shock = _evenly(situation.time_ns, values, move, own.days)
    return and_then(shock, after)


def _moves(own: OwnTable, move: Floats, eve_ns: int, values: Floats) -> Course:
    """The first day by the half hour, the others by their fixes."""
    part = np.expm1(np.log1p(move) / own.days)
    shock = ramp(eve_ns, values, part) if own.outage is None else _silent_day(eve_ns, values, part, own.outage.minutes)
    if own.days > 1:
        rest = np.expm1(np.log1p(move) * (own.days - 1) / own.days)
        shock = shock.then(_evenly(int(shock.times[-1]), shock.values[-1], rest, own.days - 1))
    return shock if own.spreads is None else shock.with_spreads(own.spreads.times)


def _evenly(start_ns: int, values: Floats, move: Floats, count: int) -> Course:
    """A move spread evenly, in logarithms, over the fixes of so many weekdays."""
    share = np.arange(1, count + 1)[:, None] / count
    times = [next_weekday(start_ns, after=k + 1) for k in range(count)]
    return plain_course(times, values * np.exp(share * np.log1p(move)), [True] * count)


def _silent_day(start_ns: int, values: Floats, move: Floats, silent: int) -> Course:
    """A ramp whose marks of the silence are a minute apart and not seen; the marks before and after it are."""
    last_seen = (DAY_MINUTES - silent) // 2
    hidden = range(last_seen + 1, last_seen + silent + 1)
    seen = {*range(RAMP_MINUTES, DAY_MINUTES + 1, RAMP_MINUTES), last_seen, hidden.stop} - {*hidden}
    minutes = sorted({*seen, *hidden})
    path = values * np.exp(np.array(minutes)[:, None] / DAY_MINUTES * np.log1p(move))
    times = [start_ns + minute * MINUTE_NS for minute in minutes]
    begin = minutes.index(hidden.start)
    day = plain_course(times, path, [minute == DAY_MINUTES for minute in minutes])
    return day.unseen(begin, begin + silent, beats=True)


def _worse_month(own: OwnTable, situation: Situation) -> Floats:
    """Returns of the last month under other correlations, so many times as large."""
    month = situation.recent
    if own.correlation is not None:
        after = _correlation_after(own, own.correlation, situation).matrix
        month = recoloured(month, situation.correlation, after, situation.volatility)
    return month if own.volatility is None else own.volatility.times * month


def _correlation_after(own: OwnTable, entries: Mapping[str, float], situation: Situation) -> Projected:
    """Correlations the scenario asks for, made valid; named entries that cannot be are refused."""
    if "to" in entries:
        return adverse_correlation(situation.correlation, situation.weights, entries["to"])
    asked = projected(situation.correlation).matrix.copy()
    for name, value in entries.items():
        first, second = (LEGS.index(leg) for leg in name.split("-"))
        asked[first, second] = asked[second, first] = value
    found = projected(asked)
    if found.moved > MOST_CORRECTED:
        words = ", ".join(f"{name} {value:g}" for name, value in entries.items())
        raise ConfigError(
            f"scenario {own.name!r}: correlation: {words} is impossible: the nearest valid matrix changes an entry by "
            f"{found.moved:.2f}"
        )
    return found
