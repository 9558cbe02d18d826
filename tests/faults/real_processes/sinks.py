"""Where pages arrive on this machine: HTTP, SMTP, and a port that takes connections and never says a word."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from aiosmtpd.controller import Controller


@dataclass(frozen=True, slots=True)
class Received:
    """One message: when (this machine's steady clock), on which channel, for whom (empty: a group), and its text."""

    at: float
    channel: str
    address: str
    text: str


@dataclass
class Sinks:
    """Everything that has arrived; `arrives` is called with the number of each message before it is answered."""

    http: int = 0
    smtp: int = 0
    hanging: int = 0
    received: list[Received] = field(default_factory=list)
    arrives: Callable[[int], None] = lambda number: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, channel: str, address: str, text: str) -> None:
        """Something has arrived whole."""
        with self._lock:
            self.received.append(Received(time.monotonic(), channel, address, text))
            number = len(self.received)
        self.arrives(number)

    def on(self, channel: str) -> list[Received]:
        """What has arrived on a channel."""
        return [one for one in self.received if one.channel == channel]

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        """Take a mail; called by aiosmtpd."""
        mail = message_from_bytes(envelope.content, policy=default)
        body = mail.get_body(("plain", "html"))
        assert body is not None
        for address in envelope.rcpt_tos:
            self.take("email", address, body.get_content())
        return "250 OK"


def _listener(sinks: Sinks) -> ThreadingHTTPServer:
    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # whoever sent it died meanwhile
                return
            _, channel, *address = unquote(self.path).split("/")
            sinks.take(channel, "/".join(address), json.loads(body)["message"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] -- who asked may be dead by now
    return server


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def opened_sinks() -> Iterator[Sinks]:
    """Sinks on free ports, closed afterwards."""
    sinks = Sinks()
    with ExitStack() as closing:
        web = closing.enter_context(_listener(sinks))
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        closing.callback(thread.join)
        closing.callback(web.shutdown)
        mail = Controller(sinks, hostname="127.0.0.1", port=_free_port(), ready_timeout=10)
        mail.start()
        closing.callback(mail.stop)
        silent = closing.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        sinks.http, sinks.smtp, sinks.hanging = web.server_port, mail.port, silent.getsockname()[1]
        yield sinks
