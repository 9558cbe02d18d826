"""The control service killed for good in the middle of paging, at every write and at every message."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from real_processes.deaths import MOMENTS
from real_processes.pages import Ending, Place, Story
from real_processes.processes import Nursery

AT_ONCE = 4
WRITES = (4, 5, 6, 6, 6, 7, 7, 7, 8)
"""A story takes 8 to 13, as answers come in one turn or in several; the first ones open the journal. Around the sixth
and seventh pages are handed over: there the service dies before, within and after.
"""


@pytest.fixture(scope="module")
def expected(warm_process: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[Place]]:
    """What is told when nobody dies: everything once."""
    ending = Story(warm_process, tmp_path_factory.mktemp("undisturbed"), "undisturbed").told()
    assert not ending.killed and set(ending.whole.values()) == {1} and not ending.marked
    assert {place[0] for place in ending.whole} == {"chat", "email", "sms", "call", "log"}
    assert len(ending.whole) > 15
    yield set(ending.whole)
    warm_process.end()


def told(nursery: Nursery, folder: Path, deaths: list[dict[str, object]]) -> list[Ending]:
    """Several stories at once."""
    with ThreadPoolExecutor(AT_ONCE) as crew:
        stories = [Story(nursery, folder / str(place), str(death), **death) for place, death in enumerate(deaths)]
        return list(crew.map(Story.told, stories))


def test_killed_at_any_write_the_next_start_neither_loses_nor_repeats_a_page(
    nursery: Nursery, tmp_path: Path, expected: set[Place]
) -> None:
    deaths = [{"kill_at": number, "moment": MOMENTS[place % len(MOMENTS)]} for place, number in enumerate(WRITES)]
    endings = told(nursery, tmp_path, deaths)
    assert [sentence for one in endings for sentence in one.broken(expected)] == []
    assert sum(one.killed for one in endings) > 4
    assert any(one.doubtful for one in endings), "some of them died with a page in the air"


def test_killed_while_a_message_is_handed_over_only_what_was_in_doubt_comes_again_and_says_so(
    nursery: Nursery, tmp_path: Path, expected: set[Place]
) -> None:
    deaths = [{"kill_on": number, "wait_seconds": wait} for number in (1, 6) for wait in (0.0, 0.02)]
    endings = told(nursery, tmp_path, deaths)
    assert [sentence for one in endings for sentence in one.broken(expected)] == []
    assert all(one.killed for one in endings)
    assert sum(one.repeats for one in endings) > 2, "nobody can know that a message that was not answered has arrived"
