"""A user's own grid of strategies, as a TOML file."""

import tomllib
from pathlib import Path

from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.strategies import Configuration, grid_from_table


def read_grid(path: Path, policy: Policy) -> tuple[Configuration, ...]:
    """Read and check a grid file.

    Parameters
    ----------
    path : Path
        TOML with ``pairs``, ``timeframes``, ``risk_profiles`` and ``signals``; what is left out is the policy's.
    policy : Policy
        In force.

    Returns
    -------
    tuple of Configuration

    Raises
    ------
    ConfigError
        When the file cannot be read, is no TOML, or asks for what is not there; names the file.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the grid file {path}: {error.strerror}; give an existing TOML file") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigError(f"grid file {path} is not valid TOML: {error}") from error
    try:
        return grid_from_table(table, policy)
    except ConfigError as error:
        raise ConfigError(f"grid file {path}: {error}") from error
