"""The token that opens the page: made once, kept where only its owner can read it."""

import os
import re
import secrets
import stat
from pathlib import Path

from workbench.domain.errors import ConfigError, ExecutionError

TOKEN = re.compile(r"[\w-]{32,128}", re.ASCII)
TOKEN_BYTES = 24


def keep_token(path: Path) -> None:
    """See that there is a token that nobody else can read; make one where there is none.

    Parameters
    ----------
    path : Path
        Its file.

    Raises
    ------
    ConfigError
        When others can read it, or it is no token.
    ExecutionError
        When it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.path.lexists(path):
            check_token(path)
            return
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(TOKEN_BYTES))
    except OSError as error:
        raise ExecutionError(f"the page's token cannot be kept in {path}: {error.strerror or error}") from error


def check_token(path: Path) -> None:
    """Refuse a token that is none, or that others can read.

    Parameters
    ----------
    path : Path
        Its file.

    Raises
    ------
    ConfigError
        Says what to do.
    """
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"{path} is no plain file: expected the page's token in it; remove it, a new one is made")
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigError(
            f"others can read the page's token in {path} (mode {mode:04o}): remove the file, a new one is made"
        )
    text = path.read_bytes().decode("latin-1")
    if not TOKEN.fullmatch(text):
        raise ConfigError(
            f"{path} holds no token: expected 32 to 128 letters, digits, - or _ and nothing else, got {len(text)} "
            "characters; remove the file, a new one is made"
        )
