"""The policy file under a running loop: a change is told, never followed; it takes people and a restart."""

from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.data.files import reason_of
from workbench.data.policy_file import read_policy
from workbench.domain.errors import AuthorityError, WorkbenchError
from workbench.domain.names import are_two
from workbench.domain.policy import Policy
from workbench.domain.trading.events import AnyEvent, PolicyChanged
from workbench.engine.risk_engine import EngineState
from workbench.runtime.worlds.sources import LOOK_EVERY_NS


class PolicyWatch:
    """Looks whether the policy file still says what is in force.

    Parameters
    ----------
    path : Path
        The user's policy.
    read : callable
        Reads and validates it.
    """

    def __init__(self, path: Path, read: Callable[[Path], Policy]) -> None:
        self._path, self._read = path, read
        self._seen, self._look_ns = 0, 0
        self._notes: list[str] = []

    def events(self, now_ns: int, state: EngineState) -> Sequence[AnyEvent]:
        """Look now and then; never an event.

        Parameters
        ----------
        now_ns : int
            UTC.
        state : EngineState
            Knows the policy in force.

        Returns
        -------
        sequence of Event
            Empty.
        """
        if now_ns >= self._look_ns:
            self._look_ns = now_ns + LOOK_EVERY_NS
            self._look(state)
        return ()

    def _look(self, state: EngineState) -> None:
        try:
            stamp = self._path.stat().st_mtime_ns
            if stamp == self._seen:
                return
            self._seen = stamp
            changed = self._read(self._path).hash != state.settings.policy.hash
        except OSError as error:
            self._tell(f"{self._path.name} cannot be read any more ({reason_of(error)})")
        except WorkbenchError as error:
            self._tell(f"{self._path.name} is no valid policy any more ({error})")
        else:
            if changed:
                self._tell(f"{self._path.name} has changed")

    def _tell(self, what: str) -> None:
        self._notes.append(
            f"{what}: the policy the loop started with stays in force; to change it, restart with "
            "--policy-change-by and --policy-change-approved-by"
        )

    def notes(self) -> Sequence[str]:
        """A change, once.

        Returns
        -------
        sequence of str
        """
        told, self._notes = tuple(self._notes), []
        return told

    def due_ns(self) -> int | None:
        """When it looks again.

        Returns
        -------
        int
        """
        return self._look_ns


class PolicyChange:
    """Another policy that two people want: told to the engine once, at the first turn.

    Parameters
    ----------
    policy : Policy
        From now on.
    names : tuple of (str, str)
        Who changes it, and who approves.
    """

    def __init__(self, policy: Policy, names: tuple[str, str]) -> None:
        self._policy, self._names, self._told = policy, names, False

    def events(self, now_ns: int, state: EngineState) -> Sequence[AnyEvent]:
        """The change.

        Parameters
        ----------
        now_ns : int
            UTC.
        state : EngineState
            Not used.

        Returns
        -------
        sequence of Event
        """
        return () if self._told else (PolicyChanged(now_ns, self._policy),)

    def notes(self) -> Sequence[str]:
        """Who changed it.

        Returns
        -------
        sequence of str
        """
        if self._told:
            return ()
        self._told = True
        changed_by, approved_by = self._names
        return (f"policy {self._policy.hash[:12]} is in force: changed by {changed_by}, approved by {approved_by}",)

    def due_ns(self) -> int | None:
        """Nothing more is due.

        Returns
        -------
        None
        """
        return None


def policy_sources(
    state: EngineState, policy: Policy, path: str, names: tuple[str, str]
) -> list[PolicyWatch | PolicyChange]:
    """What a start does about the policy: watch its file, change it for two people, or refuse.

    Parameters
    ----------
    state : EngineState
        Knows the policy in force.
    policy : Policy
        Of the file, or the shipped one.
    path : str
        Of the file; empty for the shipped one, which never replaces the one in force by itself.
    names : tuple of (str, str)
        Who changes it and who approves; empty when nobody does.

    Returns
    -------
    list

    Raises
    ------
    AuthorityError
        When the file differs from what is in force and no two people want that.
    """
    changed_by, approved_by = names
    sources: list[PolicyWatch | PolicyChange] = [PolicyWatch(Path(path), read_policy)] if path else []
    same = policy.hash == state.settings.policy.hash
    if same or not (path or changed_by):
        return sources
    if not are_two(changed_by, approved_by):
        raise AuthorityError(
            f"the policy {policy.hash[:12]} is not the one this book runs under ({state.settings.policy.hash[:12]}): "
            "to change it takes two different people, --policy-change-by and --policy-change-approved-by"
        )
    return [*sources, PolicyChange(policy, names)]
