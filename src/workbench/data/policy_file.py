"""Where the policy comes from: the file shipped in the package, or the user's own."""

from importlib.resources import files
from pathlib import Path

from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy


def default_policy_text() -> str:
    """Text of the policy file shipped with the package.

    Returns
    -------
    str
        TOML with comments, a good start for a file of one's own.
    """
    return files("workbench.domain").joinpath("default_policy.toml").read_text(encoding="utf-8")


def read_policy(path: Path | None = None) -> Policy:
    """Read and validate a policy.

    Parameters
    ----------
    path : Path, optional
        The user's file; without it the shipped default is read.

    Returns
    -------
    Policy

    Raises
    ------
    ConfigError
        When the file cannot be read, is not UTF-8 or TOML, or any key is refused; names the file.
    """
    if path is None:
        return Policy.from_toml(default_policy_text())
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot read the policy file {path}: {error.strerror}; give an existing TOML file"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"policy file {path}: expected UTF-8 text, got byte {error.object[error.start]:#04x} at {error.start}"
        ) from error
    try:
        return Policy.from_toml(text)
    except ConfigError as error:
        raise ConfigError(f"policy file {path}: {error}") from error
