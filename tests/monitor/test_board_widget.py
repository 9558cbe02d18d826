"""The page's other half in the kernel: what it sends when, what it takes, when it ends, and how lean it is."""

import os
import subprocess
import sys

import pytest

from workbench.domain.errors import ConfigError
from workbench.monitor.board.source import Source
from workbench.monitor.board.widget import RiskBoard, chosen_folder, close_widget_doors


class Watch:
    """A stopwatch that is turned by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def board(tmp_path, watch):
    """A board that keeps what it would send; its process does not end."""
    found = RiskBoard(Source(tmp_path / "live", stopwatch=watch), end=lambda: None, stopwatch=watch)
    found.sent = []
    found.send = found.sent.append
    yield found
    found._source.close()
    found.close()


def kinds(board: RiskBoard) -> list[str]:
    return [message["kind"] for message in board.sent]


def say(board: RiskBoard, content: object) -> None:
    board._handle_custom_msg(content, [])


def test_nothing_is_sent_before_the_page_has_spoken(board, writer, made_up):
    writer().show(made_up())
    board.turn()
    assert board.sent == []
    say(board, {"kind": "hello"})
    board.turn()
    assert kinds(board) == ["beat", "series"]
    assert board.sent[0]["sections"]["label"] == "made up"


def test_a_beat_comes_twice_a_second_also_without_a_journal(board, watch):
    say(board, {"kind": "hello"})
    for _ in range(21):
        board.turn()
        watch.seconds += 0.1
    beats = [message for message in board.sent if message["kind"] == "beat"]
    assert len(beats) == 5
    assert {beat["source"]["state"] for beat in beats} == {"no-journal"}


def test_a_change_of_mode_and_an_alert_do_not_wait_for_the_next_beat(board, watch, writer, made_up):
    loop = writer()
    loop.show(made_up())
    say(board, {"kind": "hello"})
    board.turn()
    halted = {"book": {"mode": "HALTED"}}
    for part, body in (("book", made_up(**halted)), ("alerts", made_up(**halted, alerts=[{"level": 4}]))):
        loop.show(body)
        watch.seconds += 0.1
        board.turn()
        assert part in board.sent[-1]["sections"]
    loop.show(made_up(**halted, alerts=[{"level": 4}], label="a small change"))
    watch.seconds += 0.1
    board.turn()
    assert "label" not in board.sent[-1]["sections"]


def test_hello_again_is_answered_with_everything(board, writer, made_up):
    writer().show(made_up())
    for _ in range(2):
        say(board, {"kind": "hello"})
        board.turn()
        assert kinds(board)[-2:] == ["beat", "series"]
        assert board.sent[-2]["sections"].keys() == made_up().keys()


def test_a_choice_of_period_is_answered_with_its_history(board):
    say(board, {"kind": "hello"})
    board.turn()
    board.period = "week"
    board.turn()
    assert (board.sent[-1]["kind"], board.sent[-1]["period"], board.sent[-1]["first"]) == ("series", "week", True)


def test_a_page_that_says_nothing_is_left_after_a_minute_and_a_closed_one_after_20_seconds(board, watch):
    watch.seconds += 59.0
    assert not board.deserted
    watch.seconds += 2.0
    assert board.deserted
    say(board, {"kind": "hello"})
    watch.seconds += 19.0
    say(board, {"kind": "here"})
    watch.seconds += 19.0
    assert not board.deserted
    watch.seconds += 2.0
    assert board.deserted


@pytest.mark.parametrize(
    "content",
    [
        None, 7, "hello", [], ["hello"], {}, {"kind": None}, {"kind": ["hello"]}, {"kind": "halt"},
        {"kind": "resume", "approver": "me"}, {"kind": "execute", "code": "1"}, {"kind": "HELLO"},
    ],
)  # fmt: skip
def test_whatever_else_a_page_says_is_passed_over(board, watch, content):
    say(board, content)
    board.turn()
    assert board.sent == []
    watch.seconds += 61.0
    assert board.deserted, "it does not count as being there either"


def test_choices_are_names_that_are_there(board, writer, made_up):
    writer().show(made_up())
    board.turn()
    assert (board.strategies, board.pairs) == (["carry"], ["EURUSD"])
    board.strategy, board.pair = "carry", "EURUSD"
    assert (board.strategy, board.pair) == ("carry", "EURUSD")
    board.strategy, board.pair = "<img onerror=1>", "XXXYYY"
    assert (board.strategy, board.pair) == ("", "")


def test_a_page_can_make_no_widget_in_the_kernel():
    import comm

    comm.get_comm_manager().register_target("jupyter.widget", lambda *_: None)
    close_widget_doors()
    assert "jupyter.widget" not in comm.get_comm_manager().targets


def test_the_folder_is_the_one_asked_for_then_the_one_of_the_command_then_the_home(monkeypatch):
    monkeypatch.delenv("WORKBENCH_MONITOR_FOLDER", raising=False)
    monkeypatch.delenv("WORKBENCH_HOME", raising=False)
    with pytest.raises(ConfigError, match="workbench monitor"):
        chosen_folder("")
    monkeypatch.setenv("WORKBENCH_HOME", "home")
    assert str(chosen_folder("")) == "home/live"
    monkeypatch.setenv("WORKBENCH_MONITOR_FOLDER", "other")
    assert str(chosen_folder("")) == "other"
    assert str(chosen_folder("mine")) == "mine"


HEAVY = (
    "pandas", "numpy", "numba", "scipy", "pyarrow", "matplotlib", "plotly", "cryptography", "pydantic", "rich", "typer",
    "duckdb", "voila", "jupyter_server", "workbench.app", "workbench.runtime", "workbench.engine",
)  # fmt: skip
SCRIPT = """
import sys
import ipykernel.ipkernel
import workbench.monitor.board.widget
print(",".join(name for name in sys.argv[1].split(",") if name in sys.modules))
"""


def test_the_viewer_kernel_imports_nothing_heavy():
    """Each viewer has a kernel of its own: 60 MB, and 130 MB with pandas."""
    command = [sys.executable, "-c", SCRIPT, ",".join(HEAVY)]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
