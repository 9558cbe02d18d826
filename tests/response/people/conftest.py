"""A desk of six people with real sessions, rules and records, on a clock that stands still until told."""

from dataclasses import dataclass, field

import pyotp
import pytest
from argon2 import PasswordHasher

from workbench.data.policy_file import read_policy
from workbench.domain.errors import AuthorityError
from workbench.domain.trading.market_hours import HOUR_NS, SECOND_NS
from workbench.response.people.authority import Act, Facts, judge
from workbench.response.people.credentials import Credentials, Secret
from workbench.response.people.persons import Level, Person
from workbench.response.people.proofs import Passwords
from workbench.response.people.proposals import Approval, Proposal, Situation, check_approval, check_proposal
from workbench.response.people.records import Records, acted_row, approved_row, login_row, proposed_row, step_up_row
from workbench.response.people.roster import Roster
from workbench.response.people.sessions import LoginAsked, Sessions

NOW_NS = 1_795_000_000 * SECOND_NS
WORDS = "correct horse battery"
"""Everybody's password here."""
LEVELS = {"Vi": Level.L0, "Ada": Level.L1, "Al": Level.L1, "Bo": Level.L2, "Cy": Level.L2, "Di": Level.L3}


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    """Real argon2id, as cheap as it goes."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(scope="session")
def policy():
    """The shipped policy."""
    return read_policy()


@pytest.fixture(scope="session")
def credentials(passwords) -> Credentials:
    """Everybody's password is the same, their TOTP secrets are not."""
    hashed = passwords.hashed(WORDS)
    return Credentials({name: Secret(hashed, pyotp.random_base32()) for name in LEVELS})


@dataclass
class Desk:
    """What a control service does with the rooms of people, without a web."""

    policy: object
    sessions: Sessions
    credentials: Credentials
    now_ns: int = NOW_NS
    state: str = "mode HALTED"
    last_breach: int = 7
    records: Records = field(default_factory=Records)
    done: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def code(self, who: str, seconds: float = 0.0) -> str:
        """What the phone of somebody shows, its clock so many seconds fast."""
        return pyotp.TOTP(self.credentials.by_name[who].totp).at(int(self.now_ns / 1e9 + seconds))

    def login(self, who: str, password: str = WORDS, code: str = "", address: str = "10.0.0.1") -> None:
        """Log in, and remember the cookie."""
        asked = LoginAsked(who, password, code or self.code(who), address)
        entered = self.sessions.login(asked, self.now_ns)
        self.tokens[who] = entered.token
        self.records = self.records.after(login_row(who, entered.totp_step, self.now_ns))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += int(seconds * SECOND_NS)

    def step_up(self, who: str, code: str = "") -> None:
        """Give a fresh code."""
        step = self.sessions.step_up(self.tokens[who], code or self.code(who), self.now_ns)
        self.records = self.records.after(step_up_row(who, step, self.now_ns))

    def _who(self, who: str) -> tuple[Person, bool]:
        token = self.tokens.get(who, "")
        return self.sessions.person(token, self.now_ns), self.sessions.stepped_up(token, self.now_ns)

    def act(self, who: str, kind: str, fraction: float = 0.0, subject: str = "") -> None:
        """Do something alone."""
        person, fresh = self._who(who)
        act = Act(kind, fraction, subject)
        verdict = judge(self.policy, person, act, Facts(fresh, self.records.reductions_since(self.now_ns - HOUR_NS)))
        if not verdict.allowed or verdict.needs_second:
            raise AuthorityError(verdict.refused_because or f"{kind} needs a second person")
        self.done.append(f"{who} {kind}")
        self.records = self.records.after(acted_row(person, act, f"nonce {len(self.done)}", self.now_ns))

    def situation(self) -> Situation:
        """What is shown now."""
        return Situation(self.now_ns, self.state, self.last_breach)

    def propose(self, who: str, kind: str = "resume", subject: str = "") -> str:
        """Propose something; the id."""
        person, fresh = self._who(who)
        act = Act(kind, subject=subject)
        check_proposal(self.policy, person, act, Facts(fresh))
        proposal = Proposal.made_by(who, act, self.situation())
        self.records = self.records.after(proposed_row(proposal))
        return proposal.id

    def approve(self, who: str, key: str) -> None:
        """Approve what somebody else proposed."""
        person, fresh = self._who(who)
        proposal = self.records.proposals.find(key)
        proposer = self.sessions.roster.people.get(proposal.proposer)
        check_approval(self.policy, Approval(proposal, proposer, person, self.situation(), fresh))
        self.done.append(f"{proposal.proposer} and {who} {proposal.act.kind}")
        self.records = self.records.after(approved_row(proposal, who, "nonce", self.now_ns))


@pytest.fixture
def desk(policy, passwords, credentials) -> Desk:
    """Six people, nobody logged in."""
    people = {name: Person(name, level, {}, added_ns=NOW_NS) for name, level in LEVELS.items()}
    return Desk(policy, Sessions(Roster(people), credentials, policy.people.sessions, passwords=passwords), credentials)
