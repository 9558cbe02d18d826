"""The last decisions, alerts, orders, notes and messages, newest first; each is written out once, when it changes."""

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from workbench.domain.policy import Policy
from workbench.domain.trading.decisions import AnyDecision, RaiseAlert, RiskSnapshot
from workbench.domain.trading.market_hours import MINUTE_NS
from workbench.domain.trading.orders import OrderNote
from workbench.runtime.projection.since import one_line
from workbench.runtime.replay.event_file import decision_line

REMEMBERED = 40
"""Of each kind; the journal has them all."""
SAID_IF_GIVEN = ("strategy", "approver", "reason")
"""Words of people in a message, empty in most."""


def deadlines_of(policy: Policy) -> dict[int, int]:
    """How long an alert may wait for somebody to acknowledge it.

    Parameters
    ----------
    policy : Policy
        Its people.

    Returns
    -------
    dict of int to int
        Nanoseconds by alert level; a level that asks nobody is not there.
    """
    levels = policy.people.alerts
    return {
        level: round(alert.acknowledge_within_minutes * MINUTE_NS)
        for level, alert in ((2, levels.level_2), (3, levels.level_3), (4, levels.level_4))
    }


def as_text(table: Mapping[str, Any]) -> str:
    """JSON of a small table.

    Parameters
    ----------
    table : mapping
        Finite numbers only.

    Returns
    -------
    str
    """
    return json.dumps(table, separators=(",", ":"), allow_nan=False)


def _asked_further(command: Mapping[str, Any]) -> dict[str, Any]:
    """What of a message people must know beside who asked what: only what was given, words on one line and bounded."""
    further: dict[str, Any] = {name: one_line(command[name]) for name in SAID_IF_GIVEN if command.get(name)}
    if command["act"] == "reduce" and "fraction" in command:
        further["fraction"] = command["fraction"]
    if command["act"] == "resume" and command.get("rebaseline_peak"):
        further["rebaseline_peak"] = True
    return further


def _lines() -> deque[str]:
    return deque(maxlen=REMEMBERED)


class Recent:
    """The last of everything, as JSON."""

    def __init__(self) -> None:
        self._decisions, self._alerts, self._notes, self._commands = _lines(), _lines(), _lines(), _lines()
        self._orders: dict[str, dict[str, Any]] = {}
        self._written: dict[str, str] = {}

    def decided(self, decision: AnyDecision, deadlines: Mapping[int, int]) -> None:
        """Remember a decision, or an alert as such.

        Parameters
        ----------
        decision : Decision
            Snapshots are left out.
        deadlines : mapping of int to int
            From `deadlines_of` the policy it was decided under.
        """
        if isinstance(decision, RiskSnapshot):
            return
        table = {**decision_line(decision), "sentence": decision.reason.sentence}
        if isinstance(decision, RaiseAlert):
            within = deadlines.get(decision.level)
            table["deadline_ns"] = None if within is None else decision.time_ns + within
            self._alerts.appendleft(as_text(table))
        else:
            self._decisions.appendleft(as_text(table))

    def noted(self, time_ns: int, kind: str, sentence: str) -> None:
        """Remember a note on operations.

        Parameters
        ----------
        time_ns : int
            When.
        kind, sentence : str
            What it is about, and what people should know.
        """
        self._notes.appendleft(as_text({"time_ns": time_ns, "kind": kind, "sentence": sentence}))

    def commanded(self, command: Mapping[str, Any], time_ns: int, refused: str) -> None:
        """Remember a person's message.

        Parameters
        ----------
        command : mapping
            Its ``nonce``, ``act`` and ``actor``, and what else was asked.
        time_ns : int
            When the loop took it in.
        refused : str
            Why nothing was done; empty when it was.
        """
        asked = {name: command[name] for name in ("nonce", "act", "actor")} | _asked_further(command)
        self._commands.appendleft(as_text({**asked, "time_ns": time_ns, "refused": refused}))

    def ordered(self, note: OrderNote) -> None:
        """Remember where an order stands.

        Parameters
        ----------
        note : OrderNote
            Newest note of it.
        """
        order = note.order
        known = self._orders.pop(order.id, None) or {
            "id": order.id, "strategy": order.strategy, "pair": order.pair, "units": order.units,
            "reduce_only": order.reduce_only, "made_ns": note.time_ns, "filled": 0.0, "times": {},
        }  # fmt: skip
        known["state"], known["reason"] = note.state.name, note.reason
        known["times"][note.state.name] = note.time_ns
        if note.execution is not None:
            known["filled"] += note.execution.units
            known["price"] = note.execution.price
        self._orders[order.id] = known
        self._written.pop(order.id, None)
        while len(self._orders) > REMEMBERED:
            oldest = next(iter(self._orders))
            self._orders.pop(oldest)
            self._written.pop(oldest, None)

    def texts(self) -> dict[str, str]:
        """Every list as JSON.

        Returns
        -------
        dict of str to str
            By name of the projection's part.
        """
        for order, table in self._orders.items():
            if order not in self._written:
                self._written[order] = as_text(table)
        orders = [self._written[order] for order in reversed(self._orders)]
        lists = {
            "decisions": self._decisions,
            "alerts": self._alerts,
            "orders": orders,
            "notes": self._notes,
            "commands": self._commands,
        }
        return {name: f"[{','.join(lines)}]" for name, lines in lists.items()}
