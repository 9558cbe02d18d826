"""What people log in with: argon2id hashes and TOTP secrets in ``secrets.toml``, and how it gets there.

Nothing here shows a secret: not when it is printed, not in an error. A secret is shown once, to its owner, when it is
made.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyotp

from workbench.domain.errors import ConfigError
from workbench.domain.trading.market_hours import DAY_NS
from workbench.response.people.duty import Shift
from workbench.response.people.persons import Level, Person, shortened
from workbench.response.people.private_files import alone, keep_last_good, quoted, read_private, write_private
from workbench.response.people.proofs import STEP_SECONDS, Passwords
from workbench.response.people.roster import ROSTER_FILE, Roster

SECRETS_FILE = "secrets.toml"
ISSUER = "FX risk workbench"


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """What one person logs in with: the hash of the password, and the TOTP secret in base 32."""

    password: str
    totp: str

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Everybody's secrets by name."""

    by_name: Mapping[str, Secret]

    def __repr__(self) -> str:
        return f"Credentials(of {len(self.by_name)} people)"

    @classmethod
    def read(cls, folder: Path, name: str = SECRETS_FILE) -> "Credentials":
        """Read ``secrets.toml``; without one nobody can log in.

        Parameters
        ----------
        folder : Path
            Holds it.
        name : str
            Of its copy, where that is wanted.

        Returns
        -------
        Credentials

        Raises
        ------
        ConfigError
            When others may read it, or it is not what is expected; no secret is shown.
        """
        path = folder / name
        try:
            table = read_private(path)
        except FileNotFoundError:
            return cls({})
        return cls({name: _secret(path, name, entry) for name, entry in table.items()})

    def write(self, folder: Path) -> None:
        """Write ``secrets.toml``, whole or not at all; its copy first, so that no secret that is gone is left in it.

        Parameters
        ----------
        folder : Path
            Holds it.

        Raises
        ------
        ExecutionError
            When the system refuses; the earlier one is still there.
        """
        text = self.text()
        keep_last_good(folder / SECRETS_FILE, text)
        write_private(folder / SECRETS_FILE, text)

    def text(self) -> str:
        """The file's text.

        Returns
        -------
        str
            TOML; only for `write_private`.
        """
        tables = (
            f'[{quoted(name)}]\npassword = "{one.password}"\ntotp = "{one.totp}"\n'
            for name, one in sorted(self.by_name.items())
        )
        return "# Secrets of the people: keep this file to yourself (chmod 600).\n\n" + "\n".join(tables)

    def of(self, name: str) -> tuple[Secret, bool]:
        """Somebody's secrets.

        Parameters
        ----------
        name : str
            Any.

        Returns
        -------
        tuple of (Secret, bool)
            For a name that is not there a stand-in that takes as long to check and never fits, and False.
        """
        found = self.by_name.get(name)
        return (found, True) if found is not None else (Secret("", _STAND_IN), False)

    def same(self, other: "Credentials", name: str) -> bool:
        """Whether somebody's secrets are the same in both.

        Parameters
        ----------
        other : Credentials
            Earlier ones.
        name : str
            Whose.

        Returns
        -------
        bool
            False when they are in neither.
        """
        return name in self.by_name and self.by_name[name] == other.by_name.get(name)


_STAND_IN = pyotp.random_base32()


def _secret(path: Path, name: str, entry: object) -> Secret:
    where = f"{path}, the secrets of {shortened(name)}"
    if not isinstance(entry, dict) or entry.keys() != {"password", "totp"}:
        raise ConfigError(f"{where}: expected password and totp and nothing else; make them anew with people renew")
    password, totp = entry["password"], entry["totp"]
    if not isinstance(password, str) or not password.startswith("$argon2id$"):
        raise ConfigError(f"{where}: expected an argon2id hash as password; make it anew with people renew")
    try:
        pyotp.TOTP(totp).generate_otp(0)
    except (ValueError, TypeError, AttributeError):
        totp = ""
    if not totp or any(mark in '"\\\n' for mark in totp + password):
        raise ConfigError(f"{where}: expected a TOTP secret in base 32; make it anew with people renew")
    return Secret(password, totp)


def provisioning_address(name: str, totp: str) -> str:
    """What an authenticator app reads from the QR code.

    Parameters
    ----------
    name : str
        Whose.
    totp : str
        The secret: show it once, to its owner.

    Returns
    -------
    str
        An ``otpauth:`` address.
    """
    return pyotp.TOTP(totp, interval=STEP_SECONDS).provisioning_uri(name=name, issuer_name=ISSUER)


@dataclass(frozen=True, slots=True, repr=False)
class Enrolled:
    """Somebody whose secrets were just made; `totp` is shown to them once."""

    person: Person
    totp: str

    def __repr__(self) -> str:
        return f"Enrolled({self.person.name!r})"


def enrol(folder: Path, person: Person, password: str, passwords: Passwords, *, demo: bool = False) -> Enrolled:
    """Add somebody: to the roster, with the hash of the password and a new TOTP secret.

    Parameters
    ----------
    folder : Path
        Of the roster.
    person : Person
        New.
    password : str
        As typed.
    passwords : Passwords
        Makes the hash.
    demo : bool
        Whether the roster is made up for a demonstration; a real and a made-up one are never mixed.

    Returns
    -------
    Enrolled

    Raises
    ------
    ConfigError
        When there is somebody of that name or of one that looks the same, or the password is too short.
    ExecutionError
        When a file cannot be written.
    """
    hashed = passwords.hashed(password)
    with alone(folder):
        roster = Roster.read_or_empty(folder)
        if person.name in roster.people:
            raise ConfigError(f"{person.name} is in the roster already: `workbench people renew` makes new secrets")
        if roster.people and roster.demo != demo:
            raise ConfigError(f"the roster in {folder} is {'' if roster.demo else 'not '}one of a demonstration")
        changed = replace(roster.with_person(person), demo=demo)
        # secrets first: those of somebody who is not in the roster open nothing
        totp = _keep_secrets(folder, person.name, hashed)
        changed.write(folder)
    return Enrolled(person, totp)


def renew(folder: Path, name: str, password: str, passwords: Passwords) -> Enrolled:
    """Give somebody a new password and a new TOTP secret; the old ones open nothing any more.

    Parameters
    ----------
    folder, name, password, passwords : Path, str, str, Passwords
        As for `enrol`; the name is in the roster.

    Returns
    -------
    Enrolled

    Raises
    ------
    ConfigError
        When there is nobody of that name, or the password is too short.
    """
    hashed = passwords.hashed(password)
    with alone(folder):
        person = Roster.read(folder).person(name)
        return Enrolled(person, _keep_secrets(folder, name, hashed))


def _keep_secrets(folder: Path, name: str, hashed: str) -> str:
    kept, totp = Credentials.read(folder).by_name, pyotp.random_base32()
    Credentials({**kept, name: Secret(hashed, totp)}).write(folder)
    return totp


def strike_out(folder: Path, name: str, time_ns: int) -> None:
    """Remove somebody and their secrets.

    Parameters
    ----------
    folder : Path
        Of the roster.
    name : str
        Whose.
    time_ns : int
        Now.

    Raises
    ------
    ConfigError
        When there is nobody of that name, or they are still on call.
    """
    with alone(folder):
        Roster.read(folder).without(name, time_ns).write(folder)
        kept = Credentials.read(folder).by_name
        left = {other: secret for other, secret in kept.items() if other != name}
        Credentials(left).write(folder)


DEMO_PEOPLE = {
    "Demo Viewer": Level.L0, "Demo First": Level.L1, "Demo Head": Level.L2, "Demo Deputy": Level.L2,
    "Demo Chief": Level.L3,
}  # fmt: skip
DEMO_DAYS = 7


def enrol_demo(folder: Path, passwords: Passwords, time_ns: int) -> tuple[tuple[Enrolled, str], ...]:
    """Make a roster for a demonstration: made-up people at every level, on call for a week, with passwords to print.

    Parameters
    ----------
    folder : Path
        Holds no roster yet.
    passwords : Passwords
        Makes the hashes.
    time_ns : int
        Now; certificates and shifts hold for a week from here.

    Returns
    -------
    tuple of (Enrolled, str)
        Everybody with their password.

    Raises
    ------
    ConfigError
        When there is a roster already.
    """
    if (folder / ROSTER_FILE).exists():
        raise ConfigError(f"there is a roster in {folder} already: a demonstration makes one of its own elsewhere")
    until_ns, made = time_ns + DEMO_DAYS * DAY_NS, []
    for name, level in DEMO_PEOPLE.items():
        password = secrets.token_urlsafe(12)
        person = Person(name, level, {}, added_ns=time_ns, certified_until_ns=until_ns)
        made.append((enrol(folder, person, password, passwords, demo=True), password))
    on_call = ("Demo First", "Demo Head", "Demo Chief")
    with alone(folder):
        roster = Roster.read(folder)
        for name in on_call:
            roster = roster.with_shift(Shift(roster.person(name).level, name, time_ns, until_ns))
        roster.write(folder)
    return tuple(made)
