"""Where the service listens: on this machine alone, or further only encrypted."""

import ipaddress
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from workbench.domain.errors import ConfigError
from workbench.monitor.control.guard import Allowed

HOST, PORT = "127.0.0.1", 8870
LOOPBACK_NAMES = ("127.0.0.1", "localhost")
LARGEST_HEAD = 16_384
MOST_CONNECTIONS = 800
BACKLOG = 512
KEEP_ALIVE_SECONDS, LAST_ANSWERS_SECONDS = 30, 3


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen.

    Attributes
    ----------
    host : str
        Address of a network interface of this machine.
    port : int or None
        None: the usual one; 0: any free one.
    names : tuple of str
        Host names people use, for an address off loopback.
    certificate, key : str
        Files of the TLS certificate (with its chain) and its key; both or none.
    """

    host: str = HOST
    port: int | None = None
    names: tuple[str, ...] = ()
    certificate: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        """Refuse what would be heard by others in the clear."""
        if bool(self.certificate) != bool(self.key):
            raise ConfigError("TLS needs both a certificate and its key: give --certificate and --key, or neither")
        for path in filter(None, (self.certificate, self.key)):
            if not Path(path).is_file():
                raise ConfigError(f"expected a PEM file for TLS, there is none at {path}")
        if not self.certificate and not self.is_loopback:
            raise ConfigError(
                f"off this machine ({self.host}) the control service speaks only TLS: give --certificate and --key, or "
                f"listen on {HOST}"
            )
        if self.certificate:
            self._check_pair()

    def _check_pair(self) -> None:
        """Refuse what is no certificate with its key; what is in the files is not shown."""
        try:
            # an encrypted key would be asked for its passphrase on the terminal
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{self.certificate} and {self.key} are no TLS certificate with its key in PEM, not encrypted "
                f"({getattr(error, 'reason', None) or type(error).__name__}): give files that belong together"
            ) from None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError as error:
            raise ConfigError(f"expected an IP address to listen on, got {self.host!r}") from error

    def bound(self) -> socket.socket:
        """A socket that listens.

        Returns
        -------
        socket

        Raises
        ------
        ConfigError
            When the address is taken or none of this machine.
        """
        port = PORT if self.port is None else self.port
        try:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            listening = socket.create_server((self.host, port), family=family, backlog=BACKLOG)
            # inherited by every connection: without it the second half of an answer waits 40 ms for the first
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, OverflowError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise ConfigError(
                f"cannot listen on {self.host} port {port} ({why}): give another --port, or --port 0 for any free one"
            ) from error
        return listening

    def allowed(self, port: int) -> Allowed:
        """Names the service answers to.

        Parameters
        ----------
        port : int
            It listens on.

        Returns
        -------
        Allowed
        """
        shown = f"[{self.host}]" if ":" in self.host else self.host
        names = (*self.names, shown, *(LOOPBACK_NAMES if self.is_loopback else ()))
        scheme, usual = ("https", 443) if self.certificate else ("http", 80)
        hosts = {f"{name}:{port}" for name in names} | ({*names} if port == usual else set())
        return Allowed(frozenset(hosts), frozenset(f"{scheme}://{host}" for host in hosts))

    def link(self, port: int) -> str:
        """What people type.

        Parameters
        ----------
        port : int
            It listens on.

        Returns
        -------
        str
        """
        name = self.names[0] if self.names else (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'https' if self.certificate else 'http'}://{name}:{port}/"


class Server(uvicorn.Server):
    """Ends the streams before it waits for the last answers: by themselves they never end.

    Parameters
    ----------
    config : Config
        Of uvicorn.
    beginning : callable
        Called once, when whoever connects is answered.
    ending : callable
        Called once, before the end.
    """

    def __init__(self, config: uvicorn.Config, beginning: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._beginning, self._ending = beginning, ending

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in good order when asked to; uvicorn would raise the signal once more, for a traceback."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, known in earlier.items():
                signal.signal(number, known)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and only then say so.

        Parameters
        ----------
        sockets : list of socket, optional
            It listens on.
        """
        await super().startup(sockets)
        if self.started:
            self._beginning()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, answer what was asked, and end.

        Parameters
        ----------
        sockets : list of socket, optional
            It listens on.
        """
        self._ending()
        await super().shutdown(sockets)


def server_of(app: FastAPI, address: Address, beginning: Callable[[], None]) -> Server:
    """A server that says nothing about itself and logs no request: paths are text of strangers.

    Parameters
    ----------
    app : FastAPI
        From `build_app`.
    address : Address
        For its TLS files.
    beginning : callable
        Called once, when whoever connects is answered.

    Returns
    -------
    Server
        To be run with the socket.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=LAST_ANSWERS_SECONDS,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        ssl_certfile=address.certificate or None,
        ssl_keyfile=address.key or None,
    )
    return Server(config, beginning, app.state.bulletin.close)
