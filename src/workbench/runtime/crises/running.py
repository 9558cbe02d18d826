"""Every scenario and every simulated path run with two books: what the stress validation is made of."""

from collections.abc import Callable, Sequence

import numpy as np

from workbench.data.rates import DailyRates
from workbench.domain.book import Book
from workbench.domain.errors import ConfigError, DataError
from workbench.domain.policy import Policy
from workbench.domain.trading.events import AnyEvent, Fixing, PositionHeld
from workbench.engine.risk_engine import EngineState, RiskEngine, Start
from workbench.regimes.markov import MarkovParameters, fit_markov
from workbench.runtime.crises.staging import CALM_DAYS, History, recorded_scenarios, situation_of, stage_recorded
from workbench.runtime.crises.strategies import strategy_crises
from workbench.runtime.crises.validation import (
    TODAY,
    InForce,
    Simulation,
    StressOrder,
    StressValidation,
    reference_name,
)
from workbench.runtime.replay.scenario import held_strategies
from workbench.stress import (
    PathPlan,
    Situation,
    Staged,
    StressTable,
    ablate,
    monte_carlo,
    reverse_stress,
    run_scenario,
    stage,
)
from workbench.stress.evaluation.tuning import Tuning, tune
from workbench.stress.paths import BlockBootstrap, PathModel, garch_of, jump_diffusion_of, regime_switching_of
from workbench.stress.runs import DAYS_PER_YEAR
from workbench.stress.scenarios import synthetic_scenarios

Tell = Callable[[str, int, int], None]
MODEL_DAYS = 2_560
"""Last days that models of paths are fitted on, about ten years."""
MARKOV_STATES = 3
REFERENCE_SHARE = 0.8
"""Of the paths: the reference book is where the controls have work to do."""


def validate_stress(
    rates: DailyRates,
    policy: Policy,
    book: Book,
    *,
    in_force: InForce | None = None,
    order: StressOrder | None = None,
    tell: Tell = lambda _what, _done, _total: None,
) -> StressValidation:
    """Run every scenario with the book of today and with the reference book, and judge.

    Parameters
    ----------
    rates : DailyRates
        All history; what is later than a moment is never used at it.
    policy : Policy
        Scenarios, ladders, targets.
    book : Book
        Of today.
    in_force : InForce, optional
        The calibration to be judged and the adopted strategies; the zero-fit one and none when left out.
    order : StressOrder, optional
        Everything by default.
    tell : callable
        Who is told how far it is: what, done, total.

    Returns
    -------
    StressValidation

    Raises
    ------
    ConfigError
        When a scenario is not known, or the book holds nothing.
    DataError
        When no scenario lies in the data, or the book has no risk.
    """
    order, in_force = order or StressOrder(), in_force or InForce()
    history = History(rates, policy, book)
    situation = situation_of(history, in_force.calibration)
    staged, left_out = stage_all(history, situation, order, tell)
    wanted = order.reference_volatility
    sizes = {one.name: one.times_for(wanted) for one in staged}
    as_is = StressTable(tuple(run_scenario(one) for one in staged), tuple(left_out), policy)
    reference = StressTable(tuple(run_scenario(one, times=sizes[one.name]) for one in staged), tuple(left_out), policy)
    tell("what each control did", 0, 1)
    ablation = ablate(staged, times=lambda one: sizes[one.name])
    tuning = _tuned(staged, policy, sizes)
    tell("simulated paths", 0, 1)
    times = wanted / (float(np.sqrt(DAYS_PER_YEAR)) * situation.deviation)
    books = ((TODAY, 1.0, 1.0 - REFERENCE_SHARE), (reference_name(wanted), times, REFERENCE_SHARE))
    simulations = simulate(history, situation, order, books)
    tell("stress", 1, 1)
    trading = in_force.strategy_set
    traded = strategy_crises(history, trading) if trading is not None and trading.members else None
    reverse = reverse_stress(situation)
    judged = in_force.calibration.id if in_force.calibration is not None else ""
    return StressValidation(as_is, reference, ablation, tuning, tuple(simulations), reverse, order, traded, judged)


def _tuned(staged: Sequence[Staged], policy: Policy, sizes: dict[str, float]) -> Tuning | None:
    try:
        return tune(staged, policy, times=lambda one: sizes[one.name])
    except DataError:
        return None


def stage_all(history: History, situation: Situation, order: StressOrder, tell: Tell) -> tuple[list[Staged], list[str]]:
    """Stage the scenarios asked for.

    Parameters
    ----------
    history : History
        Rates, policy, book.
    situation : Situation
        The book of today.
    order : StressOrder
        Which ones.
    tell : callable
        Who is told how far it is.

    Returns
    -------
    tuple of (list of Staged, list of str)
        And those that could not be, with the reason.

    Raises
    ------
    ConfigError
        When a scenario is not known, or two have one name.
    """
    recorded = {one.id: (one, plan) for one, plan in recorded_scenarios(history.policy)}
    synthetic = {one.name: one for one in synthetic_scenarios(history.policy)}
    for own in order.own:
        if own.name in recorded or own.name in synthetic:
            raise ConfigError(f"a scenario named {own.name!r} is there already: give yours another name")
        synthetic[own.name] = own
    known = [*recorded, *synthetic]
    for asked in order.scenarios:
        if asked not in known:
            raise ConfigError(f"unknown scenario {asked!r}: expected one of {', '.join(known)}")
    chosen = [name for name in known if not order.scenarios or name in order.scenarios]
    staged, left_out, calm = [], [], history.returns[-CALM_DAYS:]
    for place, name in enumerate(chosen):
        tell(name, place, len(chosen))
        try:
            if name in recorded:
                staged.append(stage_recorded(history, *recorded[name]))
            else:
                staged.append(stage(synthetic[name], situation, calm=calm))
        except DataError as error:
            left_out.append(f"{name} is left out: {error}")
    if not staged:
        raise DataError("no scenario could be run: " + "; ".join(left_out))
    return staged, left_out


def path_models(history: History, situation: Situation) -> list[PathModel]:
    """The four laws paths are drawn from.

    Parameters
    ----------
    history : History
        Its last ten years are what bootstrap and jumps are fitted on, all of it what regimes are.
    situation : Situation
        Its calibration carries GARCH, and the Markov model where there is one.

    Returns
    -------
    list of PathModel
    """
    recent = history.returns[-MODEL_DAYS:]
    kept = situation.calibration.regime.parameters.get("markov")
    # states are those of all history: one that the last ten years never saw would have no days to be drawn from
    index = np.log1p(history.returns).mean(axis=1)
    markov = (
        MarkovParameters.from_dict(kept)
        if isinstance(kept, dict)
        else fit_markov(index, states=MARKOV_STATES).parameters
    )
    return [
        BlockBootstrap(recent),
        garch_of(situation.calibration),
        jump_diffusion_of(recent),
        regime_switching_of(markov, history.returns, index),
    ]


def simulate(
    history: History, situation: Situation, order: StressOrder, books: Sequence[tuple[str, float, float]]
) -> list[Simulation]:
    """Paths of every model for every book, with controls and without.

    Parameters
    ----------
    history : History
        For the models.
    situation : Situation
        The book of today.
    order : StressOrder
        How many paths.
    books : sequence of (str, float, float)
        Name; size, times the book of today; share of the paths.

    Returns
    -------
    list of Simulation
        SYNTHETIC.
    """
    if order.paths == 0:
        return []
    models = path_models(history, situation)
    found = []
    for name, times, share in books:
        plan = PathPlan(max(round(share * order.paths / len(models)), 1), order.days, order.seed)
        state = opened(situation, times)
        for model in models:
            controlled, free = (monte_carlo(state, model, plan, controls=controls) for controls in (True, False))
            found.append(Simulation(name, controlled, free))
    return found


def opened(situation: Situation, times: float) -> EngineState:
    """An engine that has just taken the book of a situation over, and has not judged it yet.

    Parameters
    ----------
    situation : Situation
        The book of today.
    times : float
        Its size.

    Returns
    -------
    EngineState
    """
    book = Book({pair: float(round(times * units)) for pair, units in situation.units.items()}, situation.equity)
    engine, now = RiskEngine(situation.policy, situation.calibration, held_strategies(book)), situation.time_ns
    state = engine.init(Start(now, situation.equity))
    values = dict(situation.values)
    events: list[AnyEvent] = [Fixing(now, values, closes_day=False)]
    for pair in book.pairs:
        price = values.get(pair[:3], 1.0) / values.get(pair[3:], 1.0)
        events.append(PositionHeld(now, pair, book.units[pair], price))
    # no heartbeat: the first simulated mark judges the book, with controls or without
    for event in events:
        state, _ = engine.step(state, event)
    return state
