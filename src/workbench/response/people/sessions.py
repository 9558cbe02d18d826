"""Who is logged in: sessions in memory, a fresh code for what is dangerous, and guesses that are slowed down.

A restart ends every session: people log in again. What must outlast it, that a code is accepted once, is told to
`Sessions` from the journal of people. A login proves password and code, so it counts as a fresh code itself: whoever
logs in to halt, halts without a second one.
"""

import hashlib
import secrets
import threading
from dataclasses import dataclass, replace

from workbench.domain.errors import AuthorityError
from workbench.domain.policy.response import Sessions as SessionRules
from workbench.domain.trading.market_hours import HOUR_NS, MINUTE_NS, SECOND_NS
from workbench.response.people.credentials import Credentials
from workbench.response.people.persons import Person
from workbench.response.people.proofs import Attempts, Passwords, code_step, skew_of
from workbench.response.people.records import Records
from workbench.response.people.roster import Roster

TOKEN_BYTES = 32
LONGEST_TOKEN = 64
REFUSED = "name, password or code is not right, or the account is disabled; is the clock of the phone right?"
CODE_REFUSED = "the code is not right or was used already: wait for the next one; is the clock of the phone right?"
OVER = "the session is over: log in again"
WRONG_CODE, USED_CODE = "the code is wrong", "the code was used already"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in; it holds no token, only its digest."""

    person: str
    begun_ns: int
    seen_ns: int
    fresh_until_ns: int
    digest: str
    wrong_codes: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """A login that succeeded. The token is the browser's cookie; `totp_step` goes into the journal of people."""

    token: str
    session: Session
    totp_step: int

    def __repr__(self) -> str:
        return f"Login({self.session.person!r})"


class LoginRefusedError(AuthorityError):
    """A login or code was refused; the message says the same to everybody.

    Attributes
    ----------
    recorded : str
        The true reason, for the journal of people only; it holds no secret.
    """

    def __init__(self, sentence: str, recorded: str) -> None:
        super().__init__(sentence)
        self.recorded = recorded


@dataclass(frozen=True, slots=True, repr=False)
class LoginAsked:
    """What somebody typed, and from where; never shown."""

    name: str
    password: str
    code: str
    address: str

    def __repr__(self) -> str:
        return "LoginAsked(…)"


class Sessions:
    """Everybody who is logged in; may be called from several threads.

    Parameters
    ----------
    roster : Roster
        Who there is.
    credentials : Credentials
        What they log in with.
    rules : Sessions
        Section of the policy: how long a session lasts, how often one may guess.
    records : Records, optional
        What the journal of people says: codes accepted before a restart, and when everybody was last here.
    passwords : Passwords, optional
        How passwords are compared.
    """

    def __init__(
        self,
        roster: Roster,
        credentials: Credentials,
        rules: SessionRules,
        records: Records | None = None,
        passwords: Passwords | None = None,
    ) -> None:
        self._roster, self._credentials, self._rules = roster, credentials, rules
        self._passwords = passwords or Passwords()
        self._idle_ns, self._absolute_ns = round(rules.idle_minutes * MINUTE_NS), round(rules.absolute_hours * HOUR_NS)
        self._fresh_code_ns = round(rules.fresh_code_seconds * SECOND_NS)
        known = records or Records()
        self._used, self._last_logins = dict(known.used_steps), dict(known.last_logins)
        self._sessions: dict[str, Session] = {}
        self._attempts = Attempts(rules)
        self._lock = threading.Lock()

    @property
    def roster(self) -> Roster:
        """Who there is, as last told."""
        return self._roster

    def replace(self, roster: Roster, credentials: Credentials) -> None:
        """Take over changed files; sessions of people who are gone, disabled, of another level or password are ended.

        Parameters
        ----------
        roster : Roster
            Who there is now.
        credentials : Credentials
            What they log in with now.
        """
        with self._lock:
            before, old = self._roster, self._credentials
            self._roster, self._credentials = roster, credentials
            for digest, one in list(self._sessions.items()):
                now, then = roster.people.get(one.person), before.people.get(one.person)
                same = now is not None and then is not None and now.level == then.level and not now.disabled
                if not same or not credentials.same(old, one.person):
                    del self._sessions[digest]

    def login(self, asked: LoginAsked, time_ns: int) -> Login:
        """Check name, password and code; an unknown name costs the same time as a wrong password.

        Parameters
        ----------
        asked : LoginAsked
            What was typed, and the address it came from.
        time_ns : int
            Now.

        Returns
        -------
        Login

        Raises
        ------
        LoginRefusedError
            When anything of it is not right, or after too many attempts; people already in are not touched.
        """
        with self._lock:
            self._attempts.count(asked.name, asked.address, time_ns)
            secret, known = self._credentials.of(asked.name)
            person = self._roster.people.get(asked.name)
        # both are always worked out, for anybody: how long a refusal takes says nothing
        right = self._passwords.verify(secret.password, asked.password)
        step = code_step(secret.totp, asked.code, time_ns)
        with self._lock:
            reason = self._refusal(asked.name, right and known, step, time_ns)
            if reason or person is None or step is None:
                wrong_time = skew_of(secret.totp, asked.code, time_ns) if reason == WRONG_CODE else ""
                raise LoginRefusedError(REFUSED, reason + wrong_time)
            self._used[asked.name], self._last_logins[asked.name] = step, time_ns
            self._attempts.forgive(asked.name, asked.address)
            return self._begin(person.name, step, time_ns)

    def _refusal(self, name: str, right: bool, step: int | None, time_ns: int) -> str:
        """The true reason; empty when all is right. The roster may have changed while the password was compared."""
        person = self._roster.people.get(name)
        if person is None:
            return "no such person"
        if not right:
            return "wrong password"
        # an account is disabled because it is dormant, too: the record says so
        if person.dormant(self._last_logins.get(name), time_ns, self._rules.dormant_days):
            return f"the account is dormant: nobody has used or reviewed it for {self._rules.dormant_days} days"
        if person.disabled:
            return "the account is disabled"
        if step is None:
            return WRONG_CODE
        return "" if step > self._used.get(name, -1) else USED_CODE

    def _begin(self, name: str, step: int, time_ns: int) -> Login:
        self._drop_old(name, time_ns)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        session = Session(name, time_ns, time_ns, time_ns + self._fresh_code_ns, _digest(token))
        self._sessions[session.digest] = session
        return Login(token, session, step)

    def _drop_old(self, name: str, time_ns: int) -> None:
        for digest, one in list(self._sessions.items()):
            if self._over(one, time_ns):
                del self._sessions[digest]
        own = sorted((one.seen_ns, digest) for digest, one in self._sessions.items() if one.person == name)
        for _, digest in own[: max(len(own) - self._rules.per_person + 1, 0)]:
            del self._sessions[digest]

    def _over(self, one: Session, time_ns: int) -> bool:
        """Whether it is over; so it is when the clock has gone back behind its beginning."""
        return time_ns < one.begun_ns or time_ns >= self.expires_ns(one)

    def expires_ns(self, one: Session) -> int:
        """When a session ends if nothing more is asked.

        Parameters
        ----------
        one : Session
            Any.

        Returns
        -------
        int
            UTC nanoseconds.
        """
        return min(one.begun_ns + self._absolute_ns, one.seen_ns + self._idle_ns)

    def find(self, token: str, time_ns: int, *, touch: bool = True) -> Session:
        """The session of a token.

        Parameters
        ----------
        token : str
            The browser's cookie, or anything.
        time_ns : int
            Now.
        touch : bool
            Whether this counts as something the person asked; a page that renews itself does not.

        Returns
        -------
        Session

        Raises
        ------
        AuthorityError
            When there is none, or it is over.
        """
        with self._lock:
            return self._live(token, time_ns, touch=touch)

    def _live(self, token: str, time_ns: int, *, touch: bool) -> Session:
        digest = _digest(token[: LONGEST_TOKEN + 1])
        one = self._sessions.get(digest)
        person = self._roster.people.get(one.person) if one is not None else None
        if one is None or person is None or person.disabled or self._over(one, time_ns):
            self._sessions.pop(digest, None)
            raise AuthorityError(OVER)
        if touch:
            one = self._sessions[digest] = replace(one, seen_ns=max(time_ns, one.seen_ns))
        return one

    def person(self, token: str, time_ns: int, *, touch: bool = True) -> Person:
        """Who a token belongs to, as the roster is now.

        Parameters
        ----------
        token, time_ns, touch : str, int, bool
            As for `find`.

        Returns
        -------
        Person

        Raises
        ------
        AuthorityError
            As for `find`.
        """
        with self._lock:
            return self._roster.people[self._live(token, time_ns, touch=touch).person]

    def step_up(self, token: str, code: str, time_ns: int) -> int:
        """Take a fresh code: for a minute the session may do what is dangerous.

        Parameters
        ----------
        token : str
            The browser's cookie.
        code : str
            Six digits that were not used before.
        time_ns : int
            Now.

        Returns
        -------
        int
            Step of the code, for the journal of people.

        Raises
        ------
        LoginRefusedError
            When the code is wrong, of another time, or used already; several in a row end the session.
        AuthorityError
            When there is no such session.
        """
        with self._lock:
            one = self._live(token, time_ns, touch=True)
            secret, _ = self._credentials.of(one.person)
            step = code_step(secret.totp, code, time_ns)
            if step is None:
                self._wrong_code(one)
                raise LoginRefusedError(CODE_REFUSED, WRONG_CODE + skew_of(secret.totp, code, time_ns))
            if step <= self._used.get(one.person, -1):
                raise LoginRefusedError(CODE_REFUSED, USED_CODE)
            self._used[one.person] = step
            fresh_until_ns = time_ns + self._fresh_code_ns
            self._sessions[one.digest] = replace(one, fresh_until_ns=fresh_until_ns, wrong_codes=0)
            return step

    def _wrong_code(self, one: Session) -> None:
        if one.wrong_codes + 1 >= self._rules.wrong_codes:
            del self._sessions[one.digest]
        else:
            self._sessions[one.digest] = replace(one, wrong_codes=one.wrong_codes + 1)

    def stepped_up(self, token: str, time_ns: int) -> bool:
        """Whether the session has a fresh code.

        Parameters
        ----------
        token : str
            The browser's cookie.
        time_ns : int
            Now.

        Returns
        -------
        bool

        Raises
        ------
        AuthorityError
            When there is no such session.
        """
        with self._lock:
            one = self._live(token, time_ns, touch=False)
            return one.fresh_until_ns - self._fresh_code_ns <= time_ns < one.fresh_until_ns

    def logout(self, token: str) -> None:
        """End a session; one that is not there is no error.

        Parameters
        ----------
        token : str
            The browser's cookie.
        """
        with self._lock:
            self._sessions.pop(_digest(token[: LONGEST_TOKEN + 1]), None)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
