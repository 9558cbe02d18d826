"""``workbench people …``: what one types, what is shown once, and what is refused."""

import json
import time
from pathlib import Path

import pyotp
import pytest
from typer.testing import CliRunner

from workbench.cli import cli
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.errors import WorkbenchError
from workbench.domain.trading.market_hours import DAY_NS
from workbench.response.people.credentials import Credentials
from workbench.response.people.persons import Level, Person, in_words
from workbench.response.people.proofs import Passwords
from workbench.response.people.records import login_row
from workbench.response.people.roster import Roster

WORDS = "correct horse battery"


@pytest.fixture
def people(tmp_path, monkeypatch):
    """The command, on a home of its own: its output, or the sentence it refuses with."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))

    def run(*words: str, typed: str = "") -> str:
        ended = CliRunner().invoke(cli, ["people", *words], input=typed)
        if isinstance(ended.exception, WorkbenchError):
            return f"{ended.output}REFUSED {ended.exception}"
        assert ended.exit_code == 0, ended.output
        return ended.output

    return run


@pytest.fixture
def control(tmp_path) -> Path:
    """Where the roster is."""
    return tmp_path / "control"


def test_adding_somebody_shows_the_secret_once_and_never_the_password(people, control):
    shown = people("add", "Ada", "--level", "L1", "--email", "ada@example.com", typed=f"{WORDS}\n{WORDS}\n")
    secret = Credentials.read(control).by_name["Ada"]
    assert f"or type the secret: {secret.totp}" in shown and "█" in shown and WORDS not in shown
    assert Passwords().verify(secret.password, WORDS)
    assert pyotp.TOTP(secret.totp).now().isdigit()
    for shown in (people("list"), people("certify", "Ada"), people("review", "Ada", "--as", "Bo")):
        assert secret.totp not in shown and secret.password not in shown


def test_two_passwords_that_differ_are_asked_again(people, control):
    people("add", "Ada", "--level", "L1", typed=f"{WORDS}\nanother one entirely\n{WORDS}\n{WORDS}\n")
    assert Passwords().verify(Credentials.read(control).by_name["Ada"].password, WORDS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "Ada"), "expected a name and --level"),
        (("add", "Ada", "--level", "boss"), "expected a level"),
        (("add", "<img src=x>", "--level", "L1"), "got '<'"),
        (("add", "Ada", "--level", "L1", "--email", "nowhere"), "email: expected an address"),
        (("list",), "there is no roster"),
        (("certify", "Ada"), "there is no roster"),
        (("oncall", "list"), "there is no roster"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_is_asked_or_written(people, control, words, told):
    shown = people(*words)
    assert told in shown and "Password" not in shown
    assert not (control / "secrets.toml").exists() and not (control / "roster.toml").exists()


def test_a_password_from_standard_input_is_checked_too(people):
    assert "12 to 200 characters, got 5" in people("add", "A", "--level", "L1", "--password-stdin", typed="short\n")


@pytest.fixture
def two(control) -> Path:
    """Ada and Bo, without the slow hash."""
    now_ns = time.time_ns()
    roster = Roster().with_person(Person("Ada", Level.L1, {}, added_ns=now_ns))
    roster.with_person(Person("Bo", Level.L3, {}, added_ns=now_ns)).write(control)
    return control


def test_a_certificate_holds_for_the_days_of_the_policy(people, two):
    people("certify", "Ada", "--drilled", "2019-01-01T00:00Z")
    assert in_words(Roster.read(two).people["Ada"].certified_until_ns) == "2019-04-01T00:00:00Z"
    assert "still to come" in people("certify", "Ada", "--drilled", "2999-01-01T00:00Z")
    assert "EXPIRED" in people("list")


def test_nobody_reviews_or_enables_themselves(people, two):
    assert "own account" in people("review", "Ada", "--as", "ADA")
    people("disable", "Ada")
    assert "own account" in people("enable", "Ada", "--as", "Ada") and Roster.read(two).people["Ada"].disabled
    people("enable", "Ada", "--as", "Bo")
    ada = Roster.read(two).people["Ada"]
    assert not ada.disabled and ada.reviewed_by == "Bo" and ada.reviewed_ns is not None


def test_holes_of_the_calendar_are_an_error(people, two):
    shown = people("oncall", "list")
    assert shown.count("HOLE: nobody is on call at L") == 3 and "3 hole(s) in the next 14 days" in shown
    begins, ends = in_words(time.time_ns() - DAY_NS), in_words(time.time_ns() + 20 * DAY_NS)
    people("oncall", "add", "Ada", "--from", begins, "--to", ends)
    for level in ("L2", "L3"):
        people("oncall", "add", "Bo", "--level", level, "--from", begins, "--to", ends)
    shown = people("oncall", "list")
    assert "HOLE" not in shown and "REFUSED" not in shown and "has never been drilled" in shown
    assert "Ada is L1 and cannot" in people("oncall", "add", "Ada", "--level", "L3", "--from", begins, "--to", ends)
    assert "on call at L1 until" in people("remove", "Ada")
    people("disable", "Ada")
    assert "1 hole(s)" in people("oncall", "list")
    people("oncall", "remove", "Ada", "--from", begins)
    assert "no such shift" in people("oncall", "remove", "Ada", "--from", begins)
    people("remove", "Ada")
    assert set(Roster.read(two).people) == {"Bo"}


def test_the_register_shows_the_last_login_and_who_is_dormant(people, two):
    old_ns = time.time_ns() - 100 * DAY_NS
    roster = Roster.read(two)
    for name in ("Cy", "Di"):
        roster = roster.with_person(Person(name, Level.L2, {}, added_ns=old_ns))
    roster.write(two)
    login_ns = time.time_ns() - DAY_NS
    journal = Journal(two, Signer.from_seed(b"s" * 32))
    journal.write([Row(RowKind.NOTE, login_ns, json.dumps(login_row("Cy", 1, login_ns)).encode())])
    journal.close(login_ns)
    shown = people("list")
    assert "L2  Cy  active" in shown and f"last login {in_words(login_ns)}" in shown
    assert "L2  Di  DISABLED (unused for 90 days)" in shown


def test_a_demonstration_is_labelled_loudly_and_kept_apart(people, control, tmp_path):
    shown = people("add", "--demo")
    assert shown.splitlines()[0].startswith("DEMO  DEMO  DEMO") and shown.count("password ") == 5
    assert not control.exists()
    demo = str(tmp_path / "control-demo")
    assert people("list", "--folder", demo).startswith("DEMO  DEMO  DEMO")
    refused = people("add", "Ada", "--level", "L1", "--password-stdin", "--folder", demo, typed=f"{WORDS}\n")
    assert "one of a demonstration" in refused
