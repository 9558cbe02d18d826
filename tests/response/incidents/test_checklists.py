"""Checklists of each incident: what is ticked, what is overdue, and how long they stay."""

from dataclasses import replace

import pytest

from workbench.data.policy_file import read_policy
from workbench.response.incidents.alert import Alert
from workbench.response.incidents.checklists import KEPT_NS, MOST, checklists_of, with_checklists
from workbench.response.incidents.incident import opened

MINUTE = 60_000_000_000
NOON = 1_795_780_800 * 1_000_000_000
PROCEDURES = dict(read_policy().people.procedures)


def incident(name="I1", level=3, closed_ns=None):
    made = opened(name, Alert(name, level, name, NOON, "the book falls", lasts=True), NOON)
    return replace(made, closed_ns=closed_ns)


def ticked(*steps, name="I1", procedure="first_response", at_ns=NOON, done=True):
    return {(name, procedure, step): {"done": done, "person": "ann", "time_ns": at_ns} for step in steps}


@pytest.mark.parametrize(
    ("minutes", "ticks", "overdue", "done"),
    [
        (4.9, {}, False, False),
        (5.0, {}, False, False),
        (5.1, {}, True, False),
        (5.1, ticked(0, 1, 2, 3), True, False),
        (5.1, ticked(0, 1, 2, 3, 4), False, True),
        (5.1, {**ticked(0, 1, 2, 3, 4), **ticked(2, done=False)}, True, False),
        (5.1, ticked(0, 1, 2, 3, 4, name="I2"), True, False),
        (5.1, ticked(0, 1, 2, 3, 4, procedure="recover"), True, False),
    ],
)
def test_a_checklist_is_overdue_when_its_minutes_since_the_opening_are_over_and_a_step_is_open(
    minutes, ticks, overdue, done
):
    now_ns = NOON + round(minutes * MINUTE)
    first = checklists_of(incident(), PROCEDURES, ticks)[0]
    assert (first.is_overdue(now_ns), first.done_ns is not None) == (overdue, done)
    table = first.table(now_ns)
    assert (table["overdue"], table["incident"], table["due_ns"]) == (overdue, "I1", NOON + 5 * MINUTE)


def test_it_is_done_when_its_last_step_was_ticked():
    ticks = {**ticked(0, 1, 2, 4), **ticked(3, at_ns=NOON + MINUTE)}
    assert checklists_of(incident(), PROCEDURES, ticks)[0].done_ns == NOON + MINUTE


def test_for_nothing_in_particular_there_is_no_deadline():
    found = checklists_of(None, PROCEDURES, ticked(0, name=""))
    assert [one.due_ns for one in found] == [None] * 3 and found[0].steps[0].done
    assert not found[0].is_overdue(NOON + 10**18)


@pytest.mark.parametrize(
    ("level", "closed_minutes", "ticks", "shown"),
    [
        (1, None, {}, False),
        (2, None, {}, True),
        (4, None, {}, True),
        (3, 10, {}, True),
        (3, 10, {key: one for name, rules in PROCEDURES.items()
                 for key, one in ticked(*range(len(rules.steps)), procedure=name).items()}, False),
    ],
)  # fmt: skip
def test_checklists_stay_while_somebody_still_has_to_do_them(level, closed_minutes, ticks, shown):
    closed_ns = None if closed_minutes is None else NOON + closed_minutes * MINUTE
    one = incident(level=level, closed_ns=closed_ns)
    assert bool(with_checklists([one], PROCEDURES, ticks, NOON + 20 * MINUTE)) is shown


def test_of_what_is_over_they_stay_a_day_and_of_many_the_worst_are_shown():
    over = incident(closed_ns=NOON)
    assert with_checklists([over], PROCEDURES, {}, NOON + KEPT_NS - 1) == [over]
    assert with_checklists([over], PROCEDURES, {}, NOON + KEPT_NS) == []
    many = [incident(f"I{place}") for place in range(1, 30)]
    assert with_checklists(many, PROCEDURES, {}, NOON) == many[:MOST]
