"""Sessions: codes once, guesses slowed down, nobody who is in locked out, nothing shown."""

import threading
import time
from dataclasses import replace

import pyotp
import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.errors import AuthorityError
from workbench.domain.trading.market_hours import DAY_NS, SECOND_NS
from workbench.response.people.credentials import Credentials, Secret
from workbench.response.people.persons import Level, Person
from workbench.response.people.proofs import Attempts, Passwords, TooManyAttemptsError, code_step
from workbench.response.people.roster import Roster
from workbench.response.people.sessions import LoginAsked, LoginRefusedError, Sessions

NOW_NS = 1_795_000_000 * SECOND_NS


def test_a_code_is_accepted_once_even_after_a_restart(desk, passwords):
    desk.login("Ada")
    again = Sessions(desk.sessions.roster, desk.credentials, desk.policy.people.sessions, desk.records, passwords)
    with pytest.raises(LoginRefusedError) as refused:
        again.login(LoginAsked("Ada", "correct horse battery", desk.code("Ada"), "a"), desk.now_ns)
    assert refused.value.recorded == "the code was used already"


def test_of_many_at_once_with_the_same_code_one_gets_in(desk):
    code, entered, refused = desk.code("Ada"), [], []
    asked = [LoginAsked("Ada", "correct horse battery", code, f"10.0.0.{n}") for n in range(8)]

    def run(one):
        try:
            entered.append(desk.sessions.login(one, desk.now_ns))
        except LoginRefusedError as error:
            refused.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(entered), len(refused)) == (1, 7)


def test_a_restart_ends_every_session(desk, passwords):
    desk.login("Ada")
    again = Sessions(desk.sessions.roster, desk.credentials, desk.policy.people.sessions, desk.records, passwords)
    with pytest.raises(AuthorityError, match="log in again"):
        again.find(desk.tokens["Ada"], desk.now_ns)


@pytest.mark.parametrize(
    ("name", "words", "code", "recorded"),
    [
        ("Nobody", "correct horse battery", "123456", "no such person"),
        ("Ada", "wrong horse battery", "123456", "wrong password"),
        ("Ada", "correct horse battery", "12345", "the code is wrong"),
        ("Ada", "x" * 100_000, "9" * 100_000, "wrong password"),
        ("Ada", "correct horse battery\0", "１２３４５６", "wrong password"),
        ("\ud800", "\ud800", "\ud800", "no such person"),
        ("a" * 5_000, "", "", "no such person"),
        ("\u202eadA<script>", "", "", "no such person"),
    ],
)
def test_every_refusal_reads_the_same_and_the_record_knows_why(desk, name, words, code, recorded):
    with pytest.raises(LoginRefusedError) as refused:
        desk.sessions.login(LoginAsked(name, words, code, "10.0.0.1"), desk.now_ns)
    assert str(refused.value) == "name, password or code is not right, or the account is disabled; " + (
        "is the clock of the phone right?"
    )
    assert refused.value.recorded.startswith(recorded)


@pytest.mark.parametrize(("minutes", "told"), [(4, "4.0 minutes fast"), (-3, "3.0 minutes slow")])
def test_a_phone_minutes_off_is_refused_and_the_record_says_so(desk, minutes, told):
    with pytest.raises(LoginRefusedError) as refused:
        desk.login("Ada", code=desk.code("Ada", minutes * 60))
    assert told in refused.value.recorded


@pytest.mark.parametrize("seconds", [-30, 30])
def test_a_phone_half_a_minute_off_is_forgiven(desk, seconds):
    desk.login("Ada", code=desk.code("Ada", seconds))
    assert desk.sessions.stepped_up(desk.tokens["Ada"], desk.now_ns)


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_phone_a_minute_off_is_not(desk, seconds):
    desk.wait(-(desk.now_ns // SECOND_NS % 30))  # the beginning of a step
    with pytest.raises(LoginRefusedError):
        desk.login("Ada", code=desk.code("Ada", seconds))


def test_a_disabled_account_cannot_log_in(desk):
    roster = desk.sessions.roster
    desk.sessions.replace(roster.with_person(roster.people["Ada"].switched_off()), desk.credentials)
    with pytest.raises(LoginRefusedError) as refused:
        desk.login("Ada")
    assert refused.value.recorded == "the account is disabled"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 59), st.integers(-30, 30), st.integers(0, 300))
def test_whenever_a_fresh_code_is_needed_the_phone_shows_one_that_is_taken(offset, skew_seconds, more_seconds):
    """Who has just logged in, or given a code, is never told to wait for the next one."""
    totp = pyotp.random_base32()
    phone = pyotp.TOTP(totp)
    login_ns = NOW_NS + offset * SECOND_NS
    later_ns = login_ns + (60 + more_seconds) * SECOND_NS
    first = code_step(totp, phone.at(login_ns // SECOND_NS + skew_seconds), login_ns)
    second = code_step(totp, phone.at(later_ns // SECOND_NS + skew_seconds), later_ns)
    assert first is not None and second is not None and second > first


def test_an_unknown_name_takes_as_long_as_a_wrong_password():
    """Processor time, so that a busy machine does not matter; the hash is big enough to be most of it."""
    slow = Passwords(PasswordHasher(time_cost=2, memory_cost=8_192, parallelism=1))
    hashed = slow.hashed("correct horse battery")

    def spent(password_hash: str) -> float:
        times = []
        for _ in range(5):
            before = time.process_time()
            assert not slow.verify(password_hash, "wrong horse battery")
            times.append(time.process_time() - before)
        return min(times)

    known, unknown = spent(hashed), spent("")
    assert 0.5 < unknown / known < 2.0


def test_guesses_are_slowed_down_and_who_is_in_is_not(desk):
    desk.login("Ada", address="phone")
    for _ in range(5):
        with pytest.raises(LoginRefusedError):
            desk.login("Ada", "wrong horse battery", address="stranger")
    with pytest.raises(TooManyAttemptsError, match="wait 300 s"):
        desk.login("Ada", address="stranger")
    desk.wait(61)
    desk.step_up("Ada")
    desk.act("Ada", "halt")
    desk.wait(240)
    desk.login("Ada", address="stranger")


def test_a_known_name_and_an_unknown_one_are_slowed_down_alike(desk):
    told = []
    for name in ("Ada", "Nobody"):
        for _ in range(6):
            with pytest.raises(AuthorityError) as refused:
                desk.sessions.login(LoginAsked(name, "x", "1", f"from {name}"), desk.now_ns)
        told.append(str(refused.value))
    assert told[0] == told[1]


def test_a_stranger_with_many_names_is_slowed_down_and_forgets_nothing(desk):
    attempts = Attempts(desk.policy.people.sessions)
    for number in range(20):
        attempts.count(f"name {number}", "stranger", NOW_NS)
    with pytest.raises(TooManyAttemptsError):
        attempts.count("another", "stranger", NOW_NS)
    attempts.count("another", "elsewhere", NOW_NS)
    assert len(attempts._made) < 50


def test_five_wrong_codes_end_a_session_and_a_replay_is_no_guess(desk):
    desk.login("Ada")
    for _ in range(10):
        with pytest.raises(LoginRefusedError, match="used already"):
            desk.step_up("Ada")
    for _ in range(5):
        with pytest.raises(LoginRefusedError):
            desk.step_up("Ada", "no code")
    with pytest.raises(AuthorityError, match="log in again"):
        desk.act("Ada", "look")


def test_a_page_that_renews_itself_does_not_keep_a_session_alive(desk):
    desk.login("Ada")
    for _ in range(70):
        desk.wait(60)
        try:
            desk.sessions.find(desk.tokens["Ada"], desk.now_ns, touch=False)
        except AuthorityError:
            break
    assert desk.now_ns == NOW_NS + 3_600 * SECOND_NS


def test_logging_out_ends_it_and_a_fifth_session_ends_the_oldest(desk):
    cookies = []
    for _ in range(5):
        desk.login("Ada")
        cookies.append(desk.tokens["Ada"])
        desk.wait(31)
    with pytest.raises(AuthorityError):
        desk.sessions.find(cookies[0], desk.now_ns)
    desk.sessions.logout(cookies[1])
    with pytest.raises(AuthorityError):
        desk.sessions.find(cookies[1], desk.now_ns)
    assert desk.sessions.find(cookies[4], desk.now_ns).person == "Ada"


@pytest.mark.parametrize("what", ["removed", "disabled", "another level", "another password"])
def test_changed_files_end_the_sessions_they_concern_and_no_other(desk, passwords, what):
    desk.login("Ada")
    desk.login("Bo")
    roster, credentials = desk.sessions.roster, desk.credentials
    ada = roster.people["Ada"]
    if what == "removed":
        roster = roster.without("Ada", desk.now_ns)
    elif what == "disabled":
        roster = roster.with_person(ada.switched_off())
    elif what == "another level":
        roster = roster.with_person(replace(ada, level=Level.L3))
    else:
        changed = Secret(passwords.hashed("another horse battery"), pyotp.random_base32())
        credentials = Credentials({**credentials.by_name, "Ada": changed})
    desk.sessions.replace(roster, credentials)
    assert desk.sessions.person(desk.tokens["Bo"], desk.now_ns).name == "Bo"
    with pytest.raises(AuthorityError, match="log in again"):
        desk.sessions.person(desk.tokens["Ada"], desk.now_ns)


def test_a_dormant_account_cannot_log_in_until_somebody_reviews_it(desk):
    desk.wait(90 * 86_400 + 1)
    with pytest.raises(LoginRefusedError) as refused:
        desk.login("Ada")
    assert "dormant" in refused.value.recorded
    roster = desk.sessions.roster
    reviewed = replace(roster.people["Ada"], reviewed_ns=desk.now_ns, reviewed_by="Bo")
    desk.sessions.replace(roster.with_person(reviewed), desk.credentials)
    desk.login("Ada")


def test_a_login_keeps_an_account_awake():
    person = Person("Ada", Level.L1, {}, added_ns=NOW_NS)
    later_ns = NOW_NS + 120 * DAY_NS
    assert person.dormant(None, later_ns, 90) and not person.dormant(NOW_NS + 60 * DAY_NS, later_ns, 90)
    roster = Roster({"Ada": person})
    assert roster.without_dormant({}, later_ns, 90).people["Ada"].disabled
    assert not roster.without_dormant({"Ada": NOW_NS + 60 * DAY_NS}, later_ns, 90).people["Ada"].disabled


def test_nothing_that_is_printed_shows_a_secret(desk):
    desk.login("Ada")
    secret = desk.credentials.by_name["Ada"]
    asked = LoginAsked("Ada", "canary of a password", desk.code("Ada"), "a")
    desk.wait(31)
    entered = desk.sessions.login(LoginAsked("Ada", "correct horse battery", desk.code("Ada"), "a"), desk.now_ns)
    shown = "".join(f"{one!r} {one}" for one in (secret, desk.credentials, asked, entered, entered.session))
    for hidden in (secret.totp, secret.password, "canary", entered.token, "correct horse"):
        assert hidden not in shown
    assert entered.token not in repr(vars(desk.sessions))


def test_another_policy_has_other_sessions(desk, passwords):
    stricter = desk.policy.people.sessions.model_copy(
        update={"idle_minutes": 2.0, "fresh_code_seconds": 30.0, "attempts_per_name_and_address": 1, "dormant_days": 1}
    )
    desk.sessions = Sessions(desk.sessions.roster, desk.credentials, stricter, passwords=passwords)
    with pytest.raises(LoginRefusedError):
        desk.login("Bo", "wrong horse battery")
    with pytest.raises(TooManyAttemptsError):
        desk.login("Bo")
    desk.login("Ada")
    desk.wait(31)
    with pytest.raises(AuthorityError, match="fresh code"):
        desk.act("Ada", "halt")
    desk.wait(121)
    with pytest.raises(AuthorityError, match="log in again"):
        desk.act("Ada", "look")
    desk.wait(86_400)
    with pytest.raises(LoginRefusedError) as refused:
        desk.login("Bo")
    assert "dormant: nobody has used or reviewed it for 1 days" in refused.value.recorded
