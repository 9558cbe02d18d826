"""What `workbench up` tells people while it runs: every change of mode, alert and order, and a line now and then."""

import json
import time
from collections.abc import Callable
from typing import Any

from workbench.monitor.live_console import alert_words, held_sentence, moment, number

LOOK_SECONDS = 0.5
LINE_SECONDS = 10.0


class Screen:
    """Follows the projection and tells what is new.

    Parameters
    ----------
    read : callable
        Gives the projection as JSON; empty while there is none.
    tell : callable
        Takes a sentence.
    """

    def __init__(self, read: Callable[[], str], tell: Callable[[str], None]) -> None:
        self._read, self._tell = read, tell
        self._look_at = self._line_at = 0.0
        self._mode, self._alert_ns, self._change_ns = "", 0, 0
        self._orders: dict[str, str] = {}

    def refresh(self) -> None:
        """Look, at most twice a second."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        body = self._read()
        if body:
            self._tell_of(json.loads(body), now)

    def _tell_of(self, table: dict[str, Any], now: float) -> None:
        book = table["book"]
        for alert in reversed(table["alerts"]):
            if alert["time_ns"] > self._alert_ns:
                self._tell(f"{moment(alert['time_ns'])} ALERT level {alert['level']}: {alert_words(alert)}")
        self._alert_ns = max([self._alert_ns, *(alert["time_ns"] for alert in table["alerts"])])
        if book["mode"] != self._mode:
            self._mode = book["mode"]
            self._tell(f"{moment(book['time_ns'])} the book is {self._mode}: {held_sentence(book)}")
            if book["lets_go"]:
                self._tell(f"to let go: {book['lets_go']}")
        self._tell_changes(table)
        self._tell_orders(table)
        if now >= self._line_at:
            self._line_at = now + LINE_SECONDS
            self._tell(
                f"{moment(book['time_ns'])} {book['mode']} equity {number(book['equity'])} USD, drawdown "
                f"{number(book['drawdown'], '.2%')}, VaR 95 % {number(book['value_at_risk_95'], '.3%')}, volatility "
                f"{number(book['volatility_ratio'], '.2f')} x normal, cap {number(book['cap'], '.0%')}"
            )

    def _tell_changes(self, table: dict[str, Any]) -> None:
        for row in reversed(table["decisions"]):
            if row["time_ns"] <= self._change_ns:
                continue
            when = moment(row["time_ns"])
            if row["kind"] == "ConditionChanged":
                self._tell(
                    f"{when} the market is {row['after']}: exposure at most {number(row['exposure_cap'], '.0%')}"
                )
            elif row["kind"] == "RungReleased":
                self._tell(f"{when} {row['ladder'].lower().replace('_', ' ')} rung {row['rung']} lets go")
        self._change_ns = max([self._change_ns, *(row["time_ns"] for row in table["decisions"])])

    def _tell_orders(self, table: dict[str, Any]) -> None:
        for order in reversed(table["orders"]):
            if self._orders.get(order["id"]) == order["state"]:
                continue
            self._orders[order["id"]] = order["state"]
            if order["state"] in {"FILLED", "REJECTED", "REFUSED", "UNKNOWN", "CANCELLED"}:
                price = f" at {order['price']:.5f}" if "price" in order else ""
                why = f": {order['reason']}" if order["reason"] else ""
                when, which = moment(max(order["times"].values())), order["id"].rpartition("-")[2]
                what = f"{order['strategy']} {order['units']:+,.0f} {order['state'].lower()}"
                self._tell(f"{when} order {which} {what}{price}{why}")
