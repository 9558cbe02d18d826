"""A person of the roster: name, level, contacts, certificate, review."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum

from pydantic import BaseModel, ConfigDict

from workbench.domain.errors import ConfigError
from workbench.domain.trading.market_hours import DAY_NS
from workbench.response.people.private_files import quoted

LONGEST_NAME = 80
"""Characters: as many as a message to the loop takes."""
LONGEST_CONTACT = 200
_MARKS = frozenset(" .-'’_@+")
_CONTACTS = {
    "email": (re.compile(r"[^\s@<>\"',;]+@[^\s@<>\"',;]+", re.ASCII), "an address such as ada@example.com"),
    "sms": (re.compile(r"\+?[0-9][0-9 ()-]{2,30}", re.ASCII), "a telephone number such as +49 30 123456"),
    "call": (re.compile(r"\+?[0-9][0-9 ()-]{2,30}", re.ASCII), "a telephone number such as +49 30 123456"),
    "chat": (re.compile(r"[!-~]+", re.ASCII), "a name without spaces, letters without accents"),
}
CONTACTS = tuple(_CONTACTS)


class Level(IntEnum):
    """Levels of authority; the titles are in the policy."""

    L0 = 0
    L1 = 1
    L2 = 2
    L3 = 3


def level_of(text: str) -> Level:
    """Read a level.

    Parameters
    ----------
    text : str
        ``L0`` to ``L3``.

    Returns
    -------
    Level

    Raises
    ------
    ConfigError
        When it is none of them.
    """
    if text not in Level.__members__:
        raise ConfigError(f"expected a level, one of {', '.join(Level.__members__)}, got {shortened(text)}")
    return Level[text]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the roster.

    Attributes
    ----------
    name : str
        Unique; also what one logs in with.
    level : Level
        What the person may do.
    contacts : mapping of str to str
        Address by channel: email, sms, call, chat.
    added_ns : int
        When, UTC nanoseconds.
    certified_until_ns : int or None
        When the certificate of the last drill expires; None: never drilled.
    reviewed_ns : int or None
        When somebody else last said that this account is still needed; None: never.
    reviewed_by : str
        Who said so.
    disabled : bool
        The account cannot log in and may do nothing.
    """

    name: str
    level: Level
    contacts: Mapping[str, str]
    added_ns: int = 0
    certified_until_ns: int | None = None
    reviewed_ns: int | None = None
    reviewed_by: str = ""
    disabled: bool = False

    def certified(self, time_ns: int) -> bool:
        """Whether the certificate of the last drill holds.

        Parameters
        ----------
        time_ns : int
            Now.

        Returns
        -------
        bool
        """
        return self.certified_until_ns is not None and time_ns < self.certified_until_ns

    def dormant(self, last_login_ns: int | None, time_ns: int, days: int) -> bool:
        """Whether nobody has used, added or reviewed the account for so long.

        Parameters
        ----------
        last_login_ns : int or None
            None: never.
        time_ns : int
            Now.
        days : int
            How long: `people.sessions.dormant_days`.

        Returns
        -------
        bool
        """
        last = max(self.added_ns, self.reviewed_ns or 0, last_login_ns or 0)
        return time_ns - last > days * DAY_NS

    def switched_off(self) -> "Person":
        """The same person with the account disabled.

        Returns
        -------
        Person
        """
        return replace(self, disabled=True)


def check_name(name: str) -> None:
    """Refuse a name that could pass for another one, for markup or for an order to a terminal.

    Letters of any script are welcome, those written from right to left too; invisible and direction-turning characters
    are not: two names that look the same would undo the rule of two people.

    Parameters
    ----------
    name : str
        Of a new person.

    Raises
    ------
    ConfigError
        Says what is not allowed.
    """
    if not 1 <= len(name) <= LONGEST_NAME:
        raise ConfigError(f"expected a name of 1 to {LONGEST_NAME} characters, got {len(name)}")
    wrong = [mark for mark in name if unicodedata.category(mark)[0] not in "LMN" and mark not in _MARKS]
    if wrong:
        raise ConfigError(
            f"expected a name of letters, digits, spaces and . - ' _ @ +, got {wrong[0]!a} in {shortened(name)}"
        )
    if name != unicodedata.normalize("NFKC", name) or name != " ".join(name.split()):
        raise ConfigError(
            f"expected a name in its plain form (no look-alike characters, single spaces), got {shortened(name)}: "
            f"write {shortened(' '.join(unicodedata.normalize('NFKC', name).split()))}"
        )
    if unicodedata.category(name[0])[0] not in "LN":
        raise ConfigError(f"expected a name that begins with a letter or a digit, got {shortened(name)}")


def check_contacts(contacts: Mapping[str, str]) -> None:
    """Refuse a contact that no channel could use, or that would carry a second address or a line break into one.

    Parameters
    ----------
    contacts : mapping of str to str
        Address by channel.

    Raises
    ------
    ConfigError
        Names the channel.
    """
    for channel, address in contacts.items():
        if channel not in _CONTACTS:
            raise ConfigError(f"expected a contact by {', '.join(CONTACTS)}, got {shortened(channel)}")
        shape, words = _CONTACTS[channel]
        if len(address) > LONGEST_CONTACT or not shape.fullmatch(address):
            raise ConfigError(f"{channel}: expected {words}, got {shortened(address)}")


def shortened(text: str) -> str:
    """Text from outside for a message: in quotes, nothing invisible, not longer than a name.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
    """
    return ascii(text[:LONGEST_NAME]) if any(not mark.isprintable() for mark in text) else repr(text[:LONGEST_NAME])


def in_words(time_ns: int) -> str:
    """A time for people and for the files of the roster.

    Parameters
    ----------
    time_ns : int
        UTC nanoseconds.

    Returns
    -------
    str
        To the second, such as ``2026-11-27T08:00:00Z``.
    """
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str, what: str) -> int:
    """Read a time that people or a file give.

    Parameters
    ----------
    text : str
        ISO 8601 with its offset, such as ``2026-11-27T08:00Z``.
    what : str
        Of what, for the message.

    Returns
    -------
    int
        UTC nanoseconds.

    Raises
    ------
    ConfigError
        When it is no time, or does not say of which zone.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise ConfigError(f"{what}: expected a time with its zone such as 2026-11-27T08:00Z, got {shortened(text)}")
    return int(read.timestamp()) * 1_000_000_000


class Entry(BaseModel):
    """A person in the file of the roster; the name is the key."""

    model_config = ConfigDict(extra="forbid", strict=True)

    level: str
    email: str = ""
    sms: str = ""
    call: str = ""
    chat: str = ""
    added: str
    certified_until: str = ""
    reviewed: str = ""
    reviewed_by: str = ""
    disabled: bool = False

    def person(self, name: str) -> Person:
        """Read it.

        Parameters
        ----------
        name : str
            The key.

        Returns
        -------
        Person

        Raises
        ------
        ConfigError
            When a part is not what is expected; names it.
        """
        where = f"people.{shortened(name)}"

        def optional(text: str, key: str) -> int | None:
            return moment(text, f"{where}.{key}") if text else None

        return Person(
            name=name,
            level=level_of(self.level),
            contacts={channel: getattr(self, channel) for channel in CONTACTS if getattr(self, channel)},
            added_ns=moment(self.added, f"{where}.added"),
            certified_until_ns=optional(self.certified_until, "certified_until"),
            reviewed_ns=optional(self.reviewed, "reviewed"),
            reviewed_by=self.reviewed_by,
            disabled=self.disabled,
        )


def person_text(person: Person) -> str:
    """A person as the file of the roster writes it.

    Parameters
    ----------
    person : Person
        Any.

    Returns
    -------
    str
        TOML.
    """
    values = {"level": person.level.name, **person.contacts, "added": in_words(person.added_ns)}
    if person.certified_until_ns is not None:
        values["certified_until"] = in_words(person.certified_until_ns)
    if person.reviewed_ns is not None:
        values |= {"reviewed": in_words(person.reviewed_ns), "reviewed_by": person.reviewed_by}
    lines = [f"[people.{quoted(person.name)}]", *(f"{key} = {quoted(value)}" for key, value in values.items())]
    return "\n".join([*lines, *(["disabled = true"] if person.disabled else []), ""])
