"""Replays of crises and of recorded events."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.app.environment import home_folder
from workbench.app.sources import load_rates

if TYPE_CHECKING:
    from workbench.domain.policy import Policy
    from workbench.monitor.replay_page import ReplayView


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What the command line asks of a replay; empty strings and zero mean the default."""

    scenario: str = ""
    events: str = ""
    policy_file: str = ""
    book_file: str = ""
    equity: float = 1e6
    volatility: float = 0.0
    minutes: int = 0
    gaps: tuple[str, ...] = ()
    seed: int = 0
    output: str = ""


def replay_scenario(request: ReplayRequest, *, controls: bool = True) -> "tuple[Path, ReplayView]":
    """Replay a scenario and write its page, events, decisions and path.

    Parameters
    ----------
    request : ReplayRequest
        From the command line.
    controls : bool
        Whether the decisions shown are those of the controls, or of the same book without them.

    Returns
    -------
    tuple of (Path, ReplayView)
        The folder, and what the page shows.

    Raises
    ------
    ConfigError, DataError
        When the scenario, book, policy or gap path is not known or cannot be used.
    """
    from workbench.data.book import read_book
    from workbench.data.files import write_atomically
    from workbench.data.policy_file import read_policy
    from workbench.engine.risk_engine import RiskEngine
    from workbench.monitor.replay_page import ReplayView, write_replay_page
    from workbench.runtime import replay

    policy = read_policy(Path(request.policy_file) if request.policy_file else None)
    scenario = replay.find_scenario(policy, request.scenario)
    plan = replay.MarkPlan(request.minutes, request.seed, replay.find_gaps(policy, request.gaps))
    book = read_book(Path(request.book_file), equity=request.equity) if request.book_file else None
    order = replay.ReplayOrder(scenario, plan, book, request.equity, request.volatility or None)
    played = replay.replay_scenario(load_rates(), policy, order)
    shown = played.controlled if controls else played.free
    days = f"{shown.path.index[0]:%Y-%m-%d} to {shown.path.index[-1]:%Y-%m-%d}"
    view = ReplayView(
        title=f"Replay: {scenario.name}",
        subtitle=f"{played.book.name} book, equity {played.book.equity:,.0f} USD · {days} · calibrated every day by "
        "filtered historical simulation with EWMA volatility, from what was known that day",
        controlled=shown.path,
        free=played.free.path,
        decisions=shown.decisions,
        policy=policy,
        synthetic=plan.words,
        seed=plan.seed,
    )
    folder = Path(request.output) if request.output else home_folder() / "replays" / scenario.id
    engine = RiskEngine(policy, played.calibration, replay.held_strategies(played.book), controls=controls)
    replay.write_events(folder / "events.jsonl", engine, played.start, shown.events)
    replay.write_decisions(folder / "decisions.jsonl", shown.decisions)
    write_atomically(folder / "path.csv", shown.path.to_csv().encode())
    write_replay_page(folder / "index.html", view)
    return folder, view


def replay_events(request: ReplayRequest) -> "tuple[Path, int]":
    """Take a file of events in again and write the decisions they lead to.

    Parameters
    ----------
    request : ReplayRequest
        Names the file; the output is a file too.

    Returns
    -------
    tuple of (Path, int)
        The file of decisions, and how many there are.

    Raises
    ------
    DataError
        When the file is not one of events.
    """
    from workbench.runtime import replay

    source = Path(request.events)
    engine, start, events = replay.read_events(source)
    decisions = replay.play_events(engine, start, events)
    target = Path(request.output) if request.output else source.with_suffix(".decisions.jsonl")
    replay.write_decisions(target, decisions)
    return target, len(decisions)


def known_scenarios(policy_file: str = "") -> "tuple[Policy, list[tuple[str, str, date, date]]]":
    """Scenarios of a policy.

    Parameters
    ----------
    policy_file : str
        The user's own; empty means the shipped one.

    Returns
    -------
    tuple of (Policy, list)
        Id, name, first and last day of each.
    """
    from workbench.data.policy_file import read_policy
    from workbench.runtime.replay import scenarios_of

    policy = read_policy(Path(policy_file) if policy_file else None)
    return policy, [(one.id, one.name, one.start, one.end) for one in scenarios_of(policy)]
