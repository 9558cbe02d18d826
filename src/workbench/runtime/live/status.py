"""What people are shown of the loop: one JSON object, made from the engine's state and the journal's own words."""

import json
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.data.feeds.quality import FeedQuality
from workbench.domain.currencies import PAIRS
from workbench.domain.trading.decisions import AnyDecision, RaiseAlert, ResumeRefused, RiskSnapshot
from workbench.domain.trading.modes import Ladder
from workbench.domain.trading.orders import OrderNote
from workbench.engine.risk_engine import EngineState, snapshot
from workbench.engine.translation import DecisionReader
from workbench.runtime.replay.event_file import decision_line

REMEMBERED = 40
"""Decisions, orders, alerts and notes shown, newest first; the journal has them all."""
STATUS = "status"
"""Key of the projection."""


@dataclass
class Recent:
    """The last of everything, newest first."""

    decisions: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    alerts: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    notes: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    commands: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)

    def decided(self, decision: AnyDecision) -> None:
        """Remember a decision, and an alert also as such.

        Parameters
        ----------
        decision : Decision
            Snapshots are left out.
        """
        if isinstance(decision, RiskSnapshot):
            return
        table = {**decision_line(decision), "sentence": decision.reason.sentence}
        if isinstance(decision, RaiseAlert):
            self.alerts.appendleft(table)
        else:
            self.decisions.appendleft(table)

    def ordered(self, note: OrderNote) -> None:
        """Remember where an order stands.

        Parameters
        ----------
        note : OrderNote
            Newest note of it.
        """
        order = note.order
        known = self.orders.pop(order.id, None) or {
            "id": order.id, "strategy": order.strategy, "pair": order.pair, "units": order.units,
            "reduce_only": order.reduce_only, "made_ns": note.time_ns, "filled": 0.0, "times": {},
        }  # fmt: skip
        known["state"], known["reason"] = note.state.name, note.reason
        known["times"][note.state.name] = note.time_ns
        if note.execution is not None:
            known["filled"] += note.execution.units
            known["price"] = note.execution.price
        self.orders[order.id] = known
        while len(self.orders) > REMEMBERED:
            self.orders.pop(next(iter(self.orders)))


def status_table(state: EngineState, recent: Recent, about: Mapping[str, Any]) -> str:
    """The projection.

    Parameters
    ----------
    state : EngineState
        Now.
    recent : Recent
        The last of everything.
    about : mapping
        What only the loop knows: health, feeds, latency, labels.

    Returns
    -------
    str
        JSON; a number that is none is null.
    """
    settings = state.settings
    reader = DecisionReader(settings)
    book = decision_line(snapshot(state, reader))
    book |= {"ladders": ladders(state), "positions": positions(state), "time_ns": int(state.time_ns)}
    calibration = settings.calibration
    table = {
        "book": book,
        "policy": reader.under[0],
        "calibration": calibration and {"id": calibration.id, "as_of": str(calibration.as_of)},
        "decisions": list(recent.decisions),
        "alerts": list(recent.alerts),
        "orders": list(recent.orders.values())[::-1],
        "notes": list(recent.notes),
        "commands": list(recent.commands),
        **about,
    }
    return json.dumps(_finite(table), separators=(",", ":"), allow_nan=False)


def ladders(state: EngineState) -> list[dict[str, Any]]:
    """Every rung: its trigger, its metric, whether it holds and whether people must let it go.

    Parameters
    ----------
    state : EngineState
        Now.

    Returns
    -------
    list of dict
    """
    numbers, rows = state.settings.numbers, []
    for ladder in Ladder:
        for rung, trigger in enumerate(numbers["trigger"][0, ladder]):
            if math.isfinite(trigger):
                rows.append(
                    {
                        "ladder": ladder.name,
                        "rung": rung + 1,
                        "trigger": float(trigger),
                        "metric": float(state.metric[ladder, rung]),
                        "holds": bool(state.tripped[ladder, rung]),
                        "people": int(numbers["people"][0, ladder, rung]),
                    }
                )
    return rows


def positions(state: EngineState) -> list[dict[str, Any]]:
    """Every strategy: what it holds, what it should hold, what it has made and what it risks.

    Parameters
    ----------
    state : EngineState
        Now.

    Returns
    -------
    list of dict
    """
    rows = []
    for slot, strategy in enumerate(state.settings.strategies):
        rows.append(
            {
                "strategy": strategy.name,
                "pair": strategy.pair,
                "tier": strategy.tier.name,
                "units": float(state.units[slot]),
                "target": float(state.target[slot]),
                "full": float(state.base_units[slot]),
                "price": float(state.price[slot]),
                "mark": float(state.good[PAIRS.index(strategy.pair)]),
                "profit": float(state.profit[slot]),
                "component_value_at_risk": float(state.component[slot]),
                "locked": bool(state.locked[slot]),
            }
        )
    return rows


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


def refusal_of(refused: ResumeRefused) -> str:
    """Why trading was not resumed, with the numbers.

    Parameters
    ----------
    refused : ResumeRefused
        Decision of the engine.

    Returns
    -------
    str
    """
    if refused.ladder is None:
        return refused.reason.sentence
    ladder = refused.ladder.name.lower().replace("_", " ")
    return f"{refused.reason.sentence} ({ladder}: {refused.metric:.4g}, the trigger is {refused.trigger:.4g})"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
