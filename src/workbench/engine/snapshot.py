"""Snapshots: a state as bytes, and back; one that another program, policy, calibration or book wrote is refused.

The bytes are one line of JSON, which says what the state was written under, and the STATE record. Settings are not in
them: they are numbers of a policy and a calibration that are kept elsewhere, and must be the same ones again.
"""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from workbench.domain.currencies import CURRENCIES, PAIRS
from workbench.domain.errors import DataError
from workbench.engine.kernel.layout import STATE, records_of
from workbench.engine.risk_engine import EngineState
from workbench.engine.settings import Settings

FORMAT = "workbench engine state 1"
KEYS = ("format", "layout", "policy", "calibration", "strategies", "controls", "record")
"""What the first line says."""
NAMES = {
    "layout": "layout of the engine's memory",
    "policy": "policy",
    "calibration": "calibration",
    "strategies": "set of strategies",
    "controls": "switch of the controls",
}


def stored(state: EngineState) -> bytes:
    """A state as bytes.

    Parameters
    ----------
    state : EngineState
        Any.

    Returns
    -------
    bytes
        For `restored`; equal states give equal bytes.
    """
    record: bytes = state.record.tobytes()
    head = {"format": FORMAT, **_fingerprint(state.settings), "record": hashlib.sha256(record).hexdigest()}
    return json.dumps(head, sort_keys=True).encode() + b"\n" + record


def restored(blob: bytes, settings: Settings) -> EngineState:
    """A stored state again.

    Parameters
    ----------
    blob : bytes
        From `stored`.
    settings : Settings
        Policy, calibration and strategies in force when the state was stored: those an engine began with, unless an
        adopted calibration or a changed policy took their place.

    Returns
    -------
    EngineState
        Same digest as the one stored; the next steps are the same.

    Raises
    ------
    DataError
        When the bytes are no whole state, or were written under another layout, policy, calibration or strategies.
    """
    first, _, record = blob.partition(b"\n")
    head = _head(first)
    for key, expected in _fingerprint(settings).items():
        if head[key] != expected:
            raise DataError(
                f"the stored state is of another {NAMES[key]}: it was written under {head[key]!r}, this engine has "
                f"{expected!r}; give the settings it was written under, or rebuild the state from the journal"
            )
    if len(record) != STATE.itemsize or hashlib.sha256(record).hexdigest() != head["record"]:
        raise DataError(
            f"the stored state is damaged: expected {STATE.itemsize} bytes with the hash of its first line, got "
            f"{len(record)} bytes; rebuild the state from the journal"
        )
    return EngineState(records_of(record, STATE), settings)


def _head(line: bytes) -> dict[str, Any]:
    try:
        head = json.loads(line)
    except ValueError as error:
        raise DataError("no stored state: its first line is not JSON; rebuild the state from the journal") from error
    if not isinstance(head, dict) or sorted(head) != sorted(KEYS) or head["format"] != FORMAT:
        raise DataError(f"no stored state: expected a first line of {FORMAT!r} with the keys {', '.join(KEYS)}")
    return head


def _fingerprint(settings: Settings) -> dict[str, Any]:
    """What a state means nothing without."""
    return {
        "layout": LAYOUT,
        "policy": settings.policy.hash,
        "calibration": settings.calibration.id if settings.calibration is not None else "",
        "strategies": _hash(json.dumps([asdict(strategy) for strategy in settings.strategies], sort_keys=True)),
        "controls": settings.controls,
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _layout() -> str:
    """Every field of the record with type, shape and place, and the order of pairs and currencies in its axes."""
    fields = [(name, kind.base.str, kind.shape, place) for name, (kind, place, *_) in STATE.fields.items()]  # type: ignore[union-attr]
    return _hash(repr((fields, STATE.itemsize, PAIRS, CURRENCIES)))


LAYOUT = _layout()
"""Hash of what the bytes of a record mean."""
