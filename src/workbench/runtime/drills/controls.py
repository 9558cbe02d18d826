"""Every control: what fires it, when it counts as decided and as done, and how soon that must be by the policy."""

import math
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from workbench.data.inbox import Command
from workbench.domain.errors import ConfigError, InvariantError
from workbench.domain.policy import Policy
from workbench.domain.policy.risk import LevelRung, Rung, SilenceRung
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.domain.trading.modes import Condition, Ladder, Mode
from workbench.domain.trading.orders import Order
from workbench.domain.trading.reasons import Reason
from workbench.engine.risk_engine import EngineState
from workbench.response.drills.names import CONTROL_NAMES
from workbench.runtime.drills import stagings
from workbench.runtime.drills.market import TRIGGER_NS
from workbench.runtime.drills.reached import ROUNDING_UNITS, missing_in_condition, missing_on_rung, missing_share
from workbench.runtime.drills.stage import Stage, Staging
from workbench.runtime.live.desk import targets_of

Units = Mapping[str, float]
FIRST, SECOND = "drill, first person", "drill, second person"
AT_ONCE_SECONDS = 2.0
"""What 0 seconds in the policy are measured by: silence is judged once a second, and deciding takes a moment."""
ORDER_LIVES_NS = 60 * SECOND_NS
METRICS = {
    Ladder.DRAWDOWN: "drawdown", Ladder.VOLATILITY: "volatility over normal", Ladder.VALUE_AT_RISK: "VaR 95 %",
    Ladder.CORRELATION: "correlation", Ladder.TECHNICAL: "silence",
}  # fmt: skip
LAST_RUNG = 3
"""Of the technical ladder: everything is closed, through whatever works again."""


def nothing(_stage: Stage) -> None:
    """Nobody does anything: prices or silence fire the control.

    Parameters
    ----------
    _stage : Stage
        The paper account.
    """


@dataclass(frozen=True, slots=True)
class Control:
    """One control, ready to be fired.

    Attributes
    ----------
    name : str
        One of `CONTROL_NAMES`.
    what : str
        What fires it, for people.
    target_seconds : float
        From what fires it to its end, by the policy.
    staging : Staging
        Paper account and prices.
    decided : callable
        Whether the engine has decided. Given the state and the units before.
    missing : callable
        What is not as the policy wants it, a few words; empty when all is. Given the same.
    trigger_ns : int
        When it is fired.
    prepare, act : callable
        What is done to the paper account 3 seconds before it is fired, and when.
    back_ns : int or None
        When prices or the broker come back: it cannot end before, and is judged by its decision.
    back_seconds : float
        Within so many seconds after that it must end.
    alert : tuple of (Ladder, int), Reason or None
        Rung whose alert must be in the journal, or what it must be raised for.
    ends : bool
        Whether the loop must end by itself.
    """

    name: str
    what: str
    target_seconds: float
    staging: Staging
    decided: Callable[[EngineState, Units], bool]
    missing: Callable[[EngineState, Units], str]
    trigger_ns: int = TRIGGER_NS
    prepare: Callable[[Stage], None] = nothing
    act: Callable[[Stage], None] = nothing
    back_ns: int | None = None
    back_seconds: float = 0.0
    alert: tuple[Ladder, int] | Reason | None = None
    ends: bool = False


def rung_of(policy: Policy, ladder: Ladder, number: int) -> Rung:
    """A rung of the policy.

    Parameters
    ----------
    policy : Policy
        In force.
    ladder : Ladder
        Which ladder.
    number : int
        From 1.

    Returns
    -------
    Rung
    """
    rungs: tuple[Rung, ...] = getattr(policy.ladders, ladder.name.lower()).rungs
    return rungs[number - 1]


def all_controls(policy: Policy) -> Mapping[str, Control]:
    """Every control of a policy.

    Parameters
    ----------
    policy : Policy
        In force.

    Returns
    -------
    mapping of str to Control
        By name, in the order of `CONTROL_NAMES`.
    """
    made = [*_price_controls(policy), *_technical_controls(policy), *_conditions(policy), _mismatch(policy)]
    found = {one.name: one for one in (*made, *_people_controls(policy))}
    return {name: found[name] for name in CONTROL_NAMES}


def _on_rung(policy: Policy, name: str, ladder: Ladder, number: int, staging: Staging) -> Control:
    rung, place = rung_of(policy, ladder, number), number - 1
    return Control(
        name,
        f"{METRICS[ladder]} above {_trigger_in_words(rung, ladder)}",
        float(rung.done_within_seconds) or AT_ONCE_SECONDS,
        staging,
        lambda state, before: bool(state.tripped[ladder, place]),
        lambda state, before: missing_on_rung(rung, (ladder, number), state, before),
        alert=(ladder, number),
    )


def _trigger_in_words(rung: Rung, ladder: Ladder) -> str:
    if isinstance(rung, SilenceRung):
        return f"{rung.trigger_seconds:g} s"
    trigger = rung.trigger if isinstance(rung, LevelRung) else math.nan
    return f"{100 * trigger:g} %" if ladder in (Ladder.DRAWDOWN, Ladder.VALUE_AT_RISK) else f"{trigger:g}"


def _price_controls(policy: Policy) -> list[Control]:
    ladders, made = policy.ladders, list[tuple[str, Ladder, int, Staging]]()
    ratios = stagings.triggers_of(ladders.volatility)
    for number in range(1, len(ladders.drawdown.rungs) + 1):
        staging = stagings.drawdown_staging(policy, number)
        made.append((f"drawdown {number}", Ladder.DRAWDOWN, number, staging))
    for number in range(1, len(ratios) + 1):
        staging = stagings.volatility_staging(stagings.above(ratios, number))
        made.append((f"volatility {number}", Ladder.VOLATILITY, number, staging))
    for number in range(1, len(ladders.value_at_risk.rungs) + 1):
        staging = stagings.value_at_risk_staging(policy, number)
        made.append((f"value at risk {number}", Ladder.VALUE_AT_RISK, number, staging))
    for name, staging in stagings.correlation_stagings(policy).items():
        made.append((name, Ladder.CORRELATION, int(name.split()[1]), staging))
    found = [_on_rung(policy, *one) for one in made]
    breakdown = ladders.correlation.rung_2
    words = (
        f"{breakdown.moved_count} correlations of held legs above {breakdown.high_correlation:g} that moved by more "
        f"than {breakdown.moved_correlation:g}"
    )
    return [replace(one, what=words) if one.name.endswith("held legs") else one for one in found]


def _technical_controls(policy: Policy) -> list[Control]:
    technical, ladder = policy.ladders.technical, Ladder.TECHNICAL
    seconds = float(policy.success.technical.halving_seconds)
    after = [round(one.trigger_seconds * SECOND_NS) for one in (technical.rung_1, technical.rung_2, technical.rung_3)]
    due = [round(float(rung.done_within_seconds) * SECOND_NS) for rung in technical.rungs]
    long_ns = after[2] + stagings.BACK_AFTER_NS
    back = TRIGGER_NS + long_ns
    quiet, prices, broker = stagings.silence_staging, "no price", "no answer of the broker"
    both = after[1] + max(due[1], SECOND_NS)
    made = [
        ("technical 1", 1, quiet(primary_ns=after[0] + due[0]), f"{prices} of the feed in use"),
        ("technical 2", 2, quiet(primary_ns=both, backup_ns=both), f"{prices} of either feed"),
        ("technical 3 without prices", 3, quiet(primary_ns=long_ns, backup_ns=long_ns), f"{prices} of either feed"),
        ("technical 3 without broker", 3, stagings.outage_staging(long_ns), broker),
    ]
    controls = []
    for name, number, staging, words in made:
        control = _on_rung(policy, name, ladder, number, staging)
        what = f"{words} for more than {_trigger_in_words(rung_of(policy, ladder, number), ladder)}"
        # the trigger is a time of silence: it is reached so long after the silence began
        control = replace(control, what=what, trigger_ns=TRIGGER_NS + after[number - 1])
        controls.append(replace(control, back_ns=back, back_seconds=seconds) if number == LAST_RUNG else control)
    return controls


def _conditions(policy: Policy) -> list[Control]:
    bounds = [one.ratio_below for one in policy.market_conditions.bounded]
    target = float(policy.success.technical.volatility_cut_seconds)
    controls = []
    for condition in list(Condition)[1:]:
        words = condition.name.lower()
        cap = getattr(policy.market_conditions, words).exposure_cap
        controls.append(
            Control(
                f"market {words}",
                f"volatility over normal from {bounds[condition - 1]:g}",
                target,
                stagings.volatility_staging(stagings.above(bounds, int(condition))),
                lambda state, before, condition=condition: int(state.condition) == condition,  # type: ignore[misc]
                lambda state, before, condition=condition, cap=cap: missing_in_condition(  # type: ignore[misc]
                    condition, cap, state, before
                ),
            )
        )
    return controls


def _mismatch(policy: Policy) -> Control:
    number = policy.ladders.rules.fail_closed_technical_rung
    control = _on_rung(policy, "book mismatch", Ladder.TECHNICAL, number, stagings.still_staging())
    return replace(control, what="an execution at the broker that is none of ours", act=_trade_behind_our_back)


def _trade_behind_our_back(stage: Stage) -> None:
    now = stage.clock.now_ns()
    strategy = stage.loop.state.settings.strategies[0]
    price = float(stage.loop.state.value[1])
    order = Order(
        "drill-not-ours",
        strategy.name,
        strategy.pair,
        1_000.0,
        0,
        reduce_only=False,
        price=price,
        valid_until_ns=now + ORDER_LIVES_NS,
    )
    stage.broker.traded_by_another(order, now)


def _people_controls(policy: Policy) -> list[Control]:
    by_hand = float(policy.success.technical.manual_control_seconds)
    halving = float(policy.success.technical.halving_seconds)

    def control(name: str, what: str, target: float, mode: Mode, missing: Callable[..., str]) -> Control:
        return Control(name, what, target, stagings.still_staging(), _mode_at_least(mode), missing)

    halted = control("halt", "workbench halt", by_hand, Mode.HALTED, _mode_missing(Mode.HALTED))
    half = control("reduce by half", "workbench reduce 0.5", halving, Mode.ACTIVE, _share_missing(0.5))
    flat = control("close all", "workbench flatten", halving, Mode.ACTIVE, _share_missing(0.0))
    cancelled = control(
        "cancel all", "cancel all from the phone page, while no order grows a position", by_hand, Mode.ACTIVE,
        _mode_missing(Mode.ACTIVE),
    )  # fmt: skip
    resumed = control(
        "resume by two", "workbench resume by two people; by one alone it was refused", by_hand, Mode.ACTIVE,
        _mode_missing(Mode.ACTIVE),
    )  # fmt: skip
    return [
        replace(halted, act=_asked("halt")),
        replace(halted, name="halt by signal", what="a signal, as where the inbox cannot be written", act=_signalled),
        replace(halted, name="full halt", what="halt and cancel all from the phone page", act=_asked("full_halt"),
                alert=Reason.OPERATOR_CANCEL),
        replace(cancelled, act=_asked("cancel_all"), alert=Reason.OPERATOR_CANCEL),
        replace(halted, name="shut down", what="the system shut down: halted, and the loop ended by itself",
                act=_asked("shut_down"), alert=Reason.OPERATOR_CANCEL, ends=True),
        replace(half, act=_asked("reduce", fraction=0.5), decided=_wanted(0.5)),
        replace(flat, act=_asked("flatten"), decided=_wanted(0.0)),
        replace(
            resumed, prepare=_asked("halt"), act=_resumed, decided=_active_again
        ),
    ]  # fmt: skip


def _asked(act: str, **fields: object) -> Callable[[Stage], None]:
    def ask(stage: Stage) -> None:
        stage.inbox.send(Command.made(act, FIRST, stage.clock.now_ns(), reason="drill", **fields))

    return ask


def _signalled(_stage: Stage) -> None:
    signal.raise_signal(signal.SIGUSR1)


def _resumed(stage: Stage) -> None:
    try:
        Command.made("resume", FIRST, stage.clock.now_ns(), approver=FIRST)
    except ConfigError:
        _asked("resume", approver=SECOND)(stage)
    else:
        raise InvariantError("one person alone may resume: two different ones must")


def _wanted(share: float) -> Callable[[EngineState, Units], bool]:
    def decided(state: EngineState, before: Units) -> bool:
        wanted = {one.strategy: one.units for one in targets_of(state)}
        return all(abs(wanted[name]) <= share * abs(units) + ROUNDING_UNITS for name, units in before.items())

    return decided


def _mode_at_least(mode: Mode) -> Callable[[EngineState, Units], bool]:
    return lambda state, before: int(state.mode) >= mode


def _active_again(state: EngineState, _before: Units) -> bool:
    return int(state.mode) == Mode.ACTIVE


def _mode_missing(mode: Mode) -> Callable[[EngineState, Units], str]:
    def missing(state: EngineState, _before: Units) -> str:
        return "" if int(state.mode) == mode else f"the mode is {Mode(int(state.mode)).name}, not {mode.name}"

    return missing


def _share_missing(share: float) -> Callable[[EngineState, Units], str]:
    return lambda state, before: missing_share(share, state, before)
