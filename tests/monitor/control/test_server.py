"""The service on a real socket: the stream delivers, a command reaches the loop, a restart forgets nothing it wrote."""

import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import httpx
import pytest

WORDS = "several words are easy"


@pytest.fixture
def address(stage: Any) -> Iterator[str]:
    with stage.running() as found:
        yield found


@contextmanager
def logged_in(stage: Any, address: str, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"Origin": address}, timeout=10) as client:
        body = {"name": name, "password": WORDS, "code": stage.keys.code(name)}
        assert client.post("/api/login", json=body).status_code == 200
        yield client


def states(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("data: {") and len(line) > 20:
            yield json.loads(line.removeprefix("data: "))


def test_the_stream_tells_within_a_second_what_a_command_did(stage, address):
    with logged_in(stage, address, "Ada") as client, client.stream("GET", "/api/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        found = states(stream.iter_lines())
        assert next(found)["book"]["mode"] == "ACTIVE"
        with logged_in(stage, address, "Ben") as ben:
            began = time.monotonic()
            answer = ben.post("/api/act", json={"nonce": secrets.token_hex(16), "act": "halt"})
            assert answer.json()["stage"] == "entries stopped"
            for state in found:
                if state["book"]["mode"] == "HALTED":
                    break
            assert time.monotonic() - began < 2.0


def test_the_stream_beats_at_least_once_a_second_and_ends_with_the_session(stage, address):
    with logged_in(stage, address, "Ada") as client, client.stream("GET", "/api/events") as stream:
        lines, times = stream.iter_lines(), []
        while len(times) < 4:
            if next(lines) == "event: state":
                times.append(time.monotonic())
        assert max(later - earlier for earlier, later in pairwise(times)) < 1.6
        client.post("/api/logout", json={})
        assert any(line == "event: over" for line in lines)


def test_strangers_get_no_stream(address):
    assert httpx.get(f"{address}/api/events", timeout=5).status_code == 401


def test_a_foreign_host_is_refused_on_the_wire(address):
    assert httpx.get(f"{address}/", headers={"Host": "evil.example"}, timeout=5).status_code == 421


def test_the_page_and_all_it_loads_are_there(address):
    with httpx.Client(base_url=address, timeout=5) as client:
        worker = client.get("/worker.js").text
        named = re.findall(r'"(/[\w.-]*)"', worker)
        assert len(named) > 20
        for path in named:
            answer = client.get(path)
            assert answer.status_code == 200 and answer.headers["etag"]
            assert client.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
        assert "VERSION" not in worker
        manifest = client.get("/manifest.webmanifest").json()
        assert all(client.get(icon["src"]).status_code == 200 for icon in manifest["icons"])
        assert client.get("/").headers["cross-origin-opener-policy"] == "same-origin"


def test_stopping_the_service_halts_nothing_and_starting_again_knows_what_was_spent(stage):
    nonce = secrets.token_hex(16)
    with stage.running() as address, logged_in(stage, address, "Ada") as client:
        assert client.post("/api/act", json={"nonce": nonce, "act": "halt"}).status_code == 200
    with stage.again() as later, later.running() as address, logged_in(later, address, "Ada") as client:
        answer = client.post("/api/act", json={"nonce": nonce, "act": "halt"})
        assert answer.status_code == 409
    assert len(stage.sent()) == 1


def test_where_it_is_is_told_once_and_only_when_it_answers(stage):
    told: list[bool] = []
    with stage.running(told=told) as address:
        assert httpx.get(address, timeout=10).status_code == 200
    assert told == [True]
