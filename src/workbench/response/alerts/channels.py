"""Channels: whatever carries a letter out. Outside ones go through apprise by URL, which is a secret as a whole."""

import fcntl
import json
import logging
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from workbench.data.files import reason_of
from workbench.domain.errors import ConfigError
from workbench.response.alerts.messages import Letter
from workbench.response.alerts.outbox import Receipt

if TYPE_CHECKING:
    from apprise import Apprise, AppriseAsset, NotifyBase

ADDRESS = "{to}"
"""In a URL: where the person's address belongs."""
SAMPLES = {"email": "somebody@example.org", "sms": "+15555550100", "call": "+15555550100", "chat": "somebody"}
"""Addresses a URL is tried with when it is read; nothing is sent to them."""
LARGEST_LOG_BYTES, OLD_LOGS = 5_000_000, 3
LOG_PAUSES_SECONDS = (0.01, 0.05, 0.1, 0.3, 0.0)
"""Between the tries to have the log for oneself; a page is written without that rather than not at all."""


class Channel(Protocol):
    """What carries letters: e-mail, text messages, calls, a chat, a log."""

    @property
    def name(self) -> str:
        """As in the policy: email, sms, call, chat, log."""

    @property
    def personal(self) -> bool:
        """Whether it needs the address of a person."""

    def hand_over(self, letter: Letter, timeout_seconds: float) -> Receipt:
        """Give a letter away, and wait for the answer.

        Parameters
        ----------
        letter : Letter
            What and to whom.
        timeout_seconds : float
            To give up after; whoever calls does not rely on it.

        Returns
        -------
        Receipt
        """


def _unheard(_record: logging.LogRecord) -> bool:
    return False


@cache
def _asset() -> "AppriseAsset":
    """How apprise behaves here: it says nothing, keeps nothing, follows no redirection and adds no pictures."""
    from apprise import Apprise, AppriseAsset

    with warnings.catch_warnings():
        # its plugins are loaded by the first URL, whichever that is; one of them asks for a module of old Pythons
        warnings.simplefilter("ignore", DeprecationWarning)
        Apprise.instantiate("json://localhost")
    # these name hosts, users, paths and addresses of a channel in their logs
    for name in ("apprise", "urllib3", "urllib3.connectionpool"):
        # not `disabled`: whoever sets up logging later, as a web server does, would let them speak again
        logging.getLogger(name).addFilter(_unheard)
    return AppriseAsset(
        app_id="FX risk workbench", app_desc="FX risk workbench", app_url="", image_url_mask="", image_url_logo="",
        image_path_mask="", async_mode=False, interpret_escapes=False, interpret_emojis=False, http_redirects=False,
        # with a limit of its own it would hand over in a pool of few threads, which a channel that hangs fills for all
        plugin_paths=[], service_timeout=0,
    )  # fmt: skip


class UrlChannel:
    """A channel by apprise's URLs. The first is used; each other one is tried when those before it have failed.

    Parameters
    ----------
    name : str
        As in the policy.
    urls : sequence of str
        With ``{to}`` where the person's address belongs; without it the URL reaches a group.

    Attributes
    ----------
    malformed : tuple of int
        Places of URLs that are none, and are not used.

    Raises
    ------
    ConfigError
        When all are malformed; the URL itself is not in the message.
    """

    def __init__(self, name: str, urls: Sequence[str]) -> None:
        self.name = name
        self.personal = any(ADDRESS in url for url in urls)
        self._urls = {place: url for place, url in enumerate(urls) if self._service(url, SAMPLES[name]) is not None}
        self.malformed = tuple(place for place in range(len(urls)) if place not in self._urls)
        if not self._urls:
            raise ConfigError(self.complaint)

    @property
    def complaint(self) -> str:
        """What is wrong with the malformed ones, without showing them."""
        places = ", ".join(f"urls[{place}]" for place in self.malformed)
        return (
            f"[{self.name}] {places} is no address of a channel that apprise knows (the URL is not shown: it is a "
            "secret); compare it with apprise's page on that service"
        )

    def __repr__(self) -> str:
        return f"UrlChannel({self.name!r}, {len(self._urls)} urls)"

    @staticmethod
    def _service(url: str, address: str) -> "NotifyBase | None":
        from apprise import Apprise

        return Apprise.instantiate(url.replace(ADDRESS, quote(address, safe="")), asset=_asset())

    def hand_over(self, letter: Letter, timeout_seconds: float) -> Receipt:
        """See `Channel`; the time is shared by the URLs."""
        began = time.monotonic()
        for place, url in self._urls.items():
            left = timeout_seconds - (time.monotonic() - began)
            if left <= 0:
                break
            if self._handed(url, letter, left):
                return Receipt(handed=True, answer=f"accepted by the service of urls[{place}]")
        if time.monotonic() - began >= timeout_seconds:
            # apprise says no more than that it failed; a service that let the time pass may have it all the same
            return Receipt(handed=False, answer=f"no answer within {timeout_seconds:g} s", doubtful=True)
        return Receipt(handed=False, answer="refused, or not reachable")

    def _handed(self, url: str, letter: Letter, timeout_seconds: float) -> bool:
        service = self._service(url, letter.address)
        if service is None:
            return False
        service.socket_connect_timeout = service.socket_read_timeout = timeout_seconds
        return bool(_outbound(service).notify(body=letter.text, title=letter.title, body_format="text"))


def _outbound(service: "NotifyBase") -> "Apprise":
    from apprise import Apprise

    carrier = Apprise(asset=_asset())
    carrier.add(service)
    return carrier


class LogChannel:
    """Every page as a line of JSON in a file of this machine, for its owner alone.

    A file that is full becomes ``alerts.log.1``, the one before it ``alerts.log.2``, and so on; the oldest goes. The
    control service and the watchdog write the same file, each from several threads.

    Parameters
    ----------
    path : Path
        Made when missing.
    largest_bytes : int
        Of one file.
    """

    name = "log"
    personal = False

    def __init__(self, path: Path, largest_bytes: int = LARGEST_LOG_BYTES) -> None:
        self._path, self._largest_bytes = path, largest_bytes

    def hand_over(self, letter: Letter, timeout_seconds: float) -> Receipt:
        """See `Channel`."""
        line = json.dumps(
            {"time_ns": time.time_ns(), "level": letter.level, "title": letter.title, "text": letter.text}
        )
        try:
            self._write(f"{line}\n".encode())
        except OSError as error:
            return Receipt(handed=False, answer=f"cannot write the log of alerts: {reason_of(error)}")
        return Receipt(handed=True, answer="written to the log")

    def _write(self, line: bytes) -> None:
        handle = self._opened_for(len(line))
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)

    def _opened_for(self, more_bytes: int) -> int:
        """The log with room for so much more, held so that nobody renames it meanwhile."""
        while True:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            if not _held(handle):
                return handle
            is_current = _is_at(handle, self._path)
            size = os.fstat(handle).st_size
            if is_current and (size == 0 or size + more_bytes <= self._largest_bytes or not self._renamed()):
                return handle
            # full and renamed now, by us or by whoever held it before: what is there now is another file
            os.close(handle)

    def _renamed(self) -> bool:
        """Make room; a disk that refuses leaves a log that is too large, which is better than none."""
        names = [self._path, *(self._path.with_name(f"{self._path.name}.{age}") for age in range(1, OLD_LOGS + 1))]
        try:
            for younger, older in reversed(list(pairwise(names))):
                if younger.exists():
                    younger.replace(older)
        except OSError:
            return False
        return True


def _held(handle: int) -> bool:
    """Have a file for oneself until it is closed, if that can be had soon."""
    for pause in LOG_PAUSES_SECONDS:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(pause)
        else:
            return True
    return False


def _is_at(handle: int, path: Path) -> bool:
    """Whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def by_name(channels: Sequence[Channel]) -> Mapping[str, Channel]:
    """Channels by their names.

    Parameters
    ----------
    channels : sequence of Channel
        One of each name.

    Returns
    -------
    mapping of str to Channel
    """
    return {channel.name: channel for channel in channels}
