"""Files that are either the old one or the new one, never half of each."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from workbench.domain.errors import ExecutionError

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ZEROS = bytes(2**20)
_WHY = {
    errno.ENOENT: "there is no such file or folder",
    errno.EISDIR: "it is a folder, not a file",
    errno.EPERM: "permission is denied",
    errno.EFBIG: "the file would become larger than is allowed",
    errno.ENOSPC: "the disk is full",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is denied",
    errno.EDQUOT: "the disk quota is used up",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "a part of the path is a file, not a folder",
}


def reason_of(error: OSError) -> str:
    """Why the system refuses a file, in plain words.

    Parameters
    ----------
    error : OSError
        What the system said.

    Returns
    -------
    str
        No full stop, no number of the error.
    """
    return _WHY.get(error.errno or 0, error.strerror or str(error))


def cannot_write(path: Path, error: OSError) -> ExecutionError:
    """One sentence for a failed write.

    Parameters
    ----------
    path : Path
        What should have been written.
    error : OSError
        What the system said.

    Returns
    -------
    ExecutionError
        To be raised by the caller.
    """
    return ExecutionError(f"cannot write {path}: {reason_of(error)}; what was there before is unchanged")


def write_atomically(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file through a temporary one in the same folder: flush to disk, rename, flush the folder.

    Parameters
    ----------
    path : Path
        Target; its folder is made when missing.
    content : bytes
        Everything the file shall hold.
    private : bool
        Whether nobody but its owner may read it, at any moment; else others may, as a report is there to be read.

    Raises
    ------
    ExecutionError
        When the system refuses; the earlier file is still there.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
        with os.fdopen(os.open(temporary, NEW_FILE, 0o600 if private else 0o666), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def make_room(path: Path, size: int) -> None:
    """Give an empty file its blocks on the disk, full of zeros: what is written over them later allocates nothing.

    Parameters
    ----------
    path : Path
        An empty file, which nobody else writes meanwhile.
    size : int
        Bytes.

    Raises
    ------
    ExecutionError
        When the system refuses; the file is empty again.
    """
    try:
        with path.open("r+b", buffering=0) as file:
            try:
                while file.tell() < size:
                    file.write(_ZEROS[: size - file.tell()])
                os.fsync(file.fileno())
            except OSError:
                file.truncate(0)
                raise
    except OSError as error:
        raise cannot_write(path, error) from error


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder durable.

    Parameters
    ----------
    folder : Path
        The folder.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
