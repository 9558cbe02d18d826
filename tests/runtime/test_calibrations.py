"""The registry: what is live is always exactly one intact calibration that passed, or none."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from workbench.domain.calibration import Calibration
from workbench.domain.errors import AuthorityError, ConfigError, DataError
from workbench.runtime.calibrations import CalibrationRegistry
from workbench.runtime.calibrations.gates import GateResult

MORNING = "2026-10-30T06:00:00+00:00"
LATER = "2026-10-30T09:00:00+00:00"
PASSED = [GateResult("convergence", passed=True, value=0.0, limit=0.0, sentence="all fits converged")]
FAILED = [
    GateResult("traffic light", passed=False, value="red", limit="not red", sentence="the champion is in the red zone")
]
WARNED = [
    GateResult(
        "dynamic quantile at 95 %",
        passed=False,
        value=0.01,
        limit="",
        sentence="past days foretell exceedances",
        consequence="warn",
    )
]
TO_CONFIRM = [
    GateResult(
        "value at risk move",
        passed=False,
        value=0.8,
        limit=0.5,
        sentence="value at risk moves by +80.0%",
        consequence="confirm",
    )
]


Build = Callable[..., Calibration]


def snapshot(registry: CalibrationRegistry) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in registry.folder.iterdir()}


def live(registry: CalibrationRegistry) -> str:
    adopted = registry.adopted()
    assert adopted is not None
    return adopted.id


# --- candidate, adopted, refused


def test_nothing_is_live_at_first(registry: CalibrationRegistry) -> None:
    assert registry.adopted() is None
    assert registry.catalogue() == []
    assert registry.history() == []
    with pytest.raises(ConfigError, match="no calibration has been adopted yet"):
        registry.show("adopted")


def test_a_proposed_calibration_is_a_candidate_and_not_live(registry: CalibrationRegistry, calibration: Build) -> None:
    assert registry.propose(calibration()).status == "candidate"
    assert registry.adopted() is None
    with pytest.raises(ConfigError, match="not been judged"):
        registry.verdict("2026-10-30")


def test_proposing_the_same_content_again_changes_no_file(registry: CalibrationRegistry, calibration: Build) -> None:
    registry.propose(calibration())
    before = snapshot(registry)
    assert registry.propose(calibration(created=LATER)).created == MORNING
    assert snapshot(registry) == before


def test_the_first_is_provisional_and_the_next_is_adopted(registry: CalibrationRegistry, calibration: Build) -> None:
    first = registry.decide(calibration("2026-10-29"), PASSED, when=MORNING)
    assert first.status == "provisional"
    assert "provisional: there was no earlier calibration to compare it with" in first.reasons
    second = registry.decide(calibration("2026-10-30"), PASSED, when=LATER)
    assert second.status == "adopted"
    assert live(registry) == second.id
    assert registry.show(first.id).status == "superseded"
    assert [(line["act"], line["sequence"]) for line in registry.history()] == [("adopt", 1), ("adopt", 2)]


def test_one_failed_gate_refuses_with_its_sentence(registry: CalibrationRegistry, calibration: Build) -> None:
    adopted = registry.decide(calibration("2026-10-29"), PASSED, when=MORNING)
    refused = registry.decide(calibration(), PASSED + FAILED, when=MORNING)
    assert refused.status == "refused"
    assert refused.reasons == ("refused: the champion is in the red zone",)
    assert live(registry) == adopted.id
    assert registry.history()[-1]["act"] == "refuse"
    assert registry.verdict(refused.id).gates[1].name == "traffic light"


def test_a_warning_is_recorded_and_changes_nothing(registry: CalibrationRegistry, calibration: Build) -> None:
    adopted = registry.decide(calibration(), PASSED + WARNED, when=MORNING)
    assert adopted.status == "provisional"
    assert "warning: past days foretell exceedances" in adopted.reasons


def test_no_gate_is_no_verdict(registry: CalibrationRegistry, calibration: Build) -> None:
    with pytest.raises(ConfigError, match="no gate was evaluated"):
        registry.decide(calibration(), [], when=MORNING)
    assert registry.adopted() is None


def test_deciding_twice_changes_no_file(registry: CalibrationRegistry, calibration: Build) -> None:
    for gates in (PASSED, FAILED, TO_CONFIRM):
        one = calibration(evidence={"gate": gates[0].name})
        first = registry.decide(one, gates, when=MORNING)
        before = snapshot(registry)
        assert registry.decide(one, gates, when=LATER) == first
        assert snapshot(registry) == before


def test_a_big_move_waits_for_a_person(registry: CalibrationRegistry, calibration: Build) -> None:
    registry.decide(calibration("2026-10-29"), PASSED, when=MORNING)
    waiting = registry.decide(calibration(), TO_CONFIRM, when=MORNING)
    assert waiting.status == "candidate"
    assert waiting.reasons == ("to confirm: value at risk moves by +80.0%", "waits for a person's confirmation")
    assert live(registry) != waiting.id
    adopted = registry.adopt(waiting.id, "the risk manager", LATER)
    assert adopted.status == "adopted"
    assert f"adopt by the risk manager, {LATER}" in adopted.reasons
    assert live(registry) == waiting.id


def test_a_big_move_confirmed_in_the_run_is_adopted(registry: CalibrationRegistry, calibration: Build) -> None:
    registry.decide(calibration("2026-10-29"), PASSED, when=MORNING)
    adopted = registry.decide(calibration(), TO_CONFIRM, when=MORNING, confirmed_by="the risk manager")
    assert adopted.status == "adopted"
    assert "confirmed by the risk manager" in adopted.reasons


def test_a_confirmation_does_not_help_a_refused_one(registry: CalibrationRegistry, calibration: Build) -> None:
    refused = registry.decide(calibration(), TO_CONFIRM + FAILED, when=MORNING, confirmed_by="the risk manager")
    assert refused.status == "refused"


def test_a_person_confirms_a_provisional_one(registry: CalibrationRegistry, calibration: Build) -> None:
    first = registry.decide(calibration(), PASSED, when=MORNING)
    assert registry.adopt(first.id[:14], "the risk manager", LATER).status == "adopted"
    before = snapshot(registry)
    assert registry.adopt(first.id, "the risk manager", LATER).status == "adopted"
    assert snapshot(registry) == before
    with pytest.raises(ConfigError, match="nothing to go back to"):
        registry.rollback("the risk manager", LATER)


def test_what_the_gates_refused_or_never_saw_cannot_be_adopted_by_hand(
    registry: CalibrationRegistry, calibration: Build
) -> None:
    refused = registry.decide(calibration(), FAILED, when=MORNING)
    unseen = registry.propose(calibration("2026-10-29"))
    with pytest.raises(AuthorityError, match=r"refused by its gates.*red zone"):
        registry.adopt(refused.id, "the risk manager", LATER)
    with pytest.raises(AuthorityError, match="never judged"):
        registry.adopt(unseen.id, "the risk manager", LATER)
    assert registry.adopted() is None


@pytest.mark.parametrize(
    ("actor", "when"), [("", MORNING), (" ", MORNING), ("daily run", MORNING), ("a person", "noon")]
)
def test_an_act_by_hand_needs_a_name_and_a_utc_time(
    registry: CalibrationRegistry, actor: str, when: str, calibration: Build
) -> None:
    one = registry.decide(calibration(), TO_CONFIRM, when=MORNING)
    with pytest.raises(ConfigError, match=r"expected (the name|a UTC time)"):
        registry.adopt(one.id, actor, when)
    with pytest.raises(ConfigError, match=r"expected (the name|a UTC time)"):
        registry.rollback(actor, when)


# --- historical runs


def test_a_historical_run_gets_its_verdict_but_does_not_go_live(
    registry: CalibrationRegistry, calibration: Build
) -> None:
    today = registry.decide(calibration(), PASSED, when=MORNING)
    old = registry.decide(calibration("2008-10-27"), PASSED, when=LATER)
    assert old.status == "candidate"
    assert old.reasons == ("historical run: not adopted live; by its gates it would be adopted",)
    bad = registry.decide(calibration("2015-01-16"), FAILED, when=LATER)
    assert bad.status == "refused"
    assert bad.reasons[-1] == "historical run: not adopted live; by its gates it would be refused"
    wild = registry.decide(calibration("2020-03-20"), TO_CONFIRM, when=LATER)
    assert wild.reasons[-1] == "historical run: not adopted live; by its gates it would wait for a person"
    assert live(registry) == today.id


def test_a_historical_run_on_a_fresh_machine_does_not_go_live(
    registry: CalibrationRegistry, calibration: Build
) -> None:
    old = registry.decide(calibration("2008-10-27"), PASSED, when=MORNING, historical=True)
    assert old.status == "candidate"
    assert registry.adopted() is None
    with pytest.raises(AuthorityError, match="historical run"):
        registry.adopt(old.id, "the risk manager", LATER)
    assert registry.decide(calibration(), PASSED, when=LATER).status == "provisional"


def test_a_historical_verdict_reads_the_same_whatever_is_live(tmp_path: Path, calibration: Build) -> None:
    fresh, used = CalibrationRegistry(tmp_path / "fresh"), CalibrationRegistry(tmp_path / "used")
    used.decide(calibration(), PASSED, when=MORNING)
    verdicts = [home.decide(calibration("2008-10-27"), PASSED, when=LATER, historical=True) for home in (fresh, used)]
    assert verdicts[0] == verdicts[1]


def test_the_predecessor_is_never_of_a_later_date(registry: CalibrationRegistry, calibration: Build) -> None:
    assert registry.predecessor(date(2026, 10, 30)) is None
    today = registry.decide(calibration(), PASSED, when=MORNING)
    assert registry.predecessor(date(2008, 10, 28)) is None
    old = registry.decide(calibration("2008-10-27"), PASSED, when=LATER)
    registry.decide(calibration("2008-10-28"), FAILED, when=LATER)
    for as_of, expected in ((date(2008, 10, 27), None), (date(2008, 10, 29), old.id), (date(2026, 10, 31), today.id)):
        before = registry.predecessor(as_of)
        assert (before.id if before else None) == expected


def test_an_older_one_cannot_be_adopted_by_hand(registry: CalibrationRegistry, calibration: Build) -> None:
    waiting = registry.decide(calibration("2026-10-28"), TO_CONFIRM, when=MORNING)
    registry.decide(calibration("2026-10-29"), PASSED, when=MORNING)
    with pytest.raises(AuthorityError, match="going back is `workbench calibration rollback`"):
        registry.adopt(waiting.id, "the risk manager", LATER)


# --- going back


def test_rollback_restores_the_one_before_and_the_daily_run_respects_it(
    registry: CalibrationRegistry, calibration: Build
) -> None:
    first = registry.decide(calibration("2026-10-29"), PASSED, when=MORNING)
    second = registry.decide(calibration(), PASSED, when=MORNING)
    back = registry.rollback("the risk manager", LATER, reason="VaR looks too low")
    assert (back.id, back.status) == (first.id, "provisional")
    assert "VaR looks too low" in back.reasons
    again = registry.decide(calibration(), PASSED, when=LATER)
    assert again.status == "superseded"
    assert any("only a person may adopt it again" in reason for reason in again.reasons)
    assert live(registry) == first.id
    assert registry.adopt(second.id, "the risk manager", LATER).status == "adopted"
    assert "withdrawn" not in " ".join(registry.show(second.id).reasons[-1:])


def test_rollback_to_a_named_one(registry: CalibrationRegistry, calibration: Build) -> None:
    ids = [registry.decide(calibration(f"2026-10-{day}"), PASSED, when=MORNING).id for day in (27, 28, 29, 30)]
    with pytest.raises(ConfigError, match="was not adopted before"):
        registry.rollback("the risk manager", LATER, to=ids[3])
    assert registry.rollback("the risk manager", LATER, to=ids[1]).id == ids[1]
    assert [registry.show(name).status for name in ids] == ["superseded", "adopted", "superseded", "superseded"]
    assert registry.rollback("the risk manager", LATER).id == ids[0]


def test_rollback_to_a_damaged_file_moves_nothing(registry: CalibrationRegistry, calibration: Build) -> None:
    first = registry.decide(calibration("2026-10-29"), PASSED, when=MORNING)
    second = registry.decide(calibration(), PASSED, when=MORNING)
    (registry.folder / f"{first.id}.json").write_text("{")
    with pytest.raises(DataError, match="is damaged"):
        registry.rollback("the risk manager", LATER)
    assert live(registry) == second.id


# --- reading


def test_the_catalogue_is_in_order_of_the_days(registry: CalibrationRegistry, calibration: Build) -> None:
    registry.decide(calibration("2026-10-30"), PASSED, when=MORNING)
    registry.decide(calibration("2008-10-27"), FAILED, when=MORNING)
    assert [(line.as_of.year, line.status, line.passed) for line in registry.catalogue()] == [
        (2008, "refused", False),
        (2026, "provisional", True),
    ]


def test_a_diff_gives_fields_and_relative_changes(registry: CalibrationRegistry, calibration: Build) -> None:
    registry.decide(calibration("2026-10-29"), PASSED, when=MORNING)
    registry.decide(calibration("2026-10-30", value_at_risk=0.0100, evidence={"note": "new"}), PASSED, when=MORNING)
    changes = {change.path: change for change in registry.diff("2026-10-29", "adopted")}
    assert changes["value_at_risk.portfolio_95"].relative_change == pytest.approx(0.25)
    assert changes["as_of"].relative_change is None
    assert (changes["evidence.note"].before, changes["evidence.note"].after) == ("absent", "new")
    assert not any(path.startswith(("created", "status", "reasons", "legs")) for path in changes)
    assert registry.diff("2026-10-29", "2026-10-29") == []


@pytest.mark.parametrize("name", ["", "2027", "../adopted", "2026-10-3"])
def test_a_name_that_is_not_exactly_one_is_refused(
    registry: CalibrationRegistry, name: str, calibration: Build
) -> None:
    registry.propose(calibration("2026-10-30"))
    registry.propose(calibration("2026-10-31"))
    with pytest.raises(ConfigError, match="expected the id of one calibration"):
        registry.show(name)
