"""The ledger counts every trial once, survives restarts and crashes, and never counts too few."""

import subprocess
import sys

import pytest

from workbench.domain.errors import DataError, ExecutionError
from workbench.runtime.sealed import exclusive
from workbench.runtime.weekly import ledger as module
from workbench.runtime.weekly.ledger import TrialLedger

WHEN = "2026-10-30T18:00:00+00:00"


def test_a_trial_is_counted_once_for_ever(tmp_path):
    first = TrialLedger(tmp_path).record(["a", "b", "b"], where="sweep", when=WHEN)
    assert (first.trials, first.added) == (2, 2)
    again = TrialLedger(tmp_path).record(["b", "c"], where="notebook", when=WHEN)
    assert (again.trials, again.added) == (3, 1)
    assert TrialLedger(tmp_path).tally().occasions == (("sweep", 2), ("notebook", 1))
    assert "3 trials ever, 1 new now" in again._repr_html_()


def test_an_empty_ledger_has_no_trials(tmp_path):
    assert TrialLedger(tmp_path).tally().trials == 0
    assert not TrialLedger(tmp_path).path.exists()


def test_a_torn_line_is_an_error_not_a_smaller_count(tmp_path):
    ledger = TrialLedger(tmp_path)
    ledger.record(["a", "b"], where="sweep", when=WHEN)
    ledger.path.write_bytes(ledger.path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"line 2 of .* cannot be read, so trials cannot be counted"):
        ledger.record(["c"], where="sweep", when=WHEN)


def test_two_processes_at_once_count_every_trial(tmp_path):
    code = (
        "import sys; from pathlib import Path; from workbench.runtime.weekly.ledger import TrialLedger\n"
        "names = [f'{sys.argv[2]}-{n}' for n in range(50)] + ['shared']\n"
        f"TrialLedger(Path(sys.argv[1])).record(names, where='process', when={WHEN!r})"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in ("one", "two")]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    assert TrialLedger(tmp_path).tally().trials == 101


def test_a_held_ledger_is_waited_for_then_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.1)
    ledger = TrialLedger(tmp_path)
    ledger.path.parent.mkdir()
    with (
        exclusive(ledger.path.with_suffix(".lock"), timeout_seconds=1.0),
        pytest.raises(ExecutionError, match="another process is writing"),
    ):
        ledger.record(["a"], where="sweep", when=WHEN)
