"""Kernels of a run: started ahead of their notebooks, with the imports done while they wait, and ended with the run.

On two cores a kernel that starts, imports pandas, SciPy and matplotlib and only then computes costs each notebook more
than two seconds; started ahead, it does so while an earlier step computes (measured, see ``benchmarks/``).
"""

import asyncio
import importlib
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

from workbench.data.files import write_atomically
from workbench.domain.errors import ExecutionError


class Kernels:
    """Kernel managers by step: the ones waiting, and the ones at work."""

    def __init__(self, imports: tuple[str, ...] = ()) -> None:
        self._imports = imports
        self._waiting: dict[str, Any] = {}
        self._taken: list[Any] = []
        self._ended = False

    def __enter__(self) -> Self:
        quiet_kernels()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def prepare(self, step: str, cwd: Path) -> None:
        """Start the kernel of a step that will run later.

        Parameters
        ----------
        step : str
            Name of the step.
        cwd : Path
            Folder the notebook works in.
        """
        self._waiting[step] = self._start(cwd)

    def take(self, step: str, cwd: Path) -> Any:
        """A fresh kernel for a step: the one prepared, or a new one.

        Parameters
        ----------
        step : str
            Name of the step.
        cwd : Path
            Folder the notebook works in.

        Returns
        -------
        KernelManager
            Started; it may not be ready yet.

        Raises
        ------
        ExecutionError
            When the run is being ended.
        """
        if self._ended:
            raise ExecutionError(f"no kernel for {step!r}: the run is being ended")
        kernel = self._waiting.pop(step, None) or self._start(cwd)
        self._taken.append(kernel)
        return kernel

    def _start(self, cwd: Path) -> Any:
        # the blocking manager's client would block the loop that watches for time limits and dead kernels
        kernel = importlib.import_module("jupyter_client.manager").AsyncKernelManager(kernel_name="python3")
        # IPython's own exit() and quit() end the kernel some cells later; Python's raises at once, which is noticed
        lines = ["from sys import exit; quit = exit", *(f"import {module}" for module in self._imports)]
        lines = [f"--IPKernelApp.exec_lines={line}" for line in lines]
        waited(kernel.start_kernel(cwd=str(cwd), extra_arguments=lines))
        return kernel

    def end(self) -> None:
        """End every kernel that still lives, at once."""
        self._ended = True
        while self._waiting:
            waited(self._waiting.popitem()[1].shutdown_kernel(now=True))
        # a manager at work belongs to the loop of its step's thread: killed here, that thread finds it dead and tidies
        for kernel in self._taken:
            if kernel.has_kernel:
                waited(kernel.signal_kernel(signal.SIGKILL))


def waited(work: Coroutine[Any, Any, None]) -> None:
    """Do asynchronous work and wait for it.

    Parameters
    ----------
    work : coroutine
        Not yet begun.
    """
    asyncio.run(work)


def quiet_kernels() -> None:
    """Let kernels log critical faults only.

    Their note on loopback sockets, and the closed socket they report when a run is interrupted, tell a reader nothing;
    errors of cells and dead kernels do not come by the log, they are raised.
    """
    profile = os.environ.get("IPYTHONDIR", "")
    if profile:
        config = Path(profile) / "profile_default" / "ipython_kernel_config.py"
        write_atomically(config, b"c.IPKernelApp.log_level = 50\n")
