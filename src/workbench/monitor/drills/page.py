"""The page of drills: verdict first, then every control with its seconds against the policy's, channels, people."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from jinja2 import Environment, FunctionLoader, select_autoescape
from markupsafe import Markup

from workbench.monitor.drills.words import KINDS, Standing, rows_of, verdict_of
from workbench.monitor.report import picture
from workbench.response.drills.names import CHANNEL, CONTROL, PERSON
from workbench.response.people.private_files import write_private

NOTES = {
    CONTROL: "Fired on a paper account by the loop that also runs live, with made-up prices. Seconds: from what fires "
    "it to its end on the account's clock, with what this machine worked for it; the policy's beside it.",
    CHANNEL: "A message that says DRILL, timed until the channel's service had taken it. That somebody reads it is "
    "known only from people's acknowledgements.",
    PERSON: "From the page to the acknowledgement, by the journal of people; within the time of their role they are "
    "certified.",
}


FIGURES = {
    "drill_times": "What every control took, and what the policy allows",
    "drill_due": "What is drilled, and until when that holds",
}


def write_month_page(folder: Path, standing: Standing) -> None:
    """Write ``index.html`` of a monthly run: the page with the run's pictures and notebooks.

    Parameters
    ----------
    folder : Path
        Of the run.
    standing : Standing
        How everything stands.
    """
    drawn = [(title, picture(folder, name)) for name, title in FIGURES.items()]
    notebooks = sorted(path.name for path in folder.glob("*.html") if path.name != "index.html")
    write_drill_page(folder / "index.html", standing, [one for one in drawn if one[1]], notebooks)


def write_drill_page(
    path: Path, standing: Standing, figures: Sequence[tuple[str, str]] = (), notebooks: Sequence[str] = ()
) -> None:
    """Write the page, for its owner alone.

    Parameters
    ----------
    path : Path
        HTML, self-contained, without script.
    standing : Standing
        How everything stands.
    figures : sequence of (str, str), optional
        Title and data address of pictures.
    notebooks : sequence of str, optional
        Pages beside it that tell more.
    """
    parts = resources.files("workbench.monitor")

    def source(name: str) -> str:
        folder = parts.joinpath("drills") if name == "drill_report.html" else parts
        return folder.joinpath(name).read_text(encoding="utf-8")

    environment = Environment(
        loader=FunctionLoader(source),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
    )
    rows = rows_of(standing)
    css, sentence, counts = verdict_of(rows)
    page = environment.get_template(
        "drill_report.html"
    ).render(
        style=Markup(parts.joinpath("report.css").read_text(encoding="utf-8")),  # noqa: S704 -- our own file
        verdict=(css, {"calm": "✓", "watch": "△", "act": "✗"}[css], sentence, counts),
        sections=[(title, NOTES[kind], rows[kind]) for kind, title in KINDS.items()],
        demo=standing.roster.demo,
        left=standing.left,
        figures=figures,
        notebooks=notebooks,
        policy=standing.policy.hash[:12],
        made=f"{datetime.fromtimestamp(standing.now_ns // 10**9, tz=UTC):%Y-%m-%d %H:%M} UTC",
    )
    write_private(path, page)
