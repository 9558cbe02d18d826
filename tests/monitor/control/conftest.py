"""People, a loop and the service in front of it, and somebody who speaks HTTP."""

import asyncio
import importlib.util
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

spec = importlib.util.spec_from_file_location("control_stage", Path(__file__).with_name("stage.py"))
assert spec is not None
assert spec.loader is not None
stage_module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stage_module)

BASE = f"http://127.0.0.1:{stage_module.PORT}"


class Http:
    """A browser's requests, in-process, one after the other."""

    def __init__(self, app: Any) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url=BASE, headers={"Origin": BASE})
        self.cookies = self.client.cookies

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self.client.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


class Somebody:
    """A browser: keeps its cookie, sends its origin, draws a nonce for each request."""

    def __init__(self, stage: Any, name: str = "") -> None:
        self.stage, self.name = stage, name
        self.http = Http(stage.app)

    def log_in(self) -> "Somebody":
        code = self.stage.keys.code(self.name)
        body = {"name": self.name, "password": stage_module.WORDS, "code": code}
        answer = self.post("/api/login", **body)
        assert answer.status_code == 200, answer.text
        return self

    def step_up(self) -> Any:
        return self.post("/api/step-up", code=self.stage.keys.code(self.name))

    def post(self, path: str, **body: Any) -> Any:
        return self.http.post(path, json=body)

    def ask(self, path: str, **body: Any) -> Any:
        return self.post(path, **{"nonce": secrets.token_hex(16), **body})

    def act(self, act: str, **more: Any) -> Any:
        return self.ask("/api/act", act=act, **more)


@pytest.fixture
def patient(tmp_path: Path) -> None:
    """Before `stage`: a service that waits a whole second for what comes at once."""
    stage_module.patient_policy(tmp_path)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Any]:
    with stage_module.staged(tmp_path) as raised:
        yield raised


@pytest.fixture(scope="module")
def dan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Somebody]:
    """Who may do everything, logged in; for tests in which nothing may happen."""
    with stage_module.staged(tmp_path_factory.mktemp("shared")) as raised:
        yield Somebody(raised, "Dan").log_in()


@pytest.fixture(scope="module")
def stranger(dan: Somebody) -> Somebody:
    """Somebody who is not logged in."""
    return Somebody(dan.stage)


@pytest.fixture
def person(stage: Any) -> Callable[..., Somebody]:
    """Somebody who is logged in; without a name a stranger."""

    def of(name: str = "") -> Somebody:
        found = Somebody(stage, name)
        return found.log_in() if name else found

    return of


@pytest.fixture
def somebody() -> Callable[[Any, str], Somebody]:
    """A browser on any stage."""
    return Somebody


@pytest.fixture
def request_of() -> Callable[..., Any]:
    """What the command line would ask of the service on a stage's folders."""
    return stage_module.request_of


@pytest.fixture
def staged() -> Callable[..., Any]:
    """Another stage, with people who are made up or not."""
    return stage_module.staged
