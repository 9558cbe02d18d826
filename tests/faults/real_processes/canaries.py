"""Secrets made up for one test, and the search for them: every byte of every artefact, in each form they may have."""

import base64
import html
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from workbench.data.journal.reader import JournalReader
from workbench.data.journal.storage import DATABASE

ALIGNMENTS = 3
"""Base64 turns three bytes into four letters: what a secret becomes depends on what stands before it."""


def base64_of(secret: bytes, before: int, altchars: bytes) -> bytes:
    """The letters that stand for a secret wherever it begins at that place of three; those it shares are cut off."""
    letters = base64.b64encode(b"\0" * before + secret, altchars)
    first = (before * 8 + 5) // 6
    return letters[first : (before + len(secret)) * 8 // 6]


def forms_of(secret: bytes) -> dict[str, bytes]:
    """A secret as it is, and as programs write it down."""
    found = {"plain": secret, "hexadecimal": secret.hex().encode(), "HEXADECIMAL": secret.hex().upper().encode()}
    for name, altchars in (("base64", b"+/"), ("base64 for URLs", b"-_")):
        for before in range(ALIGNMENTS):
            found[f"{name}, {before}"] = base64_of(secret, before, altchars)
    found["percent"] = quote(secret, safe="").encode()
    found["percent, every byte"] = b"".join(b"%%%02X" % byte for byte in secret)
    if secret.isascii():
        text = secret.decode()
        found["JSON"] = json.dumps(text)[1:-1].encode()
        found["JSON in JSON"] = json.dumps(json.dumps(text)[1:-1])[1:-1].encode()
        found["HTML"] = html.escape(text).encode()
        found["UTF-16"] = text.encode("utf-16-le")
    return found


@dataclass(frozen=True, slots=True)
class Canary:
    """A secret that must be nowhere but in files whose path ends with one of these."""

    what: str
    secret: bytes
    belongs: tuple[str, ...] = ()

    def may_be_in(self, path: Path) -> bool:
        """Whether a file is one in which it belongs."""
        return str(path).endswith(self.belongs) if self.belongs else False


@dataclass
class Cage:
    """All the canaries of a test."""

    canaries: list[Canary] = field(default_factory=list)

    def plant(self, what: str, *belongs: str) -> str:
        """A new secret, with letters that are written differently in addresses, JSON and HTML."""
        secret = f'vogel{secrets.token_hex(6)}+/&"{secrets.token_hex(4)}'
        self.keep(what, secret.encode(), *belongs)
        return secret

    def keep(self, what: str, secret: bytes, *belongs: str) -> None:
        """Take in a secret that somebody else has made."""
        assert len(secret) >= 12, f"{what} is too short to be looked for"
        self.canaries.append(Canary(what, secret, belongs))

    def escaped(self, folders: Iterable[Path]) -> list[str]:
        """Where canaries are that should not be there, a sentence each."""
        found = []
        for path, content in contents_of(folders):
            for one in self.canaries:
                if one.may_be_in(path):
                    continue
                found += [
                    f"{one.what} is in {path} ({name})"
                    for name, form in forms_of(one.secret).items()
                    if form in content
                ]
        return found


def contents_of(folders: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    """Every file as it is on the disk; and each journal once more as it reads, where rows go over several pages."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path, path.read_bytes()
            if path.name == DATABASE:
                yield path.with_name("what the journal says"), read_journal(path.parent)


def read_journal(folder: Path) -> bytes:
    """Bodies of all rows and everything that is shown."""
    with JournalReader(folder) as reader:
        rows = [row.body for row in reader.rows()]
        shown = [str(reader.shown(key)).encode() for key in reader.shown_keys("")]
    return b"\n".join([*rows, *shown])
