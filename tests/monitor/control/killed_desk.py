"""A control service killed around sending an act: ``python killed_desk.py HOME before|after halt|reduce|resume``."""

import asyncio
import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from workbench.app.control.service import opened
from workbench.app.live_shell import signal_halt
from workbench.monitor.control.acts import Desk
from workbench.monitor.control.loop import Loop
from workbench.monitor.control.parts import Asked, You

spec = importlib.util.spec_from_file_location("control_stage", Path(__file__).with_name("stage.py"))
assert spec is not None
assert spec.loader is not None
stage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stage)

NONCE = "ab" * 16
FAR_NS = 2**62


class DeadlyLoop(Loop):
    """Kills its own process before or after the message is in the inbox."""

    after = False

    def send(self, asked: Asked, actor: str, approver: str = "") -> NoReturn:
        if self.after:
            super().send(asked, actor, approver)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("killed processes do not come here")


def you(name: str, level: int) -> You:
    return You(name, level, "", (), FAR_NS, FAR_NS)


async def asked(desk: Any, act: str) -> None:
    if act == "resume":
        proposal = desk.propose(you("Ben", 2), Asked("cd" * 16, "resume"))
        await desk.approve(you("Cleo", 2), proposal["id"], NONCE)
    else:
        await desk.act(you("Ada", 1), Asked(NONCE, act, 0.5 if act == "reduce" else 1.0))


def main(home: Path, when: str, act: str) -> None:
    with opened(stage.request_of(home)) as service:
        parts = service.parts
        loop = DeadlyLoop(home / "live", lambda: signal_halt(home / "live"))
        loop.after = when == "after"
        asyncio.run(asked(Desk(parts.rules, parts.records, parts.responders, loop), act))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
