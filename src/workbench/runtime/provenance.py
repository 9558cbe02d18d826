"""What made a result: the code, the libraries, the machine's Python."""

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import workbench

NAMED_PACKAGES = ("numpy", "pandas", "numba", "scipy", "arch", "pyarrow", "duckdb", "papermill", "CurrencyConverter")


@cache
def code_version() -> str:
    """Version of the package and the first digits of a hash over its source.

    Returns
    -------
    str
        The same for the same source, wherever it lies; a changed line changes it.
    """
    root = Path(workbench.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in {".py", ".toml", ".html", ".css"} and path.is_file():
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return f"{workbench.__version__}+{digest.hexdigest()[:12]}"


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries results depend on.

    Returns
    -------
    dict
        Name → version.
    """
    found = {"python": platform.python_version(), "workbench": code_version()}
    for name in NAMED_PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()
