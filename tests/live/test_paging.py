"""From a real loop to people: pages by a real control service and a real watchdog, whatever hangs or is stopped."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

from real_processes.control_room import LOUD, ControlRoom, address_of, opened_room, sink_channels
from real_processes.processes import Nursery, Running, wait_for
from real_processes.sinks import Sinks

from workbench.data.inbox import Command, Inbox
from workbench.data.policy_file import read_policy
from workbench.response.incidents.alert import Alert
from workbench.response.incidents.loop_alerts import LoopAlerts, Position

NAMES = {2: "warning", 3: "URGENT", 4: "EMERGENCY"}
LATEST_SECONDS = 5.0
ALARMED = {
    "ladders.value_at_risk.rung_1": {"trigger": "0.0001"},
    "ladders.value_at_risk.rung_2": {"trigger": "0.5"},
    "ladders.value_at_risk.rung_3": {"trigger": "0.6"},
    "ladders.drawdown.rung_1": {"trigger": "0.00001", "alert_level": "4"},
    "ladders.drawdown.rung_2": {"alert_level": "4"},
    "ladders.drawdown.rung_3": {"alert_level": "4"},
    "people.paging": {**LOUD["people.paging"], "hand_over_seconds": "3", "attempts": "1"},
}
"""Value at risk is a warning at the first prices, the first loss of a few dollars an emergency."""


class Listener:
    """Notes when the loop's journal first shows each alert."""

    def __init__(self, room: ControlRoom) -> None:
        self._source, self._position = LoopAlerts(room.live, read_policy(room.policy)), Position()
        self.raised: dict[int, tuple[float, Alert]] = {}

    def listen(self) -> None:
        """Take in what is new."""
        news = self._source.read(self._position)
        self._position = news.position
        for one in news.items:
            if isinstance(one, Alert):
                self.raised.setdefault(one.level, (time.monotonic(), one))


def heard(sinks: Sinks, channel: str, level: int, alert: Alert) -> float:
    """When a channel first heard of an alert; infinite when it has not."""
    told = [one.at for one in sinks.on(channel) if f"{NAMES[level]} I" in one.text and f", {alert.cause}: " in one.text]
    return min(told, default=float("inf"))


def test_mail_and_text_arrive_within_five_seconds_of_a_real_loops_alert_while_the_chat_hangs(
    nursery: Nursery, tmp_path: Path, sinks: Sinks, live: Callable[..., Running], command: Callable[..., Running]
) -> None:
    room = opened_room(nursery, tmp_path / "home", ALARMED)
    room.channels(sink_channels(sinks, "chat"))
    service = room.control()
    address_of(service)
    listener = Listener(room)
    loop = live("--speed", "1", "--policy", str(room.policy), folder=room.live)
    loop.wait_until(lambda shown: listener.listen() or shown["loop"]["priced"], "first prices")
    command("reduce", "0.1", "--as", "ana", folder=room.live)
    wait_for(lambda: listener.listen() or len(listener.raised) == 3, "alerts of levels 2 to 4")

    def all_heard() -> bool:
        return all(
            heard(sinks, channel, level, alert) < float("inf")
            for level, (_, alert) in listener.raised.items()
            for channel in ("email", "sms")
        )

    wait_for(all_heard, f"mail and text of everything: {sinks.received}", 10)
    for level, (raised_at, alert) in listener.raised.items():
        for channel in ("email", "sms"):
            assert heard(sinks, channel, level, alert) - raised_at < LATEST_SECONDS, (level, channel)

    def given_up() -> list[float]:
        failed = [one for one in room.shown()["pages"] if one["channel"] == "chat" and one["state"] == "failed"]
        return [(one["ended_ns"] - one["queued_ns"]) / 1e9 for one in failed if one["level"] > 1]

    wait_for(lambda: len(given_up()) > 2, "the chat that hangs to be given up", 15)
    assert all(3.0 <= seconds < 6.0 for seconds in given_up())
    assert not sinks.on("chat")
    assert service.stop() == 0 and loop.stop() == 0


def test_a_loop_that_is_stopped_pages_within_ten_seconds_and_is_halted_when_it_goes_on(
    room: ControlRoom, sinks: Sinks, live: Callable[..., Running]
) -> None:
    room.channels(sink_channels(sinks))
    loop = live("--speed", "1", folder=room.live)
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    watchdog = room.start("watchdog", "--halt", "--link", "https://risk.example.org/")
    wait_for((room.people / "watchdog.json").exists, "a watchdog")
    time.sleep(2.5)  # it must have heard the loop speak
    assert not sinks.received
    began = time.monotonic()
    loop.signal(signal.SIGSTOP)
    wait_for(lambda: sinks.on("call") and sinks.on("email"), "a call and a mail", 15)
    first = min(one.at for one in sinks.received)
    assert 4.0 < first - began < 10.0
    (call, *_) = sinks.on("call")
    assert "EMERGENCY" in call.text and "the loop is stopped or hangs" in call.text
    assert "https://risk.example.org/" in call.text
    ((_, message),) = Inbox(room.live / "inbox").waiting()
    assert isinstance(message, Command)
    assert (message.act, message.actor, message.reason) == ("halt", "the watchdog", "the loop was silent")
    loop.signal(signal.SIGCONT)
    shown = loop.wait_until(lambda table: table["book"]["mode"] == "HALTED", "a halted book", 5)
    assert [(row["act"], row["actor"]) for row in shown["commands"]] == [("halt", "the watchdog")]
    wait_for(lambda: "the loop speaks again" in watchdog.out.read_text(), "the watchdog hears it again", 10)
    assert watchdog.stop() == 0 and loop.stop() == 0
    assert watchdog.err.read_text() == ""
