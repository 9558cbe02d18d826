"""The control service: reads, from a command to the loop's act, event streams, from an alert to the first channel.

Everything of the real thing is there: `workbench live` and `workbench control` with their journals on this disk, people
with passwords and authenticators, HTTP over this machine's own network, a channel that answers at once.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from control_stage import (
    ACTS,
    FRESH_SECONDS,
    Channel,
    Client,
    People,
    Service,
    bare_server,
    connected,
    control_on,
    logged_in,
    opened_channel,
    people_in,
)
from measure import Row, row, run_alone
from monitor_stage import Loop, StageError, loop_on, metered, until

from workbench.app import live_shell
from workbench.data.inbox import Inbox
from workbench.data.journal import codec
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.domain.trading.decisions import RaiseAlert
from workbench.domain.trading.reasons import Reason
from workbench.response.incidents.manual_acts import act_in_words

FEED = ("simulated", "--seconds", "0.25")
"""Four quotes a second of each pair: the most OANDA streams, and something new to show at every look."""
READ = ("status", "incidents", "alerts", "orders", "procedures", "contacts", "me")
GAP_SECONDS = 2.0
"""Between two messages to one person on one channel, by the policy (`people.paging.gap_seconds`)."""
SHARE = 0.001
"""Of every position, closed to raise an alert."""
ALERTED = act_in_words("ann", "reduce", SHARE)
READS_A_SECOND = 100
CONNECTIONS = 20
PEER = "bare FastAPI and uvicorn, the same bytes"
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    read_seconds: float = 40.0
    commands: int = 60
    streams: int = 200
    stream_seconds: float = 30.0
    alerts: int = 60


SMALL = Size(1.0, 2, 10, 2.0, 2)


@dataclass(slots=True)
class Stage:
    """Loop, service, people and the channel their pages arrive at."""

    loop: Loop
    service: Service
    people: People
    channel: Channel


def quantile(values: list[float], at: float = 0.99) -> float:
    return float(np.quantile(values, at))


# --------------------------------------------------------------------------------------------------------------- reads


async def read_all(service: Service, cookie: str, seconds: float) -> list[float]:
    """Seconds each answer took, from the moment it was due to be asked for: a slow one delays nothing but itself."""
    waits: list[float] = []
    async with AsyncExitStack() as opened:
        idle = asyncio.Queue[Client]()
        for _ in range(CONNECTIONS):
            idle.put_nowait(await opened.enter_async_context(connected(service, cookie)))

        async def one(path: str, due: float) -> None:
            client = await idle.get()
            status, _ = await client.ask("GET", path)
            waits.append(time.perf_counter() - due)
            idle.put_nowait(client)
            if status != 200:
                raise StageError(f"{path} was answered with {status}")

        began = time.perf_counter()
        async with asyncio.TaskGroup() as asking:
            for number in range(round(seconds * READS_A_SECOND)):
                due = began + number / READS_A_SECOND
                await asyncio.sleep(max(due - time.perf_counter(), 0.0))
                asking.create_task(one(f"/api/{READ[number % len(READ)]}", due))
    return waits


async def keep_bodies(service: Service, cookie: str, folder: Path) -> None:
    """What the service answers, for the peer to answer the same."""
    folder.mkdir()
    async with connected(service, cookie) as client:
        for name in READ:
            _, body = await client.ask("GET", f"/api/{name}")
            (folder / f"api {name}").write_bytes(body)


def read_rows(stage: Stage, cookie: str, folder: Path, size: Size) -> list[Row]:
    """Reads at a steady pace, of the service and of the peer."""
    asyncio.run(read_all(stage.service, cookie, min(1.0, size.read_seconds)))
    ours = asyncio.run(read_all(stage.service, cookie, size.read_seconds))
    asyncio.run(keep_bodies(stage.service, cookie, folder / "bodies"))
    largest = max(path.stat().st_size for path in (folder / "bodies").iterdir())
    with bare_server(folder / "bodies") as peer:
        asyncio.run(read_all(peer, "", min(1.0, size.read_seconds)))
        theirs = asyncio.run(read_all(peer, "", size.read_seconds))
    note = (
        f"{len(ours):,} reads of {len(READ)} kinds in {size.read_seconds:.0f} s while the loop runs, the largest of "
        f"{largest / 1e3:.0f} kB; median {1e3 * quantile(ours, 0.5):.1f} ms, longest {1e3 * max(ours):.0f} ms; the "
        f"peer's median {1e3 * quantile(theirs, 0.5):.1f} ms"
    )
    title = f"control: read at {READS_A_SECOND} requests/s, p99"
    return [
        row(title, 1e3 * quantile(ours), "ms", target=50, peer=PEER, peer_value=1e3 * quantile(theirs), note=note)
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ commands


async def halts(stage: Stage, size: Size) -> list[float]:
    """Seconds from pressing halt to the answer that the loop has stopped entries; two people resume in between."""
    waits, draws = [], np.random.default_rng(8)
    async with connected(stage.service) as client:
        await logged_in(client, stage.people)
        fresh_at = time.monotonic()
        for _ in range(size.commands):
            await asyncio.sleep(float(draws.uniform(0.1, 0.6)))
            if time.monotonic() - fresh_at > FRESH_SECONDS:
                await client.post("/api/step-up", code=stage.people.code(ACTS))
                fresh_at = time.monotonic()
            began = time.perf_counter()
            answer = await client.act("/api/act", act="halt")
            waits.append(time.perf_counter() - began)
            if (answer["stage"], answer["certain"]) != ("entries stopped", True):
                raise StageError(f"the answer to a halt was {answer}")
            ask(stage, "resume", approver="bob")
            until(lambda: stage.loop.shown()["book"]["mode"] != "HALTED", "the book is resumed")
    return waits


def ask(stage: Stage, act: str, **fields: object) -> None:
    """Ask the loop as a shell does."""
    Inbox(stage.loop.folder / "inbox").send(live_shell.command_of(act, "ann", **fields))


def command_rows(stage: Stage, size: Size) -> list[Row]:
    """Rows of the commands."""
    waits = asyncio.run(halts(stage, size))
    note = (
        f"{len(waits)} halts, median {quantile(waits, 0.5):.2f} s, longest {max(waits):.2f} s; until the answer is here"
    )
    return [row("control: command to what the loop did, p99", quantile(waits), "s", target=1, note=note)]


# ------------------------------------------------------------------------------------------------------------- streams


@dataclass(slots=True)
class Heard:
    """When one follower heard each state, by the moment the service made it, and by the loop's own showing in it."""

    states: dict[int, float] = field(default_factory=dict)
    showings: dict[int, float] = field(default_factory=dict)


async def follow(client: Client, heard: Heard, ends: float) -> None:
    """Note every state that comes."""
    async for body in client.events():
        now = time.time()
        heard.states[number_after(body, b'"server_ns":')] = now
        heard.showings.setdefault(number_after(body, b'"wall_ns":'), now)
        if now > ends:
            return


def number_after(body: bytes, name: bytes) -> int:
    """A number of a JSON text, without reading all of it: two hundred followers share one core with others."""
    return int(body.partition(name)[2].partition(b",")[0].rstrip(b"}"))


async def follow_all(stage: Stage, cookie: str, size: Size) -> tuple[list[Heard], float]:
    """Everybody follows for a while; and the share of a core that the service takes meanwhile."""
    async with AsyncExitStack() as opened:
        clients = [await opened.enter_async_context(connected(stage.service, cookie)) for _ in range(size.streams)]
        followers = [Heard() for _ in clients]
        ends = time.time() + size.stream_seconds + 1.0
        async with asyncio.TaskGroup() as following:
            for client, heard in zip(clients, followers, strict=True):
                following.create_task(follow(client, heard, ends))
            await asyncio.sleep(1.0)
            share = metered(lambda: [psutil.Process(stage.service.process.pid)])
            await asyncio.sleep(size.stream_seconds - 0.5)
            found = share()
    return followers, found


def stream_rows(stage: Stage, cookie: str, size: Size) -> list[Row]:
    """Rows of the event streams, with the service bound to one core."""
    server = psutil.Process(stage.service.process.pid)
    cores = sorted(os.sched_getaffinity(server.pid)) if hasattr(os, "sched_getaffinity") else []
    if cores:
        server.cpu_affinity(cores[:1])
    followers, share = asyncio.run(follow_all(stage, cookie, size))
    memory = server.memory_info().rss / MIB
    if cores:
        server.cpu_affinity(cores)
    # the first state of each is its own, made when it came; the last ones may still be on their way to some
    told = sorted(set.intersection(*(set(one.states) for one in followers)))
    missing = sum(sum(told[0] <= made <= told[-1] for made in one.states) - len(told) for one in followers)
    delays = [one.states[made] - made / 1e9 for one in followers for made in told]
    ages = [at - shown / 1e9 for one in followers for shown, at in [*one.showings.items()][1:]]
    note = (
        f"{len(told)} states to each of {len(followers)} in {size.stream_seconds:.0f} s, {missing} missed by somebody; "
        f"median {quantile(delays, 0.5):.2f} s, longest {max(delays):.2f} s; from making a state to reading it"
    )
    crowd = f"control: {size.streams} event streams, the service on one core"
    return [
        row(f"{crowd}, state to client, p99", quantile(delays), "s", target=1, note=note),
        row(f"{crowd}, the loop's showing to client, p99", quantile(ages), "s", target=1,
            note=f"median {quantile(ages, 0.5):.2f} s, longest {max(ages):.2f} s; told at most twice a second"),
        row(f"{crowd}, its share of that core", 100 * share, "%", target=100),
        row(f"{crowd}, resident memory", memory, "MB"),
    ]  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- alerts


async def handed_over(stage: Stage, size: Size) -> list[float]:
    """Seconds from the loop's alert to its arrival at the channel; somebody acknowledges each before the next."""
    waits, draws, received = [], np.random.default_rng(9), stage.channel.received
    async with connected(stage.service) as client:
        await logged_in(client, stage.people)
        while len(waits) < size.alerts:
            await acknowledge_all(client)
            await asyncio.sleep(GAP_SECONDS + float(draws.uniform(0.1, 0.6)))
            known, arrived = stage.loop.shown()["journal"]["sequence"], len(received)
            if arrived and time.time() - received[-1][0] < GAP_SECONDS:  # of something else meanwhile
                continue
            ask(stage, "reduce", fraction=SHARE)
            until(lambda: any(ALERTED in text for _, text in received[arrived:]), "a page of the alert")  # noqa: B023
            if ALERTED in received[arrived][1]:
                waits.append(received[arrived][0] - raised_at(stage.loop, known))
    return waits


async def acknowledge_all(client: Client) -> None:
    """Nobody is paged for anything any more; an alert of the same cause is a new incident then."""
    _, body = await client.ask("GET", "/api/incidents")
    for one in json.loads(body)["rows"]:
        if one["closed_ns"] is None and not one["acknowledged"]:
            await client.act("/api/acknowledge", incident=one["id"])


def raised_at(loop: Loop, after: int) -> float:
    """When the loop told of a reduction after a row, by this machine's clock."""
    table = loop.shown()["loop"]
    with JournalReader(loop.folder) as reader:
        for found in reader.rows(after, (RowKind.DECISION,)):
            decision = codec.decode_decision(found.body, found.time_ns)
            if isinstance(decision, RaiseAlert) and decision.reason == Reason.OPERATOR_REDUCE:
                return (found.time_ns + table["wall_ns"] - table["now_ns"]) / 1e9
    raise StageError("a page came, and no alert is in the loop's journal")


def alert_rows(stage: Stage, size: Size) -> list[Row]:
    """Rows of the alerts."""
    waits = asyncio.run(handed_over(stage, size))
    note = (
        f"{len(waits)} alerts, median {quantile(waits, 0.5):.2f} s, longest {max(waits):.2f} s, each after "
        f"{GAP_SECONDS:g} s of silence"
    )
    return [row("control: loop's alert to the first channel, p99", quantile(waits), "s", target=1, note=note)]


def bench(*, smoke: bool) -> list[Row]:
    """Rows of the control service."""
    size = SMALL if smoke else Size()
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as name, opened_channel() as channel:
        folder = Path(name)
        people = people_in(folder / "people", channel.port)
        with loop_on(folder / "live", *FEED) as loop, control_on(folder / "live", people.folder) as service:
            stage = Stage(loop, service, people, channel)
            cookie = asyncio.run(cookie_of(stage))
            parts: list[Callable[[], list[Row]]] = [
                lambda: read_rows(stage, cookie, folder, size),
                lambda: stream_rows(stage, cookie, size),
                lambda: command_rows(stage, size),
                lambda: alert_rows(stage, size),
            ]
            return [one for part in parts for one in part()]


async def cookie_of(stage: Stage) -> str:
    """Somebody who looks on."""
    async with connected(stage.service) as client:
        return await logged_in(client, stage.people, "Demo Viewer")


if __name__ == "__main__":
    run_alone(bench)
