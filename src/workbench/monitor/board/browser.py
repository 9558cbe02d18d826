"""Opening the page in a browser, without telling the token to everybody who can see this machine's processes."""

import html
import os
import subprocess
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
SCREEN = (*DISPLAYS, "XAUTHORITY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "BROWSER", "HOME")


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that can be opened, or none.

    Attributes
    ----------
    variables : mapping of str to str
        Its environment; empty for none.
    file : Path
        Only ours to read; leads to the page.
    opened : list of Popen
        Processes that open it.
    """

    variables: Mapping[str, str]
    file: Path
    opened: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def taken_from(cls, environment: MutableMapping[str, str], file: Path) -> "Browser":
        """Take out of the environment what only a browser needs: kernels inherit what is left.

        Parameters
        ----------
        environment : mutable mapping of str to str
            Of this process.
        file : Path
            See `Browser`.

        Returns
        -------
        Browser
        """
        wanted = environment.pop("WORKBENCH_MONITOR_BROWSER", "")
        taken = {name: environment.pop(name) for name in SCREEN if name in environment}
        visible = sys.platform == "darwin" or any(taken.get(name) for name in DISPLAYS)
        return cls({"PATH": environment.get("PATH", ""), **taken} if wanted and visible else {}, file)

    def open(self, address: str) -> None:
        """Open the page.

        Parameters
        ----------
        address : str
            With its token: the browser is given a file that leads there, not the address itself.
        """
        if not self.variables:
            return
        handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(
                '<!DOCTYPE html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Risk monitor'
                f'</title><meta http-equiv="refresh" content="0;url={html.escape(address)}">'
            )
        process = subprocess.Popen(  # noqa: S603 -- our own command line
            [sys.executable, "-m", "webbrowser", self.file.as_uri()],
            env=dict(self.variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.opened.append(process)
