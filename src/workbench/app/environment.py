"""Where things are, and what libraries read when they are first imported."""

import hashlib
import os
import shutil
from pathlib import Path

from workbench.domain.errors import ConfigError

COMPILED_ROOMS = ("domain", "risk", "regimes", "controls", "portfolio", "strategies", "research", "engine", "stress")
"""Rooms with compiled kernels."""


def project_root() -> Path:
    """Folder of the checkout, where ``notebooks/`` and ``pipelines/`` are.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        When the package does not lie in a checkout.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "pipelines").is_dir():
        raise ConfigError(f"expected pipelines/ and notebooks/ in {root}: run from a checkout of the workbench")
    return root


def home_folder() -> Path:
    """Folder everything is written under: ``WORKBENCH_HOME``, or ``var/`` in the checkout.

    Returns
    -------
    Path
    """
    chosen = os.environ.get("WORKBENCH_HOME", "")
    return Path(chosen).expanduser().resolve() if chosen else project_root() / "var"


def prepare_environment() -> None:
    """Set what libraries read when they are first imported; for this process and its notebook kernels.

    Compiled kernels are kept under the home folder, those of each version of the core apart. BLAS gets one thread: ours
    are busy already, and its own fight them over 7 × 7 matrices (ten times slower on two busy cores, measured). Outside
    a checkout and without a home there is nowhere to keep anything: the command that needs the home says so.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        home = home_folder()
    except ConfigError:
        return
    os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled_folder(home / "numba")))
    os.environ.setdefault("IPYTHONDIR", str(home / "ipython"))


def compiled_folder(root: Path) -> Path:
    """Folder of the compiled kernels of this version of the core; those of other versions are removed.

    The compiler's own cache notices a change in a kernel's file, not in the files of the kernels it calls: after an
    update a stale one would go on running.

    Parameters
    ----------
    root : Path
        Holds one folder a version.

    Returns
    -------
    Path
    """
    here = Path(__file__).resolve().parents[1]
    stamp = hashlib.sha256()
    for room in COMPILED_ROOMS:
        for path in sorted((here / room).rglob("*.py")):
            found = path.stat()
            stamp.update(f"{path.relative_to(here)} {found.st_mtime_ns} {found.st_size}\n".encode())
    folder = root / stamp.hexdigest()[:16]
    if not folder.is_dir():
        for other in root.glob("*"):
            shutil.rmtree(other, ignore_errors=True)
    return folder
