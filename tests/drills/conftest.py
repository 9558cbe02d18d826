"""Puts what the tests of drills share on the path."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from workbench.data.policy_file import read_policy
from workbench.domain.policy import Policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    return read_policy()
