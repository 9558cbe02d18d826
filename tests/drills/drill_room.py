"""People on call, a control service on a clock moved by hand, and channels of this test."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import pyotp
from argon2 import PasswordHasher

from workbench.app.drills.people import Waiting
from workbench.app.drills.plan import DrillOrder
from workbench.response.people.credentials import SECRETS_FILE, Credentials, Secret
from workbench.response.people.duty import Shift
from workbench.response.people.persons import Level, Person
from workbench.response.people.private_files import write_private
from workbench.response.people.proofs import Passwords
from workbench.response.people.roster import Roster

SECOND, MINUTE, DAY = 10**9, 60 * 10**9, 86_400 * 10**9
NOON = 1_795_780_800 * SECOND
"""2026-11-27 12:00 UTC: no quiet hours."""
MIDNIGHT = NOON + 12 * 3_600 * SECOND
PEOPLE = MappingProxyType({"Ada": Level.L1, "Ben": Level.L2, "Cleo": Level.L3})


@dataclass
class Clock:
    """A clock moved by hand."""

    now_ns: int = NOON

    def __call__(self) -> int:
        return self.now_ns


def write_people(folder: Path, *, certified_until_ns: int | None = None) -> Roster:
    """One person on call at each level, reached by text message."""
    shifts = [Shift(level, name, NOON - 200 * DAY, NOON + 200 * DAY) for name, level in PEOPLE.items()]
    people = {
        name: Person(name, level, {"sms": f"+49 30 12345{int(level)}"}, NOON - DAY, certified_until_ns)
        for name, level in PEOPLE.items()
    }
    roster = Roster(people, shifts)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    roster.write(folder)
    light = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)).hashed("several words are easy")
    secrets = Credentials({name: Secret(light, pyotp.random_base32()) for name in PEOPLE})
    write_private(folder / SECRETS_FILE, secrets.text())
    return roster


def order_in(folder: Path, **wanted: object) -> DrillOrder:
    """An order on folders of the test, at noon."""
    asked = DrillOrder(folder=str(folder / "live"), control=str(folder / "control"), clock_ns=lambda: NOON)
    return replace(asked, **wanted)  # type: ignore[arg-type]


def write_channels(folder: Path, text: str) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / "channels.toml", text)


def no_wait() -> Waiting:
    return Waiting(pause=lambda: None)
