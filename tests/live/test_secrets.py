"""Canaries planted in every configuration appear in nothing that is written, printed, sent or answered."""

import re
import secrets
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from real_processes.canaries import Cage, forms_of
from real_processes.control_room import LOUD, address_of, opened_room, self_signed
from real_processes.guarded_house import NAME, House
from real_processes.pages import BATCHES, said, spoken_loop
from real_processes.processes import Nursery, Running, wait_for
from real_processes.sinks import Sinks

from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import Row, RowKind

PAGES = (
    "", "phone.js", "api/status", "api/alerts", "api/incidents", "api/orders", "api/procedures", "api/contacts",
    "api/me", "api/openapi.json", "api/nothing",
)  # fmt: skip
IMPATIENT = {
    "ladders.value_at_risk.rung_1": {"trigger": "0.0001"},
    "people.paging": {
        **LOUD["people.paging"], "hand_over_seconds": "0.5", "attempts": "2", "retry_seconds": "0.2",
    },
}  # fmt: skip
COMMANDS = (
    ("people", "list"), ("people", "oncall", "list"), ("people", "review", "Ben", "--as", NAME),
    ("people", "certify", "Ben"), ("people", "add", "Eva", "--level", "L1", "--password-stdin"),
    ("people", "renew", "Eva", "--password-stdin"), ("people", "remove", "Eva"),
)  # fmt: skip
RESPONSE_COMMANDS = (
    ("incident", "list"), ("incident", "report", "I1"), ("incident", "lessons", "I1", "look sooner"),
    ("drill", "--list"), ("drill", "--channel", "all"),
)  # fmt: skip
LOOP_COMMANDS = (
    ("status",), ("status", "--json"), ("audit", "verify"), ("backup",), ("reduce", "0.1", "--as", NAME), ("halt",),
    ("resume", "--as", NAME, "--approver", "Ben"),
)  # fmt: skip


@pytest.fixture
def house(nursery: Nursery, sinks: Sinks, tmp_path: Path) -> Iterator[House]:
    """A home full of canaries."""
    made = House(opened_room(nursery, tmp_path / "home", IMPATIENT), sinks)
    made.fill()
    yield made
    nursery.end()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder for everything that was printed, sent or answered."""
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


def keep(folder: Path, name: str, text: str | bytes) -> None:
    (folder / name.replace("/", " ")).write_bytes(text if isinstance(text, bytes) else text.encode())


def keep_printed(folder: Path, processes: dict[str, Running]) -> None:
    """What they printed, whatever else they did."""
    for name, one in processes.items():
        keep(folder, name, one.out.read_text() + one.err.read_text())


# ------------------------------------------------------------------------------------------------- an ordinary evening


def visit(house: House, address: str, trusted: Path, folder: Path) -> None:
    """Somebody types a wrong password, comes in, looks at everything and halts."""
    tls = house.room.trusting(trusted)
    with httpx.Client(base_url=address, headers={"Origin": address}, timeout=15, verify=tls, trust_env=False) as phone:
        who: dict[str, Any] = {"name": NAME, "password": house.wrong_password, "code": "000000"}
        refused = phone.post("/api/login", json=who)
        assert refused.status_code == 401
        keep(folder, "a refused login", refused.content)
        who = {"name": NAME, "password": house.password, "code": house.room.keys.code(NAME)}
        assert phone.post("/api/login", json=who).status_code == 200
        (cookie,) = phone.cookies.jar
        house.cage.keep("session", str(cookie.value).encode())
        asked = {
            "act": {"act": "halt"}, "propose": {"act": "resume"}, "approve": {"proposal": "none"},
            "procedure": {"procedure": "first_response", "step": 1, "done": True}, "acknowledge": {"incident": "I1"},
            "nothing": {},
        }  # fmt: skip
        for door, body in asked.items():
            answer = phone.post(f"/api/{door}", json={"nonce": secrets.token_hex(16), **body})
            keep(folder, f"POST {door}", f"{answer.headers}\n{answer.text}")
        for page in PAGES:
            answer = phone.get(f"/{page}")
            keep(folder, f"GET {page}", f"{answer.headers}\n{answer.text}")
        with phone.stream("GET", "/api/events") as stream:
            lines = stream.iter_lines()
            keep(folder, "GET events", "\n".join(next(lines) for _ in range(6)))


def shell(house: House, folder: Path, commands: tuple[tuple[str, ...], ...]) -> None:
    """Commands of the shell, one after the other; a new password comes by standard input."""
    room, typed = house.room, folder.with_name("typed")
    typed.write_text(f"{house.password}\n")
    people, loop, policy = str(room.people), str(room.live), str(room.policy)
    for words in commands:
        where = ["--folder", people if words in COMMANDS else loop]
        if words in RESPONSE_COMMANDS:
            control = "--control-folder" if words[0] == "drill" else "--control"
            where = [control, people] if words[1] == "list" else [*where, control, people, "--policy", policy]
        ran = room.nursery.start(room.home, command=[*words, *where], environment=house.environment, input=str(typed))
        assert ran.wait() in (0, 1), ran.err.read_text()
        keep_printed(folder, {" ".join(words): ran})
    typed.unlink()


def look(house: House, page: Running, folder: Path) -> None:
    """Somebody opens the risk monitor's page with its token."""

    def told() -> str:
        assert not page.ended(), page.err.read_text()
        found = re.search(r"http://\S+", page.out.read_text() + page.err.read_text())
        return found[0] if found else ""

    address = wait_for(told, "the page of the monitor")
    with httpx.Client(timeout=30, follow_redirects=True, trust_env=False) as browser:
        refused = browser.get(address.partition("?")[0])
        keep(folder, "the monitor without a token", f"{refused.headers}\n{refused.text}")
        shown = browser.get(address)
        assert shown.status_code == 200
        keep(folder, "the monitor", f"{shown.headers}\n{shown.text}")


def test_an_evening_with_everything_running_lets_none_out(
    house: House, kept: Path, tmp_path: Path, live, sinks: Sinks
) -> None:
    room, every = house.room, {"environment": house.environment}
    certificate, key = self_signed(tmp_path)
    house.cage.keep("key of the certificate", key.read_bytes().splitlines()[1], f"/{key.name}")
    loop = live("--speed", "1", "--policy", str(room.policy), folder=room.live, **every)
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    service = room.control("--certificate", str(certificate), "--key", str(key), **every)
    address = address_of(service)
    watchdog = room.start("watchdog", "--halt", "--link", address, **every)
    running = {"the loop": loop, "the service": service, "the watchdog": watchdog, "the page": house.page()}

    def failed() -> bool:
        states = {one["channel"]: one["state"] for one in room.shown().get("pages", ())}
        return states.get("email") == "failed" and states.get("chat") == "handed" and "sms" in states

    wait_for(failed, "a page that failed and one that arrived", 20)
    visit(house, address, certificate, kept)
    shell(house, kept, LOOP_COMMANDS)
    loop.signal(signal.SIGSTOP)
    shell(house, kept, (*COMMANDS, *RESPONSE_COMMANDS))
    look(house, running["the page"], kept)
    wait_for(lambda: "is stopped or hangs" in watchdog.out.read_text(), "a watchdog that notices", 15)
    loop.signal(signal.SIGCONT)
    for place, one in enumerate(sinks.received):
        keep(kept, f"page {place}", one.text)
    house.keep_keys()
    keep_printed(kept, running)
    names = {path.name for path in tmp_path.rglob("*")}
    assert {"journal.sqlite-wal", "alerts.log", "watchdog.json", "I1.html", "drill-report.html", "GET events"} <= names
    assert house.cage.escaped([tmp_path]) == []
    assert [one.stop() for one in running.values()] == [0, 0, 0, 0]
    box = room.start("up", "--feed", "simulated:7", "--no-page", "--port", "0", **every)
    wait_for(lambda: "the control service is at" in box.out.read_text(), "the whole box")
    assert box.stop() == 0
    keep_printed(kept, {**running, "the box": box})
    assert house.cage.escaped([tmp_path]) == []


# ----------------------------------------------------------------------------------------------------- what goes wrong

BROKEN = {
    "channels: no scheme": ("channels.toml", '[email]\nurls = ["{}"]\n', "urls[0]"),
    "channels: wrong scheme": ("channels.toml", '[sms]\nurls = ["notascheme://{}@host"]\n', "urls[0]"),
    "channels: no TOML": ("channels.toml", "[email]\nurls = [{}\n", "not valid TOML"),
    "channels: another key": ("channels.toml", '[chat]\npassword = "{}"\n', "expected nothing but urls"),
    "secrets: no TOML": ("secrets.toml", "[Ada]\npassword = {}\n", "secrets.toml"),
    "secrets: no hash": ("secrets.toml", '[Ada]\npassword = 7\ntotp = "{}"\n', "secrets.toml"),
    "roster: no TOML": ("roster.toml", "[people.Ada]\nlevel = {}\n", "roster.toml"),
    "journal's key": ("keys/journal.pem", "-----BEGIN PRIVATE KEY-----\n{}\n", "not an Ed25519 private key"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_stood_in_for_or_left_out_without_showing_a_word_of_it(
    house: House, kept: Path, tmp_path: Path, case: str
) -> None:
    name, text, told = BROKEN[case]
    path = house.room.people / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    bare = secrets.token_hex(12)
    house.cage.keep("the broken line", bare.encode(), f"/control/{name}")
    path.write_text(text.format(bare))
    path.chmod(0o600)
    service = house.room.control(environment=house.environment)
    runs_all_the_same = not name.startswith("keys")
    if runs_all_the_same:
        wait_for(lambda: told in service.err.read_text(), "the sentence of the service")
        assert address_of(service)
    else:
        assert told in service.sentence()
    watchdog = house.room.start("watchdog", environment=house.environment)
    listed = house.room.nursery.start(house.room.people, command=["people", "list", "--folder", str(house.room.people)])
    listed.wait()
    if runs_all_the_same:
        wait_for(lambda: told in watchdog.err.read_text(), "the sentence of the watchdog")
        assert (service.stop(), watchdog.stop()) == (0, 0)
    else:
        watchdog.signal(signal.SIGKILL)
    keep_printed(kept, {"the service": service, "the watchdog": watchdog, "people list": listed})
    assert house.cage.escaped([tmp_path]) == []


MISTAKES = (
    "workbench.response.people.sessions:Sessions.login", "workbench.response.alerts.dispatcher:Dispatcher.turn",
    "workbench.response.alerts.channels:UrlChannel._handed", "workbench.response.people.proofs:Passwords.verify",
)  # fmt: skip


@pytest.mark.parametrize("method", MISTAKES)
def test_a_mistake_of_the_program_shows_where_it_was_and_no_secret(
    house: House, kept: Path, tmp_path: Path, method: str
) -> None:
    with spoken_loop(house.room.live) as loop:
        service = house.room.control(mistake_in=method, environment=house.environment)
        address = address_of(service)
        said(loop, BATCHES[0])
        who = {"name": NAME, "password": house.password, "code": house.room.keys.code(NAME)}
        with httpx.Client(base_url=address, headers={"Origin": address}, timeout=15, trust_env=False) as phone:
            try:
                answer = phone.post("/api/login", json=who)
                keep(kept, "the answer", answer.content)
            except httpx.HTTPError:
                assert "turn" in method, "only a dispatcher that is gone takes the doors with it"
        wait_for(lambda: "a mistake of the program" in service.err.read_text(), "a traceback", 20)
    if not service.ended():
        service.signal(signal.SIGTERM)
    service.wait()
    keep_printed(kept, {"the service": service})
    assert "Traceback" in service.err.read_text()
    assert house.cage.escaped([tmp_path]) == []


# ------------------------------------------------------------------------------------------------ the search can find


def test_the_search_finds_a_canary_in_every_form_and_place(tmp_path: Path) -> None:
    cage = Cage()
    secret = cage.plant("a secret", "/belongs.toml").encode()
    for name, form in forms_of(secret).items():
        path = tmp_path / name
        path.mkdir()
        (path / "some.log").write_bytes(b"before" + form + b"after")
        assert any(f"({name})" in sentence for sentence in cage.escaped([path])), name
        (path / "some.log").rename(path / "belongs.toml")
        assert cage.escaped([path]) == []


def test_the_search_finds_a_canary_in_a_journal_while_it_is_written_and_after(tmp_path: Path) -> None:
    cage = Cage()
    secret = cage.plant("a secret")
    journal = Journal(tmp_path / "live", Signer.from_seed(bytes(32)))
    journal.write([Row(RowKind.NOTE, 1, secret.encode()), Row(RowKind.NOTE, 2, b"x" * 30_000 + secret.encode())])
    found = cage.escaped([tmp_path])
    assert any("journal.sqlite-wal" in sentence for sentence in found)
    journal.close(3)
    found = cage.escaped([tmp_path])
    assert any("/live/journal.sqlite " in sentence for sentence in found)
    assert any("what the journal says" in sentence for sentence in found)
    shutil.rmtree(tmp_path / "live")
    assert cage.escaped([tmp_path]) == []
