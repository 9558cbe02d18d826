"""Compiled equals plain Python, bit for bit; and a second process says the same as the first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("random_market.py")
EVENTS = "10000"


def told(seed: str, **environment: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), EVENTS, seed],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def compiled() -> str:
    return told("1")


def test_compiled_equals_plain_python_on_ten_thousand_random_events(compiled):
    assert told("1", NUMBA_DISABLE_JIT="1") == compiled


def test_a_second_process_decides_the_same(compiled):
    assert told("1") == compiled


def test_other_events_lead_elsewhere(compiled):
    assert told("2").split()[0] != compiled.split()[0]


def test_the_random_market_meets_every_part_of_the_engine(compiled):
    for kind in ("TargetPosition", "EntryRefused", "CautionChanged", "ConditionChanged", "ModeChanged", "FailOver"):
        assert kind in compiled
