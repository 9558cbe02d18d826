"""A small grid on real rates, chosen and replayed once for all tests of the weekly run."""

import pytest

from workbench.data.policy_file import read_policy
from workbench.data.sources import EcbHistory
from workbench.runtime.weekly.session import WeeklySession

GRID = """
pairs = ["EURUSD", "EURCHF", "USDJPY", "EURCAD", "GBPCHF"]
risk_profiles = ["conservative", "aggressive"]
"""


@pytest.fixture(scope="session")
def policy():
    return read_policy(None)


@pytest.fixture(scope="session")
def rates():
    return EcbHistory().load(as_of=None)


@pytest.fixture(scope="session")
def session(tmp_path_factory, policy, rates):
    home = tmp_path_factory.mktemp("weekly")
    (home / "grid.toml").write_text(GRID, encoding="utf-8")
    return WeeklySession(rates, policy, home, home / "run")


@pytest.fixture(scope="session")
def choice(session):
    return session.choose(session.sweep_grid(str(session.home / "grid.toml"), where="test"), bootstraps=200)


@pytest.fixture(scope="session")
def replayed(session, choice):
    return session.replay(choice, first="2021-06-01")
