"""The sum of reductions over one incident: exact, never above the cap, whatever the steps."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.policy_file import read_policy
from workbench.response.people.authority import (
    Act,
    Facts,
    Reduction,
    exactly,
    judge,
    still_left,
    taken_by_first_responders,
)
from workbench.response.people.persons import Level, Person

POLICY = read_policy()
CAP = exactly(POLICY.people.roles.L1.reduces_up_to)
PEOPLE = {name: Person(name, Level.L1, {}) for name in ("Ada", "Al")} | {"Bo": Person("Bo", Level.L2, {})}
FRACTIONS = st.integers(1, 1_000).map(lambda thousandths: thousandths / 1_000)
STEPS = st.lists(st.tuples(st.sampled_from(sorted(PEOPLE)), FRACTIONS), max_size=12)


def played(steps) -> tuple[list[Reduction], list[bool]]:
    """Ask for one reduction after the other; those allowed are done."""
    done: list[Reduction] = []
    answers = []
    for name, fraction in steps:
        person = PEOPLE[name]
        allowed = judge(POLICY, person, Act("reduce", fraction), Facts(stepped_up=True, reductions=done)).allowed
        answers.append(allowed)
        if allowed:
            done.append(Reduction(name, person.level, fraction))
    return done, answers


@settings(deadline=None)
@given(STEPS)
def test_first_responders_never_take_more_than_the_cap_together(steps):
    done, _ = played(steps)
    exposure, taken = Fraction(1), Fraction(0)
    for one in done:  # the book itself, step by step
        share = exposure * exactly(one.fraction)
        exposure -= share
        taken += share if one.level is Level.L1 else 0
    assert taken <= CAP
    assert (taken, exposure) == (taken_by_first_responders(done), still_left(done))


@settings(deadline=None)
@given(st.lists(FRACTIONS, max_size=12))
def test_without_seniors_the_sum_is_one_less_what_is_left(fractions):
    done, _ = played([("Ada", fraction) for fraction in fractions])
    assert taken_by_first_responders(done) == 1 - still_left(done)


@settings(deadline=None)
@given(STEPS, FRACTIONS)
def test_what_is_refused_would_have_gone_beyond_the_cap(steps, fraction):
    done, _ = played(steps)
    verdict = judge(POLICY, PEOPLE["Ada"], Act("reduce", fraction), Facts(stepped_up=True, reductions=done))
    would = taken_by_first_responders([*done, Reduction("Ada", Level.L1, fraction)])
    assert verdict.allowed == (would <= CAP)


@settings(deadline=None)
@given(STEPS)
def test_the_most_the_refusal_offers_is_allowed(steps):
    done, _ = played(steps)
    verdict = judge(POLICY, PEOPLE["Al"], Act("reduce", 1.0), Facts(stepped_up=True, reductions=done))
    if verdict.allowed:
        assert still_left(done) + taken_by_first_responders(done) <= CAP
        return
    offered = float(verdict.refused_because.split("at most ")[1].split("%")[0]) / 100
    if offered > 0:
        act = Act("reduce", round(offered, 3))
        assert judge(POLICY, PEOPLE["Al"], act, Facts(stepped_up=True, reductions=done)).allowed


@settings(deadline=None)
@given(STEPS)
def test_the_head_of_trading_is_not_capped(steps):
    answers = played(steps)[1]
    assert all(allowed for (name, _), allowed in zip(steps, answers, strict=True) if name == "Bo")


def test_decimals_are_counted_as_written():
    steps = [("Ada", 0.1), ("Al", 0.2), ("Ada", 0.3), ("Al", 0.4)]
    done, answers = played(steps)
    assert all(answers) and taken_by_first_responders(done) == Fraction(6976, 10_000)
    assert played([*steps, ("Ada", 0.1733)])[1][-1] is False


def test_another_policy_has_another_cap():
    table = POLICY.model_dump(mode="json")
    table["people"]["roles"]["L1"]["reduces_up_to"] = 0.2
    stricter = type(POLICY).from_mapping(table)
    facts = Facts(stepped_up=True)
    assert not judge(stricter, PEOPLE["Ada"], Act("reduce", 0.21), facts).allowed
    assert judge(stricter, PEOPLE["Ada"], Act("reduce", 0.2), facts).allowed
