"""What the benchmark of the control service is played on: the real service, made-up people, clients, a channel."""

import asyncio
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyotp
from monitor_stage import StageError, command_of, ended

from workbench.response.people.credentials import Enrolled, enrol_demo
from workbench.response.people.proofs import Passwords

ACTS = "Demo Head"
"""Who halts: from L2, so that no sum of first responders is in the way."""
STEP_SECONDS = 30
FRESH_SECONDS = 45.0
"""After which a fresh code is given; one counts for a minute."""


# ------------------------------------------------------------------------------------------------------------- servers


@dataclass
class Service:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    address: str

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        return int(self.address.rstrip("/").rpartition(":")[2])


@contextmanager
def served(command: Sequence[str], announced: str) -> Iterator[Service]:
    """Run a server that prints its address as the last word of a line."""
    with subprocess.Popen([*command], stdout=subprocess.PIPE, text=True) as process, ExitStack() as closing:
        closing.callback(ended, process, 15)
        assert process.stdout is not None
        for line in process.stdout:
            if announced in line:
                # whatever else it says is taken away, so that it never waits for us
                threading.Thread(target=process.stdout.read, daemon=True).start()
                yield Service(process, line.split()[-1])
                return
        raise StageError(f"{command[0]} told no address and ended with {process.wait()}")


@contextmanager
def control_on(folder: Path, people: Path) -> Iterator[Service]:
    """Run the control service."""
    words = ("control", "--demo", "--port", "0", "--folder", str(folder), "--control", str(people))
    with served(command_of(*words), "the control service is at") as service:
        yield service


@contextmanager
def bare_server(bodies: Path) -> Iterator[Service]:
    """Run a bare FastAPI that answers with the bytes of these files."""
    with served([sys.executable, str(Path(__file__).with_name("peer_fastapi.py")), str(bodies)], "peer") as service:
        yield service


# -------------------------------------------------------------------------------------------------------------- people


@dataclass
class People:
    """Made-up people; every code they give is one that was not used."""

    folder: Path
    by_name: dict[str, tuple[Enrolled, str]] = field(default_factory=dict)
    used: int = 0

    def credentials(self, name: str) -> dict[str, str]:
        """What a login asks for."""
        return {"name": name, "password": self.by_name[name][1], "code": self.code(name)}

    def code(self, name: str) -> str:
        """A fresh code, when there is one."""
        step = max(int(time.time()) // STEP_SECONDS - 1, self.used + 1)
        while step > int(time.time()) // STEP_SECONDS + 1:
            time.sleep(0.5)
        self.used = step
        return pyotp.TOTP(self.by_name[name][0].totp).at(step * STEP_SECONDS)


def people_in(folder: Path, channel_port: int) -> People:
    """Enrol them, and let the chat arrive at a port of this machine."""
    folder.mkdir(mode=0o700, parents=True)
    made = enrol_demo(folder, Passwords(), time.time_ns())
    channels = folder / "channels.toml"
    channels.write_text(f'[chat]\nurls = ["json://127.0.0.1:{channel_port}/chat"]\n')
    channels.chmod(0o600)
    return People(folder, {one[0].person.name: one for one in made})


@dataclass
class Channel:
    """A chat on this machine: what arrived, and when by this machine's clock."""

    port: int
    received: list[tuple[float, str]] = field(default_factory=list)


@contextmanager
def opened_channel() -> Iterator[Channel]:
    """Listen for pages on a free port."""
    channel = Channel(0)

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            channel.received.append((time.time(), json.loads(body)["message"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        channel.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield channel
        finally:
            server.shutdown()
            thread.join()


# ------------------------------------------------------------------------------------------------------------- clients


@dataclass
class Client:
    """One connection that stays open; asks for one thing at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    address: str
    cookie: str = ""

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, bytes]:
        """Status and body of an answer."""
        self._send(method, path, body)
        status, headers = await self._head()
        answer = await self.reader.readexactly(int(headers["content-length"]))
        if "set-cookie" in headers:
            found = SimpleCookie(headers["set-cookie"])
            self.cookie = "; ".join(f"{one.key}={one.value}" for one in found.values())
        return status, answer

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """The table a request is answered with; refusals are errors."""
        status, answer = await self.ask("POST", path, body)
        if status != 200:
            raise StageError(f"{path}: {status} {answer.decode()}")
        table: dict[str, Any] = json.loads(answer)
        return table

    async def act(self, path: str, **body: Any) -> dict[str, Any]:
        """The same for what needs a nonce."""
        return await self.post(path, nonce=secrets.token_hex(16), **body)

    async def events(self) -> AsyncIterator[bytes]:
        """Bodies of the stream's events."""
        self._send("GET", "/api/events", None)
        status, _ = await self._head()
        if status != 200:
            raise StageError(f"a stream was refused with {status}")
        while True:
            line = await self.reader.readuntil(b"\n")
            if line.startswith(b"data: "):
                yield line[6:]

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> None:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.address.partition('//')[2]}", f"Cookie: {self.cookie}"]
        content = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            lines += [f"Origin: {self.address}", "Content-Type: application/json", f"Content-Length: {len(content)}"]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + content)

    async def _head(self) -> tuple[int, dict[str, str]]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        return int(head[0].split()[1]), {name.lower(): value for name, _, value in pairs}


@asynccontextmanager
async def connected(service: Service, cookie: str = "") -> AsyncIterator[Client]:
    """A connection to a server of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port, limit=2**20)
    try:
        yield Client(reader, writer, service.address.rstrip("/"), cookie)
    finally:
        writer.close()


async def logged_in(client: Client, people: People, name: str = ACTS) -> str:
    """Log somebody in; the cookie."""
    await client.post("/api/login", **people.credentials(name))
    return client.cookie
