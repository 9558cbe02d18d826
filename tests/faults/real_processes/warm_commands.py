"""A process that has everything imported and compiled, and forks a `workbench` command whenever it is told to.

Starting the command costs seconds, forking it milliseconds: so that a test can kill a loop at every write it makes. It
reads one JSON object a line from standard input and answers with one. Children die by signals like any process.
"""

import errno
import importlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import apsw
from parting import ends_with, kill_with_children

from workbench.app import live, prepare_environment
from workbench.data.policy_file import read_policy
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.runtime.worlds.world import World

UNIX_DISK = "unix"
"""SQLite's own way to the disk."""
KEPT: list[object] = []
"""What SQLite uses as long as this process lives."""


def warm_up(folder: Path) -> None:
    """Live for a moment, so that everything is imported and compiled before the first fork."""
    turn_until({"request": {"feed": "simulated:7", "speed": 0.0, "folder": str(folder)}, "seconds": 2.0})
    from workbench.app import live_shell
    from workbench.monitor.live_console import print_status

    shown = live_shell.read_status(folder)
    print_status(shown.body, shown.age_seconds, alive=shown.alive)
    live_shell.audit_verify(folder)
    live_shell.audit_replay(folder, lambda *_: None)


@cache
def place_of(feed: str, speed: float, seconds: float, book: str, policy_file: str) -> tuple[Policy, World]:
    """Policy and world of a request; made once, before forking."""
    policy = read_policy(Path(policy_file) if policy_file else None)
    request = live.LiveRequest(feed=feed, speed=speed, seconds=seconds, book_file=book, policy_file=policy_file)
    return policy, live.world_of(request, policy)


def turn_until(task: dict[str, Any]) -> None:
    """Run a loop until so many seconds of its clock after the beginning of its world."""
    request = live.LiveRequest(**task["request"])
    policy, world = place_of(request.feed, request.speed, request.seconds, request.book_file, request.policy_file)
    ends_ns = world.begins_ns + round(task["seconds"] * SECOND_NS)
    with live.opened_loop(request, policy, world, live.live_folder(request.folder)) as (loop, _):
        loop.run(lambda: int(loop.state.time_ns) >= ends_ns)


def run_command(task: dict[str, Any]) -> None:
    """Run the real command line."""
    from workbench import cli

    sys.argv = ["workbench", *task["command"]]
    cli.main()


# ------------------------------------------------------------------------------------------------------ death and disks


def die() -> None:
    """Die as a process does that is killed: nothing is flushed, nothing is closed."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(at: int, moment: str) -> None:
    """Die before, within or after the n-th write to the journal or to the paper broker's books."""
    from workbench.data.journal.journal import Journal
    from workbench.execution.paper.ledger import FileLedger

    writes, whole, entered = count(1), Journal._transaction, FileLedger.write

    @contextmanager
    def transaction(journal: Journal) -> Iterator[None]:
        number = next(writes)
        if (number, moment) == (at, "before"):
            die()
        with whole(journal):
            yield
            if (number, moment) == (at, "within"):
                die()
        if (number, moment) == (at, "after"):
            die()

    def write(ledger: FileLedger, *arguments: Any) -> None:
        number = next(writes)
        if number == at and moment != "after":
            die()
        entered(ledger, *arguments)
        if number == at:
            die()

    Journal._transaction, FileLedger.write = transaction, write


def telling(heads: Path) -> None:
    """Append the head after every write that returned: what was acknowledged, known outside the journal."""
    from workbench.data.journal.journal import Journal

    write = Journal.write
    handle = os.open(heads, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def told(journal: Journal, *arguments: Any) -> int:
        last = write(journal, *arguments)
        os.write(handle, f"{journal.head.sequence}:{journal.head.digest}\n".encode())
        return last

    Journal.write = told


def stopping(turns: int) -> None:
    """Ask this process to stop after so many turns, as whoever started it would."""
    from workbench.runtime.live.loop import LiveLoop

    turn = LiveLoop.turn

    def counted(loop: LiveLoop) -> None:
        turn(loop)
        if loop.turns == turns:
            os.kill(os.getpid(), signal.SIGTERM)

    LiveLoop.turn = counted


def lived(seconds: float) -> None:
    """Ask this process to stop after so many seconds of its loop's clock."""
    from workbench.runtime.live.loop import LiveLoop

    turn, began_ns = LiveLoop.turn, list[int]()

    def timed(loop: LiveLoop) -> None:
        began_ns.append(int(loop.state.time_ns)) if not began_ns else None
        turn(loop)
        if int(loop.state.time_ns) - began_ns[0] >= round(seconds * SECOND_NS):
            os.kill(os.getpid(), signal.SIGTERM)

    LiveLoop.turn = timed


def clock_set(turns: int, seconds: float) -> None:
    """Set the clock of the machine, as this process reads it, after so many turns."""
    from workbench.runtime.live.loop import LiveLoop

    turn, time_ns = LiveLoop.turn, time.time_ns

    def counted(loop: LiveLoop) -> None:
        turn(loop)
        if loop.turns == turns:
            time.time_ns = lambda: time_ns() + round(seconds * SECOND_NS)
            time.time = lambda: time.time_ns() / SECOND_NS

    LiveLoop.turn = counted


def sync_fails(at: int, struck: Path) -> None:
    """Fail the n-th sync of this process, whatever file it is of, and leave a file that says which it was.

    Later ones work, as they do on Linux.
    """
    syncs, sync = count(1), os.fsync

    def strikes(name: str) -> bool:
        number = next(syncs)
        if number == at:
            struck.write_text(name)
        return number == at

    class File(apsw.VFSFile):
        def __init__(self, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
            super().__init__(UNIX_DISK, name, flags)
            self.name = Path(str(name.filename() if isinstance(name, apsw.URIFilename) else name)).name

        def excepthook(self, *_: object) -> None:
            """Say nothing: what SQLite passes over in silence is not the program's to tell."""

        def xSync(self, flags: int) -> None:
            if strikes(self.name):
                raise apsw.IOError("the disk could not keep what was written")
            super().xSync(flags)

    class Disk(apsw.VFS):
        def __init__(self) -> None:
            super().__init__("failing", UNIX_DISK, makedefault=True)

        def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
            return File(name, flags)

    def synced(handle: Any) -> None:
        if strikes("a file or folder of Python's"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(handle)

    os.fsync = synced
    KEPT.append(Disk())


def mistaken(method: str) -> None:
    """Have a method end as a mistake in the program would end it: nobody expects this error."""
    place, _, name = method.partition(":")
    owner, _, attribute = name.partition(".")

    def mistake(*arguments: object, **named: object) -> None:
        raise AssertionError(f"a mistake of the program, made for a test, in {method}")

    setattr(getattr(importlib.import_module(place), owner), attribute, mistake)


def become(task: dict[str, Any]) -> None:
    """What a child does first: its own files, its limits, how it dies."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.update(task.get("environment", {}))
    read, told = task.get("input", "/dev/null"), os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, path, flags in ((0, read, os.O_RDONLY), (1, task["out"], told), (2, task["err"], told)):
        handle = os.open(path, flags, 0o600)
        os.dup2(handle, number)
    if "file_limit" in task:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (task["file_limit"], task["file_limit"]))
    if "kill_at" in task:
        deadly(task["kill_at"], task["moment"])
    if "heads" in task:
        telling(Path(task["heads"]))
    if "turns" in task:
        stopping(task["turns"])
    if "lived" in task:
        lived(task["lived"])
    if "clock_set" in task:
        clock_set(*task["clock_set"])
    if "sync_fails_at" in task:
        sync_fails(task["sync_fails_at"], Path(task["struck"]))
    if "mistake_in" in task:
        mistaken(task["mistake_in"])


def child(task: dict[str, Any]) -> int:
    """Do the task, and say how it ended."""
    become(task)
    try:
        run_command(task) if "command" in task else turn_until(task)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


# ----------------------------------------------------------------------------------------------------------- the parent


class Nursery:
    """Forks children, and knows how they ended."""

    def __init__(self) -> None:
        self._living: set[int] = set()

    def start(self, task: dict[str, Any]) -> dict[str, Any]:
        """Fork one."""
        if "request" in task:
            request = live.LiveRequest(**task["request"])
            place_of(request.feed, request.speed, request.seconds, request.book_file, request.policy_file)
        sys.stdout.flush()
        parent, process = os.getpid(), os.fork()
        if process == 0:
            # a supervisor stops what it has started when it is asked; everything else is killed
            ends_with(parent, signal.SIGTERM if task.get("command", [""])[0] == "up" else signal.SIGKILL)()
            code = 70
            try:
                code = child(task)
            finally:
                if sys.exc_info()[0] is not None:
                    sys.excepthook(*sys.exc_info())
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        self._living.add(process)
        return {"pid": process}

    @staticmethod
    def imports(task: dict[str, Any]) -> dict[str, Any]:
        """Import modules, so that children need not."""
        for name in task["imports"]:
            importlib.import_module(name)
        return {}

    def poll(self, task: dict[str, Any]) -> dict[str, Any]:
        """How a child ended; null while it lives."""
        process, status = os.waitpid(task["poll"], 0 if task.get("wait") else os.WNOHANG)
        if not process:
            return {"code": None}
        self._living.discard(process)
        return {"code": os.waitstatus_to_exitcode(status)}

    def end(self) -> None:
        """Leave nobody behind."""
        for process in self._living:
            kill_with_children(process)
            os.waitpid(process, 0)


def serve(folder: Path) -> None:
    """Answer until standard input ends, or somebody asks to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    prepare_environment()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(folder / "warm.txt", os.O_WRONLY | os.O_CREAT, 0o600), 1)
    warm_up(folder / "warm")
    nursery = Nursery()
    does: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "poll": nursery.poll, "imports": nursery.imports,
    }  # fmt: skip
    answers.write("{}\n")
    answers.flush()
    try:
        for line in sys.stdin:
            task = json.loads(line)
            answer = does.get(next(iter(task)), nursery.start)(task)
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
    finally:
        nursery.end()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
