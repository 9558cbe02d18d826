"""Our positions against the broker's, strategy by strategy."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from workbench.domain.trading.events import AnyEvent, BookMismatch, Reconciled
from workbench.execution.blotter import GatewaySettings
from workbench.execution.limits import UNITS_TOLERANCE


class Reconciliation:
    """When positions are compared, and what was said about them already.

    Parameters
    ----------
    settings : GatewaySettings
        Times.
    strategies : iterable of str
        Those the engine knows; units at the broker for anybody else belong to none of ours.

    Attributes
    ----------
    wanted : bool
        Whether an agreement is to be announced: at the start, and after anything was unknown or different.
    compared : bool
        Whether they have ever been compared; nothing grows before.
    """

    def __init__(self, settings: GatewaySettings, strategies: Iterable[str]) -> None:
        self._settings = settings
        self._strategies = frozenset(strategies)
        self._different: dict[str, tuple[float, float]] = {}
        self._next_ns = 0
        self.wanted = True
        self.compared = False

    @property
    def different(self) -> AbstractSet[str]:
        """Strategies the broker holds other units for."""
        return self._different.keys()

    @property
    def next_ns(self) -> int:
        """When the positions are due to be compared."""
        return self._next_ns

    def ask(self) -> None:
        """Compare as soon as nothing is in flight, and say so when they agree."""
        self.wanted = True
        self._next_ns = 0

    def postpone(self, now_ns: int) -> None:
        """Try again later: the broker could not be asked.

        Parameters
        ----------
        now_ns : int
            Now.
        """
        self._next_ns = now_ns + self._settings.ask_every_ns

    def compare(
        self, units: Mapping[str, float], held: Mapping[str, float], theirs: Mapping[str, float], now_ns: int
    ) -> list[AnyEvent]:
        """Compare what the engine and the gateway hold with what the broker holds.

        Parameters
        ----------
        units, held, theirs : mapping
            Signed units by strategy: the engine's, ours from executions, the broker's.
        now_ns : int
            Now.

        Returns
        -------
        list of Event
            `BookMismatch` for each difference that is new or has changed, or `Reconciled`.
        """
        different: dict[str, tuple[float, float]] = {}
        for strategy in sorted({*units, *held, *theirs}):
            at_broker, executed = theirs.get(strategy, 0.0), held.get(strategy, 0.0)
            ours = units.get(strategy, 0.0) if strategy in self._strategies else 0.0
            for mine in (ours, executed):
                if abs(mine - at_broker) > UNITS_TOLERANCE:
                    different.setdefault(strategy, (mine, at_broker))
        events: list[AnyEvent] = [
            BookMismatch(now_ns, strategy if strategy in self._strategies else "", *pair)
            for strategy, pair in different.items()
            if self._different.get(strategy) != pair
        ]
        if not different and self.wanted:
            events.append(Reconciled(now_ns))
        self._different = different
        self.wanted = bool(different)
        self.compared = True
        every_ns = self._settings.reconcile_again_ns if different else self._settings.reconcile_every_ns
        self._next_ns = now_ns + every_ns
        return events
