"""A session as a quant opens it: in a fresh home, any notebook first."""

import json

from workbench.app import daily_session


def test_risk_can_be_calibrated_first_in_a_fresh_home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "fresh"))
    session = daily_session(as_of="2026-10-30")
    risk = session.calibrate_risk(race_start="2025-06-02", race_pairs=0)
    note = json.loads((tmp_path / "fresh" / "explore" / "progress.json").read_text())
    assert note["done"] == note["total"] == risk.forecasts.rows
    kept = json.loads((tmp_path / "fresh" / "explore" / "results" / "value_at_risk.json").read_text())
    assert kept["summary"]["champion"] == risk.race.champion.name
