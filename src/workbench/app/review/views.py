"""Incident review put together: a journal, a window of it stepped again, and what another policy had done."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.app.live_shell import live_folder
from workbench.domain.errors import ConfigError, DataError, WorkbenchError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.domain.policy import Policy
    from workbench.monitor.review import Piece
    from workbench.runtime.review.journal_days import Survey
    from workbench.runtime.review.stepping import Stepped
    from workbench.runtime.review.what_if import Compared
    from workbench.runtime.session import Picture

DEMONSTRATION = "swiss-2015"
DEMONSTRATION_HOURS = 20.0
DEMONSTRATION_SECONDS = 60.0
"""Between two made-up quotes of one pair."""
PAIRS_SHOWN = 4


class ReviewRefusedError(DataError):
    """A review that cannot be given; a notebook shows its sentence and no traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not reviewed: {self}"]


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """Refuse with a sentence instead of a traceback.

    Yields
    ------
    None

    Raises
    ------
    ReviewRefusedError
        For whatever this program refuses.
    """
    try:
        yield
    except WorkbenchError as error:
        raise ReviewRefusedError(str(error)) from error


def open_review(folder: str = "", *, demo: bool = True, hours: float = DEMONSTRATION_HOURS) -> "Review":
    """Look through a journal for days and incidents; a loop may be writing to it.

    Parameters
    ----------
    folder : str
        Of the journal; empty: ``live/`` in the home folder.
    demo : bool
        With no folder named and no journal in the home folder, play a short crisis into a temporary one.
    hours : float
        Of the crisis that is played.

    Returns
    -------
    Review

    Raises
    ------
    ReviewRefusedError
        With one sentence: when there is no journal, nothing has begun in it, or another version wrote it.
    """
    from workbench.data.journal.storage import DATABASE
    from workbench.runtime.review.journal_days import survey_of

    with in_one_sentence():
        place = live_folder(folder)
        if not (place / DATABASE).is_file():
            # whoever names a folder wants that journal and no other story
            if folder or not demo:
                raise DataError(
                    f"there is no journal in {place}: make one with `workbench up --feed replay:brexit-2016 --speed "
                    "600`, or name the folder of another one"
                )
            place = _demonstration(hours)
        return Review(place, survey_of(place))


def _demonstration(hours: float) -> Path:
    from workbench.app.live import LiveRequest, world_of
    from workbench.data.policy_file import read_policy
    from workbench.monitor.review import Progress
    from workbench.runtime.review.demonstration import play_demonstration

    if not hours > 0.0:
        raise ConfigError(f"expected more than 0 hours of the demonstration, got {hours}")
    folder, policy = Path(tempfile.mkdtemp(prefix="workbench-review-")), read_policy(None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    request = LiveRequest(feed=f"replay:{DEMONSTRATION}", speed=0.0, seconds=DEMONSTRATION_SECONDS)
    play_demonstration(folder, world_of(request, policy), policy, hours, Progress())
    return folder


def _picture(name: str, figure: Any) -> "Picture":
    import io

    from workbench.runtime.session import DOTS_PER_INCH, Picture

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DOTS_PER_INCH)
    return Picture(name, drawn.getvalue())


@dataclass(frozen=True, slots=True)
class Review:
    """A journal with its days and incidents.

    Attributes
    ----------
    folder : Path
        Of the journal.
    survey : Survey
        What is in it.
    """

    folder: Path
    survey: "Survey"

    @property
    def note(self) -> str:
        """Said on every figure of made-up prices."""
        return "SYNTHETIC PRICES: between the daily fixes they are made up" if self.survey.synthetic else ""

    def _repr_html_(self) -> str:
        from workbench.domain.tables import Number, Unbroken, html_table
        from workbench.monitor.review import CAREFUL, GOOD, banner, stamp
        from workbench.monitor.review_tables import rungs_in_words

        found = self.survey
        head = banner(found.label, CAREFUL if found.synthetic else GOOD, [f"journal {found.journal} in {self.folder}"])
        days = [
            [
                Unbroken(one.day.isoformat()), *(Number(f"{many:,}") for many in (one.rows, one.decisions, one.orders)),
                ", ".join(map(str, one.incidents)) or "none",
            ]
            for one in found.days
        ]  # fmt: skip
        incidents = [
            [
                one.number, Unbroken(stamp(one.begins_ns)[:-4]),
                Unbroken(stamp(one.ends_ns)[:-4] if one.over else "still open at the end"),
                one.worst.name, rungs_in_words(one.rungs), Number(f"{one.decisions:,}"), Number(f"{one.orders:,}"),
            ]
            for one in found.incidents
        ]  # fmt: skip
        titles = ["incident", "begins (UTC)", "ends (UTC)", "worst mode", "highest rungs", "decisions", "orders"]
        return (
            head.html
            + html_table(["day (UTC)", "journal rows", "decisions", "orders", "incidents"], days, caption="Days")
            + "<div style='height:10px'></div>"
            + html_table(titles, incidents, caption="Incidents: from the first rung that held until all was calm again")
        )

    def replay(self, *, day: str = "", incident: int = 0) -> "Replayed":
        """Step a day or an incident again.

        Parameters
        ----------
        day : str
            Such as ``2016-06-24``; empty: an incident.
        incident : int
            Its number; 0 takes the worst, or the last day where there is none.

        Returns
        -------
        Replayed

        Raises
        ------
        ReviewRefusedError
            When there is no such day or incident, or the journal cannot be stepped by this version.
        """
        from workbench.monitor.review import Progress
        from workbench.runtime.review.journal_days import window_of
        from workbench.runtime.review.stepping import step_window

        with in_one_sentence():
            number = incident or self.survey.worst()
            if day or not number:
                window = self.survey.day(day or self.survey.days[-1].day.isoformat())
            else:
                window = window_of(self.folder, self.survey, number)
            return Replayed(self, step_window(self.folder, window, Progress()))


@dataclass(frozen=True, slots=True)
class Replayed:
    """A day or an incident, stepped again."""

    review: Review
    stepped: "Stepped" = field(repr=False)

    def _repr_html_(self) -> str:
        from workbench.monitor.review import BAD, GOOD, banner, stamp

        done = self.stepped
        totals, compared = done.course.totals, done.comparison
        lines = [
            f"{done.window.name}: {stamp(done.window.begins_ns)} to {stamp(done.window.ends_ns)} UTC",
            f"{totals.events:,} events stepped one by one, {done.led_up:,} before them to get there",
            f"equity {totals.begins:,.0f} → {totals.ends:,.0f} USD, largest drawdown inside {totals.drawdown:.2%}, "
            f"{totals.fills:,} fills".replace("%", " %"),
        ]
        if done.left_out:
            lines.append(
                f"{done.left_out:,} events that led to decisions are beyond what is kept: choose a shorter part"
            )
        return banner(compared.sentence, BAD if compared.different else GOOD, lines).html

    @property
    def rungs(self) -> dict[str, tuple[float, ...]]:
        """Triggers in force at the end of the window."""
        from workbench.monitor.review_tables import rungs_of

        return rungs_of(self.stepped.course.state.settings.policy)

    @property
    def figure(self) -> "Picture":
        """What the market did and the book went through; letters are the weightiest decisions."""
        from workbench.monitor.decisions import line_of
        from workbench.monitor.figures.review import incident
        from workbench.monitor.review import lettered

        course = self.stepped.course
        marks = [(line.time, name) for name, line in lettered([line_of(one) for one in self.stepped.decisions])]
        return _picture("incident", incident(course.path, self._prices(), marks, self.rungs, self.review.note))

    def _prices(self) -> "pd.DataFrame":
        """The held pairs that moved most."""
        prices = self.stepped.course.prices.dropna(axis="columns", how="all")
        held = {one.pair for one in self.stepped.course.state.settings.strategies}
        prices = prices[[pair for pair in prices if pair in held and (prices[pair] > 0).all()]]
        moved = (prices.iloc[-1] / prices.iloc[0] - 1).abs().sort_values(ascending=False)
        return prices[list(moved.index[:PAIRS_SHOWN])]

    def decisions(self, weight: int = 2) -> "Piece":
        """Decisions with their reasons.

        Parameters
        ----------
        weight : int
            0 shows all; 2 leaves single orders out.

        Returns
        -------
        Piece
        """
        from workbench.monitor.review import decisions_in_words

        return decisions_in_words(self.stepped.decisions, weight)

    @property
    def stepper(self) -> Any:
        """Go through the events that mattered, and a thin choice of the rest."""
        from workbench.monitor.stepper.stepping import stepper

        return stepper(self.stepped.steps, self.rungs)

    def closely(self, moment: str = "", seconds: float = 30.0) -> Any:
        """Go through every single event around a moment.

        Parameters
        ----------
        moment : str
            Such as ``2016-06-24 01:30:05``, UTC; empty: the weightiest decision.
        seconds : float
            Before it and after it.

        Returns
        -------
        Steps or Piece
            A sentence when there is no event.
        """
        from workbench.monitor.stepper.stepping import stepper
        from workbench.runtime.review.journal_days import moment_of
        from workbench.runtime.review.stepping import step_closely

        with in_one_sentence():
            at = moment_of(moment) if moment else self._weightiest_ns()
            found = step_closely(self.review.folder, self.stepped, at, seconds)
            return stepper(found, self.rungs, at)

    def _weightiest_ns(self) -> int:
        from workbench.monitor.decisions import line_of

        ranked = [(line_of(one).weight, -one.time_ns) for one in self.stepped.decisions]
        return -max(ranked)[1] if ranked else self.stepped.window.begins_ns

    def what_if(self, changes: Mapping[str, Any] | None = None, *, policy_file: str = "") -> "Answered":
        """Play the window under the journal's policy and under another one, both with the same simulated fills.

        Parameters
        ----------
        changes : mapping of str to value, optional
            By dotted key, such as ``{"ladders.drawdown.rung_2.trigger": 0.04}``.
        policy_file : str
            A whole policy, TOML; changes are made to it.

        Returns
        -------
        Answered

        Raises
        ------
        ReviewRefusedError
            When the file or a key is refused.
        """
        from workbench.data.policy_file import read_policy
        from workbench.monitor.review import Progress
        from workbench.runtime.review.what_if import amended, what_if

        with in_one_sentence():
            whole = read_policy(Path(policy_file).expanduser()) if policy_file else None

            def other(policy: "Policy") -> "Policy":
                return amended(whole if whole is not None else policy, changes or {})

            return Answered(self.review, what_if(self.review.folder, self.stepped, other, Progress()))


@dataclass(frozen=True, slots=True)
class Answered:
    """What another policy had done."""

    review: Review
    compared: "Compared" = field(repr=False)

    def _repr_html_(self) -> str:
        from workbench.monitor.review import CAREFUL, banner
        from workbench.monitor.review_tables import first_words
        from workbench.runtime.review.what_if import SAME_RULES

        totals, other = self.compared.ours.course.totals, self.compared.other.course.totals
        more = other.profit - totals.profit
        if self.compared.apart is None:
            sentence = "The other policy decides the same at every event of this window."
        else:
            word = "better" if more >= 0 else "worse"
            sentence = (
                f"Under the other policy the book would have ended {abs(more):,.0f} USD {word}, with a largest "
                f"drawdown of {other.drawdown:.3%} instead of {totals.drawdown:.3%}, holding on average "
                f"{other.exposure:.3f} times equity instead of {totals.exposure:.3f}. To hold less is to lose less in "
                "a fall: that alone is no skill."
            ).replace("%", " %")
        return banner(sentence, CAREFUL, [SAME_RULES, *first_words(self.compared.apart)]).html + self._tables()

    def _tables(self) -> str:
        from workbench.monitor.review_tables import changes_table, totals_table

        runs = (
            self.compared.stepped.course.totals,
            self.compared.ours.course.totals,
            self.compared.other.course.totals,
        )
        return changes_table(self.compared.changes) + totals_table(runs, self.compared.decided)

    @property
    def figure(self) -> "Picture":
        """Both runs over time."""
        import pandas as pd

        from workbench.monitor.figures.review import two_policies

        first = [one.time_ns for one in self.compared.apart or () if one is not None]
        at = pd.Timestamp(min(first), tz="UTC") if first else None
        ours, other = self.compared.ours.course.path, self.compared.other.course.path
        return _picture("two_policies", two_policies(ours, other, at, self.review.note))

    def decisions(self, weight: int = 2) -> "Piece":
        """What the other policy decides, with reasons.

        Parameters
        ----------
        weight : int
            0 shows all; 2 leaves single orders out.

        Returns
        -------
        Piece
        """
        from workbench.monitor.review import decisions_in_words

        return decisions_in_words(self.compared.other.decisions, weight, marks=False)
