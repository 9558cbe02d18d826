"""A desk in a folder of its own; it is closed when the test ends."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from alert_desk import Desk, policy_with

from workbench.domain.policy import Policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    return policy_with(retry_seconds=0.5, hand_over_seconds=5, attempts=2)


@pytest.fixture
def open_desk(tmp_path: Path, policy: Policy) -> Iterator[Callable[..., Desk]]:
    opened: list[Desk] = []

    def open_one(**options: object) -> Desk:
        wanted = options.pop("policy", policy)
        opened.append(Desk(tmp_path / f"desk{len(opened)}", wanted, **options))
        return opened[-1]

    yield open_one
    for desk in opened:
        desk.close()


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk()
