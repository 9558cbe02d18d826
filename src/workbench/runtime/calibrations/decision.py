"""What the registry decides, without a file in sight: verdicts, moves of the pointer, and the status they give."""

from collections.abc import Sequence
from typing import Any

from workbench.domain.calibration import Calibration, Status, utc
from workbench.domain.errors import AuthorityError, ConfigError
from workbench.runtime.calibrations.files import Act, Entry, Pointer, Record, Verdict
from workbench.runtime.calibrations.gates import CONFIRM, REFUSE, WARN, GateResult

DAILY_RUN = "daily run"
HISTORICAL = "historical run: not adopted live"


def unjudged(calibration: Calibration) -> Calibration:
    """The calibration as it is stored: what the registry says about it is kept apart from it.

    Parameters
    ----------
    calibration : Calibration
        With any status.

    Returns
    -------
    Calibration
        A candidate without reasons, of the same id.
    """
    return calibration.model_copy(update={"status": "candidate", "reasons": ()})


def verdict_of(gates: Sequence[GateResult], *, confirmed_by: str | None, when: str) -> Verdict:
    """Judge by the gates alone.

    Parameters
    ----------
    gates : sequence of GateResult
        All gates of the policy.
    confirmed_by : str or None
        The person who confirms what needs a person.
    when : str
        UTC, ISO 8601.

    Returns
    -------
    Verdict
        `passed` when no refusing gate failed; `adopts` when no confirmation is missing either. The reasons give
        refusals first, then what waits for a person, then warnings.
    """
    failed = {
        kind: [gate.sentence for gate in gates if not gate.passed and gate.consequence == kind] for kind in _WORDS
    }
    confirming = [f"confirmed by {confirmed_by}" if confirmed_by else "waits for a person's confirmation"]
    reasons = [f"{_WORDS[kind]}: {sentence}" for kind, sentences in failed.items() for sentence in sentences]
    passed = not failed[REFUSE]
    waits = passed and bool(failed[CONFIRM]) and not confirmed_by
    return Verdict(
        passed=passed,
        adopts=passed and not waits,
        actor=confirmed_by or DAILY_RUN,
        when=when,
        reasons=tuple(reasons + (confirming if passed and failed[CONFIRM] else [])),
        gates=tuple(gates),
    )


_WORDS = {REFUSE: "refused", CONFIRM: "to confirm", WARN: "warning"}


def held_back(verdict: Verdict, candidate: Calibration, pointer: Pointer | None, *, historical: bool) -> Verdict:
    """Keep a calibration that passed from going live where that would be wrong.

    Parameters
    ----------
    verdict : Verdict
        Of the gates.
    candidate : Calibration
        The one judged.
    pointer : Pointer or None
        What is live.
    historical : bool
        Whether the run says that its as-of date is not the newest day of the data.

    Returns
    -------
    Verdict
        Unchanged, or with `adopts` false and one more reason. The reason names no later calibration, so that a
        historical verdict does not depend on what came after its date.
    """
    older = pointer is not None and candidate.as_of < pointer.current.as_of
    if historical or older:
        would = (
            "would be adopted"
            if verdict.adopts
            else "would wait for a person"
            if verdict.passed
            else "would be refused"
        )
        return _holding(verdict, f"{HISTORICAL}; by its gates it {would}")
    withdrawn = pointer is not None and candidate.id in pointer.withdrawn
    if withdrawn and verdict.adopts and verdict.actor == DAILY_RUN:
        return _holding(verdict, "withdrawn by a rollback: only a person may adopt it again")
    return verdict


def _holding(verdict: Verdict, reason: str) -> Verdict:
    return verdict.model_copy(update={"adopts": False, "reasons": (*verdict.reasons, reason)})


def entry_of(pointer: Pointer | None, record: Record, act: Act, actor: str, when: str) -> Entry:
    """The next move of the pointer.

    Parameters
    ----------
    pointer : Pointer or None
        What is live.
    record : Record
        What will be live.
    act : {"adopt", "confirm", "rollback"}
        Kind of move.
    actor, when : str
        Who, and the UTC time.

    Returns
    -------
    Entry
        Provisional when the daily run adopts without a predecessor, else adopted.
    """
    current = None if pointer is None else pointer.current
    return Entry(
        sequence=1 if current is None else current.sequence + 1,
        act=act,
        id=record.calibration.id,
        as_of=record.calibration.as_of,
        status="provisional" if current is None and actor == DAILY_RUN else "adopted",
        actor=actor,
        when=when,
        previous=None if current is None else current.id,
        reasons=(),
    )


def moved_on(pointer: Pointer | None, entry: Entry) -> Pointer:
    """The pointer after an adoption.

    Parameters
    ----------
    pointer : Pointer or None
        Before it.
    entry : Entry
        The adoption.

    Returns
    -------
    Pointer
    """
    if pointer is None:
        return Pointer(current=entry, earlier=(), withdrawn=())
    withdrawn = tuple(name for name in pointer.withdrawn if name != entry.id)
    return Pointer(current=entry, earlier=(*pointer.earlier, pointer.current), withdrawn=withdrawn)


def moved_back(pointer: Pointer, entry: Entry, place: int) -> Pointer:
    """The pointer after going back: what was adopted since then is withdrawn.

    Parameters
    ----------
    pointer : Pointer
        Before it.
    entry : Entry
        The rollback.
    place : int
        Index in `pointer.earlier` of the move that is restored.

    Returns
    -------
    Pointer
    """
    left = {gone.id for gone in (*pointer.earlier[place + 1 :], pointer.current)}
    withdrawn = (set(pointer.withdrawn) | left) - {entry.id}
    return Pointer(current=entry, earlier=pointer.earlier[:place], withdrawn=tuple(sorted(withdrawn)))


def may_be_adopted(record: Record, pointer: Pointer | None) -> None:
    """Refuse an adoption by hand that one person may not make.

    Parameters
    ----------
    record : Record
        What shall go live.
    pointer : Pointer or None
        What is live.

    Raises
    ------
    AuthorityError
        When its gates refused it or never judged it, it is historical, or older than the adopted one.
    """
    name, verdict = record.calibration.id, record.verdict
    if verdict is None:
        raise AuthorityError(f"{name} was never judged by its gates: run `workbench daily` for its day first")
    if not verdict.passed:
        raise AuthorityError(
            f"{name} was refused by its gates and cannot be adopted by hand: {'; '.join(verdict.reasons)}"
        )
    if any(reason.startswith(HISTORICAL) for reason in verdict.reasons):
        raise AuthorityError(f"{name} comes from a historical run and is not for live use: run the day as the live day")
    if pointer is not None and record.calibration.as_of < pointer.current.as_of:
        raise AuthorityError(
            f"{name} is older than the adopted {pointer.current.id}: going back is `workbench calibration rollback`"
        )


def status_of(record: Record, pointer: Pointer | None) -> Status:
    """Status as the pointer and the verdict give it.

    Parameters
    ----------
    record : Record
        The calibration.
    pointer : Pointer or None
        What is live.

    Returns
    -------
    str
    """
    name = record.calibration.id
    if pointer is not None:
        if pointer.current.id == name:
            return pointer.current.status
        if name in pointer.withdrawn or any(entry.id == name for entry in pointer.earlier):
            return "superseded"
    return "refused" if record.verdict is not None and not record.verdict.passed else "candidate"


def reasons_of(record: Record, pointer: Pointer | None) -> tuple[str, ...]:
    """Reasons of the verdict, and who moved the pointer to or from it by hand.

    Parameters
    ----------
    record : Record
        The calibration.
    pointer : Pointer or None
        What is live.

    Returns
    -------
    tuple of str
    """
    reasons = () if record.verdict is None else record.verdict.reasons
    if pointer is None:
        return reasons
    current, name = pointer.current, record.calibration.id
    if current.id == name and current.actor != DAILY_RUN:
        reasons = (*reasons, f"{current.act} by {current.actor}, {current.when}", *current.reasons)
    if current.id == name and current.status == "provisional":
        reasons = (*reasons, "provisional: there was no earlier calibration to compare it with")
    if name in pointer.withdrawn:
        reasons = (*reasons, "withdrawn by a rollback")
    return reasons


def history_line(record: Record, verdict: Verdict) -> dict[str, Any]:
    """Line of the history for a verdict that moves nothing.

    Parameters
    ----------
    record : Record
        The calibration.
    verdict : Verdict
        On it.

    Returns
    -------
    dict
        Has no sequence number: only moves of the pointer are numbered.
    """
    return {
        "act": "hold" if verdict.passed else "refuse",
        "id": record.calibration.id,
        "as_of": record.calibration.as_of.isoformat(),
        "actor": verdict.actor,
        "when": verdict.when,
        "reasons": list(verdict.reasons),
    }


def checked_actor(actor: str) -> str:
    """Insist on a name: an act by hand is recorded with its person.

    Parameters
    ----------
    actor : str
        Who.

    Returns
    -------
    str
        Without surrounding blanks.

    Raises
    ------
    ConfigError
        When it is empty or the name of the daily run.
    """
    name = actor.strip()
    if not name or name == DAILY_RUN:
        raise ConfigError(f"expected the name of the person who does this, got {actor!r}")
    return name


def checked_time(when: str) -> str:
    """Insist on a UTC time.

    Parameters
    ----------
    when : str
        ISO 8601.

    Returns
    -------
    str
        The same text.

    Raises
    ------
    ConfigError
        When it is not one.
    """
    try:
        return utc(when)
    except ValueError as error:
        raise ConfigError(f"expected a UTC time such as 2026-10-30T06:00:00+00:00, got {when!r}") from error
