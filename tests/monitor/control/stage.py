"""A stage for the control service: people with passwords, a loop that shows a book and does what it is asked, a clock.

The loop is a thread that holds a real journal and takes messages out of a real inbox; its book is made up.
"""

import asyncio
import importlib.util
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pyotp
from argon2 import PasswordHasher

from workbench.app.control.address import Address, server_of
from workbench.app.control.service import ControlRequest, Service, opened, serve
from workbench.data.inbox import Command, Inbox
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.monitor.control.service import build_app
from workbench.response.people.credentials import SECRETS_FILE, Credentials, Secret
from workbench.response.people.duty import Shift
from workbench.response.people.persons import Level, Person
from workbench.response.people.private_files import write_private
from workbench.response.people.proofs import Passwords
from workbench.response.people.roster import Roster
from workbench.runtime.live.rows import command_row, plain_row

DAY_NS = 86_400 * 10**9
SECOND_NS = 10**9
PORT = 8870
WORDS = "several words are easy"
"""Password of people who do not exist."""
TURN_SECONDS = 0.02
PEOPLE = {"Vic": Level.L0, "Ada": Level.L1, "Ben": Level.L2, "Cleo": Level.L2, "Dan": Level.L3}


def made_up() -> ModuleType:
    path = Path(__file__).parents[2] / "browser" / "stub_projection.py"
    spec = importlib.util.spec_from_file_location("stub_projection", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Clock:
    """This machine's clock, moved on by hand."""

    def __init__(self) -> None:
        self.ahead_ns = 0

    def __call__(self) -> int:
        return time.time_ns() + self.ahead_ns

    def advance(self, seconds: float) -> None:
        self.ahead_ns += round(seconds * SECOND_NS)


class Keys:
    """The authenticators of the people; every code they give is one that was not used."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.secrets = {name: pyotp.random_base32() for name in PEOPLE}
        self.used = dict.fromkeys(PEOPLE, 0)

    def code(self, name: str) -> str:
        step = self.clock() // (30 * SECOND_NS)
        # one that is still taken in ten seconds, however slow the machine is
        fresh = max((self.clock() + 10 * SECOND_NS) // (30 * SECOND_NS) - 1, self.used[name] + 1)
        if fresh > step + 1:
            self.clock.advance(30 * (fresh - step - 1))
        self.used[name] = fresh
        return pyotp.TOTP(self.secrets[name]).at(fresh * 30)


def people(folder: Path, keys: Keys, *, demo: bool = False) -> None:
    """Write roster and secrets."""
    now = keys.clock()
    contacts = {"email": "somebody@example.org", "call": "+49 30 123456", "sms": "+49 30 123456"}
    roster = Roster(
        {name: Person(name, level, contacts, now, now + 90 * DAY_NS) for name, level in PEOPLE.items()},
        [
            Shift(level, name, now - DAY_NS, now + 30 * DAY_NS)
            for name, level in PEOPLE.items()
            if level and name != "Cleo"
        ],
        demo,
    )
    folder.mkdir(mode=0o700, parents=True)
    roster.write(folder)
    light = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)).hashed(WORDS)
    secrets = Credentials({name: Secret(light, keys.secrets[name]) for name in PEOPLE})
    write_private(folder / SECRETS_FILE, secrets.text())


class StagedLoop:
    """A loop as far as anybody outside can see: shows its book four times a second and does what its inbox says."""

    def __init__(self, folder: Path, clock: Clock, variant: str = "calm") -> None:
        self.folder, self.clock = folder, clock
        self.table: dict[str, Any] = made_up().projection(variant)
        self.table["commands"] = []
        self.taken: list[Command] = []
        self.slow_to_close, self.dies = False, False
        self.stuck = threading.Event()
        self._shut_down = False
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(10)

    def _run(self) -> None:
        journal = Journal(self.folder, Signer.open(self.folder))
        inbox = Inbox(self.folder / "inbox")
        shown_at = 0.0
        while not self._ended.is_set():
            if not self.stuck.is_set():
                news = self._take(inbox, journal)
                if self._shut_down:
                    self._ended.set()
                if news or time.monotonic() - shown_at > 0.25:
                    shown_at = time.monotonic()
                    self._show(journal)
            time.sleep(TURN_SECONDS)
        if not self.dies:
            journal.write([plain_row(self.clock(), {"kind": "stopped", "sentence": "asked to"})])
        journal.close(self.clock())

    def _show(self, journal: Journal) -> None:
        self.table["loop"]["wall_ns"] = self.clock()
        journal.write([], {"status": json.dumps(self.table)})
        self._ready.set()

    def _take(self, inbox: Inbox, journal: Journal) -> bool:
        waiting = inbox.waiting()
        for path, command in waiting:
            assert isinstance(command, Command), command
            journal.write([command_row(command, self.clock(), "")])
            self.taken.append(command)
            self._act(command)
            told = {"nonce": command.nonce, "act": command.act, "actor": command.actor}
            self.table["commands"].insert(0, {**told, "time_ns": self.clock(), "refused": ""})
            inbox.done(path)
        return bool(waiting)

    def _act(self, command: Command) -> None:
        book = self.table["book"]
        if command.act in ("cancel_all", "full_halt", "shut_down"):
            for order in self.table["orders"]:
                order["state"] = order["state"] if order["reduce_only"] else "CANCELLED"
        if command.act in ("halt", "full_halt", "shut_down"):
            self.mode("HALTED")
            self._shut_down = self._shut_down or command.act == "shut_down"
        elif command.act == "resume":
            self.mode("ACTIVE")
        elif command.act in ("reduce", "flatten"):
            left = 0.0 if command.act == "flatten" else 1 - command.fraction
            for row in book["positions"]:
                row["target"] = round(min(row["units"], row["target"], key=abs) * left)
                row["units"] = row["units"] if self.slow_to_close else row["target"]

    def mode(self, mode: str) -> None:
        self.table["book"]["mode"] = mode
        self.table["book"]["mode_since_ns"] = self.table["loop"]["now_ns"] + len(self.taken)


@dataclass
class Stage:
    """Everything."""

    service: Service
    loop: StagedLoop
    clock: Clock
    keys: Keys
    home: Path
    closing: ExitStack

    @cached_property
    def app(self) -> Any:
        """One for everybody: whoever asks at once asks the same desk."""
        return build_app(self.service.parts, Address().allowed(PORT))

    def sent(self) -> list[Command]:
        """What has ever reached the loop's inbox."""
        waiting = Inbox(self.loop.folder / "inbox").waiting()
        return [*self.loop.taken, *(one for _, one in waiting if isinstance(one, Command))]

    @contextmanager
    def running(self, port: int = 0, told: list[bool] | None = None) -> Iterator[str]:
        """Serve on a port of this machine, or any free one; gives the address.

        Whether it answered when it said so goes into `told`.
        """
        heard = told if told is not None else []
        address = Address(port=port)
        with address.bound() as listening:
            port = listening.getsockname()[1]
            app = build_app(self.service.parts, address.allowed(port))
            server = server_of(app, address, lambda: heard.append(all(one.is_serving() for one in server.servers)))
            thread = threading.Thread(target=lambda: asyncio.run(serve(self.service, server, listening)), daemon=True)
            thread.start()
            until = time.monotonic() + 10
            while not server.started and time.monotonic() < until:
                time.sleep(0.01)
            assert server.started
            try:
                yield f"http://127.0.0.1:{port}"
            finally:
                server.should_exit = True
                thread.join(15)
                assert not thread.is_alive()

    @contextmanager
    def again(self) -> Iterator["Stage"]:
        """The service, started again on the same folders."""
        self.closing.close()
        with ExitStack() as closing:
            service = closing.enter_context(opened(request_of(self.home), "", self.clock))
            yield replace(self, service=service, closing=closing)


def request_of(home: Path, *, demo: bool = False) -> ControlRequest:
    """What the command line would ask; a policy file beside the folders is used where there is one."""
    policy = home / "policy.toml"
    given = str(policy) if policy.exists() else ""
    return ControlRequest(str(home / "live"), str(home / "control"), given, demo=demo)


def patient_policy(home: Path) -> None:
    """A policy with a whole second for what comes at once: on a busy machine a tenth may be too short for a test."""
    shipped = (files("workbench") / "domain" / "default_policy.toml").read_text("utf-8")
    assert "at_once_seconds = 0.1 " in shipped
    (home / "policy.toml").write_text(shipped.replace("at_once_seconds = 0.1 ", "at_once_seconds = 1.0 "), "utf-8")


@contextmanager
def staged(home: Path, variant: str = "calm", *, demo: bool = False) -> Iterator[Stage]:
    """Raise the curtain."""
    clock = Clock()
    keys = Keys(clock)
    people(home / "control", keys, demo=demo)
    loop = StagedLoop(home / "live", clock, variant)
    loop.table["alerts"] = []
    loop.start()
    try:
        with ExitStack() as closing:
            service = closing.enter_context(opened(request_of(home, demo=demo), "http://127.0.0.1:8870/", clock))
            yield Stage(service, loop, clock, keys, home, closing)
    finally:
        loop.stop()
