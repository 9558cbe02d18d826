"""How a run goes, on the terminal: a line for a step under way, a bar for what takes long, a tick for what ended."""

import json
import threading
from pathlib import Path
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

LOOK_EVERY_SECONDS = 0.2


class Named(Protocol):
    """What is shown of a step."""

    @property
    def name(self) -> str:
        """Short name, unique in its run."""
        ...

    @property
    def title(self) -> str:
        """What a reader sees."""
        ...


class RunProgress:
    """Shows the steps of a run as they go; a context, so that the terminal is given back whatever happens."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._bars = Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal, expand=False
        )
        self._tasks: dict[str, TaskID] = {}
        self._note: Path | None = None
        self._long: TaskID | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._bars.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._bars.stop()

    def begun(self, step: Named, folder: Path) -> None:
        """Start the line of a step."""
        self._note = folder / "progress.json"
        self._tasks[step.name] = self._bars.add_task(step.title, total=None)

    def ended(self, step: Named, seconds: float, *, skipped: bool) -> None:
        """Tick a step off."""
        self._remove(step)
        note = "done before" if skipped else f"{seconds:5.1f} s"
        self._console.print(f"  [green]✓[/green] {step.title:<34} {note}")

    def failed(self, step: Named, reason: str, *, again: bool) -> None:
        """Say that a step failed, and whether it is tried again."""
        self._remove(step)
        note = f"failed, trying again: {reason}" if again else "failed"
        self._console.print(f"  [red]✗[/red] {step.title:<34} {note}")

    def _remove(self, step: Named) -> None:
        task = self._tasks.pop(step.name, None)
        if task is not None:
            self._bars.remove_task(task)

    def _follow(self) -> None:
        """Show what the notebooks note about their long work."""
        while not self._stop.wait(LOOK_EVERY_SECONDS):
            try:
                note = json.loads(self._note.read_text(encoding="utf-8")) if self._note else None
            except (OSError, ValueError):
                continue  # not there yet, or caught half written: the next look will do
            if note is None or (note["done"] >= note["total"] and self._long is None):
                continue
            if self._long is None:
                self._long = self._bars.add_task(note["what"], total=note["total"])
            self._bars.update(self._long, description=note["what"], total=note["total"], completed=note["done"])
            if note["done"] >= note["total"]:
                self._bars.remove_task(self._long)
                self._long = None
