"""Who may do what: one table, the policy's, and pure rules over it.

Safer is easy: one person. Looser is hard: two people. A reduction takes a fraction of what is *left*, so one after the
other add up as shares of the exposure when the incident began::

    left before the i-th reduction       r_i = (1 - f_1) × ... × (1 - f_(i-1)),   r_1 = 1
    share of the beginning it takes      s_i = r_i × f_i
    taken by first responders            s   = sum of s_i over the reductions of people at L1, whoever they are

and another one, f, is allowed at L1 while ``s + r × f <= reduces_up_to``. Two steps of one half are 0.75. Fractions are
counted exactly, as written in decimal. What ladders and fills take meanwhile is not in `r`: the sum is then too high
rather than too low.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import get_args

from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.domain.policy.response import Act as ActKind
from workbench.domain.policy.response import LooseningAct
from workbench.response.people.persons import Level, Person, shortened

TIGHTENING: tuple[str, ...] = get_args(ActKind)
LOOSENING: tuple[str, ...] = get_args(LooseningAct)
WITHOUT_CODE = ("look", "acknowledge")
"""Acts that change nothing at the broker; every other one is dangerous and takes a fresh code."""
WITH_SUBJECT = ("tighten_limit", "loosen_limit", "override_block")
LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person wants done.

    Attributes
    ----------
    kind : str
        One of the policy's acts.
    fraction : float
        In (0, 1], for ``reduce``: of what is left now; 0 for every other act.
    subject : str
        What a limit or block is of (a key of the policy, a strategy); empty for every other act.
    rebaseline_peak : bool
        For ``resume``: drawdown is counted from today's equity; the approver must see it.
    """

    kind: str
    fraction: float = 0.0
    subject: str = ""
    rebaseline_peak: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no act."""
        if self.kind not in TIGHTENING and self.kind not in LOOSENING:
            raise ConfigError(f"expected an act of the policy, got {shortened(str(self.kind))}")
        if (self.kind == "reduce") != (0.0 < self.fraction <= 1.0) or (self.kind != "reduce" and self.fraction != 0.0):
            raise ConfigError(f"expected a fraction above 0 and up to 1 for reduce and none otherwise, got {self}")
        object.__setattr__(self, "fraction", float(self.fraction) + 0.0)  # 1 and 1.0, -0.0 and 0.0 are one act
        named = bool(self.subject) and self.subject.isprintable() and len(self.subject) <= LONGEST_SUBJECT
        if not (named if self.kind in WITH_SUBJECT else self.subject == ""):
            raise ConfigError(f"expected what the limit or block is of, and only there, got {self}")
        if self.rebaseline_peak and self.kind != "resume":
            raise ConfigError(f"the peak is re-baselined only when two people resume, got {self.kind}")

    @property
    def loosens(self) -> bool:
        """Whether it takes two people."""
        return self.kind in LOOSENING

    @property
    def restricts(self) -> bool:
        """Whether it makes the book safer, and so voids every open proposal to loosen."""
        return self.kind not in LOOSENING and self.kind not in (*WITHOUT_CODE, "notify_regulator")

    @property
    def dangerous(self) -> bool:
        """Whether it takes a fresh code."""
        return self.kind not in WITHOUT_CODE


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction that was asked for and not refused by the loop."""

    person: str
    level: Level
    fraction: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What a judgement depends on besides the person and the act.

    Attributes
    ----------
    stepped_up : bool
        Whether the person has just given a code (`Sessions.stepped_up`).
    reductions : sequence of Reduction
        Everybody's since the oldest open incident began, in their order (`Records.reductions_since`).
    """

    stepped_up: bool = False
    reductions: Sequence[Reduction] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say.

    Attributes
    ----------
    allowed : bool
        Whether the act may be sent to the loop now, or, with `needs_second`, proposed.
    needs_second : bool
        It is carried out only when another person approves it.
    needs_code : bool
        Everything else is in order: ask for a fresh code and judge again.
    refused_because : str
        A sentence for the person; empty when allowed.
    """

    allowed: bool
    needs_second: bool = False
    needs_code: bool = False
    refused_because: str = ""


def judge(policy: Policy, person: Person | None, act: Act, facts: Facts) -> Verdict:
    """Say whether a person may do something now.

    Parameters
    ----------
    policy : Policy
        Its roles, and what takes two people.
    person : Person or None
        From the roster as it is now; None: nobody has logged in, or the session is over.
    act : Act
        What is wanted.
    facts : Facts
        What has been done so far.

    Returns
    -------
    Verdict
    """
    reason = _refusal(policy, person, act, facts)
    if reason or person is None:
        return Verdict(allowed=False, refused_because=reason)
    if act.dangerous and not facts.stepped_up:
        reason = f"{act.kind} takes a fresh code: give one, then ask again"
        return Verdict(allowed=False, needs_second=act.loosens, needs_code=True, refused_because=reason)
    return Verdict(allowed=True, needs_second=act.loosens)


def _refusal(policy: Policy, person: Person | None, act: Act, facts: Facts) -> str:
    if person is None:
        return "nobody is logged in: log in first"
    if person.disabled:
        return f"the account of {person.name} is disabled: ask who keeps the roster"
    lowest = lowest_level(policy, act.kind)
    if person.level < lowest:
        title = getattr(policy.people.roles, lowest.name).title
        return f"{act.kind} takes {lowest.name} ({title}) or above, {person.name} is {person.level.name}"
    if act.kind == "reduce" and person.level is Level.L1:
        return _over_the_cap(policy, act, facts)
    return ""


def _over_the_cap(policy: Policy, act: Act, facts: Facts) -> str:
    cap = exactly(policy.people.roles.L1.reduces_up_to)
    taken, left = taken_by_first_responders(facts.reductions), still_left(facts.reductions)
    if taken + left * exactly(act.fraction) <= cap:
        return ""
    would = float(taken + left * exactly(act.fraction))
    most = max(cap - taken, Fraction(0)) / left if left else Fraction(0)
    return (
        f"first responders may take {_percent(float(cap))} of the exposure of one incident together: "
        f"{_percent(float(taken))} is taken, {_percent(act.fraction)} of what is left would make it "
        f"{_percent(would)}; at most {_down(most)} of what is left now, or ask L2"
    )


def _percent(share: float) -> str:
    """To a tenth of a percent, as everywhere people read one."""
    return f"{round(share * 100.0, 1):g} %"


def _down(share: Fraction) -> str:
    """A share as a percentage, rounded down so that asking for it is allowed."""
    return f"{int(share * 1000) / 10:g} %"


def lowest_level(policy: Policy, kind: str) -> Level:
    """The lowest level that may do an act, or propose it when it takes two people.

    Parameters
    ----------
    policy : Policy
        Its roles.
    kind : str
        One of the policy's acts.

    Returns
    -------
    Level

    Raises
    ------
    ConfigError
        When the policy gives the act to nobody.
    """
    if kind in LOOSENING:
        # what the policy does not list under two people is given to nobody, never to one person
        if kind in policy.people.two_people.acts:
            return Level[policy.people.two_people.proposer_from]
    else:
        for level in Level:
            if kind in getattr(policy.people.roles, level.name).may:
                return level
    raise ConfigError(f"the policy gives {shortened(kind)} to nobody: see people.roles and people.two_people")


def still_left(reductions: Iterable[Reduction]) -> Fraction:
    """Share of the exposure at the beginning of an incident that these reductions left.

    Parameters
    ----------
    reductions : iterable of Reduction
        In their order.

    Returns
    -------
    Fraction
        Exact, 0 to 1.
    """
    left = Fraction(1)
    for one in reductions:
        left *= 1 - exactly(one.fraction)
    return left


def taken_by_first_responders(reductions: Iterable[Reduction]) -> Fraction:
    """Share of the exposure at the beginning of an incident that people at L1 have taken.

    Parameters
    ----------
    reductions : iterable of Reduction
        Everybody's, in their order.

    Returns
    -------
    Fraction
        Exact, 0 to 1.
    """
    left, taken = Fraction(1), Fraction(0)
    for one in reductions:
        share = left * exactly(one.fraction)
        left -= share
        taken += share if one.level <= Level.L1 else 0
    return taken


def exactly(fraction: float) -> Fraction:
    """A number as it is written, not as the machine rounds it.

    Parameters
    ----------
    fraction : float
        Such as 0.1.

    Returns
    -------
    Fraction
        Such as 1/10.
    """
    return Fraction(repr(float(fraction)))


def most_restrictive(acts: Sequence[Act]) -> tuple[Act, ...]:
    """What is done of several acts that were allowed at once: the most restrictive wins.

    Nothing that loosens is done beside something that restricts. Of several reductions the largest is done, once:
    close all before any fraction. Acts that bind in different ways (a halt, cancelling orders, a reduction) are all
    done.

    Parameters
    ----------
    acts : sequence of Act
        In the order they came.

    Returns
    -------
    tuple of Act
        A part of them, in that order.
    """
    restricted = any(act.restricts for act in acts)
    kept = [act for act in acts if not (act.loosens and restricted)]
    closes = [act for act in kept if _closes(act) > 0.0]
    largest = max(closes, key=_closes) if closes else None
    done = [act for act in kept if _closes(act) == 0.0 or act is largest]
    return tuple(dict.fromkeys(done))


def _closes(act: Act) -> float:
    """Share of the positions it closes; close all is above every reduction."""
    return 2.0 if act.kind == "close_all" else act.fraction
