"""The policy file on disk: the shipped one, the user's own, and a file that cannot be read."""

from pathlib import Path

import pytest

from workbench.data.policy_file import default_policy_text, read_policy
from workbench.domain.errors import ConfigError


def test_without_a_path_the_shipped_policy_is_read() -> None:
    assert read_policy().ladders.drawdown.rung_4.trigger == 0.15


def test_a_copy_of_the_shipped_file_is_the_same_policy(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(default_policy_text(), encoding="utf-8")
    assert read_policy(path).hash == read_policy().hash


def test_a_refusal_names_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(default_policy_text().replace("cap = 0.75", "cap = 7.5"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"own\.toml.*ladders\.drawdown\.rung_2\.cap: expected .*got 7\.5"):
        read_policy(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b""])
def test_a_file_that_is_absent_binary_or_empty_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "own.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"own\.toml"):
        read_policy(path)


def test_a_folder_is_not_a_policy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the policy file"):
        read_policy(tmp_path)
