"""The weekly session: from a grid to a candidate, what it leaves behind, and what it says of bad input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.data.grid_file import read_grid
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.strategy_set import StrategySet
from workbench.domain.trading.modes import Condition, Regime
from workbench.research.records import market_conditions, record_of, stress_survival
from workbench.runtime.weekly.candidate import candidate_of, decide_set
from workbench.runtime.weekly.registry import StrategySetRegistry
from workbench.runtime.weekly.session import WeeklySession


def test_the_choice_is_ten_or_fewer_in_tiers_with_the_sentence(choice):
    chosen = choice.selection.chosen
    assert 1 <= len(chosen) <= 10
    assert choice.selection.sentence.startswith("significant after 80 trials: no")
    assert len({tuple(name.split()[:3]) for name in chosen.index}) == len(chosen)
    assert max(name.split()[0] for name in chosen.index)
    assert list(choice.parts("decades").columns) == ["1990s", "2000s", "2010s", "2020s"]
    assert "normal" in choice.parts("regimes")
    with pytest.raises(ConfigError, match="expected decades or regimes"):
        choice.parts("weather")


def test_the_table_holds_every_configuration_at_every_cost(choice):
    table = choice.grid.table()
    assert len(table) == 80 and table.index.is_unique
    assert {"costs 2×", "costs 3×", "2020s", "trending"} <= set(table.columns)
    assert choice.grid.overview().index.tolist() == ["1×", "2×", "3×"]
    assert (choice.grid.overview()["mean"].diff().dropna() < 0).all()


def test_regimes_and_conditions_are_known_the_evening_before(session):
    history = session.history()
    assert history.regimes_before[0] == "normal"
    codes = history.market.regimes
    named = [Regime(int(code)).name.lower().replace("_", " ") for code in codes[:-1]]
    assert history.regimes_before[1:].tolist() == named
    assert np.isnan(history.ratio[:500]).all() and np.isfinite(history.ratio[501:]).all()


def test_market_conditions_follow_the_policys_bands(policy):
    ratio = np.array([np.nan, 0.5, 1.49, 1.5, 2.0, 2.5, 3.0, 9.0])
    assert market_conditions(ratio, policy).tolist() == [-1, 0, 0, 1, 2, 3, 4, 4]


def test_a_record_says_what_a_strategy_came_through(policy):
    index = pd.bdate_range("2004-01-01", "2024-12-31")
    calm = pd.Series(1e-4, index)
    assert stress_survival(calm, policy.stress.historical, 0.2) == 1.0
    crash = calm.copy()
    crash["2008-10-06":"2008-10-10"] = -0.06
    conditions = np.zeros(len(index), dtype=int)
    conditions[(index >= "2008-10-01") & (index < "2009-02-01")] = int(Condition.CRISIS)
    record = record_of(crash, conditions, policy, walk_forward=0.7, robustness=0.8)
    assert record.drawdown == pytest.approx(0.3) and record.negative_conditions == (int(Condition.CRISIS),)
    assert 0.7 < record.stress_survival < 1.0
    assert np.isnan(stress_survival(calm["2024-11":], policy.stress.historical, 0.2))


def test_the_candidate_is_adopted_and_its_summary_is_plain_json(session, choice, replayed, rates, policy):
    session.check_data()
    found = session.propose(choice, replayed, session.parity(choice, replayed))
    gates = {gate.name: gate for gate in found.gates}
    assert gates["one book"].passed and gates["no look-ahead"].passed and gates["tier weights"].passed
    assert not gates["significance"].passed and gates["significance"].consequence == "warn"
    summary = decide_set(session.folder, session.home, live=True)
    assert summary["strategy_set"]["status"] == "adopted"
    assert json.loads((session.folder / "summary.json").read_text(encoding="utf-8"))["grid"]
    trading = StrategySetRegistry(session.home).adopted()
    assert trading.id == found.strategy_set.id and len(trading.strategies()) == len(choice.selection.chosen)
    assert sum(strategy.allocation for strategy in trading.strategies()) <= 1.0 + 1e-9
    again = candidate_of(choice, replayed, session.parity(choice, replayed), rates, policy)
    assert again.strategy_set.id == found.strategy_set.id


def test_a_set_whose_books_differ_is_refused(session, choice, replayed, rates, policy, tmp_path):
    parity = session.parity(choice, replayed)
    wrong = type(parity)(parity.trades, np.zeros(len(parity.agree), dtype=bool))
    found = candidate_of(choice, replayed, wrong, rates, policy)
    refused = StrategySetRegistry(tmp_path).decide(found.strategy_set, found.gates, when="2026-10-30T18:00:00+00:00")
    assert refused.status == "refused" and "trades agree" in refused.reasons[0]


def test_adapting_is_compared_and_counted(session, choice):
    before = choice.grid.tally.trials
    compared = session.adaptation_compared(choice.grid)
    assert len(compared.table) == 8 and compared.table["better"].between(0, 1).all()
    again = session.sweep_grid(str(session.home / "grid.toml"), where="test")
    assert again.tally.trials == 2 * before and again.tally.added == 0


def test_the_tier_rule_and_its_rivals_run_on_the_chosen(session, choice):
    rebalanced = session.rebalanced(choice)
    sums = rebalanced.weights.iloc[-1].groupby(choice.tier_names).sum()
    assert sums["core"] == pytest.approx(0.6, abs=0.05)
    table = session.weights_compared(choice, rebalanced).table
    assert len(table) == 5 and "tier rule" in table.index and any("HRP" in name for name in table.index)


def test_nothing_robust_gives_a_rejected_set_that_never_trades(session, policy, rates, tmp_path):
    (tmp_path / "bad.toml").write_text(
        'pairs = ["GBPJPY"]\ntimeframes = ["daily"]\nsignals = ["moderate"]\n', encoding="utf-8"
    )
    lab = WeeklySession(rates, policy, tmp_path, tmp_path / "run")
    choice = lab.choose(lab.sweep_grid(str(tmp_path / "bad.toml")), bootstraps=200)
    assert choice.selection.verdict == "rejected" and choice.selection.chosen.empty
    replayed = lab.replay(choice, first="2025-06-02")
    assert (replayed.controlled.path["equity"] == 1e6).all()
    lab.check_data()
    found = lab.propose(choice, replayed, lab.parity(choice, replayed))
    assert isinstance(found.strategy_set, StrategySet) and found.strategy_set.members == ()
    summary = decide_set(lab.folder, lab.home, live=True)
    assert summary["strategy_set"]["status"] == "refused"
    assert any("0 robust strategies were found" in reason for reason in summary["strategy_set"]["reasons"])
    assert lab.rebalanced(choice).weights.shape[1] == 0
    assert lab.weights_compared(choice, lab.rebalanced(choice)).table.empty


def test_too_little_history_is_refused_in_words(session, policy, rates, tmp_path):
    early = WeeklySession(rates.up_to("2000-06-30"), policy, tmp_path, tmp_path)
    with pytest.raises(DataError, match=r"too little history for a window|nothing to sweep"):
        early.choose(early.sweep_grid(), bootstraps=200)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('signals = ["tea leaves"]', "grid file .*: unknown signal 'tea leaves'"),
        ("signals = [{name = 'moderate', parameters = [-5, 20]}]", "windows must be two whole numbers"),
        ("signals = [", "is not valid TOML"),
        ("surprise = 1", "unknown key 'surprise'"),
    ],
)
def test_a_grid_file_that_cannot_be_meant_is_refused_with_its_name(tmp_path, policy, text, sentence):
    path = tmp_path / "grid.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=sentence):
        read_grid(path, policy)
    with pytest.raises(ConfigError, match="cannot read the grid file"):
        read_grid(Path(tmp_path / "missing.toml"), policy)
