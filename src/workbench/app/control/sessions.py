"""Coming in and going out, written down; the roster is read again whenever its files change."""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from workbench.app.control.journal import PeopleJournal
from workbench.domain.errors import AuthorityError
from workbench.domain.policy import Policy
from workbench.monitor.control.parts import LoginError, NobodyError, TooManyError, You
from workbench.response.alerts.rosters import LastRosterError
from workbench.response.people.authority import lowest_level
from workbench.response.people.credentials import SECRETS_FILE, Credentials
from workbench.response.people.persons import Level, Person
from workbench.response.people.private_files import KeptFile, OtherPeopleError
from workbench.response.people.proofs import TooManyAttemptsError
from workbench.response.people.records import login_row, step_up_row
from workbench.response.people.roster import ROSTER_FILE, Roster
from workbench.response.people.sessions import LoginAsked, LoginRefusedError, Session, Sessions

LOOK_AT_FILES_SECONDS = 2.0
ALONE = (
    "halt", "reduce", "full_halt", "close_all", "cancel_all", "shut_down", "notify_regulator",
)  # fmt: skip
TOGETHER = {"resume": "resume", "enable": "override_block"}
KINDS = {act: act for act in ALONE} | TOGETHER
"""Acts of the service, and what the policy calls them."""
SAFER = "what makes the book safer works as always"


class RosterFiles:
    """Roster and credentials as they are on the disk; while one of them cannot be read, as it was, also after a start.

    Dormant accounts are disabled in it: they cannot log in and are not on call, until somebody reviews them.

    Parameters
    ----------
    folder : Path
        ``control/``.
    dormant_days : int
        `people.sessions.dormant_days` of the policy.
    last_logins : callable
        When everybody was last here, from the journal of people.
    demo : bool
        Whether a roster that is made up is wanted, or a real one.
    clock_ns : callable
        This machine's clock.
    """

    def __init__(
        self,
        folder: Path,
        dormant_days: int,
        last_logins: Callable[[], Mapping[str, int]],
        *,
        demo: bool = False,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._folder, self._dormant_days, self._last_logins = folder, dormant_days, last_logins
        self._demo, self._clock_ns = demo, clock_ns
        self._looked_at = time.monotonic()
        # each by itself: a broken file of secrets must not keep somebody in who is no longer in the roster
        self._roster = kept_roster(folder, demo=demo)
        self._secrets = KeptFile(
            folder / SECRETS_FILE, lambda name: Credentials.read(folder, name), lambda found: found.text()
        )
        self.roster = self._awake()

    @property
    def credentials(self) -> Credentials:
        """What people log in with."""
        return self._secrets.content

    @property
    def unread(self) -> str:
        """Why roster or secrets cannot be read now; empty when they can."""
        return "; ".join(filter(None, (self._roster.trouble, self._secrets.trouble)))

    @property
    def trouble(self) -> str:
        """What is wrong with it, in sentences; empty when all is well."""
        before, now = self._roster.content.people, self.roster.people
        dormant = [name for name, one in now.items() if one.disabled and not before[name].disabled]
        unread = (
            f"The roster cannot be read, the earlier one holds: {self.unread}. Nothing is loosened meanwhile, {SAFER}."
            if self.unread else ""
        )  # fmt: skip
        uncopied = [f"{one.uncopied}." for one in (self._roster, self._secrets) if one.uncopied]
        asleep = (
            f"Unused for {self._dormant_days} days and disabled: {', '.join(dormant)}; `workbench people review`."
            if dormant else ""
        )  # fmt: skip
        return " ".join(filter(None, (unread, *uncopied, asleep)))

    def _awake(self) -> Roster:
        return self._roster.content.without_dormant(self._last_logins(), self._clock_ns(), self._dormant_days)

    def look(self) -> bool:
        """Read the files again if they have changed, and see who is dormant now; returns whether anything changed."""
        if time.monotonic() - self._looked_at < LOOK_AT_FILES_SECONDS:
            return False
        self._looked_at = time.monotonic()
        before = (self.roster, self.credentials)
        self._roster.look()
        self._secrets.look()
        self.roster = self._awake()
        return (self.roster, self.credentials) != before

    def current(self) -> Roster:
        """The roster, read again if it has changed."""
        self.look()
        return self.roster

    def readable(self) -> Roster:
        """The same for who tells people when it cannot be read.

        Raises
        ------
        LastRosterError
            When the files cannot be read now; it holds what `current` gives.
        """
        self.look()
        if self.unread:
            raise LastRosterError(self.unread, self.roster)
        return self.roster


def kept_roster(folder: Path, *, demo: bool) -> KeptFile[Roster]:
    """The roster, or while it cannot be read the copy of the last good one; a made-up one only where one is wanted.

    Parameters
    ----------
    folder : Path
        ``control/``.
    demo : bool
        Whether it is for a demonstration.

    Returns
    -------
    KeptFile of Roster

    Raises
    ------
    ConfigError
        When there is neither, or it is made up and should not be, or the other way round.
    """
    return KeptFile(folder / ROSTER_FILE, lambda name: _wanted(folder, name, demo=demo), lambda found: found.text())


def _wanted(folder: Path, name: str, *, demo: bool) -> Roster:
    roster = Roster.read(folder, name)
    if roster.demo and not demo:
        raise OtherPeopleError(
            f"the roster in {folder} is made up: its passwords and codes were printed, so it guards nothing. Make a "
            "real one with `workbench people add NAME --level L1`, or give --demo for a demonstration"
        )
    if demo and not roster.demo:
        raise OtherPeopleError(
            f"--demo is for made-up people, and the roster in {folder} is a real one: leave --demo out"
        )
    return roster


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
        self._taken = (files.roster, files.credentials)

    def look(self) -> None:
        """Take over a changed roster, whoever has read it first."""
        self._files.look()
        now = (self._files.roster, self._files.credentials)
        if now != self._taken:
            self._taken = now
            self._sessions.replace(*now)

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
        expires_ns = self._sessions.expires_ns(session)
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
