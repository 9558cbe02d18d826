"""Coming in and going out, written down; the roster is read again whenever its files change."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from workbench.app.control.journal import PeopleJournal
from workbench.domain.errors import AuthorityError, ConfigError
from workbench.domain.policy import Policy
from workbench.monitor.control.parts import LoginError, NobodyError, TooManyError, You
from workbench.response.people.authority import lowest_level
from workbench.response.people.credentials import Credentials
from workbench.response.people.persons import Level, Person
from workbench.response.people.proofs import TooManyAttemptsError
from workbench.response.people.records import login_row, step_up_row
from workbench.response.people.roster import Roster
from workbench.response.people.sessions import AccessRules, LoginAsked, LoginRefusedError, Session, Sessions

LOOK_AT_FILES_SECONDS = 2.0
ALONE = {"halt": "halt", "reduce": "reduce", "close_all": "close_all"}
TOGETHER = {"resume": "resume", "enable": "override_block"}
KINDS = ALONE | TOGETHER
"""Acts of the service, and what the policy calls them."""


class RosterFiles:
    """Roster and credentials as they are on the disk; while they cannot be read, as they were.

    Parameters
    ----------
    folder : Path
        ``control/``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: tuple[int, ...] = self._stamps()
        self._looked_at = time.monotonic()
        self.roster, self.credentials = Roster.read(folder), Credentials.read(folder)
        self.trouble = ""

    def look(self) -> bool:
        """Read the files again if they have changed; returns whether they had."""
        if time.monotonic() - self._looked_at < LOOK_AT_FILES_SECONDS:
            return False
        self._looked_at = time.monotonic()
        stamps = self._stamps()
        if stamps == self._seen:
            return False
        try:
            self.roster, self.credentials = Roster.read(self._folder), Credentials.read(self._folder)
        except ConfigError as error:
            self.trouble = f"The roster cannot be read, the earlier one holds: {error}"
            return False
        self._seen, self.trouble = stamps, ""
        return True

    def current(self) -> Roster:
        """The roster, read again if it has changed."""
        self.look()
        return self.roster

    def _stamps(self) -> tuple[int, ...]:
        return tuple(path.stat().st_mtime_ns for path in sorted(self._folder.glob("*.toml")))


class SessionDesk:
    """Sessions, each login and code on record before it counts.

    Parameters
    ----------
    files : RosterFiles
        Who there is.
    journal : PeopleJournal
        Of people.
    policy : Policy
        What each level may do.
    sessions : Sessions
        Who is in.
    clock_ns : callable
        This machine's clock.
    """

    def __init__(
        self,
        files: RosterFiles,
        journal: PeopleJournal,
        policy: Policy,
        sessions: Sessions,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._files, self._journal, self._policy, self._sessions = files, journal, policy, sessions
        self._clock_ns = clock_ns

    def look(self) -> None:
        """Take over a changed roster."""
        if self._files.look():
            self._sessions.replace(self._files.roster, self._files.credentials)

    async def log_in(self, name: str, password: str, code: str, address: str) -> str:
        """Let a person in.

        Parameters
        ----------
        name, password, code, address : str
            What was typed, and where.

        Returns
        -------
        str
            Token of the session.
        """
        now_ns = self._clock_ns()
        try:
            # a password takes a tenth of a second to check: whoever halts meanwhile must not wait for it
            login = await asyncio.to_thread(self._sessions.login, LoginAsked(name, password, code, address), now_ns)
        except TooManyAttemptsError as error:
            raise TooManyError(str(error)) from error
        except LoginRefusedError as error:
            known = name if name in self._files.roster.people else "somebody unknown"
            self._journal.note("login refused", {"person": known, "address": address, "because": error.recorded})
            raise LoginError(str(error)) from error
        self._journal.keep(login_row(login.session.person, login.totp_step, now_ns))
        return login.token

    def who(self, token: str, *, touch: bool = True) -> You:
        """Who comes with a token.

        Parameters
        ----------
        token : str
            The browser's cookie.
        touch : bool
            That the person did something.

        Returns
        -------
        You
        """
        try:
            session = self._sessions.find(token, self._clock_ns(), touch=touch)
        except AuthorityError as error:
            raise NobodyError(str(error)) from error
        return self._you(self._files.roster.person(session.person), session)

    def step_up(self, token: str, code: str) -> You:
        """Take a fresh code.

        Parameters
        ----------
        token, code : str
            The browser's cookie, and six digits.

        Returns
        -------
        You
        """
        you, now_ns = self.who(token), self._clock_ns()
        try:
            step = self._sessions.step_up(token, code, now_ns)
        except LoginRefusedError as error:
            self._journal.note("code refused", {"person": you.name, "because": error.recorded})
            raise
        self._journal.keep(step_up_row(you.name, step, now_ns))
        return self.who(token)

    def log_out(self, token: str) -> None:
        """End a session.

        Parameters
        ----------
        token : str
            The browser's cookie.
        """
        you = self.who(token)
        self._sessions.logout(token)
        self._journal.note("logout", {"person": you.name})

    def _you(self, person: Person, session: Session) -> You:
        rules = AccessRules()
        expires_ns = min(session.begun_ns + rules.absolute_ns, session.seen_ns + rules.idle_ns)
        title = getattr(self._policy.people.roles, person.level.name).title
        may = tuple(acts_of(self._policy, person.level))
        return You(person.name, int(person.level), title, may, session.fresh_until_ns, expires_ns)


def acts_of(policy: Policy, level: Level) -> list[str]:
    """Acts of the service that a level may ask for.

    Parameters
    ----------
    policy : Policy
        Who may do what.
    level : Level
        Of a person.

    Returns
    -------
    list of str
    """
    acts = ["acknowledge"] + [act for act, kind in KINDS.items() if level >= lowest_level(policy, kind)]
    acts += ["approve"] if level >= Level[policy.people.two_people.approver_from] else []
    return acts + (["tick"] if level >= Level.L1 else [])
