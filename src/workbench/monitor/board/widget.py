"""The page's other half, in the viewer's kernel: tells the page what the loop shows, ends itself when nobody looks.

Everything happens on the kernel's own event loop: no threads. The page can ask for everything again, say that it is
there, and choose what is drawn; there is no message that changes any state.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import comm
import traitlets

from workbench.domain.errors import ConfigError
from workbench.monitor.board.control_room import ControlRoom
from workbench.monitor.board.joining import page_script, page_style
from workbench.monitor.board.messages import Beats, History
from workbench.monitor.board.series import PERIODS
from workbench.monitor.board.source import Source

FOLDER_VARIABLE = "WORKBENCH_MONITOR_FOLDER"
LOOK_SECONDS = 0.1
BEAT_SECONDS = 0.5
GONE_AFTER_SECONDS = 20.0
"""Since the page last said that it is there; it answers every beat, also in a hidden tab."""
FIRST_WORD_SECONDS = 60.0
THEMES = ("dark", "light")


def chosen_folder(folder: str) -> Path:
    """Folder of the journal to look at.

    Parameters
    ----------
    folder : str
        Empty: the one `workbench monitor` names in the environment, else ``live/`` in the home folder.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        When nothing says where.
    """
    chosen = folder or os.environ.get(FOLDER_VARIABLE, "")
    home = os.environ.get("WORKBENCH_HOME", "")
    if not chosen and not home:
        raise ConfigError(
            f"expected the folder of a journal in the parameter folder, in {FOLDER_VARIABLE} or under WORKBENCH_HOME: "
            "start this page with `workbench monitor`"
        )
    return Path(chosen).expanduser() if chosen else Path(home).expanduser() / "live"


def watch(folder: str = "") -> "RiskBoard":
    """Show the book of a live loop, and go on showing it.

    Parameters
    ----------
    folder : str
        See `chosen_folder`.

    Returns
    -------
    RiskBoard
        Display it.
    """
    watched = chosen_folder(folder)
    board = RiskBoard(Source(watched), ControlRoom.named_in(os.environ, watched))
    board.begin()
    return board


def leave() -> None:
    """End this kernel at once: a viewer writes nothing, so there is nothing to put in order."""
    os._exit(0)


def close_widget_doors() -> None:
    """Let no page make a widget in this kernel: widgets are made here, pages only show them."""
    comms = comm.get_comm_manager()
    comms.targets.pop("jupyter.widget", None)


class RiskBoard(anywidget.AnyWidget):
    """The risk monitor.

    Parameters
    ----------
    source : Source
        What is watched.
    control : ControlRoom, optional
        Whom the page may lead to, and the watchdog.
    end : callable
        Ends this process.
    stopwatch : callable
        Seconds, never set back.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    period = traitlets.Enum(tuple(PERIODS), "day").tag(sync=True)
    strategy = traitlets.Unicode("").tag(sync=True)
    pair = traitlets.Unicode("").tag(sync=True)
    theme = traitlets.Enum(THEMES, "dark").tag(sync=True)
    strategies = traitlets.List(traitlets.Unicode())
    pairs = traitlets.List(traitlets.Unicode())

    def __init__(
        self,
        source: Source,
        control: ControlRoom | None = None,
        *,
        end: Callable[[], None] = leave,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(_esm=page_script(), _css=page_style())
        self.add_class("risk-board")
        self._source, self._end, self._stopwatch = source, end, stopwatch
        self._control = control or ControlRoom(None, source.folder)
        self._beats, self._history = Beats(), History(source)
        self._beat_at = 0.0
        self._wants_all, self._wants_series, self._spoke = False, False, False
        self._gone_at = stopwatch() + FIRST_WORD_SECONDS
        self._urgent: tuple[Any, ...] = ()
        self._task: asyncio.Task[None] | None = None
        self.on_msg(self._heard)
        self.observe(self._chosen, "period")

    def begin(self) -> None:
        """Go on by itself; when that ends, for whatever reason, so does the process: a page never freezes unseen."""
        close_widget_doors()
        self.turn()
        self._task = asyncio.get_running_loop().create_task(self._go_on())
        self._task.add_done_callback(lambda _: self._end())

    async def _go_on(self) -> None:
        while not self.deserted:
            self.turn()
            await asyncio.sleep(LOOK_SECONDS)

    @property
    def deserted(self) -> bool:
        """Whether nobody looks any more."""
        return self._stopwatch() > self._gone_at

    def turn(self) -> None:
        """Look at the journal, and tell the page what is due."""
        now = self._stopwatch()
        changed = self._source.look()
        condition = self._source.condition
        if changed:
            self._name_choices()
        if not self._spoke:
            return
        urgent = (condition.state, *self._grave())
        if self._wants_all:
            self._beats.forget()
        if self._wants_all or urgent != self._urgent or now >= self._beat_at:
            told = self._control.told()
            self.send(self._beats.next(self._source.projection, condition, time.time_ns(), told))
            self._beat_at = now + BEAT_SECONDS
        if self._wants_all or self._wants_series:
            self.send(self._history.all(self.period, now))
        elif changed and (added := self._history.new(now)) is not None:
            self.send(added)
        self._wants_all, self._wants_series, self._urgent = False, False, urgent

    def _grave(self) -> tuple[Any, ...]:
        """What must not wait for the next beat: the mode, and the newest alert."""
        book, alerts = self._source.projection.get("book"), self._source.projection.get("alerts")
        mode = book.get("mode") if isinstance(book, dict) else None
        return (mode, alerts[0] if isinstance(alerts, list) and alerts else None)

    def _name_choices(self) -> None:
        """Learn the strategies and pairs there are to choose from."""
        book = self._source.projection.get("book")
        positions = book.get("positions") if isinstance(book, dict) else None
        rows = [row for row in positions if isinstance(row, dict)] if isinstance(positions, list) else []
        self.strategies = sorted({str(row["strategy"]) for row in rows if row.get("strategy")})
        self.pairs = sorted({str(row["pair"]) for row in rows if row.get("pair")})

    def _heard(self, _board: Any, content: Any, _buffers: Any) -> None:
        """Take what the page says; anything but the two words it may say is passed over."""
        word = content.get("kind") if isinstance(content, dict) else None
        if word not in {"hello", "here"}:
            return
        self._spoke, self._gone_at = True, self._stopwatch() + GONE_AFTER_SECONDS
        self._wants_all = self._wants_all or word == "hello"

    def _chosen(self, _change: Any) -> None:
        self._wants_series = True

    @traitlets.validate("strategy", "pair")
    def _known(self, proposal: Any) -> str:
        """A name that is not there means all."""
        names = self.strategies if proposal["trait"].name == "strategy" else self.pairs
        return str(proposal["value"]) if proposal["value"] in names else ""
