"""How a loop ends: shut down by a person it first settles what is at the broker; its last word counts what remains."""

from collections.abc import Mapping, Sized

from workbench.data.inbox import Command
from workbench.domain.trading.left_behind import left_behind
from workbench.runtime.live.outside import Rhythm


class Ending:
    """Whether somebody has shut the loop down, and whether it may end now.

    Parameters
    ----------
    began_ns : int
        When this process began, by the clock messages are dated with: one that was meant for an earlier loop halts
        this one, and does not end it.
    rhythm : Rhythm
        How long orders that are on their way are waited for.

    Attributes
    ----------
    left : tuple of str
        What remains at the broker, in words, once the last word is said; empty before, and when nothing does.
    """

    def __init__(self, began_ns: int, rhythm: Rhythm) -> None:
        self._began_ns, self._patience_ns = began_ns, rhythm.last_orders_ns
        self._until_ns: int | None = None
        self._reason = "the loop was asked to stop"
        self.left: tuple[str, ...] = ()

    def last_word(self, units: Mapping[str, float], orders: Sized) -> dict[str, str]:
        """Count what remains, whoever ended the loop.

        Parameters
        ----------
        units : mapping of str to float
            Held by each strategy.
        orders : sized
            Those that may still fill.

        Returns
        -------
        dict of str to str
            Body of the journal's last note: who ended it, and what it leaves.
        """
        self.left = left_behind(sum(held != 0.0 for held in units.values()), len(orders))
        remains = self.left or ("no position is left and no order is on its way",)
        return {"kind": "stopped", "sentence": "; ".join((self._reason, *remains))}

    def hear(self, command: Command, refused: str, now: int) -> None:
        """Take in a message that the loop has acted on.

        Parameters
        ----------
        command : Command
            Any.
        refused : str
            Why nothing was done; empty when it was.
        now : int
            UTC nanoseconds of the loop's clock.
        """
        if command.act == "shut_down" and not refused and command.made_ns >= self._began_ns:
            self._until_ns = now + self._patience_ns
            self._reason = f"the loop was shut down by {command.actor}"

    def due(self, now: int, orders: Sized) -> bool:
        """Whether the loop may end.

        Parameters
        ----------
        now : int
            UTC nanoseconds of the loop's clock.
        orders : sized
            Those that may still fill.

        Returns
        -------
        bool
        """
        return self._until_ns is not None and (not orders or now >= self._until_ns)
