"""Composition root: builds everything from one set of inputs; the only file that knows all names."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.rates import DailyRates
    from workbench.data.store import Store
    from workbench.domain.policy import Policy
    from workbench.monitor.replay_page import ReplayView
    from workbench.runtime.calibrations import CalibrationRegistry
    from workbench.runtime.daily import DailySession
    from workbench.runtime.pipelines.runner import Run, Watcher

COMPILED_ROOMS = ("domain", "risk", "regimes", "controls", "portfolio", "strategies", "research", "engine")
"""Rooms with compiled kernels."""
LIVE_WITHIN_DAYS = 92
"""A run for a day further back than a quarter is history: it is judged, but never goes live."""


def project_root() -> Path:
    """Folder of the checkout, where ``notebooks/`` and ``pipelines/`` are.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        When the package does not lie in a checkout.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / "pipelines").is_dir():
        raise ConfigError(f"expected pipelines/ and notebooks/ in {root}: run from a checkout of the workbench")
    return root


def home_folder() -> Path:
    """Folder everything is written under: ``WORKBENCH_HOME``, or ``var/`` in the checkout.

    Returns
    -------
    Path
    """
    chosen = os.environ.get("WORKBENCH_HOME", "")
    return Path(chosen).expanduser().resolve() if chosen else project_root() / "var"


def prepare_environment() -> None:
    """Set what libraries read when they are first imported; for this process and its notebook kernels.

    Compiled kernels are kept under the home folder, those of each version of the core apart. BLAS gets one thread: ours
    are busy already, and its own fight them over 7 × 7 matrices (ten times slower on two busy cores, measured). Outside
    a checkout and without a home there is nowhere to keep anything: the command that needs the home says so.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        home = home_folder()
    except ConfigError:
        return
    os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled_folder(home / "numba")))
    os.environ.setdefault("IPYTHONDIR", str(home / "ipython"))


def compiled_folder(root: Path) -> Path:
    """Folder of the compiled kernels of this version of the core; those of other versions are removed.

    The compiler's own cache notices a change in a kernel's file, not in the files of the kernels it calls: after an
    update a stale one would go on running.

    Parameters
    ----------
    root : Path
        Holds one folder a version.

    Returns
    -------
    Path
    """
    here = Path(__file__).resolve().parent
    stamp = hashlib.sha256()
    for room in COMPILED_ROOMS:
        for path in sorted((here / room).rglob("*.py")):
            found = path.stat()
            stamp.update(f"{path.relative_to(here)} {found.st_mtime_ns} {found.st_size}\n".encode())
    folder = root / stamp.hexdigest()[:16]
    if not folder.is_dir():
        for other in root.glob("*"):
            shutil.rmtree(other, ignore_errors=True)
    return folder


prepare_environment()


def load_rates(as_of: str = "", ecb_file: str = "") -> "DailyRates":
    """ECB rates up to a day.

    Parameters
    ----------
    as_of : str
        ISO date; empty means the last fix in the data.
    ecb_file : str
        The user's own eurofxref-hist zip or CSV; empty reads the embedded one.

    Returns
    -------
    DailyRates

    Raises
    ------
    ConfigError, DataError
        When the date is in the future or before the data, or the file cannot be used.
    """
    from workbench.data.calendar import parse_as_of
    from workbench.data.sources import EcbHistory

    day = parse_as_of(as_of or None, today=today())
    return EcbHistory(Path(ecb_file) if ecb_file else None).load(as_of=day)


def today() -> date:
    """Calendar day, UTC.

    Returns
    -------
    date
    """
    return datetime.now(UTC).date()


def daily_session(*, as_of: str = "", folder: str = "", ecb_file: str = "", policy_file: str = "") -> "DailySession":
    """Data, policy and result folder for one notebook of the daily run.

    Parameters
    ----------
    as_of : str
        ISO date; empty means the last fix in the data. Rows after it are never looked at.
    folder : str
        Where results and figures go; empty means ``explore/`` in the home folder.
    ecb_file, policy_file : str
        The user's own rates and policy; empty means the shipped ones.

    Returns
    -------
    DailySession
    """
    from workbench.data.policy_file import read_policy
    from workbench.runtime.daily import DailySession

    home = home_folder()
    return DailySession(
        rates=load_rates(as_of, ecb_file),
        policy=read_policy(Path(policy_file) if policy_file else None),
        home=home,
        folder=Path(folder) if folder else home / "explore",
    )


@dataclass(frozen=True, slots=True)
class DailyOrder:
    """What the command line asks of a daily run; empty strings mean the default."""

    as_of: str = ""
    runs: str = ""
    book_file: str = ""
    equity: float = 1e6
    ecb_file: str = ""
    policy_file: str = ""
    accepted_by: str = ""
    confirmed_by: str = ""
    overrides: tuple[str, ...] = ()


def daily_run(order: DailyOrder, watcher: "Watcher") -> "Run":
    """Build the daily run: everything that can be wrong with its inputs is found here, before a step starts.

    Parameters
    ----------
    order : DailyOrder
        From the command line.
    watcher : Watcher
        Who is told how it goes.

    Returns
    -------
    Run
        Ready for `execute`.

    Raises
    ------
    WorkbenchError
        When an input cannot be used.
    """
    from workbench.data.book import read_book
    from workbench.data.policy_file import read_policy
    from workbench.domain.book import Book
    from workbench.monitor.report import write_report
    from workbench.runtime.calibrations.proposal import Decision, decide
    from workbench.runtime.pipelines.pipeline import load_pipeline
    from workbench.runtime.pipelines.run_folder import RunFolder
    from workbench.runtime.pipelines.runner import Run

    root, home = project_root(), home_folder()
    as_of = load_rates(order.as_of, order.ecb_file).as_of
    policy = read_policy(Path(order.policy_file) if order.policy_file else None)
    if order.book_file:
        read_book(Path(order.book_file), equity=order.equity)
    else:  # the default book is made later, from the data; its equity can be checked now
        Book({}, order.equity)
    live = not order.as_of or (today() - as_of).days <= LIVE_WITHIN_DAYS
    judged = Decision(today=today(), confirmed_by=order.confirmed_by, live=live)
    inputs = {
        "as_of": as_of.isoformat(),
        "ecb_file": _absolute(order.ecb_file),
        "policy_file": _absolute(order.policy_file),
        "accepted_by": order.accepted_by,
        "book_file": _absolute(order.book_file),
        "equity": order.equity,
    }
    return Run(
        pipeline=load_pipeline(root / "pipelines" / "daily.toml").with_overrides(list(order.overrides)),
        folder=RunFolder(Path(order.runs).resolve() if order.runs else home / "runs", as_of.isoformat()),
        notebooks=root / "notebooks",
        inputs=inputs,
        actions={
            "decide": lambda folder: _done(decide(folder, home, policy, judged)),
            "report": lambda folder: write_report(folder, policy),
        },
        watcher=watcher,
    )


def _absolute(path: str) -> str:
    return str(Path(path).resolve()) if path else ""


def _done(_summary: object) -> None:
    """Drop a result that is already on disk."""


def registry() -> "CalibrationRegistry":
    """Calibration registry of the home folder.

    Returns
    -------
    CalibrationRegistry
    """
    from workbench.runtime.calibrations import CalibrationRegistry

    return CalibrationRegistry(home_folder())


def market_store() -> "Store":
    """Store of market history of the home folder.

    Returns
    -------
    Store
    """
    from workbench.data.store import Store

    return Store(home_folder() / "market")


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
