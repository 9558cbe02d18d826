"""When a person shuts the loop down: it has halted and cancelled, and ends once what is at the broker is settled."""

from collections.abc import Sized

from workbench.data.inbox import Command
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
    """

    def __init__(self, began_ns: int, rhythm: Rhythm) -> None:
        self._began_ns, self._patience_ns = began_ns, rhythm.last_orders_ns
        self._until_ns: int | None = None
        self._reason, self._orders = "the loop was asked to stop", 0

    @property
    def sentence(self) -> str:
        """The loop's last word: who ended it, and what it leaves."""
        if self._until_ns is None or not self._orders:
            return self._reason
        orders = "1 ORDER" if self._orders == 1 else f"{self._orders} ORDERS"
        they = "IT OPENS" if self._orders == 1 else "THEY OPEN"
        return f"{self._reason}; {orders} MAY STILL FILL AND NOTHING PROTECTS WHAT {they}"

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
            self._reason = f"the loop was shut down by {command.actor}: positions remain as they are"

    def due(self, now: int, orders: Sized) -> bool:
        """Whether the loop may end.

        Parameters
        ----------
        now : int
            UTC nanoseconds of the loop's clock.
        orders : sized
            Those that may still fill: they are counted for the last word.

        Returns
        -------
        bool
        """
        self._orders = len(orders)
        return self._until_ns is not None and (not orders or now >= self._until_ns)
