"""The live loop on a terminal: its status in one screen, the truth first."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from workbench.monitor.console import WIDE

MODE_STYLES = {"ACTIVE": "bold green", "REDUCING": "bold yellow", "HALTED": "bold white on red"}
SHOWN_LINES = 6
SILENT_AFTER_SECONDS = 3.0


def moment(time_ns: int) -> str:
    """A time for people.

    Parameters
    ----------
    time_ns : int
        UTC nanoseconds.

    Returns
    -------
    str
        To the second, UTC.
    """
    return f"{datetime.fromtimestamp(time_ns / 1e9, tz=UTC):%Y-%m-%d %H:%M:%S}"


def number(value: float | None, pattern: str = ",.0f") -> str:
    """A number for people.

    Parameters
    ----------
    value : float or None
        None when it is not known.
    pattern : str
        Format.

    Returns
    -------
    str
    """
    return "not known" if value is None else format(value, pattern).replace("%", " %")


def status_screen(table: Mapping[str, Any], age_seconds: float, *, alive: bool) -> Group:
    """Everything on one screen.

    Parameters
    ----------
    table : mapping
        The loop's projection.
    age_seconds : float
        Since it was written, by this machine's clock.
    alive : bool
        Whether a loop holds the lock.

    Returns
    -------
    Group
        For `rich`.
    """
    book = table["book"]
    head = Text.assemble((f" {book['mode']} ", MODE_STYLES[book["mode"]]), "  ", held_sentence(book))
    lines = [also_sentence(book), book["lets_go"] and f"to let go: {book['lets_go']}"]
    parts: list[Any] = [head, *(Text(line) for line in lines if line), life_line(table, age_seconds, alive=alive)]
    if table.get("synthetic"):
        parts.append(Text(table["label"], style="magenta"))
    parts += [risk_table(table), position_table(table), last_lines(table), health_line(table)]
    return Group(*parts)


def held_sentence(book: Mapping[str, Any]) -> str:
    """What forces the mode, and nothing else.

    Parameters
    ----------
    book : mapping
        The projection's ``book``.

    Returns
    -------
    str
    """
    if book["mode"] == "ACTIVE":
        return "no rung or person restricts the mode"
    return "held by " + "; ".join(map(cause_words, book["held_by"]))


def cause_words(cause: Mapping[str, Any]) -> str:
    """One cause of the mode.

    Parameters
    ----------
    cause : mapping
        Of the projection's ``held_by``.

    Returns
    -------
    str
        A person with what was given as reason, a rung with why it could not be read.
    """
    since = f"since {moment(cause['since_ns'])} UTC" if cause["since_ns"] is not None else "since when is not known"
    if cause["kind"] == "person":
        why = f"reason: {cause['reason']}" if cause["reason"] else "no reason given"
        return (
            f"{cause['act'].replace('_', ' ')} by {cause['actor'] or 'a person whose name is not known'} {since}, {why}"
        )
    if cause["kind"] == "rung":
        return f"{rung_words(cause)} {since}{', ' + cause['why'] if cause['why'] else ''}"
    return f"what halted it {since}: it holds no more, but nobody has resumed"


def rung_words(row: Mapping[str, Any]) -> str:
    """Name of a rung.

    Parameters
    ----------
    row : mapping
        With ``ladder`` and ``rung``.

    Returns
    -------
    str
    """
    return f"{row['ladder'].lower().replace('_', ' ')} rung {row['rung']}"


def also_sentence(book: Mapping[str, Any]) -> str:
    """Rungs that hold and do not force the mode.

    Parameters
    ----------
    book : mapping
        The projection's ``book``.

    Returns
    -------
    str
        Empty when there is none.
    """
    forcing = {(one["ladder"], one["rung"]) for one in book["held_by"] if one["kind"] == "rung"}
    others = [row for row in book["ladders"] if row["holds"] and (row["ladder"], row["rung"]) not in forcing]
    return f"also active: {', '.join(map(rung_words, others))}" if others else ""


def cap_words(book: Mapping[str, Any]) -> str:
    """What bounds exposure.

    Parameters
    ----------
    book : mapping
        The projection's ``book``.

    Returns
    -------
    str
    """
    sources = ", ".join(
        f"condition {one['condition'].lower()}" if one["kind"] == "condition" else rung_words(one)
        for one in book["cap_by"]
    )
    if book["cap"] < book["cap_allowed"]:
        return f"returns to {number(book['cap_allowed'], '.0%')} in steps{', by ' + sources if sources else ''}"
    return f"by {sources}" if sources else "nothing caps it"


def life_line(table: Mapping[str, Any], age_seconds: float, *, alive: bool) -> Text:
    """Whether what is shown is true now.

    Parameters
    ----------
    table : mapping
        The projection.
    age_seconds : float
        Since it was written.
    alive : bool
        Whether a loop runs.

    Returns
    -------
    Text
    """
    when = moment(table["loop"]["now_ns"])
    if not alive:
        return Text(f"NO LOOP IS RUNNING: this is how it was at {when} UTC of its clock", style="bold red")
    if age_seconds > SILENT_AFTER_SECONDS:
        return Text(f"THE LOOP IS SILENT for {age_seconds:.0f} s: this is how it was at {when} UTC", style="bold red")
    return Text(f"{when} UTC of the loop's clock, {age_seconds:.1f} s old")


def risk_table(table: Mapping[str, Any]) -> Table:
    """Money and risk, each against its next rung.

    Parameters
    ----------
    table : mapping
        The projection.

    Returns
    -------
    Table
    """
    book = table["book"]
    rows = Table(box=None, pad_edge=False)
    for heading in ("", "now", "next rung", ""):
        rows.add_column(heading, justify="left" if heading == "" else "right")
    rows.add_row("equity", f"{number(book['equity'], ',.2f')} USD", "", f"peak {number(book['peak'], ',.2f')}")
    for name, ladder, pattern in (
        ("drawdown", "DRAWDOWN", ".2%"), ("volatility_ratio", "VOLATILITY", ".2f"),
        ("value_at_risk_95", "VALUE_AT_RISK", ".3%"), ("correlation_drift", "CORRELATION", ".2f"),
    ):  # fmt: skip
        rungs = [row for row in book["ladders"] if row["ladder"] == ladder and not row["holds"]]
        ahead = f"{number(rungs[0]['trigger'], pattern)} (rung {rungs[0]['rung']})" if rungs else "all hold"
        rows.add_row(name.replace("_", " "), number(book[name], pattern), ahead, "")
    rows.add_row("stress score", number(book["stress_score"], ".0f"), "", f"condition {book['condition'].lower()}")
    rows.add_row("exposure cap", number(book["cap"], ".0%"), "", cap_words(book))
    rows.add_row("regime", book["regime"].lower().replace("_", " "), "", "")
    return rows


def position_table(table: Mapping[str, Any]) -> Table:
    """Positions, and what they should be.

    Parameters
    ----------
    table : mapping
        The projection.

    Returns
    -------
    Table
    """
    rows = Table(box=None, pad_edge=False)
    rows.add_column("position")
    for heading in ("units", "target", "full size", "profit USD", "VaR share"):
        rows.add_column(heading, justify="right")
    total = table["book"]["value_at_risk_95"] or 0.0
    for row in table["book"]["positions"]:
        share = (row["component_value_at_risk"] or 0.0) / total if total else 0.0
        style = "yellow" if row["units"] != row["target"] else ""
        rows.add_row(
            row["strategy"] if row["strategy"] == row["pair"] else f"{row['strategy']} {row['pair']}",
            number(row["units"]), number(row["target"]), number(row["full"]), number(row["profit"]),
            number(share, ".0%"), style=style,
        )  # fmt: skip
    return rows


def last_lines(table: Mapping[str, Any]) -> Table:
    """Newest alerts, decisions, people's messages and troubles.

    Parameters
    ----------
    table : mapping
        The projection.

    Returns
    -------
    Table
    """
    lines = [(row["time_ns"], f"ALERT level {row['level']}", alert_words(row)) for row in table["alerts"]]
    lines += [(row["time_ns"], kind_words(row["kind"]), decision_words(row)) for row in table["decisions"]]
    lines += [(row["time_ns"], row["kind"], row["sentence"]) for row in table["notes"]]
    lines += [(row["time_ns"], f"{row['actor']} asked", command_words(row)) for row in table["commands"]]
    rows = Table(box=None, pad_edge=False, show_header=False)
    for time_ns, what, words in sorted(lines, key=lambda line: line[0], reverse=True)[: 2 * SHOWN_LINES]:
        rows.add_row(moment(time_ns), what, Text(words, overflow="ellipsis", no_wrap=True))
    return rows


def kind_words(kind: str) -> str:
    """A decision's kind in words.

    Parameters
    ----------
    kind : str
        Class name.

    Returns
    -------
    str
        ``mode changed`` for ``ModeChanged``.
    """
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind).strip()


def alert_words(row: Mapping[str, Any]) -> str:
    """An alert in words.

    Parameters
    ----------
    row : mapping
        Of the projection.

    Returns
    -------
    str
    """
    about = f"{row['ladder'].lower().replace('_', ' ')} rung {row['rung']}: " if row.get("ladder") else ""
    return f"{about}{row['strategy'] + ': ' if row['strategy'] else ''}{row['sentence']}"


def decision_words(row: Mapping[str, Any]) -> str:
    """A decision in words.

    Parameters
    ----------
    row : mapping
        Of the projection.

    Returns
    -------
    str
    """
    if row["kind"] == "TargetPosition":
        return f"{row['pair']} {number(row['before'])} to {number(row['units'])}: {row['sentence']}"
    if row["kind"] in {"ModeChanged", "ConditionChanged", "RegimeChanged"}:
        return f"{row['before']} to {row['after']}: {row['sentence']}"
    return str(row["sentence"])


def command_words(row: Mapping[str, Any]) -> str:
    """A message in words.

    Parameters
    ----------
    row : mapping
        Of the projection.

    Returns
    -------
    str
    """
    return f"{row['act']}{': ' + row['refused'] if row['refused'] else ': done'}"


def health_line(table: Mapping[str, Any]) -> Text:
    """Feeds, orders, latency and journal in two lines.

    Parameters
    ----------
    table : mapping
        The projection.

    Returns
    -------
    Text
    """
    feeds = ", ".join(
        f"{feed['name']}{'*' if place == table['feed_in_use'] else ''} quality {number(feed['score'], '.0f')}"
        for place, feed in enumerate(table["feeds"])
    )
    open_orders = sum(1 for order in table["orders"] if order["state"] not in ENDED)
    latency = "; ".join(
        f"{stage.replace('_', ' ')} p99 {summary['p99']:.1f} ms"
        for stage, summary in table["latency"].items()
        if summary["count"] and stage in {"quote_to_decision", "quote_to_sent", "sent_to_acknowledged"}
    )
    journal = table["journal"]
    return Text(
        f"feeds: {feeds} (* in use) · broker {table['broker']}, {open_orders} orders open\n"
        f"{latency or 'no order yet'} · journal row {journal['sequence']:,}, head {journal['digest'][:12]}, "
        f"epoch {journal['epoch']}",
        style="dim",
    )


ENDED: Sequence[str] = ("FILLED", "CANCELLED", "REJECTED", "REFUSED")


def print_status(body: str, age_seconds: float, *, alive: bool, to: Console | None = None) -> None:
    """Print a status.

    Parameters
    ----------
    body : str
        The projection, JSON.
    age_seconds : float
        Since it was written.
    alive : bool
        Whether a loop runs.
    to : Console, optional
        Where to; standard output without it.
    """
    screen = to if to is not None else Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    screen.print(status_screen(json.loads(body), age_seconds, alive=alive))
