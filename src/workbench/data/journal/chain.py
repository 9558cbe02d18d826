"""The chain of digests over the rows, and the signatures over the chain.

The digest of a row is SHA-256 over the digest before it, the row's sequence, time, epoch and kind in fixed width, and
its body; the first one follows SHA-256 of the journal's id. A checkpoint row signs id, sequence and digest of the row
before it with Ed25519, so that nobody without the key can write another history of the same length.
"""

import hashlib
import os
import secrets
import stat
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from workbench.data.files import cannot_write, reason_of, sync_folder, write_atomically
from workbench.data.journal.codec import decode_table, encode_table
from workbench.data.journal.rows import Head, Row, RowKind, StoredRow, stored_row
from workbench.data.journal.storage import make_private_folder
from workbench.domain.errors import ConfigError, DataError

KEY_FOLDER = "keys"
PRIVATE_KEY = "journal.pem"
PUBLIC_KEYS = "journal.pub"
_PLACE = struct.Struct(">qqqB")


class BrokenChainError(DataError):
    """A row is missing or not the one that was written; `sequence` says which."""

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(reason)
        self.sequence = sequence


def first_digest(journal: str) -> bytes:
    """What the first row is chained to.

    Parameters
    ----------
    journal : str
        Id of the journal.

    Returns
    -------
    bytes
        SHA-256 of the id.
    """
    return hashlib.sha256(journal.encode()).digest()


def chained(previous: bytes, sequence: int, epoch: int, row: Row | StoredRow) -> bytes:
    """Digest of a row.

    Parameters
    ----------
    previous : bytes
        Digest of the row before.
    sequence, epoch : int
        Of this row.
    row : Row or StoredRow
        Its time, kind and body.

    Returns
    -------
    bytes
        SHA-256.

    Raises
    ------
    struct.error
        When a number does not fit into its width.
    """
    return hashlib.sha256(previous + _PLACE.pack(sequence, row.time_ns, epoch, row.kind) + row.body).digest()


class Signer:
    """Holds the private key that signs checkpoints, and knows which public keys are trusted.

    Attributes
    ----------
    public : str
        Its own public key, in hexadecimal.
    trusted : frozenset of str
        Its own key and those that signed here before, for example on the machine a backup came from.
    """

    def __init__(self, key: Ed25519PrivateKey, trusted: frozenset[str] = frozenset()) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw().hex()
        self.trusted = trusted | {self.public}

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Make a signer without a file, for simulations.

        Parameters
        ----------
        seed : bytes
            32 bytes; the same ones give the same signatures.

        Returns
        -------
        Signer
        """
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Take the key of a folder; it is made when there is none.

        Parameters
        ----------
        folder : Path
            Of the journal; the private key is in ``keys/journal.pem``, the public ones in ``keys/journal.pub``.

        Returns
        -------
        Signer

        Raises
        ------
        ConfigError
            When others can read the private key, or it is not an Ed25519 key.
        ExecutionError
            When the system refuses to make it.
        """
        path = folder / KEY_FOLDER / PRIVATE_KEY
        if not path.exists():
            _make_key(path)
        key = _read_key(path)
        known = trusted_keys(folder) or frozenset()
        signer = cls(key, known)
        if signer.public not in known:
            trust(folder, {signer.public})
        return signer

    def checkpoint(self, journal: str, head: Head, time_ns: int) -> Row:
        """Sign everything up to the head.

        Parameters
        ----------
        journal : str
            Id of the journal.
        head : Head
            Its last row; the checkpoint must be the very next one.
        time_ns : int
            When.

        Returns
        -------
        Row
        """
        signature = self._key.sign(_signed_text(journal, head)).hex()
        table = {"sequence": head.sequence, "digest": head.digest, "key": self.public, "signature": signature}
        return Row(RowKind.CHECKPOINT, time_ns, encode_table(table))


def _signed_text(journal: str, head: Head) -> bytes:
    return f"workbench journal {journal} {head.sequence} {head.digest}".encode()


def _make_key(path: Path) -> None:
    """Place a whole key or none, and never over another one."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        make_private_folder(path.parent.parent)
        make_private_folder(path.parent)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o600)
            file.write(pem)
            file.flush()
            os.fsync(handle)
        with suppress(FileExistsError):  # another process was faster: its key is the one
            os.link(temporary, path)
        temporary.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise ConfigError(
                f"the key {path} can be used by others (mode {mode:04o}): make it yours alone with `chmod 600 {path}`; "
                "if somebody may have copied it, move it away and a new one is made"
            )
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ConfigError(f"cannot read the key {path}: {reason_of(error)}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path)
    return key


def _no_key(path: Path) -> ConfigError:
    return ConfigError(
        f"{path} is not an Ed25519 private key: restore it, or move it away and a new one is made at the next start"
    )


def trusted_keys(folder: Path) -> frozenset[str] | None:
    """Public keys whose signatures count in a folder.

    Parameters
    ----------
    folder : Path
        Of the journal.

    Returns
    -------
    frozenset of str or None
        In hexadecimal; None when the folder has no file of keys, as in a simulation.
    """
    return read_keys(folder / KEY_FOLDER / PUBLIC_KEYS)


def read_keys(path: Path) -> frozenset[str] | None:
    """Public keys of a file, one a line.

    Parameters
    ----------
    path : Path
        ``journal.pub``, or the one that travels with a backup.

    Returns
    -------
    frozenset of str or None
        In hexadecimal; None when there is no such file.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    try:
        return frozenset(path.read_text(encoding="ascii").split())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the public keys {path}: {error}; restore the file from a backup") from error


def trust(folder: Path, keys: set[str] | frozenset[str]) -> None:
    """Add public keys to those that count in a folder.

    Parameters
    ----------
    folder : Path
        Of the journal.
    keys : set of str
        In hexadecimal.

    Raises
    ------
    ExecutionError
        When the system refuses.
    """
    known = trusted_keys(folder) or frozenset()
    write_keys(folder / KEY_FOLDER / PUBLIC_KEYS, known | keys)


def write_keys(path: Path, keys: frozenset[str]) -> None:
    """Write public keys, one a line.

    Parameters
    ----------
    path : Path
        Replaced as a whole.
    keys : frozenset of str
        In hexadecimal.

    Raises
    ------
    ExecutionError
        When the system refuses.
    """
    write_atomically(path, "".join(f"{key}\n" for key in sorted(keys)).encode())


@dataclass(slots=True)
class Chain:
    """Walks along stored rows and stops at the first that is not the one that was written.

    Attributes
    ----------
    journal : str
        Id of the journal.
    trusted : frozenset of str or None
        Public keys whose signatures count; None for any.
    sequence, digest : int, bytes
        Of the row the walk has reached.
    """

    journal: str
    trusted: frozenset[str] | None
    sequence: int
    digest: bytes

    @property
    def head(self) -> Head:
        """The row the walk has reached."""
        return Head(self.sequence, self.digest.hex())

    def follow(self, values: Sequence[object]) -> StoredRow:
        """Check the next row and move on to it.

        Parameters
        ----------
        values : sequence
            Its columns.

        Returns
        -------
        StoredRow

        Raises
        ------
        BrokenChainError
            When it is not the next one, its digest does not match, or it is a checkpoint whose signature is not good.
        """
        expected = self.sequence + 1
        if values[0] != expected:
            raise BrokenChainError(expected, f"row {expected} is missing: the next one there is {values[0]}")
        try:
            row = self._checked(values)
        except struct.error as error:
            raise BrokenChainError(expected, f"row {expected} is damaged: {error}") from error
        except DataError as error:
            raise BrokenChainError(expected, str(error)) from error
        self.sequence, self.digest = expected, row.digest
        return row

    def _checked(self, values: Sequence[object]) -> StoredRow:
        row = stored_row(values)
        if chained(self.digest, row.sequence, row.epoch, row) != row.digest:
            raise DataError(f"row {row.sequence} is not what was written: its digest does not match")
        if row.kind is RowKind.CHECKPOINT:
            self._check_signature(row)
        return row

    def _check_signature(self, row: StoredRow) -> None:
        place = f"the checkpoint in row {row.sequence}"
        table = decode_table(row.body)
        if (table.get("sequence"), table.get("digest")) != (self.sequence, self.digest.hex()):
            raise DataError(f"{place} signs another row than the one before it")
        key = table.get("key")
        if self.trusted is not None and key not in self.trusted:
            raise DataError(
                f"{place} is signed with a key that is not among the trusted ones ({KEY_FOLDER}/{PUBLIC_KEYS}): "
                f"{str(key)[:64]}"
            )
        try:
            signature = bytes.fromhex(table["signature"])
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(table["key"]))
            public.verify(signature, _signed_text(self.journal, self.head))
        except (KeyError, TypeError, ValueError, InvalidSignature) as error:
            raise DataError(f"{place} has a signature that does not match") from error
