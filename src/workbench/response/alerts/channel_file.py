"""``channels.toml``: the URLs of the channels, for their owner alone. No message ever shows one of them."""

import os
import stat
import tomllib
from pathlib import Path

from workbench.data.files import reason_of
from workbench.domain.errors import ConfigError
from workbench.response.alerts.channels import ADDRESS, SAMPLES, Channel, LogChannel, UrlChannel

CHANNEL_FILE, LOG_FILE = "channels.toml", "alerts.log"
LARGEST_BYTES = 100_000
NAMES = tuple(SAMPLES)


def read_channels(folder: Path) -> tuple[Channel, ...]:
    """Channels of a folder; the log is always among them.

    Parameters
    ----------
    folder : Path
        Holds ``channels.toml`` (``[email] urls = ["mailtos://…?to={to}"]``; also sms, call, chat); no file: only the
        log.

    Returns
    -------
    tuple of Channel

    Raises
    ------
    ConfigError
        When others may read the file, or it is not what is expected; the key is named, its value is not.
    """
    path = folder / CHANNEL_FILE
    log = LogChannel(folder / LOG_FILE)
    try:
        content = _private_text(path)
    except FileNotFoundError:
        return (log,)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {reason_of(error)}") from error
    return (log, *_channels(content, path))


def _private_text(path: Path) -> str:
    """Read a file that is its owner's alone; what is checked is what is read."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST_BYTES:
            raise ConfigError(f"expected {path} to be a file of at most {LARGEST_BYTES} bytes")
        if about.st_mode & 0o077:
            mode = stat.S_IMODE(about.st_mode)
            raise ConfigError(f"{path} holds secrets and others may open it (mode {mode:04o}): run `chmod 600 {path}`")
        try:
            return file.read(LARGEST_BYTES).decode()
        except UnicodeDecodeError:
            raise ConfigError(f"{path} is not text in UTF-8") from None


def _channels(content: str, path: Path) -> list[Channel]:
    try:
        table = tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        # the message of the parser may quote the line, and with it a secret; so may the cause of this error
        raise ConfigError(f"{path} is not valid TOML (the place is not shown: it may be a secret)") from None
    unknown = sorted(table.keys() - set(NAMES))
    if unknown:
        raise ConfigError(f"{path}: expected only the tables {', '.join(NAMES)}, got {len(unknown)} other(s)")
    return [_channel(name, section, path) for name, section in table.items()]


def _channel(name: str, section: object, path: Path) -> Channel:
    urls = section.get("urls") if isinstance(section, dict) and section.keys() == {"urls"} else None
    if not isinstance(urls, list) or not urls or not all(isinstance(url, str) and url for url in urls):
        raise ConfigError(f'{path}: [{name}] expected nothing but urls = ["…"], a list of text that is not empty')
    if len({ADDRESS in url for url in urls}) > 1:
        raise ConfigError(f"{path}: [{name}] expected {ADDRESS} in every one of its urls, or in none")
    try:
        return UrlChannel(name, urls)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
