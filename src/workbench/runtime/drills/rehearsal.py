"""One control fired on a paper account and timed: from what fires it to the decision, the first order, and the end."""

import time
from dataclasses import dataclass
from pathlib import Path

from workbench.data.journal import codec
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.domain.errors import WorkbenchError
from workbench.domain.policy import Policy
from workbench.domain.trading.decisions import RaiseAlert
from workbench.domain.trading.market_hours import SECOND_NS
from workbench.domain.trading.orders import OrderState
from workbench.engine.risk_engine import RiskEngine
from workbench.runtime.drills.controls import Control, nothing
from workbench.runtime.drills.stage import EngineMaker, Stage, opened_stage
from workbench.runtime.live.desk import units_of

PREPARED_BEFORE_NS = 3 * SECOND_NS
PATIENCE_SECONDS = 30.0
"""How long a control that is late is still watched, so that the record says how late."""


@dataclass(frozen=True, slots=True)
class Timed:
    """What came of firing a control; times in seconds since it was fired, None where it never came to that.

    Attributes
    ----------
    name, what : str
        Of the control.
    target_seconds : float
        By the policy.
    decided, sent, done : float or None
        On the clock of the account: until the engine had decided, the first order was out, and all was as the policy
        wants it.
    after_return : float or None
        From the return of prices or the broker to the end, where it could not end before.
    judged : float or None
        What is compared with the target: the decision where it can end only when prices or the broker are back, else
        the end. With the seconds this machine worked for it: the account's clock stands still meanwhile.
    missing : str
        What was not as the policy wants it; empty when all was.
    """

    name: str
    what: str
    target_seconds: float
    decided: float | None
    sent: float | None
    done: float | None
    after_return: float | None
    judged: float | None
    missing: str

    @property
    def passed(self) -> bool:
        """Whether it fired, came to its end, and was in time."""
        return not self.missing and self.judged is not None and self.judged <= self.target_seconds

    @property
    def sentence(self) -> str:
        """What came of it, for people."""
        if self.missing:
            return f"{self.what}: FAILED, {self.missing}"
        if not self.passed:
            return f"{self.what}: TOO LATE, {self.judged:.1f} s where the policy allows {self.target_seconds:g} s"
        if self.after_return is not None:
            return f"{self.what}; all closed {self.after_return:.1f} s after its return"
        return self.what


class _Watch:
    """Looks at the account between two turns: acts when it is time, notes when things have happened.

    It is asked after every wait, just before the next turn; what it sees then, the turn before has done.
    """

    def __init__(self, control: Control, stage: Stage) -> None:
        self._control, self._stage = control, stage
        self._prepared = self._acted = self._over = False
        self._turned_ns = stage.clock.now_ns()
        self._fired_at = 0.0
        self.fired_ns = control.trigger_ns
        self.before = units_of(stage.loop.state)
        self.decided_ns: int | None = None
        self.done_ns: int | None = None
        self.deciding = self.working = 0.0
        self.missing = "it was never fired"

    @property
    def _ends_ns(self) -> int:
        control = self._control
        if control.back_ns is not None:
            return control.back_ns + round(control.back_seconds * SECOND_NS)
        return self.fired_ns + round((control.target_seconds + PATIENCE_SECONDS) * SECOND_NS)

    def __call__(self) -> bool:
        """Whether the rehearsal is over."""
        control, now = self._control, self._stage.clock.now_ns()
        self._over = over = self._acted and self._look(self._turned_ns)
        self._turned_ns = now
        if not self._prepared and now >= control.trigger_ns - PREPARED_BEFORE_NS:
            self._prepared = True
            control.prepare(self._stage)
        if not self._acted and now >= control.trigger_ns:
            self._acted, self._fired_at = True, time.perf_counter()
            self.before = units_of(self._stage.loop.state)
            self.fired_ns = control.trigger_ns if control.act is nothing else now
            control.act(self._stage)
        return over

    def loop_is_done(self) -> None:
        """Take in that the loop runs no more: by itself, or because the rehearsal was over."""
        if self._control.ends and self._acted and not self._over:
            self._look(self._stage.clock.now_ns())
            self.missing = self._control.missing(self._stage.loop.state, self.before)
            self.done_ns = None if self.missing else self._stage.clock.now_ns()

    def _look(self, turned_ns: int) -> bool:
        """Note what the last turn has done; whether that was all."""
        state, self.working = self._stage.loop.state, time.perf_counter() - self._fired_at
        if self.decided_ns is None and self._control.decided(state, self.before):
            self.decided_ns, self.deciding = turned_ns, self.working
        self.missing = self._control.missing(state, self.before) or ("the loop went on" if self._control.ends else "")
        settled = state.target.tolist() == state.units.tolist() and not self._stage.gateway.live_orders
        if not self.missing and not settled:
            self.missing = "orders were still on their way when the time was up"
        if not self.missing and self.decided_ns is None:
            self.missing = "nothing was decided"
        if not self.missing:
            self.done_ns = turned_ns
        return not self.missing or turned_ns >= self._ends_ns


def rehearse(control: Control, folder: Path, policy: Policy, engine: EngineMaker = RiskEngine) -> Timed:
    """Fire a control on a paper account of its own.

    Parameters
    ----------
    control : Control
        From `all_controls`.
    folder : Path
        For the account; nothing may be in it.
    policy : Policy
        In force.
    engine : callable
        Makes the engine.

    Returns
    -------
    Timed
    """
    try:
        with opened_stage(folder, policy, control.staging, engine) as stage:
            watch = _Watch(control, stage)
            stage.loop.run(watch)
            watch.loop_is_done()
    except WorkbenchError as error:
        return Timed(control.name, control.what, control.target_seconds, None, None, None, None, None, str(error))
    return _timed(control, watch, folder)


def _timed(control: Control, watch: _Watch, folder: Path) -> Timed:
    def since(time_ns: int | None) -> float | None:
        return None if time_ns is None else max(time_ns - watch.fired_ns, 0) / SECOND_NS

    with JournalReader(folder) as reader:
        sent_ns = _first_sent_ns(reader, watch.fired_ns)
        missing = watch.missing or _alert_missing(control, reader)
    decided, done = since(watch.decided_ns), since(watch.done_ns)
    after_return = None
    if control.back_ns is not None and watch.done_ns is not None:
        after_return = (watch.done_ns - control.back_ns) / SECOND_NS
    end, worked = (done, watch.working) if control.back_ns is None else (decided, watch.deciding)
    judged = None if end is None else end + worked
    return Timed(
        control.name, control.what, control.target_seconds, decided, since(sent_ns), done, after_return, judged, missing
    )


def _first_sent_ns(reader: JournalReader, since_ns: int) -> int | None:
    notes = (codec.decode_note(row.body, row.time_ns) for row in reader.rows(kinds=(RowKind.ORDER,)))
    return next((one.time_ns for one in notes if one.state is OrderState.SENT and one.time_ns >= since_ns), None)


def _alert_missing(control: Control, reader: JournalReader) -> str:
    """The alert people would be paged by must be in the journal."""
    if control.alert is None:
        return ""
    said = (codec.decode_decision(row.body, row.time_ns) for row in reader.rows(kinds=(RowKind.DECISION,)))
    raised = any(isinstance(one, RaiseAlert) and control.alert in ((one.ladder, one.rung), one.reason) for one in said)
    return "" if raised else "no alert was raised"
