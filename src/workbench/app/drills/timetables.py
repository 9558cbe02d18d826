"""When the pipelines of this checkout run by themselves."""

import sys
from pathlib import Path

from workbench.app.environment import home_folder, project_root


def timetables(*, systemd: bool) -> str:
    """Lines for a crontab, or units for systemd, of every pipeline that has a schedule.

    Parameters
    ----------
    systemd : bool
        Units instead of lines.

    Returns
    -------
    str
        With the paths of this checkout.
    """
    from workbench.runtime.pipelines.pipeline import load_pipeline
    from workbench.runtime.pipelines.timetable import FIRST_LINES

    program, home = str(Path(sys.executable).parent / "workbench"), str(home_folder())
    texts = [] if systemd else [FIRST_LINES]
    for path in sorted((project_root() / "pipelines").glob("*.toml")):
        pipeline = load_pipeline(path)
        if pipeline.schedule is not None and systemd:
            texts.append(pipeline.schedule.units(pipeline.name, pipeline.title, program, home))
        elif pipeline.schedule is not None:
            texts += [f"# {pipeline.title}", pipeline.schedule.cron(program, home)]
    return "\n".join(texts)
