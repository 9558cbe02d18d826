"""The page of an incident report: rows in words and times of day, put into the template."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources

from jinja2 import Environment, FunctionLoader
from markupsafe import Markup

from workbench.monitor.decisions import words_of
from workbench.monitor.incidents.picture import drawn, letters
from workbench.response.incidents.report import Entry, Report

SECOND_NS = 1_000_000_000
LEVELS = {1: "Information", 2: "Warning", 3: "Urgent", 4: "Emergency"}
LIGHTS = {1: "plain", 2: "watch", 3: "act", 4: "act"}
STYLES = ("report.css", "incident_report.css")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline as it is shown."""

    entry: Entry
    what: str
    why: str
    letter: str = ""


def utc(time_ns: int | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time of day, UTC.

    Parameters
    ----------
    time_ns : int or None
        Nanoseconds.
    form : str
        As of ``strftime``.

    Returns
    -------
    str
        A dash for none.
    """
    return "–" if time_ns is None else f"{datetime.fromtimestamp(time_ns // SECOND_NS, tz=UTC):{form}}"


def local(time_ns: int | None, form: str = "%H:%M:%S %Z") -> str:
    """A time of day where this machine stands.

    Parameters
    ----------
    time_ns : int or None
        UTC nanoseconds.
    form : str
        As of ``strftime``.

    Returns
    -------
    str
        Empty where local time is UTC.
    """
    if time_ns is None:
        return ""
    moment = datetime.fromtimestamp(time_ns // SECOND_NS, tz=UTC).astimezone()
    return f"{moment:{form}}" if moment.utcoffset() else ""


def lines_of(report: Report) -> list[Line]:
    """The timeline in words.

    Parameters
    ----------
    report : Report
        Of the incident.

    Returns
    -------
    list of Line
        Those with a letter are in the picture.
    """
    marks = report.curve.marks if report.curve is not None else ()
    named = {id(one): name for name, (_, one) in zip(letters(len(marks)), marks, strict=True)}
    return [_line(one, named.get(id(one.decision), "")) for one in report.timeline]


def _line(entry: Entry, letter: str) -> Line:
    if entry.decision is None:
        return Line(entry, _capital(entry.what) if not entry.by else entry.what, entry.why)
    return Line(entry, _capital(words_of(entry.decision)[0]), entry.decision.reason.sentence, letter)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def style_of() -> str:
    """The style of the page, as it stands in it.

    Returns
    -------
    str
        CSS.
    """
    parts = resources.files("workbench.monitor")
    return "\n".join(parts.joinpath(name).read_text(encoding="utf-8") for name in STYLES)


def policy_of() -> str:
    """Content-Security-Policy of the page: its own style by its digest, and nothing else.

    Returns
    -------
    str
    """
    # the template puts the style on lines of its own
    digest = base64.b64encode(hashlib.sha256(f"\n{style_of()}\n".encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def page_of(report: Report) -> str:
    """The whole page.

    Parameters
    ----------
    report : Report
        Of the incident.

    Returns
    -------
    str
        HTML in one file; all text is escaped.
    """
    parts = resources.files("workbench.monitor")
    environment = Environment(
        loader=FunctionLoader(lambda name: parts.joinpath(name).read_text(encoding="utf-8")), autoescape=True,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals.update(utc=utc, local=local)
    return environment.get_template("incident_report.html").render(
        report=report, lines=lines_of(report), level=LEVELS[report.level], light=LIGHTS[report.level],
        style=Markup(style_of()),  # noqa: S704 -- our own files
        picture=drawn(report.curve) if report.curve is not None else "",
        own_clock=any(one.loop_ns is not None for one in report.timeline),
    )  # fmt: skip
