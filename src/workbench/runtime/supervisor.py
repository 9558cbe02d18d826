"""The supervisor behind `workbench up`: starts each process of the box, starts it again when it dies, stops all.

A process that ends with 0 is done and ends the rest; one that refuses its own configuration (exit code 1) would refuse
it again and ends the rest too. Anything else, a kill or a failed disk, is started again after a pause that doubles.
Processes the rest can spare (a page that only shows, those that reach people) end nothing: done or given up, the rest
goes on, and what is missing from then on is said. One of them that refuses is tried again for as long as the rest runs:
what it refuses is a file that somebody corrects, and only ending the loop would start it otherwise.
"""

import os
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from workbench.domain.errors import ExecutionError
from workbench.runtime.telling import LAST_REFUSAL, unbroken

DONE, REFUSED = 0, 1
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 30.0
STEADY_SECONDS = 60.0
"""A process that has run this long has recovered: the next pause is short again."""
FIRST_TRY_SECONDS, TRY_SECONDS = 2.0, 30.0
"""Before a spared process that refused is tried again: the first pause, and the longest; each is twice the last one."""
RUNS_AGAIN_SECONDS = 10.0
"""A process that refused before and has run this long does not refuse any more."""
MOST_RESTARTS = 20
"""In a row; then the box is given up loudly, because starting again does not help."""
PATIENCE_SECONDS = 20.0
LOOK_SECONDS = 0.05


@dataclass(slots=True)
class Child:
    """One process and its history; a spared one may end without ending the rest."""

    name: str
    command: tuple[str, ...]
    spared: bool = False
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    restart_at: float = 0.0
    restarts: int = 0
    refusals: int = 0
    over: bool = False
    last_refusal: int = -1

    def start(self) -> None:
        """Start it, in a session of its own so that Ctrl-C reaches it through us alone."""
        surroundings = dict(os.environ)
        if self.spared:
            if self.last_refusal < 0:
                self.last_refusal = os.memfd_create("last refusal")
            # where it finds what it said when it refused last, to say it once
            surroundings[LAST_REFUSAL] = f"/proc/{os.getpid()}/fd/{self.last_refusal}"
        self.process = subprocess.Popen(  # noqa: S603 -- our own command line
            self.command, start_new_session=True, env=surroundings
        )
        self.began = time.monotonic()

    def pause(self) -> float:
        """Seconds before the next start.

        Returns
        -------
        float
        """
        return min(FIRST_PAUSE_SECONDS * 2.0 ** min(self.restarts, 20), LONGEST_PAUSE_SECONDS)

    def runs_again(self) -> bool:
        """Whether it refused before and does so no more; asked once.

        Returns
        -------
        bool
        """
        if not self.refusals or time.monotonic() - self.began < RUNS_AGAIN_SECONDS:
            return False
        self.refusals = 0
        os.ftruncate(self.last_refusal, 0)
        return True

    def forget(self) -> None:
        """Close what was kept of its refusals."""
        if self.last_refusal >= 0:
            os.close(self.last_refusal)
        self.last_refusal = -1


@dataclass(slots=True)
class Box:
    """All processes on one machine.

    Attributes
    ----------
    commands : mapping of str to sequence of str
        Command line by name, in the order of starting.
    tell : callable
        Takes one sentence for people; what it cannot tell is lost, and ends nothing.
    spared : collection of str
        Names of the processes the rest can do without.
    missed : mapping of str to str
        By name, what is missing without it, for people.
    """

    commands: Mapping[str, Sequence[str]]
    tell: Callable[[str], None]
    spared: Collection[str] = ()
    missed: Mapping[str, str] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tell = unbroken(self.tell)

    def run(self, stopped: Callable[[], bool]) -> None:
        """Keep everything running until told to stop or a process is done.

        Parameters
        ----------
        stopped : callable
            Whether to stop.

        Raises
        ------
        ExecutionError
            When a process refuses to run or dies again and again.
        """
        self.children = [Child(name, tuple(command), name in self.spared) for name, command in self.commands.items()]
        try:
            for child in self.children:
                self._start(child)
            while not stopped():
                if any(self._look_after(child) for child in self.children):
                    return
                time.sleep(LOOK_SECONDS)
        finally:
            self._stop_all()
            for child in self.children:
                child.forget()

    def _start(self, child: Child) -> bool:
        """Start a child; a system that has no room for it just now is asked again, like for one that has died."""
        try:
            child.start()
        except OSError as error:
            return self._start_later(child, f"cannot be started ({error.strerror or error})")
        return False

    def _look_after(self, child: Child) -> bool:
        """Whether the child is done; a dead one is started again."""
        if child.over:
            return False
        if child.process is None:
            return self._start(child) if time.monotonic() >= child.restart_at else False
        code = child.process.poll()
        if code is None:
            if child.runs_again():
                self.tell(f"{child.name} runs again")
            return False
        if child.spared and code == REFUSED:
            return self._try_later(child)
        if code == DONE:
            return self._spare(child, "has ended") if child.spared else True
        if code == REFUSED:
            raise ExecutionError(f"{child.name} refused to run (see above): everything else was stopped")
        if time.monotonic() - child.began > STEADY_SECONDS:
            child.restarts = 0
        return self._start_later(child, f"was ended by signal {-code}" if code < 0 else f"ended with code {code}")

    def _start_later(self, child: Child, how: str) -> bool:
        """Start it again after a pause, unless it has died too often."""
        if child.restarts >= MOST_RESTARTS:
            if child.spared:
                return self._spare(child, f"died {MOST_RESTARTS + 1} times in a row")
            raise ExecutionError(
                f"{child.name} died {MOST_RESTARTS + 1} times in a row: it is not started again. THE BOOK IS NOT "
                "PROTECTED. Read its log, flatten by hand if you must"
            )
        self.tell(f"{child.name} {how}: starting it again in {child.pause():.1f} s")
        child.process, child.restart_at = None, time.monotonic() + child.pause()
        child.restarts += 1
        return False

    def _try_later(self, child: Child) -> bool:
        """Try a spared process that refused again, and say so the first time."""
        if not child.refusals:
            self.tell(
                f"{child.name} refused to run (see above): it is tried again at least every {TRY_SECONDS:.0f} s, "
                f"everything else goes on{self._missing(child)}"
            )
        pause = min(FIRST_TRY_SECONDS * 2.0 ** min(child.refusals, 20), TRY_SECONDS)
        child.process, child.restart_at = None, time.monotonic() + pause
        child.refusals += 1
        return False

    def _spare(self, child: Child, what: str) -> bool:
        """Go on without a process that can be spared."""
        child.process, child.over = None, True
        self.tell(f"{child.name} {what}: it is not started again, everything else goes on{self._missing(child)}")
        return False

    def _missing(self, child: Child) -> str:
        missing = self.missed.get(child.name, "")
        return f". {missing}" if missing else ""

    def _stop_all(self) -> None:
        living = [child.process for child in self.children[::-1] if child.process and child.process.poll() is None]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + PATIENCE_SECONDS
        for process in living:
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                self.tell(f"process {process.pid} did not stop within {PATIENCE_SECONDS:.0f} s: it is killed")
                process.kill()
                process.wait()
