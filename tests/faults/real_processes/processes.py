"""Live loops as processes: started warm, watched from outside, killed by their own number, ended in every case."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from real_processes.parting import ends_with, kill_with_children

from workbench.app.live_shell import read_status
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.domain.errors import DataError

PATIENCE_SECONDS = 60.0
SHIPPED = Path(__file__).parents[3] / "src" / "workbench" / "domain" / "default_policy.toml"


def wait_for(claim: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until something holds, and give what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        if found := claim():
            return found
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)


@dataclass
class Running:
    """A command in a process of its own, forked from a warm one."""

    nursery: "Nursery"
    pid: int
    folder: Path
    out: Path
    err: Path
    code: int | None = None

    def ended(self) -> bool:
        """Whether it has ended by itself or by a signal."""
        if self.code is None:
            self.code = self.nursery.ask({"poll": self.pid})["code"]
        return self.code is not None

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Its exit code; negative for a signal."""
        wait_for(self.ended, f"the end of process {self.pid}: {self.out.read_text()}{self.err.read_text()}", seconds)
        assert self.code is not None
        return self.code

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert not self.ended(), self.err.read_text()
        os.kill(self.pid, number)

    def stop(self) -> int:
        """Ask it to stop."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def status(self) -> dict[str, Any]:
        """Its projection; empty while there is none."""
        try:
            table = json.loads(read_status(self.folder).body)
        except DataError:
            return {}
        return table if table["pid"] == self.pid else {}

    def wait_until(
        self, claim: Callable[[dict[str, Any]], Any], what: str, seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Wait until the projection shows something."""

        def shown() -> dict[str, Any]:
            assert not self.ended(), f"ended with {self.code}: {self.out.read_text()}{self.err.read_text()}"
            table = self.status()
            return table if table and claim(table) else {}

        found: dict[str, Any] = wait_for(shown, what, seconds)
        return found

    def sentence(self, code: int = 1) -> str:
        """The one sentence it refused with."""
        assert self.wait() == code, self.err.read_text()
        line, *more = self.err.read_text().splitlines()
        assert more == [], self.err.read_text()
        assert line.startswith("workbench"), line
        return line.partition(": ")[2]


@dataclass
class Nursery:
    """Forks commands from a warm process."""

    process: subprocess.Popen[str]
    scratch: Path
    running: list[Running] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        """One question, one answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with self.lock:
            self.process.stdin.write(json.dumps(task) + "\n")
            self.process.stdin.flush()
            answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def start(self, folder: Path, **task: Any) -> Running:
        """Fork a child for a task."""
        name = f"{len(self.running)}-{folder.name}"
        out, err = self.scratch / f"{name}.out", self.scratch / f"{name}.err"
        for path in (out, err):
            path.touch()
        process = self.ask({"out": str(out), "err": str(err), **task})["pid"]
        self.running.append(Running(self, process, folder, out, err))
        return self.running[-1]

    def end(self) -> None:
        """Leave no child behind."""
        for one in self.running:
            if not one.ended():
                kill_with_children(one.pid)
                one.wait()


@contextmanager
def warm_process(scratch: Path) -> Iterator[Nursery]:
    """One process that has everything compiled; its children write what they say into a folder."""
    command = [sys.executable, str(Path(__file__).parent / "warm_commands.py"), str(scratch)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    bound = ends_with(os.getpid(), signal.SIGTERM)  # told so, it ends its children
    with subprocess.Popen(command, env=environment, preexec_fn=bound, **pipes) as process:  # noqa: PLW1509 -- one system call
        nursery = Nursery(process, scratch)
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "{}\n", "the warm process did not start"
        try:
            yield nursery
        finally:
            process.stdin.close()
            process.wait(PATIENCE_SECONDS)


@dataclass(frozen=True)
class Plans:
    """Files that a loop is started with."""

    book: str
    breached: str
    hopeless: str
    slow_paper: str


def policy_with(path: Path, *triggers: str) -> Path:
    """The shipped policy with other triggers of the value-at-risk ladder."""
    text = SHIPPED.read_text()
    for before, after in zip(("0.002", "0.003", "0.005"), triggers, strict=True):
        assert text.count(f"\ntrigger = {before} ") + text.count(f"\ntrigger = {before}\n") == 1
        text = text.replace(f"\ntrigger = {before}\n", f"\ntrigger = {after}\n")
    path.write_text(text)
    return path


def plans_in(folder: Path) -> Plans:
    """A book of three, policies whose value-at-risk ladder it breaks, a broker that takes its time."""
    book, paper = folder / "book.csv", folder / "paper.toml"
    book.write_text("pair,units\nEURUSD,300000\nUSDJPY,-250000\nEURCHF,90000\n")
    breached = policy_with(folder / "breached.toml", "0.0010", "0.0015", "0.0019")
    hopeless = policy_with(folder / "hopeless.toml", "0.0001", "0.0002", "0.0003")
    paper.write_text(
        "acknowledge_ms = 100.0\nexecute_ms = 400.0\nexecute_jitter_ms = 350.0\n"
        "partial_fill_probability = 0.5\nrest_cancelled_probability = 0.3\n"
        "price_lives_seconds = 20.0\n"
    )
    return Plans(str(book), str(breached), str(hopeless), str(paper))


def executions_of(folder: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """What the broker's own books say: the ids it was sent, and what it executed."""
    with sqlite3.connect(f"file:{folder / 'paper.sqlite'}?mode=ro", uri=True) as books:
        ids = [row[0] for row in books.execute("SELECT id FROM entries ORDER BY number")]
        done = [json.loads(row[0]) for row in books.execute("SELECT content FROM executions ORDER BY number")]
    books.close()
    return ids, done


def rows_of(folder: Path, kind: RowKind) -> list[dict[str, Any]]:
    """Bodies of a kind in the journal."""
    with JournalReader(folder) as reader:
        return [json.loads(row.body) for row in reader.rows(kinds=(kind,))]
