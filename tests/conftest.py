"""Fixtures shared by all rooms: the embedded ECB history, read once; the real command, and how it must refuse."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

# compiled kernels are cached outside the source tree; set before numba is imported
os.environ.setdefault("WORKBENCH_HOME", str(Path(tempfile.gettempdir()) / "workbench-tests"))

import workbench.app
from workbench.data.rates import DailyRates
from workbench.data.sources.ecb import EcbHistory


@pytest.fixture(scope="session")
def ecb() -> DailyRates:
    """All fixes in the wheel."""
    return EcbHistory().load()


@pytest.fixture(scope="session")
def eurusd(ecb: DailyRates) -> np.ndarray:
    """Simple returns of EURUSD, oldest first."""
    return ecb.pair_simple_returns(("EURUSD",))["EURUSD"].to_numpy()


@dataclass
class PageServer:
    """The risk monitor's server in a process of its own."""

    process: subprocess.Popen[str]
    address: str
    home: Path

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        return int(urlsplit(self.address).port or 0)

    @property
    def token(self) -> str:
        """Who knows it may look."""
        return urlsplit(self.address).query.removeprefix("token=")

    def end(self, number: int = signal.SIGINT) -> int:
        """End it, as Ctrl-C does."""
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture(scope="session")
def page_server():
    """Serve the page of a journal's folder: call it with a home and the folder, within `with`; on any free port."""

    @contextmanager
    def serve(home: Path, folder: Path, port: int = 0) -> Iterator[PageServer]:
        command = [str(Path(sys.executable).parent / "workbench"), "monitor", "--no-browser", "--port", str(port)]
        environment = {**os.environ, "WORKBENCH_HOME": str(home), "SECRET_CANARY": "canary-of-the-tests"}
        with subprocess.Popen(
            [sys.executable, "-c", LISTENING, *command, "--folder", str(folder)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as process:  # fmt: skip
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line.startswith("The risk monitor is at "), line + process.stdout.read()
                yield PageServer(process, line.split()[-1], home)
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
                    process.wait(30)

    return serve


SMALL_RACE = (
    "--set", "var_calibration.race_start=2024-01-02", "--set", "var_calibration.race_pairs=1",
    "--set", "stress_validation.paths=400",
)  # fmt: skip
"""A slice of the race that runs in seconds."""


@pytest.fixture(scope="session")
def workbench():
    """The real command in a process of its own: call it with a home folder and the arguments."""

    def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "workbench"), *arguments]
        environment = {**os.environ, "WORKBENCH_HOME": str(home), "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    return run


@pytest.fixture(scope="session")
def one_sentence():
    """The sentence a command refused with: nothing else on standard error, and an exit code of 1."""

    def sentence(ended: subprocess.CompletedProcess[str]) -> str:
        assert ended.returncode == 1, ended.stderr
        assert "Traceback" not in ended.stderr, ended.stderr
        line, *more = ended.stderr.splitlines()
        assert line.startswith("workbench: "), ended.stderr
        # a failed step adds where to go on
        assert more in ([], ["when that is mended, go on with --resume"]), ended.stderr
        return line.removeprefix("workbench: ")

    return sentence


@pytest.fixture(scope="session")
def digests():
    """What a folder holds, by path: equal before and after means that nothing was touched."""

    def of(folder: Path) -> dict[str, str]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return of


LISTENING = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
"""A shell may have told its background jobs to ignore Ctrl-C, and that is inherited: undo it first."""


@pytest.fixture
def interrupted(tmp_path):
    """A command that gets a signal while it reads its rates from a pipe: its exit code and standard error."""
    pipe = tmp_path / "rates.pipe"
    os.mkfifo(pipe)

    def writing_end(process: subprocess.Popen[str]) -> int:
        """Open the pipe for writing, which works once the command is reading from it."""
        while process.poll() is None:
            try:
                return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                time.sleep(0.02)
        raise AssertionError(f"the command ended before it read its rates: {process.communicate()}")

    def run(home: Path, number: int, *arguments: str) -> tuple[int, str]:
        command = [str(Path(sys.executable).parent / "workbench"), *arguments, "--ecb-file", str(pipe)]
        with subprocess.Popen(
            [sys.executable, "-c", LISTENING, *command],
            env={**os.environ, "WORKBENCH_HOME": str(home), "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                end = writing_end(process)
                time.sleep(0.5)  # opened is not yet reading: between the two a signal may be lost
                process.send_signal(number)
                _, errors = process.communicate(timeout=60)
            finally:
                process.kill()
            os.close(end)
            return process.returncode, errors

    return run


@pytest.fixture(scope="session")
def daily_folder(workbench, tmp_path_factory) -> Path:
    """Finished daily run of 2026-10-30 on the small race; its home is two folders up."""
    home = tmp_path_factory.mktemp("home")
    ended = workbench(home, "daily", "--as-of", "2026-10-30", *SMALL_RACE)
    assert ended.returncode == 0, ended.stderr
    return home / "runs" / "2026-10-30"
