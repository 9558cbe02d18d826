"""Channels: whatever carries a letter out. Outside ones go through apprise by URL, which is a secret as a whole."""

import json
import logging
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
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

    Raises
    ------
    ConfigError
        When one is malformed; the URL itself is not in the message.
    """

    def __init__(self, name: str, urls: Sequence[str]) -> None:
        self.name = name
        self._urls = tuple(urls)
        self.personal = any(ADDRESS in url for url in urls)
        for place, url in enumerate(urls):
            if self._service(url, SAMPLES[name]) is None:
                raise ConfigError(
                    f"[{name}] urls[{place}] is no address of a channel that apprise knows (the URL is not shown: "
                    "it is a secret); compare it with apprise's page on that service"
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
        for place, url in enumerate(self._urls):
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

    Parameters
    ----------
    path : Path
        Made when missing.
    """

    name = "log"
    personal = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def hand_over(self, letter: Letter, timeout_seconds: float) -> Receipt:
        """See `Channel`."""
        line = json.dumps(
            {"time_ns": time.time_ns(), "level": letter.level, "title": letter.title, "text": letter.text}
        )
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.write(handle, f"{line}\n".encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            return Receipt(handed=False, answer=f"cannot write the log of alerts: {reason_of(error)}")
        return Receipt(handed=True, answer="written to the log")


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
