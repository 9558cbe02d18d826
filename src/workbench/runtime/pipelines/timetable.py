"""When pipelines run by themselves, as lines for cron and units for systemd: both made from one declaration."""

import shlex

from pydantic import BaseModel, ConfigDict, Field

DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
"""In the order of cron, which counts them from 0: ranges of names are not understood by every one."""
DAY = f"({'|'.join(DAYS)})"
FIRST_LINES = "# Times are UTC, and cron goes by this machine's clock: where that is another one, change the hours."
MISSED = "Persistent=true"
"""A machine that was off makes up for what it has missed."""


class Timetable(BaseModel):
    """When a pipeline runs.

    Attributes
    ----------
    command : str
        What follows ``workbench``.
    days : str
        A day of the week, or the first and the last: ``Mon..Fri``.
    at : str
        Hour and minute, UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: str = Field(pattern=r"^[a-z][a-z -]*$")
    days: str = Field(pattern=rf"^{DAY}(\.\.{DAY})?$")
    at: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")

    def cron(self, program: str, home: str) -> str:
        """Its line of a crontab.

        Parameters
        ----------
        program : str
            Path of the command.
        home : str
            Folder results go to.

        Returns
        -------
        str
        """
        hour, minute = self.at.split(":")
        days = "-".join(str(DAYS.index(day)) for day in self.days.split(".."))
        line = f"WORKBENCH_HOME={shlex.quote(home)} {shlex.quote(program)} {self.command}".replace("%", r"\%")
        return f"{int(minute)} {int(hour)} * * {days}  {line}"

    def units(self, name: str, title: str, program: str, home: str) -> str:
        """Its service and its timer.

        Parameters
        ----------
        name, title : str
            Of the pipeline.
        program : str
            Path of the command.
        home : str
            Folder results go to.

        Returns
        -------
        str
            Two files, each under a line that names it.
        """
        home, program = (text.replace("\\", r"\\").replace('"', r"\"").replace("%", "%%") for text in (home, program))
        return (
            f"# workbench-{name}.service\n[Unit]\nDescription={title}\n\n[Service]\nType=oneshot\n"
            f'Environment="WORKBENCH_HOME={home}"\nExecStart="{program}" {self.command}\n\n'
            f"# workbench-{name}.timer\n[Unit]\nDescription={title}, by the clock\n\n[Timer]\n"
            f"OnCalendar={self.days} {self.at} UTC\n{MISSED}\n\n[Install]\nWantedBy=timers.target\n"
        )
