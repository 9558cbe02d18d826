"""What the journal of people says after a restart: sums, proposals, codes; the same rows, the same records."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.errors import ConfigError, DataError
from workbench.response.people.authority import Act, lowest_level, taken_by_first_responders
from workbench.response.people.persons import Level, Person
from workbench.response.people.proposals import Proposal, Proposals, Situation, proposal_from, proposal_table
from workbench.response.people.records import (
    Records,
    acted_row,
    approved_row,
    login_row,
    merged_row,
    proposed_row,
    refused_row,
    step_up_row,
    withdrawn_row,
)

ADA, BO = Person("Ada", Level.L1, {}), Person("Bo", Level.L2, {})
RESUME = Proposal.made_by("Bo", Act("resume", rebaseline_peak=True), Situation(1_000, "digest", 3))


def through_a_disk(rows) -> Records:
    return Records.of(json.loads(json.dumps(row)) for row in rows)


def test_sums_survive_a_restart_and_refused_ones_do_not_count():
    rows = [
        acted_row(ADA, Act("reduce", 0.5), "a", 10),
        acted_row(ADA, Act("reduce", 0.25), "b", 20),
        acted_row(BO, Act("close_all"), "c", 30),
        acted_row(ADA, Act("halt"), "d", 40),
        refused_row("b", 50),
        {"kind": "page", "anything": 1},
    ]
    records = through_a_disk(rows)
    assert [one.fraction for one in records.reductions_since(0)] == [0.5, 1.0]
    assert [one.fraction for one in records.reductions_since(11)] == [1.0]
    assert float(taken_by_first_responders(records.reductions_since(0))) == 0.5


def test_an_open_proposal_survives_a_restart_exactly():
    records = through_a_disk([proposed_row(RESUME)])
    assert records.proposals == Proposals({RESUME.id: RESUME})
    closing = (
        approved_row(RESUME, "Cy", "n", 2_000),
        withdrawn_row(RESUME, "Bo", "not now", 2_000),
        acted_row(ADA, Act("halt"), "n", 2_000),
    )
    for row in closing:
        assert through_a_disk([proposed_row(RESUME), row]).proposals.open == {}
    looked = acted_row(ADA, Act("acknowledge"), "n", 2_000)
    assert through_a_disk([proposed_row(RESUME), looked]).proposals.open != {}


def test_a_proposal_is_bound_to_every_word_of_it():
    table = proposal_table(RESUME)
    assert proposal_from(json.loads(json.dumps(table))) == RESUME
    changes = {"person": "Cy", "time_ns": 2_000, "state": "x", "last_breach": 4, "proposal": "0" * 32}
    for key, value in {**changes, "act": {**table["act"], "rebaseline_peak": False}}.items():
        with pytest.raises(DataError, match="not the one that was made"):
            proposal_from({**table, key: value})
    different = {Proposal.made_by("Bo", replace(RESUME.act, rebaseline_peak=False), RESUME.made).id, RESUME.id}
    assert len(different) == 2


def test_proposing_again_replaces_ones_own_and_nobody_elses(policy):
    later = Proposal.made_by("Bo", Act("resume"), Situation(2_000, "digest", 3))
    other = Proposal.made_by("Cy", Act("resume"), Situation(2_000, "digest", 3))
    proposals = Proposals().propose(RESUME).propose(other).propose(later)
    assert set(proposals.open) == {other.id, later.id}
    assert proposals.standing(policy, Situation(3_000, "digest", 3)) == (other, later)
    assert proposals.standing(policy, Situation(3_000, "digest", 4)) == ()


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["Ada", "Bo"]), st.integers(0, 50)), max_size=10))
def test_the_last_code_is_the_highest_whatever_order_rows_came_in(codes):
    rows = [(login_row, step_up_row)[step % 2](who, step, step) for who, step in codes]
    used = through_a_disk(rows).used_steps
    assert used == {who: max(step for one, step in codes if one == who) for who, _ in codes}


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "acted", "person": "Ada"},
        {**acted_row(ADA, Act("halt"), "n", 1), "act": {"kind": "halt"}},
        {**acted_row(ADA, Act("halt"), "n", 1), "act": "halt"},
        {**acted_row(ADA, Act("halt"), "n", 1), "level": "L9"},
        {"kind": "login", "person": "Ada", "totp_step": "x", "time_ns": 1},
        {**proposed_row(RESUME), "act": {**proposal_table(RESUME)["act"], "fraction": "1"}},
        {**acted_row(ADA, Act("halt"), "n", 1), "act": {**proposal_table(RESUME)["act"], "kind": "explode"}},
        {"kind": "proposed"},
        {"kind": "approved"},
    ],
)
def test_a_row_that_was_not_written_by_us_is_refused(row):
    with pytest.raises(DataError):
        Records().after(row)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "explode"}, {"kind": "<script>"}, {"kind": "reduce"}, {"kind": "halt", "fraction": 0.5},
        {"kind": "reduce", "fraction": 1.5}, {"kind": "reduce", "fraction": float("nan")},
        {"kind": "reduce", "fraction": -0.0}, {"kind": "reduce", "fraction": float("inf")},
        {"kind": "halt", "fraction": float("nan")}, {"kind": "loosen_limit"}, {"kind": "halt", "subject": "x"},
        {"kind": "override_block", "subject": "a\0b"},
        {"kind": "loosen_limit", "subject": "x" * 201}, {"kind": "halt", "rebaseline_peak": True},
    ],
)  # fmt: skip
def test_what_is_no_act_cannot_be_made(fields):
    with pytest.raises(ConfigError):
        Act(**fields)


def test_one_act_has_one_form():
    assert repr(Act("reduce", 1)) == repr(Act("reduce", 1.0)) and repr(Act("halt", -0.0)) == repr(Act("halt"))


def test_what_the_policy_gives_to_nobody_nobody_may_do(policy):
    table = policy.model_dump(mode="json")
    table["people"]["two_people"]["acts"] = ["resume"]
    table["people"]["roles"]["L3"]["may"] = ["shut_down"]
    stricter = type(policy).from_mapping(table)
    for kind in ("go_live", "notify_regulator"):
        with pytest.raises(ConfigError, match="to nobody"):
            lowest_level(stricter, kind)


def test_what_is_not_known_to_have_been_sent_is_kept_until_it_has_come_to_something():
    rows = [acted_row(ADA, Act("reduce", 0.5), nonce, 10) for nonce in ("a", "b", "c", "d", "e", "f")]
    rows += [proposed_row(RESUME), approved_row(RESUME, "Cy", "g", 20)]
    assert list(through_a_disk(rows).unsettled) == ["a", "b", "c", "d", "e", "f", "g"]
    rows += [
        {"kind": "outcome", "nonce": "a", "stage": "reduced"}, {"kind": "refused", "nonce": "b", "because": "no inbox"},
        refused_row("c", 30), merged_row("d", "Ada", "e", 30), {"kind": "settled", "nonce": "e"},
        {"kind": "outcome", "nonce": "nobody's"},
    ]  # fmt: skip
    records = through_a_disk(rows)
    assert list(records.unsettled) == ["f", "g"]
    assert (records.unsettled["g"].person, records.unsettled["g"].act) == ("Bo", RESUME.act)
    assert [one.nonce for one in records.reductions] == ["a", "b", "e", "f"], "merged and refused do not count"
    assert len(records.reductions_since(0, without=("a", "f"))) == 2
