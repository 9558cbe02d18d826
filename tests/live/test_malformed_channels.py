"""The real commands on a malformed file of channels: they run, and say what is wrong where people look."""

from real_processes.control_room import ControlRoom, address_of
from real_processes.processes import wait_for

CANARY = "canary7Q2w9ZxLp"


def test_control_and_watchdog_run_and_say_on_stderr_what_is_wrong(room: ControlRoom) -> None:
    room.channels(f'[sms]\nurls = ["json://127.0.0.1:9/?to={{to}}"]\n[email]\nurls = ["{CANARY}\n')
    service, watchdog = room.control(), room.start("watchdog", "--halt")
    address = address_of(service)
    assert wait_for((room.people / "watchdog.json").exists, "the watchdog")
    with room.logged_in(address, "Ada") as ada:
        troubles = " ".join(ada.get("/api/status").json()["people"]["troubles"])
    assert service.stop() == 0
    assert watchdog.stop() == 0
    for running in (service, watchdog):
        said = running.err.read_text()
        assert "channels.toml, from line 4: this is not valid TOML; it is left out; used now: log, sms" in said
        assert said.count("\n") == 1
        assert CANARY not in said + running.out.read_text()
    assert "from line 4: this is not valid TOML" in troubles
