"""A roster that stays usable: whoever breaks its file does not silence the pages."""

from collections.abc import Callable

from workbench.data.files import reason_of
from workbench.domain.errors import ConfigError, DataError, ExecutionError
from workbench.response.incidents.escalation import OnCall

UNREAD = "the roster cannot be read, the last one is used"


class LastRosterError(ConfigError):
    """The roster cannot be read, and there is an earlier one.

    Parameters
    ----------
    sentence : str
        Why.
    last : OnCall
        The last good one, as it is now.
    """

    def __init__(self, sentence: str, last: OnCall) -> None:
        super().__init__(sentence)
        self.last = last


class SteadyRoster:
    """The roster as it was last readable.

    Parameters
    ----------
    read : callable
        Reads it; at the first time an error without an earlier roster is passed on.

    Attributes
    ----------
    current : OnCall
        The last one that could be read.
    trouble : str
        Why it cannot be read now; empty when it can.
    """

    def __init__(self, read: Callable[[], OnCall]) -> None:
        self._read = read
        self.trouble = ""
        try:
            self.current = read()
        except LastRosterError as error:
            self._use_last(error)

    def refresh(self) -> None:
        """Read it again."""
        try:
            self.current, self.trouble = self._read(), ""
        except LastRosterError as error:
            self._use_last(error)
        except (ConfigError, DataError, ExecutionError) as error:
            self.trouble = f"{UNREAD}: {error}"
        except OSError as error:
            self.trouble = f"{UNREAD}: {reason_of(error)}"

    def _use_last(self, error: LastRosterError) -> None:
        self.current, self.trouble = error.last, f"{UNREAD}: {error}"

    def reaches(self, channel: str, person: str) -> bool:
        """Whether somebody has an address on a channel.

        Parameters
        ----------
        channel, person : str
            Names.

        Returns
        -------
        bool
        """
        return bool(self.address(channel, person))

    def address(self, channel: str, person: str) -> str:
        """Where a channel finds somebody.

        Parameters
        ----------
        channel, person : str
            Names.

        Returns
        -------
        str
            Empty where there is none.
        """
        known = self.current.people.get(person)
        return known.contacts.get(channel, "") if known is not None else ""
