"""The gate on noise and on a planted edge, and what is chosen in every case."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from workbench.data.policy_file import read_policy
from workbench.domain.errors import ConfigError, DataError
from workbench.research import (
    GateSettings,
    Robustness,
    gather_evidence,
    noise_panel,
    plant_edge,
    select_strategies,
    shuffled_panel,
    walk_forward,
)
from workbench.research.selection import Verdict, grid_groups
from workbench.strategies import strategy_grid

POLICY = read_policy(None)
QUICK = GateSettings(bootstraps=200, blocks=6, block=3.0)
PLANTED = [7, 150, 380]
PANELS = 100


@cache
def noise_gates():
    """Whether the gate passes, on 100 panels of noise as large as the real grid over six years."""
    passed = []
    for seed in range(PANELS):
        generator = np.random.default_rng(seed)
        panel = noise_panel(generator, days=1_500, trials=384, correlation=0.1)
        passed.append(gather_evidence(panel, generator=generator, settings=QUICK).is_significant)
    return passed


def test_on_100_noise_panels_the_gate_passes_at_its_nominal_rate_not_more():
    most = int(binom.ppf(0.999, PANELS, 0.05))
    assert sum(noise_gates()) <= most
    # a gate that never opens would pass the line above too: the planted edge below opens it


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_edge_is_chosen_first_and_called_significant(seed):
    generator = np.random.default_rng(1_000 + seed)
    panel = plant_edge(noise_panel(generator, days=7_000, trials=384), PLANTED, sharpe_annual=1.4)
    selection = select_strategies(
        panel, POLICY, generator=generator, evidence=gather_evidence(panel, generator=generator, settings=QUICK)
    )
    first = [f"synthetic {column:03d}" for column in PLANTED]
    assert set(selection.chosen.index[:3]) == set(first)
    assert selection.verdict is Verdict.SIGNIFICANT
    assert (selection.chosen["verdict"][first] == "significant").all()
    assert selection.sentence.startswith("significant after 384 trials: yes")


def test_power_falls_with_the_edge_and_the_length_of_history():
    def power(sharpe, days):
        found = 0
        for seed in range(6):
            generator = np.random.default_rng(seed)
            panel = plant_edge(noise_panel(generator, days=days, trials=384), PLANTED, sharpe_annual=sharpe)
            found += gather_evidence(panel, generator=generator, settings=QUICK).is_significant
        return found

    assert power(1.0, 7_000) == 6 > power(1.0, 1_300)
    assert power(0.3, 1_300) <= 2


def selected(panel, seed=0, **given):
    generator = np.random.default_rng(seed)
    evidence = gather_evidence(panel, generator=generator, settings=QUICK)
    return select_strategies(panel, POLICY, generator=generator, evidence=evidence, **given)


def test_without_significance_ten_are_chosen_and_said_to_be_only_robust():
    panel = noise_panel(np.random.default_rng(3), days=2_500, trials=100)
    selection = selected(panel)
    assert len(selection.chosen) == 10 and selection.verdict is Verdict.ROBUST_NOT_SIGNIFICANT
    assert selection.sentence.startswith("significant after 100 trials: no")
    assert selection.chosen["tier"].tolist() == ["core"] * 5 + ["growth"] * 3 + ["tactical"] * 2
    assert selection.chosen["weight"].groupby(selection.chosen["tier"]).sum().to_dict() == pytest.approx(
        {"core": 0.6, "growth": 0.3, "tactical": 0.1}
    )
    assert selection.chosen["robustness"].is_monotonic_decreasing
    assert "Significant after 100 trials: no" in selection._repr_html_()


def test_when_nothing_is_robust_nothing_is_deployed():
    panel = noise_panel(np.random.default_rng(4), days=1_500, trials=12) - 0.01
    selection = selected(panel)
    assert selection.verdict is Verdict.REJECTED and selection.chosen.empty
    assert set(selection.verdicts) == {"rejected"}
    assert "only 0 of 10 places are filled" in selection.notes[0]
    assert "nothing is deployed" in selection._repr_html_()


def test_one_surviving_strategy_is_judged_without_a_rank():
    panel = plant_edge(noise_panel(np.random.default_rng(5), days=2_500, trials=1), [0], sharpe_annual=2.0)
    selection = selected(panel)
    assert selection.evidence.overfitting is None
    assert any("one trial only" in note for note in selection.notes)
    assert "88 % of the capital stays in cash" in selection.notes[0]
    assert "probability of backtest overfitting" not in dict(selection.evidence.lines())


def test_discarded_ideas_make_the_gate_stricter():
    panel = plant_edge(noise_panel(np.random.default_rng(0), days=4_000, trials=50), [0], sharpe_annual=0.95)
    settings = GateSettings(bootstraps=200, blocks=6, block=1.0)
    few, many = (
        gather_evidence(panel, generator=np.random.default_rng(1), trial_count=count, settings=settings)
        for count in (50, 5_000)
    )
    assert few.is_significant and not many.is_significant
    assert many.deflated.across_trials < few.deflated.across_trials
    assert many.backtest_years > few.backtest_years
    with pytest.raises(ConfigError, match="trial_count is 3, but there are 50 series: every trial counts"):
        gather_evidence(panel, generator=np.random.default_rng(1), trial_count=3)


def test_robustness_decides_and_must_be_known_of_all():
    panel = noise_panel(np.random.default_rng(6), days=2_500, trials=40)
    panel = panel - panel.mean() + 5e-5
    shares = pd.Series(np.linspace(0.4, 1.0, 40), index=panel.columns)
    selection = selected(panel, robustness=Robustness(shares, shares, shares))
    assert selection.chosen.index[0] == "synthetic 039"
    assert (selection.chosen[["windows", "neighbours", "costs"]].mean(axis=1) - selection.chosen["robustness"]
            ).abs().max() < 1e-12  # fmt: skip
    with pytest.raises(DataError, match="no robustness is known of synthetic 000"):
        selected(panel, robustness=Robustness(shares[1:], shares[1:], shares[1:]))


def test_a_rule_is_taken_at_one_risk_profile_and_a_pair_at_most_twice():
    grid = strategy_grid(POLICY)[:72]
    panel = noise_panel(np.random.default_rng(7), days=2_500, trials=72) + 1e-4
    panel.columns = [one.name for one in grid]
    walked = walk_forward(panel, groups=grid_groups(grid))
    names = selected(panel, walked=walked).chosen.index
    pairs = [name.split()[0] for name in names]
    rules = [" ".join(name.split()[:3]) for name in names]
    assert len(set(rules)) == len(rules) and max(pairs.count(one) for one in pairs) <= 2 and len(names) == 6


def test_shuffled_trials_keep_their_likeness_and_lose_their_edge():
    panel = plant_edge(
        noise_panel(np.random.default_rng(8), days=3_000, trials=6, correlation=0.5), [0], sharpe_annual=3
    )
    noise = shuffled_panel(panel, np.random.default_rng(9))
    assert np.abs(np.corrcoef(noise.T) - np.corrcoef(panel.T)).max() < 0.1
    assert abs(noise.mean().iloc[0] / noise.std().iloc[0]) < 3 / np.sqrt(3_000)
    with pytest.raises(ConfigError, match="block must be between 1 and 3000"):
        shuffled_panel(panel, np.random.default_rng(9), block=0)


def test_panels_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="at least 2 days"):
        noise_panel(np.random.default_rng(0), days=1, trials=3)
    with pytest.raises(ConfigError, match=r"correlation in \[0, 1\)"):
        noise_panel(np.random.default_rng(0), days=10, trials=3, correlation=1.0)
