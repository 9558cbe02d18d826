"""One session of a notebook: data, policy, and a folder for what it leaves for the next step and the report."""

import io
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from workbench.data.files import write_atomically
from workbench.data.quality import AcceptanceLog, QualityLimits, QualityReport, quality_report
from workbench.data.rates import DailyRates
from workbench.data.store import Store
from workbench.domain.currencies import PAIRS
from workbench.domain.policy import Policy

PROGRESS_EVERY = 0.2
DOTS_PER_INCH, SHOWN_PER_INCH = 130, 80
"""Pictures are drawn finer than they are shown, for sharp screens."""


class Figure(Protocol):
    """What `DailySession.show` needs of a picture."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the picture to a file."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a notebook shows it."""

    name: str
    png: bytes = field(repr=False)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The picture, and its width on the page."""
        return self.png, {"width": int.from_bytes(self.png[16:20], "big") * SHOWN_PER_INCH // DOTS_PER_INCH}


class Results:
    """What a notebook leaves in its folder: results for later steps, pictures for the report, how far it is."""

    folder: Path
    _told: float = 0.0

    def keep(self, name: str, result: dict[str, Any]) -> None:
        """Leave a result for later steps.

        Parameters
        ----------
        name : str
            Of the step.
        result : dict
            Plain JSON.
        """
        write_atomically(self.folder / "results" / f"{name}.json", as_json(result))

    def show(self, name: str, figure: Figure) -> Picture:
        """Draw a picture once: for the report, and for the notebook.

        Parameters
        ----------
        name : str
            File name without ending.
        figure : Figure
            A matplotlib figure.

        Returns
        -------
        Picture
            What the notebook shows.
        """
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=DOTS_PER_INCH)
        picture = Picture(name, drawn.getvalue())
        write_atomically(self.folder / "figures" / f"{name}.png", picture.png)
        return picture

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell the runner how far a long computation is.

        Parameters
        ----------
        what : str
            What is being computed.
        done, total : int
            Units of work.
        """
        now = time.monotonic()
        if now - self._told > PROGRESS_EVERY or done >= total:
            self._told = now
            note = json.dumps({"what": what, "done": done, "total": total})
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "progress.json").write_text(note, encoding="utf-8")


@dataclass
class Session(Results):
    """Data up to the as-of date, the policy, and the folder results go to."""

    rates: DailyRates
    policy: Policy
    home: Path
    folder: Path

    def check_data(self, *, accepted_by: str = "") -> QualityReport:
        """Judge the data; with a name, accept on the record what is flagged.

        Parameters
        ----------
        accepted_by : str
            Person who accepts the open flags; empty accepts nothing.

        Returns
        -------
        QualityReport
        """
        limits = QualityLimits(
            capture_rate=self.policy.calibration.minimum_intraday_capture,
            recent_days=self.policy.calibration.flagged_window_days,
        )
        log, store = AcceptanceLog(self.home / "acceptances.jsonl"), Store(self.home / "market")
        report = quality_report(self.rates, store=store, acceptances=log, limits=limits)
        if accepted_by:
            log.record(report.findings, who=accepted_by, when=datetime.now(UTC))
            report = quality_report(self.rates, store=store, acceptances=log, limits=limits)
        self.keep("data_quality", quality_result(report, self.rates))
        return report


def as_json(content: dict[str, Any]) -> bytes:
    """Readable, sorted JSON with all digits and no NaN.

    Parameters
    ----------
    content : dict
        Plain JSON.

    Returns
    -------
    bytes
        UTF-8.
    """
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def quality_result(report: QualityReport, rates: DailyRates) -> dict[str, Any]:
    """What the data step leaves behind.

    Parameters
    ----------
    report : QualityReport
        Of the data.
    rates : DailyRates
        The data.

    Returns
    -------
    dict
        ``summary`` for summary.json, ``gates`` for the decision.
    """
    flagged = report.flagged()
    refusals = [finding.reason for finding in report.findings if finding.severity == "refusal"]
    crooked = [f"{', '.join(check.pairs)} do not multiply out" for check in report.triangles if not check.holds]
    return {
        "summary": {
            "pairs": len(PAIRS),
            "days": len(rates),
            "first": rates.dates[0].date().isoformat(),
            "last": rates.as_of.isoformat(),
            "source": rates.source,
            "capture_rate": report.capture_rate,
            "flagged": flagged,
            "extremes": len(report.extremes),
            "passed": report.gate.passed,
            "reasons": list(report.gate.reasons),
            "content_hash": rates.content_hash,
        },
        "gates": {
            "coverage": min(one.capture_rate for one in report.series if one.timeframe == "fix"),
            "captured": {
                f"{one.pair} {one.timeframe}": one.capture_rate for one in report.series if one.timeframe != "fix"
            },
            "unaccepted": [
                [flag["pair"], flag["date"], flag["reason"]]
                for flag in flagged
                if flag["date"] and not flag["accepted"]
            ],
            "refusals": refusals + crooked,
        },
    }
