"""A user's own stress scenarios, as TOML: one file, or a folder of them."""

import tomllib
from pathlib import Path
from typing import Any

from workbench.data.files import reason_of
from workbench.domain.errors import ConfigError

LARGEST_BYTES = 1_000_000


def read_scenarios(path: Path) -> list[dict[str, Any]]:
    """Read scenario files; what is in them is checked by `workbench.stress.scenarios.own.own_scenario`.

    Parameters
    ----------
    path : Path
        A file with one scenario, or a folder of which every ``*.toml`` that is not hidden is one.

    Returns
    -------
    list of dict
        Each with ``table``, the scenario as a plain mapping, and ``source``, the name of its file; in order of the
        names. They are the arguments of `own_scenario`.

    Raises
    ------
    ConfigError
        When a file cannot be read, is over 1 MB, is not UTF-8 or TOML, when a folder holds none, or two scenarios have
        one name; names the file.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.glob("*.toml") if not file.name.startswith("."))
        if not files:
            raise ConfigError(f"the scenario folder {path} holds no *.toml file")
    found: list[dict[str, Any]] = []
    for file in files:
        table = _table(file)
        for other in found:
            if "name" in table and other["table"].get("name") == table["name"]:
                raise ConfigError(f"scenario file {file}: {other['source']} has the name {table['name']!r} too")
        found.append({"table": table, "source": file.name})
    return found


def _table(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)  # no more, whatever the system says its size is
    except OSError as error:
        raise ConfigError(f"cannot read the scenario file {file}: {reason_of(error)}") from error
    if len(content) > LARGEST_BYTES:
        raise ConfigError(f"scenario file {file} is over 1 MB: that is no scenario")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        byte = f"{content[error.start]:#04x} at {error.start}"
        raise ConfigError(f"scenario file {file}: expected UTF-8 text, got byte {byte}") from error
    except RecursionError as error:
        raise ConfigError(f"scenario file {file}: expected TOML, got brackets in brackets without end") from error
    except ValueError as error:  # not TOML, or a number of thousands of digits
        raise ConfigError(f"scenario file {file}: expected TOML, got {error}") from error
