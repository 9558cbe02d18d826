"""The folder of one run: built aside, published whole, locked while it is built.

``DIR/DATE`` is always a finished run. A run under way lives in ``DIR/.DATE.partial``; it takes the place of an earlier
one only when it has ended well, so a failed or interrupted run leaves earlier results untouched.
"""

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.data.files import cannot_write, write_atomically
from workbench.domain.errors import ConfigError, ExecutionError


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of the run of one date."""

    runs: Path
    date: str

    @property
    def final(self) -> Path:
        """Where the finished run is."""
        return self.runs / self.date

    @property
    def partial(self) -> Path:
        """Where the run is built."""
        return self.runs / f".{self.date}.partial"

    @property
    def _replaced(self) -> Path:
        return self.runs / f".{self.date}.replaced"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the date for one process.

        Raises
        ------
        ExecutionError
            When another run of the date is under way, or the folder cannot be written.
        """
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            # unbuffered: on a full disk the write itself fails, not the closing of the file afterwards
            lock = (self.runs / f".{self.date}.lock").open("ab+", buffering=0)
        except OSError as error:
            raise cannot_write(self.runs, error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in {errno.EAGAIN, errno.EACCES}:
                    raise cannot_write(self.runs, error) from error
                lock.seek(0)
                owner = lock.read().decode().strip() or "?"
                raise ExecutionError(
                    f"another run for {self.date} is under way in {self.runs} (process {owner}); this one "
                    "leaves without touching anything"
                ) from None
            try:
                lock.truncate(0)
                lock.write(str(os.getpid()).encode())
                self._recover()
            except OSError as error:
                raise cannot_write(self.runs, error) from error
            yield

    def _recover(self) -> None:
        """Finish or undo a swap that was cut off by a crash."""
        if self._replaced.exists():
            if self.final.exists():
                shutil.rmtree(self._replaced)
            else:
                self._replaced.rename(self.final)

    def begin(self, inputs: dict[str, Any], *, resume: bool) -> dict[str, Any]:
        """Open the partial folder: anew, or where it stopped.

        Parameters
        ----------
        inputs : dict
            Inputs of the run; a resumed run must have the same.
        resume : bool
            Continue what is there.

        Returns
        -------
        dict
            State: ``inputs`` and ``steps`` (name → record of a finished step).

        Raises
        ------
        ConfigError
            When there is nothing to resume, or it was begun with other inputs.
        ExecutionError
            When the folder cannot be written.
        """
        state_file = self.partial / "state.json"
        if resume and state_file.is_file():
            state: dict[str, Any] = json.loads(state_file.read_text(encoding="utf-8"))
            self._refuse_other_inputs(state["inputs"], inputs)
            return state
        if resume and not self.final.exists():
            raise ConfigError(f"nothing to resume for {self.date} in {self.runs}: start it without --resume")
        state = {"inputs": inputs, "steps": {}}
        if resume:
            manifest = self.final / "manifest.json"
            if not self.partial.exists() and manifest.is_file():
                self._refuse_other_inputs(json.loads(manifest.read_text(encoding="utf-8"))["inputs"], inputs)
            return state
        try:
            if self.partial.exists():
                shutil.rmtree(self.partial)
            for folder in ("results", "figures"):
                (self.partial / folder).mkdir(parents=True)
        except OSError as error:
            raise cannot_write(self.partial, error) from error
        self.save(state)
        return state

    def _refuse_other_inputs(self, begun: dict[str, Any], inputs: dict[str, Any]) -> None:
        changed = sorted(key for key in inputs if begun.get(key) != inputs[key])
        if changed:
            key = changed[0]
            raise ConfigError(
                f"cannot resume {self.date}: it was begun with {key} = {begun.get(key)!r}, now {key} = "
                f"{inputs[key]!r}; give the same inputs, or leave --resume away to start anew"
            )

    def save(self, state: dict[str, Any]) -> None:
        """Keep the state of the run.

        Parameters
        ----------
        state : dict
            As from `begin`.
        """
        write_atomically(self.partial / "state.json", json.dumps(state, indent=1, sort_keys=True).encode())

    def publish(self) -> None:
        """Let the finished run take the place of an earlier one.

        Raises
        ------
        ExecutionError
            When the folder cannot be renamed.
        """
        try:
            for scratch in ("state.json", "progress.json"):
                (self.partial / scratch).unlink(missing_ok=True)
            if self.final.exists():
                self.final.rename(self._replaced)
            self.partial.rename(self.final)
        except OSError as error:
            with suppress(OSError):  # else the next run does it
                self._recover()
            raise cannot_write(self.final, error) from error
        shutil.rmtree(self._replaced, ignore_errors=True)
