"""Live loops as processes, for tests: none outlives the test that started it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))  # the fault campaigns start the same processes

from real_processes.breach import ScriptedBreach
from real_processes.control_room import ControlRoom, opened_room
from real_processes.processes import Nursery, Plans, Running, executions_of, plans_in, rows_of
from real_processes.processes import warm_process as warm
from real_processes.sinks import Sinks, opened_sinks

from workbench.data.journal.rows import RowKind


@pytest.fixture(scope="session")
def warm_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """One warm process for all tests."""
    with warm(tmp_path_factory.mktemp("live")) as nursery:
        yield nursery


@pytest.fixture
def nursery(warm_process: Nursery) -> Iterator[Nursery]:
    """Starts children; none of them outlives the test."""
    yield warm_process
    warm_process.end()


@pytest.fixture
def command(nursery: Nursery, tmp_path: Path) -> Callable[..., Running]:
    """The real command, on the test's folder."""

    def start(*arguments: str, folder: Path | None = None, **task: Any) -> Running:
        where = folder or tmp_path / "book"
        return nursery.start(where, command=[*arguments, "--folder", str(where)], **task)

    return start


@pytest.fixture
def live(command: Callable[..., Running], plans: "Plans") -> Callable[..., Running]:
    """A live loop on the test's folder, in a simulated market; options come after."""

    def start(*arguments: str, **task: Any) -> Running:
        return command("live", "--feed", "simulated:7", "--book", plans.book, *arguments, **task)

    return start


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Plans:
    """See `plans_in`."""
    return plans_in(tmp_path_factory.mktemp("plans"))


@pytest.fixture
def breach(nursery: Nursery, plans: Plans, tmp_path: Path) -> ScriptedBreach:
    """The scripted breach, in folders of the test."""
    return ScriptedBreach(nursery, plans, tmp_path)


@pytest.fixture(scope="session")
def executions() -> Callable[[Path], tuple[list[str], list[dict[str, Any]]]]:
    """See `executions_of`."""
    return executions_of


@pytest.fixture(scope="session")
def bodies() -> Callable[[Path, RowKind], list[dict[str, Any]]]:
    """See `rows_of`."""
    return rows_of


@pytest.fixture
def room(nursery: Nursery, tmp_path: Path) -> ControlRoom:
    """People in a home of their own; see `ControlRoom`."""
    return opened_room(nursery, tmp_path / "home")


@pytest.fixture
def sinks() -> Iterator[Sinks]:
    """Where pages arrive."""
    with opened_sinks() as opened:
        yield opened
