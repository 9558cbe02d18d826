"""Incident reports: made when an incident closes, and again when somebody ticks or writes something afterwards.

They are read from the journals by a thread of their own, so that nobody who halts waits for one.
"""

import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.domain.errors import ConfigError, WorkbenchError
from workbench.domain.policy import Policy
from workbench.domain.trading.market_hours import MINUTE_NS
from workbench.response.incidents.alert import WARNING
from workbench.response.incidents.incident import Incident
from workbench.response.people.private_files import write_private

FOLDER = "incidents"
UNEXPECTED = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError)
"""What reading and telling a record raises where its rows are not as expected."""
TRY_AGAIN_NS = MINUTE_NS
"""After which a report that could not be made is tried again."""
NAME = re.compile(r"I[0-9]{1,9}")


class Reports:
    """Reports of one control folder.

    Parameters
    ----------
    control, live : Path
        Folders of the people and of the loop.
    policy : Policy
        In force.
    clock_ns : callable
        This machine's clock.
    """

    def __init__(
        self, control: Path, live: Path, policy: Policy, *, clock_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._control, self._live, self._policy, self._clock_ns = control, live, policy, clock_ns
        self._one_at_a_time = threading.Lock()
        self._wanted: dict[str, None] = {}
        self._made: set[str] | None = None
        self._maker: threading.Thread | None = None
        self._failed: dict[str, str] = {}
        self._tried_ns = 0

    @property
    def trouble(self) -> str:
        """Which reports could not be made, and why; empty when all is well."""
        return " ".join(self._failed.copy().values())

    def path(self, name: str) -> Path:
        """Where the report of an incident is kept.

        Parameters
        ----------
        name : str
            Its id.

        Returns
        -------
        Path

        Raises
        ------
        ConfigError
            When that is no id of an incident.
        """
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"expected an incident such as I12, got {name[:40]!r}: `workbench incident list` shows them"
            )
        return self._control / FOLDER / f"{name}.html"

    def page(self, name: str) -> str:
        """Make the report of an incident now; of one that is open, as far as it has gone.

        Parameters
        ----------
        name : str
            Its id.

        Returns
        -------
        str
            HTML.

        Raises
        ------
        WorkbenchError
            When there is no such incident, or the journal of people cannot be read.
        """
        from workbench.monitor.incidents.page import page_of
        from workbench.runtime.incidents.making import make_report

        self.path(name)
        with self._one_at_a_time:
            return page_of(make_report(self._control, self._live, name, self._policy, self._clock_ns()))

    def write(self, name: str) -> Path:
        """Make the report of an incident and keep it, for its owner alone.

        Parameters
        ----------
        name : str
            Its id.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        WorkbenchError
            When it cannot be made or kept.
        """
        path = self.path(name)
        write_private(path, self.page(name))
        return path

    def look(self, incidents: Sequence[Incident]) -> None:
        """See to it that every incident that somebody had to answer and that is over has its report.

        Parameters
        ----------
        incidents : sequence of Incident
            All that are known.
        """
        if self._made is None:
            self._made = {path.stem for path in (self._control / FOLDER).glob("I*.html")}
        over = {one.id for one in incidents if one.closed_ns is not None and one.level >= WARNING}
        for name in sorted(over - self._made, key=lambda one: int(one[1:])):
            self.again(name)
            self._made.add(name)
        if abs(self._clock_ns() - self._tried_ns) >= TRY_AGAIN_NS:
            self._wanted |= dict.fromkeys(self._failed.copy())
        if self._wanted and (self._maker is None or not self._maker.is_alive()):
            self._maker = threading.Thread(target=self._make_all, name="incident reports", daemon=True)
            self._maker.start()

    def again(self, name: str) -> None:
        """Something was added to the record of an incident that is over.

        Parameters
        ----------
        name : str
            Its id.
        """
        self._wanted[name] = None

    def _make_all(self) -> None:
        """In a thread of its own: what is wanted now, one after the other."""
        while self._wanted:
            name = next(iter(self._wanted))
            # taken out first: what is added while it is being made is wanted once more
            self._wanted.pop(name, None)
            try:
                self.write(name)
                self._failed.pop(name, None)
            except WorkbenchError as error:
                self._put_off(name, str(error))
            except UNEXPECTED as error:
                # rows nobody expected must neither end this thread in silence nor keep back the other reports
                self._put_off(name, f"{type(error).__name__}, {error}")

    def _put_off(self, name: str, because: str) -> None:
        self._tried_ns = self._clock_ns()
        self._failed[name] = f"The report of incident {name} could not be made, and is tried again: {because}."

    def finish(self, seconds: float) -> None:
        """Wait for reports that are being made.

        Parameters
        ----------
        seconds : float
            At most.
        """
        if self._maker is not None:
            self._maker.join(seconds)
