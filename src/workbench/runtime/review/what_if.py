"""What another policy had done: the recorded events through two engines, both with the same simulated fills.

The fills of the recorded run belong to its own decisions; under other decisions they would be wrong. So BOTH runs, the
one under the journal's policy too, are filled by one rule: at once, in full, at the recorded mid, half the recorded
spread against the order. What the market would have done had we traded otherwise, nobody knows; it is left as it was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from difflib import get_close_matches
from itertools import zip_longest
from pathlib import Path
from typing import Any

from workbench.data.journal.reader import JournalReader
from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.domain.trading import events as happened
from workbench.domain.trading.decisions import AnyDecision, RiskSnapshot
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.engine.risk_engine import EngineState, RiskEngine
from workbench.runtime.live.desk import stepped
from workbench.runtime.live.recovery import event_of
from workbench.runtime.review.course import MOST_POINTS, Course
from workbench.runtime.review.journal_days import Progress, Window
from workbench.runtime.review.stepping import EVENTS, MOST_STEPS, PROGRESS_EVERY, Stepped

OF_THE_RECORDED_ORDERS = (
    happened.Fill,
    happened.OrderRejected,
    happened.OrderUnknown,
    happened.BookMismatch,
    happened.RepeatedIntent,
)
"""Events that came of orders as they were: no part of a run that makes its own."""
MOST_ROUNDS = 3
"""Fills that lead to further orders at the same moment are filled too, so often at most."""
Amend = Callable[[Policy], Policy]
Heard = Callable[[happened.AnyEvent, Sequence[AnyDecision]], None]
SAME_RULES = (
    "Same rules for both runs: every order is filled at once and in full at the recorded mid of its pair, half the "
    "recorded spread against it. Prices, feeds, calibrations and what people did are as recorded, and do not answer to "
    "the other orders. Both begin with the book as it really was."
)


def amended(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """A policy with some values changed.

    Parameters
    ----------
    policy : Policy
        Not changed.
    changes : mapping of str to value
        By dotted key, such as ``{"ladders.drawdown.rung_2.trigger": 0.04}``.

    Returns
    -------
    Policy

    Raises
    ------
    ConfigError
        When a key is not known, with those nearest to it, or the policy is not valid with the value.
    """
    table = policy.model_dump(mode="json")
    known = list(_keys("", table))
    for key, value in changes.items():
        if key not in known:
            raise ConfigError(_unknown(key, known))
        *sections, last = key.split(".")
        below = table
        for section in sections:
            below = below[section]
        below[last] = value
    return Policy.from_mapping(table)


def _keys(path: str, table: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in table.items():
        key = f"{path}.{name}" if path else name
        found += _keys(key, value) if isinstance(value, dict) else [key]
    return found


def _unknown(key: str, known: list[str]) -> str:
    beginning = [one for one in known if one.startswith(f"{key}.")][:5]
    near = beginning or get_close_matches(key, known, n=5, cutoff=0.5)
    hint = f"the nearest are {', '.join(near)}" if near else "see the policy file for the keys there are"
    return f"the policy has no value {key!r}: {hint}"


def differences(ours: Policy, other: Policy) -> list[tuple[str, object, object]]:
    """Values in which two policies differ.

    Parameters
    ----------
    ours, other : Policy
        Any two.

    Returns
    -------
    list of (str, object, object)
        Dotted key, and both values.
    """
    one, two = ours.model_dump(mode="json"), other.model_dump(mode="json")
    keys = dict.fromkeys([*_keys("", one), *_keys("", two)])
    pairs = ((key, _at(one, key), _at(two, key)) for key in keys)
    return [(key, first, second) for key, first, second in pairs if first != second]


def _at(table: Mapping[str, Any], key: str) -> object:
    value: Any = table
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _nobody(_event: happened.AnyEvent, _decisions: Sequence[AnyDecision]) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Run:
    """The recorded events under one policy, with simulated fills.

    Attributes
    ----------
    engine : RiskEngine
        Its own, so that two runs do not share its working memory.
    course : Course
        Path and totals.
    amend : callable
        Turns a policy that was put in force on the way into the one this run has.
    decisions : list of Decision
        No snapshots, bounded.
    left_out : int
        Decisions beyond the bound.
    heard : callable
        Told every event and what it led to, snapshots left out.
    """

    engine: RiskEngine
    course: Course
    amend: Amend
    heard: Heard = _nobody
    decisions: list[AnyDecision] = field(default_factory=list, repr=False)
    left_out: int = 0

    @property
    def policy(self) -> Policy:
        """In force at the end."""
        return self.course.state.settings.policy

    def take(self, event: happened.AnyEvent) -> None:
        """Take an event in and fill what it asks for.

        Parameters
        ----------
        event : Event
            As recorded.
        """
        if isinstance(event, OF_THE_RECORDED_ORDERS):
            return
        if isinstance(event, happened.PolicyChanged):
            event = happened.PolicyChanged(event.time_ns, self.amend(event.policy))
        decided = self._step(event)
        # positions are put on all at one moment: nothing is filled between them
        if not decided or isinstance(event, happened.PositionHeld):
            return
        for _ in range(MOST_ROUNDS):
            fills = self._fills(self.course.state)
            for fill in fills:
                self._step(fill)
            if not fills:
                break

    def _step(self, event: happened.AnyEvent) -> bool:
        after, decisions, _ = stepped(self.engine, self.course.state, event)
        weighty = [one for one in decisions if not isinstance(one, RiskSnapshot)]
        room = MOST_STEPS - len(self.decisions)
        self.decisions += weighty[:room]
        self.left_out += max(len(weighty) - room, 0)
        self.course.follow(event, after, matters=bool(weighty[:room]))
        self.heard(event, weighty)
        return bool(decisions)

    def _fills(self, state: EngineState) -> list[happened.Fill]:
        missing = (state.target - state.units).tolist()
        numbers, now, market = state.intent.tolist(), int(state.time_ns), self.course.market
        return [
            happened.Fill(now, one.name, int(numbers[slot]), missing[slot], market.price(one.pair, missing[slot]))
            for slot, one in enumerate(state.settings.strategies)
            if missing[slot] != 0.0
        ]


@dataclass(frozen=True, slots=True)
class Compared:
    """The same events under two policies.

    Attributes
    ----------
    window : Window
        Which.
    stepped : Stepped
        What really happened, with the fills of the broker.
    ours, other : Run
        Under the journal's policy and under the other one, both with simulated fills.
    """

    window: Window
    stepped: Stepped = field(repr=False)
    ours: Run = field(repr=False)
    other: Run = field(repr=False)

    @property
    def changes(self) -> list[tuple[str, object, object]]:
        """Values in which the policies differ at the end of the window."""
        return differences(self.ours.policy, self.other.policy)

    @property
    def decided(self) -> tuple[int, int, int]:
        """How many decisions were made: as it happened, and by each run."""
        runs = (self.ours, self.other)
        ours, other = (len(run.decisions) + run.left_out for run in runs)
        return len(self.stepped.decisions), ours, other

    @property
    def apart(self) -> tuple[AnyDecision | None, AnyDecision | None] | None:
        """The first decisions of both runs that are not alike; None when they decide the same."""
        for ours, other in zip_longest(self.ours.decisions, self.other.decisions):
            if ours is None or other is None or _content(ours) != _content(other):
                return ours, other
        return None


def _content(decision: AnyDecision) -> tuple[object, ...]:
    """What was decided, when and why: a decision without the policy it was made under."""
    return type(decision), astuple(replace(decision, policy="", calibration=""))


def what_if(folder: Path, done: Stepped, amend: Amend, progress: Progress) -> Compared:
    """Play a window under the journal's policy and under another one.

    Parameters
    ----------
    folder : Path
        Of the journal.
    done : Stepped
        The window, stepped as it was.
    amend : callable
        Turns the journal's policy into the other one.
    progress : callable
        Told how far it is, now and then.

    Returns
    -------
    Compared

    Raises
    ------
    ConfigError
        When the other policy is refused.
    """
    ours, other = (_run(done, one) for one in (_as_it_was, amend))
    window = done.window
    total = window.upto - window.after
    with JournalReader(folder) as reader:
        for row in reader.rows(after=window.after, kinds=EVENTS, upto=window.upto):
            event = event_of(row)
            ours.take(event)
            other.take(event)
            if row.sequence % PROGRESS_EVERY == 0:
                progress("playing both policies", row.sequence - window.after, total)
    progress("playing both policies", total, total)
    return Compared(window, done, ours, other)


def _as_it_was(policy: Policy) -> Policy:
    return policy


def _run(done: Stepped, amend: Amend) -> Run:
    """A run told its policy, and that no order is in doubt: its own are all filled at once."""
    settings = done.before.settings
    engine = RiskEngine(settings.policy, settings.calibration, settings.strategies, controls=settings.controls)
    length = max(done.window.ends_ns - done.window.begins_ns, SECOND_NS)
    run, now = Run(engine, Course(max(length // MOST_POINTS, 1), done.before), amend), int(done.before.time_ns)
    run.take(happened.PolicyChanged(now, settings.policy))
    run.take(happened.Reconciled(now))
    return run
