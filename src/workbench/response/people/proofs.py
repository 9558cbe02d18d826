"""How people prove who they are: passwords by argon2id, codes by TOTP, and guesses that are slowed down.

Passwords are compared by argon2id, codes in constant time over every step that could be meant. Attempts are counted by
name and address, by address and by name; who is in is never counted.
"""

import hmac
import secrets
import threading
from collections import OrderedDict, deque

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from workbench.domain.errors import AuthorityError, ConfigError
from workbench.domain.policy.response import Sessions as SessionRules
from workbench.domain.trading.market_hours import MINUTE_NS, SECOND_NS

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
STEP_SECONDS, STEPS_EITHER_SIDE = 30, 1
"""A code lasts 30 seconds; the one before and the one after are taken too, so the phone may be half a minute off."""
CODE_DIGITS = 6
SKEW_STEPS = 20
"""A code this many steps off is recognised, so that the record says that the phone's clock is wrong; it is refused."""
HASHES_AT_ONCE = 2
"""Each takes 64 MiB: a flood of logins must not take the machine's memory."""
MOST_KEYS = 20_000
"""Kept in memory; the one that was quiet longest goes first."""


class Passwords:
    """Makes and compares argon2id hashes.

    Parameters
    ----------
    hasher : PasswordHasher, optional
        How hard; the default is RFC 9106's second choice (64 MiB, three passes).
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = threading.BoundedSemaphore(HASHES_AT_ONCE)
        self._stand_in = self._hasher.hash(secrets.token_urlsafe(16))

    def hashed(self, password: str) -> str:
        """The hash of a new password.

        Parameters
        ----------
        password : str
            As typed.

        Returns
        -------
        str

        Raises
        ------
        ConfigError
            When it is too short or too long.
        """
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise ConfigError(
                f"expected a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, got {len(password)}: "
                "several words are easy to remember"
            )
        return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def verify(self, password_hash: str, password: str) -> bool:
        """Whether a password is the one; without a hash it takes as long and is not.

        Parameters
        ----------
        password_hash : str
            From the file; empty for a name that is not there.
        password : str
            As typed; too long is as good as wrong.

        Returns
        -------
        bool
        """
        with self._turn:
            try:
                typed = password[: LONGEST_PASSWORD + 1].encode("utf-8", "surrogatepass")
                return self._hasher.verify(password_hash or self._stand_in, typed) and bool(password_hash)
            except (VerificationError, InvalidHashError):
                return False


def code_step(totp: str, code: str, time_ns: int) -> int | None:
    """Which step a code is of, if it is one that is taken now.

    Parameters
    ----------
    totp : str
        The secret.
    code : str
        As typed; spaces are forgiven.
    time_ns : int
        Now.

    Returns
    -------
    int or None
        None when the code is wrong. Every step is worked out, whichever fits.
    """
    return _matching(totp, code, time_ns, range(-STEPS_EITHER_SIDE, STEPS_EITHER_SIDE + 1))


def skew_of(totp: str, code: str, time_ns: int) -> str:
    """For the record: whether a refused code was right at another time.

    Parameters
    ----------
    totp, code, time_ns : str, str, int
        As for `code_step`.

    Returns
    -------
    str
        Empty, or how far the phone's clock seems to be off.
    """
    step = _matching(totp, code, time_ns, range(-SKEW_STEPS, SKEW_STEPS + 1))
    if step is None:
        return ""
    minutes = (step - _step(time_ns)) * STEP_SECONDS / 60
    return f": the clock of the phone seems to be {abs(minutes):.1f} minutes {'fast' if minutes > 0 else 'slow'}"


def _matching(totp: str, code: str, time_ns: int, offsets: range) -> int | None:
    typed = code[:40].replace(" ", "")
    digits = typed if typed.isascii() and typed.isdigit() and len(typed) == CODE_DIGITS else "no code"
    machine, found = pyotp.TOTP(totp, digits=CODE_DIGITS, interval=STEP_SECONDS), None
    for step in (_step(time_ns) + offset for offset in offsets):
        if hmac.compare_digest(machine.generate_otp(max(step, 0)), digits):
            found = step
    return found


def _step(time_ns: int) -> int:
    return time_ns // (STEP_SECONDS * SECOND_NS)


class TooManyAttemptsError(AuthorityError):
    """Too many attempts to log in; wait, and use the shell to halt meanwhile."""


class Attempts:
    """Counts attempts to log in within a sliding window, known names and unknown ones alike.

    Parameters
    ----------
    rules : Sessions
        Section of the policy: how many, in how long.
    """

    def __init__(self, rules: SessionRules) -> None:
        self._window_ns = round(rules.attempt_minutes * MINUTE_NS)
        self._limits = {
            "name and address": rules.attempts_per_name_and_address,
            "address": rules.attempts_per_address,
            "name": rules.attempts_per_name,
        }
        self._made: OrderedDict[tuple[str, str, str], deque[int]] = OrderedDict()

    def count(self, name: str, address: str, time_ns: int) -> None:
        """Count one attempt before anything of it is looked at.

        Parameters
        ----------
        name, address : str
            Who somebody says to be, and from where.
        time_ns : int
            Now.

        Raises
        ------
        TooManyAttemptsError
            When there were too many; this one is not counted.
        """
        keys = _keys(name, address)
        for limit, key in keys.items():
            made = self._recent(key, time_ns)
            if len(made) >= self._limits[limit]:
                seconds = max((made[0] + self._window_ns - time_ns) / 1e9, 0.0)
                raise TooManyAttemptsError(
                    f"too many attempts to log in: wait {seconds:.0f} s; `workbench halt` in a shell needs no login"
                )
        for key in keys.values():
            self._made.setdefault(key, deque()).append(time_ns)
            self._made.move_to_end(key)
        while len(self._made) > MOST_KEYS:
            self._made.popitem(last=False)

    def forgive(self, name: str, address: str) -> None:
        """Forget the attempts of a name from an address that has logged in, the successful one among them.

        Parameters
        ----------
        name, address : str
            As counted.
        """
        keys = _keys(name, address)
        forgiven = self._made.pop(keys["name and address"], deque())
        for limit in ("address", "name"):
            made = self._made.get(keys[limit], deque())
            for time_ns in forgiven:
                if time_ns in made:
                    made.remove(time_ns)

    def _recent(self, key: tuple[str, str, str], time_ns: int) -> deque[int]:
        made = self._made.get(key, deque())
        while made and not 0 <= time_ns - made[0] < self._window_ns:
            made.popleft()
        return made


def _keys(name: str, address: str) -> dict[str, tuple[str, str, str]]:
    name, address = name[:100], address[:100]
    return {
        "name and address": ("both", name, address),
        "address": ("address", "", address),
        "name": ("name", name, ""),
    }
