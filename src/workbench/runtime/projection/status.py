"""The projection: what people are shown of the loop, one JSON object, made from the engine's state and the journal."""

import json
import math
from collections.abc import Mapping
from typing import Any

from workbench.data.feeds.quality import FeedQuality
from workbench.data.journal.plain import to_plain
from workbench.domain.trading.market_hours import DAY_NS
from workbench.domain.trading.modes import Regime, Tier
from workbench.engine.risk_engine import EngineState, snapshot
from workbench.engine.settings import Settings
from workbench.engine.translation import DecisionReader
from workbench.runtime.projection.book import (
    cap_by,
    correlation_table,
    held_by,
    ladders,
    positions,
    read_again,
    rungs_of,
    score_parts,
    value_at_risk_99,
)
from workbench.runtime.projection.calibrated import calibration_table, regime_table
from workbench.runtime.projection.memory import STATUS, VERSION, Memory
from workbench.runtime.projection.recent import deadlines_of
from workbench.runtime.projection.words import entries_stopped, lets_go

__all__ = ["STATUS", "Projection", "feed_table"]


class Projection:
    """Writes the projection; what follows from policy and calibration alone is worked out once.

    Parameters
    ----------
    memory : Memory
        What is known beside the engine's state.
    state : EngineState
        Now; its readings are tried, so that nothing has to be compiled when the loop turns.
    """

    def __init__(self, memory: Memory, state: EngineState) -> None:
        self.memory = memory
        read_again(state)
        self._take(state.settings)

    def _take(self, settings: Settings) -> None:
        self._settings = settings
        self._reader = DecisionReader(settings)
        self._rungs = rungs_of(settings)
        self._day: int | None = None
        self._calibration: dict[str, Any] | None = None
        self.deadlines = deadlines_of(settings.policy)

    def renew(self, state: EngineState) -> None:
        """Follow the engine to another policy or calibration.

        Parameters
        ----------
        state : EngineState
            Now.
        """
        if state.settings is not self._settings:
            self._take(state.settings)

    def status(self, state: EngineState, about: Mapping[str, Any]) -> str:
        """The projection now.

        Parameters
        ----------
        state : EngineState
            Now.
        about : mapping
            What only the loop knows: health, feeds, latency, labels.

        Returns
        -------
        str
            JSON; a number that is none is null.
        """
        self.renew(state)
        memory, time_ns = self.memory, int(state.time_ns)
        fullness, covariance = read_again(state)
        calibration = self._settings.calibration
        table = {
            "version": VERSION,
            "book": self._book(state) | {"score_parts": score_parts(state, fullness)},
            "policy": self._reader.under[0],
            "calibration": self._calibration_at(time_ns),
            "correlation": correlation_table(state, covariance),
            "regime": regime_table(calibration, Regime(int(state.regime)), memory.since.regime_ns),
            "periods": memory.periods.table(float(state.equity)),
            "series": memory.series.keys(),
            "strategy_set": None,
            **about,
        }
        lists = "".join(f',"{name}":{text}' for name, text in memory.recent.texts().items())
        return f"{_finite_text(table)[:-1]}{lists}}}"

    def _book(self, state: EngineState) -> dict[str, Any]:
        since, condition = self.memory.since, int(state.condition)
        reading, rungs = snapshot(state, self._reader), ladders(state, self._rungs, since)
        return {"kind": type(reading).__name__, **to_plain(reading)} | {
            "ladders": rungs,
            "held_by": held_by(state, since, rungs),
            "lets_go": lets_go(state, rungs),
            "entries_stopped": entries_stopped(state, since),
            **cap_by(state, rungs),
            "positions": positions(state),
            "time_ns": int(state.time_ns),
            "mode_since_ns": since.mode_ns,
            "condition_since_ns": since.condition_ns,
            "strategies_active": int(self._settings.numbers["active"][0, condition].sum()),
            "strategies_total": len(self._settings.strategies),
            "strategies_held": sum(one.tier is Tier.HELD for one in self._settings.strategies),
            "value_at_risk_99": value_at_risk_99(state),
        }

    def _calibration_at(self, time_ns: int) -> dict[str, Any] | None:
        day = time_ns // DAY_NS
        if day != self._day:
            self._day = day
            self._calibration = calibration_table(self._settings.calibration, self._settings.policy, time_ns)
        return self._calibration


def feed_table(quality: FeedQuality) -> dict[str, Any]:
    """Quality of a feed.

    Parameters
    ----------
    quality : FeedQuality
        Of the supervisor.

    Returns
    -------
    dict
        What was refused by its reason's name.
    """
    return {
        "name": quality.name,
        "label": quality.label,
        "connected": quality.connected,
        "accepted": quality.accepted,
        "capture_rate": quality.capture_rate,
        "refused": {reason.name: share for reason, share in quality.refused_shares.items()},
        "spikes": quality.spikes,
        "silence_seconds": quality.silence_seconds,
        "longest_silence_seconds": quality.longest_silence_seconds,
        "score": quality.score,
    }


def _finite_text(table: Mapping[str, Any]) -> str:
    """JSON; looking at every number first is slow, and nearly always all are finite."""
    try:
        return json.dumps(table, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(table), separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
