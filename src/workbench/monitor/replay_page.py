"""The page of a replay: what the controls did to a book in a crisis, every decision with its reason."""

import base64
import io
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pandas as pd
from jinja2 import Environment, select_autoescape

from workbench.data.files import write_atomically
from workbench.domain.policy import Policy
from workbench.domain.trading.decisions import AnyDecision
from workbench.monitor.decisions import line_of
from workbench.monitor.figures.replay import replay
from workbench.monitor.report import triggers_of


@dataclass(frozen=True, slots=True)
class ReplayView:
    """What the page shows of a replay.

    Attributes
    ----------
    title, subtitle : str
        Scenario; book, days, calibration.
    controlled, free : DataFrame
        Paths with and without controls, by time.
    decisions : tuple of Decision
        Of the controlled one.
    policy : Policy
        In force.
    synthetic : str
        What was put between the fixes; empty when nothing was.
    seed : int
        Of the synthetic marks.
    """

    title: str
    subtitle: str
    controlled: pd.DataFrame
    free: pd.DataFrame
    decisions: tuple[AnyDecision, ...]
    policy: Policy
    synthetic: str = ""
    seed: int = 0

    @property
    def verdict(self) -> str:
        """What the controls did, in two sentences, whichever way it went."""
        with_controls, without = (float(path["drawdown"].max()) for path in (self.controlled, self.free))
        ends = [float(path["equity"].iloc[-1] / path["equity"].iloc[0] - 1) for path in (self.controlled, self.free)]
        better = "less" if with_controls <= without else "MORE"
        share = abs(1 - with_controls / without) if without > 0 else 0.0
        end = "gained" if ends[0] >= ends[1] else "cost"
        average = float(self.controlled["gross"].mean() / max(self.free["gross"].mean(), 1e-12))
        return (
            f"With controls the largest drawdown was {with_controls:.2%}, {share:.0%} {better} than the {without:.2%} "
            f"without; by the end they had {end} {abs(ends[0] - ends[1]):.2%} of equity. They held {average:.0%} of "
            "the exposure on average: a book that much smaller from the start is the fair comparison, and no skill."
        ).replace("%", " %")


def write_replay_page(path: Path, view: ReplayView) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
        HTML, self-contained, without script.
    view : ReplayView
        What it shows.
    """
    drawn = io.BytesIO()
    ladders = view.policy.ladders
    figure = replay(
        view.controlled,
        view.free,
        drawdown_rungs=triggers_of(ladders.drawdown),
        var_rungs=triggers_of(ladders.value_at_risk),
    )
    figure.savefig(drawn, format="png", dpi=130)
    alerts = sum(type(one).__name__ == "RaiseAlert" for one in view.decisions)
    stopped = float((view.controlled["mode"] != "ACTIVE").mean())
    held, free = view.controlled, view.free
    facts = [
        ("largest drawdown", f"{held['drawdown'].max():.2%}", f"{free['drawdown'].max():.2%} without"),
        ("largest VaR 95 %", f"{held['value_at_risk'].max():.2%}", f"{free['value_at_risk'].max():.2%} without"),
        ("alerts", str(alerts), "one for each rung that trips"),
        ("marks not ACTIVE", f"{stopped:.0%}", "entries stopped, or halted"),
        ("exposure at the end", f"{held['gross'].iloc[-1]:.2f} ×", f"{free['gross'].iloc[-1]:.2f} × without"),
    ]
    environment = Environment(autoescape=select_autoescape(default=True, default_for_string=True), trim_blocks=True)
    text = resources.files("workbench.monitor").joinpath("replay_page.html").read_text(encoding="utf-8")
    page = environment.from_string(text).render(
        title=view.title,
        subtitle=view.subtitle,
        synthetic=view.synthetic,
        seed=view.seed,
        facts=facts,
        verdict=view.verdict,
        picture="data:image/png;base64," + base64.b64encode(drawn.getvalue()).decode(),
        lines=[line_of(one) for one in view.decisions],
        policy=view.policy.hash[:12],
    )
    write_atomically(path, page.encode())
