"""Secrets: for their owner alone, never shown, never half written."""

import os
import traceback

import pytest

from workbench.domain.errors import ConfigError, ExecutionError
from workbench.response.people.credentials import (
    Credentials,
    enrol,
    enrol_demo,
    provisioning_address,
    renew,
    strike_out,
)
from workbench.response.people.persons import Level, Person
from workbench.response.people.private_files import write_private
from workbench.response.people.roster import Roster

NOW_NS = 1_795_000_000_000_000_000
ADA = Person("Ada", Level.L1, {"email": "ada@example.com"}, added_ns=NOW_NS // 10**9 * 10**9)
WORDS = "correct horse battery"


def test_enrolling_writes_two_files_nobody_else_can_read(tmp_path, passwords):
    folder = tmp_path / "control"
    made = enrol(folder, ADA, WORDS, passwords)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Roster.read(folder).people == {"Ada": ADA}
    secret = Credentials.read(folder).by_name["Ada"]
    assert secret.totp == made.totp and passwords.verify(secret.password, WORDS)
    text = (folder / "secrets.toml").read_text()
    assert (
        WORDS not in text
        and secret.password.startswith("$argon2id$")
        and "Ada" in provisioning_address("Ada", made.totp)
    )
    assert made.totp not in repr(made) + (folder / "roster.toml").read_text()


@pytest.mark.parametrize("name", ["secrets.toml", "roster.toml"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o602, 0o610])
def test_a_file_others_may_open_is_not_read(tmp_path, passwords, name, mode):
    enrol(tmp_path, ADA, WORDS, passwords)
    path = tmp_path / name
    path.chmod(mode)
    with pytest.raises(ConfigError) as refused:
        (Credentials if name == "secrets.toml" else Roster).read(tmp_path)
    assert str(refused.value) == f"others may open {path} (mode {mode:04o}): run `chmod 600 {path}`"


@pytest.mark.parametrize("what", ["a link", "a folder", "a pipe", "a large file"])
def test_what_is_no_plain_file_is_not_read(tmp_path, what):
    path = tmp_path / "secrets.toml"
    if what == "a link":
        write_private(tmp_path / "elsewhere", "")
        path.symlink_to(tmp_path / "elsewhere")
    elif what == "a folder":
        path.mkdir(mode=0o700)
    elif what == "a pipe":
        os.mkfifo(path, 0o600)
    else:
        write_private(path, "# " + "x" * 1_000_001)
    with pytest.raises(ConfigError, match=r"secrets\.toml"):
        Credentials.read(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "[Ada]\npassword = 'CANARY'\ntotp = 'JBSWY3DPEHPK3PXP'",
        "[Ada]\npassword = '$argon2id$CANARY'\ntotp = 'CANARY-8!'",
        "[Ada]\npassword = '$argon2id$CANARY'\ntotp = 7",
        "[Ada]\npassword = '$argon2id$CANARY'",
        "[Ada]\npassword = '$argon2id$CANARY'\ntotp = 'JBSWY3DPEHPK3PXP'\nother = 'CANARY'",
        "Ada = 'CANARY'",
        "[Ada]\npassword = 'CANARY",
        "[Ada]\npassword = '$argon2id$x'\ntotp = ''",
    ],
)
def test_no_error_shows_a_secret_not_even_its_traceback(tmp_path, text):
    write_private(tmp_path / "secrets.toml", text)
    with pytest.raises(ConfigError) as refused:
        Credentials.read(tmp_path)
    shown = "".join(traceback.format_exception(refused.value))
    assert "CANARY" not in shown and "secrets.toml" in str(refused.value)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    write_private(tmp_path / "secrets.toml", "")
    (tmp_path / "secrets.toml").write_bytes(b"\xff\xfe CANARY")
    with pytest.raises(ConfigError, match="not valid TOML in UTF-8"):
        Credentials.read(tmp_path)


@pytest.mark.parametrize("words", ["short", "", "x" * 201])
def test_a_password_that_is_too_short_or_too_long_changes_nothing(tmp_path, passwords, words):
    with pytest.raises(ConfigError, match="12 to 200 characters"):
        enrol(tmp_path, ADA, words, passwords)
    assert list(tmp_path.iterdir()) == []


def test_a_hash_that_is_none_lets_nobody_in(passwords):
    for broken in ("$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA", "plain", "\0"):
        assert not passwords.verify(broken, WORDS)


def test_renewing_makes_new_secrets_and_leaves_the_others(tmp_path, passwords):
    enrol(tmp_path, ADA, WORDS, passwords)
    enrol(tmp_path, Person("Bo", Level.L2, {}, added_ns=NOW_NS), WORDS, passwords)
    before = Credentials.read(tmp_path)
    renew(tmp_path, "Ada", "another horse battery", passwords)
    after = Credentials.read(tmp_path)
    assert not after.same(before, "Ada") and after.same(before, "Bo") and not after.same(before, "Nobody")
    assert not passwords.verify(after.by_name["Ada"].password, WORDS)


def test_who_is_struck_out_leaves_no_secret(tmp_path, passwords):
    enrol(tmp_path, ADA, WORDS, passwords)
    strike_out(tmp_path, "Ada", NOW_NS)
    assert Credentials.read(tmp_path).by_name == {} and Roster.read(tmp_path).people == {}


def test_nobody_is_added_twice(tmp_path, passwords):
    enrol(tmp_path, ADA, WORDS, passwords)
    with pytest.raises(ConfigError, match="already"):
        enrol(tmp_path, ADA, WORDS, passwords)


def test_a_demonstration_is_never_mixed_with_a_real_roster(tmp_path, passwords):
    made = enrol_demo(tmp_path / "demo", passwords, NOW_NS)
    roster = Roster.read(tmp_path / "demo")
    assert roster.demo and {person.level for person in roster.people.values()} == set(Level)
    assert roster.troubles(NOW_NS) == ()
    assert "made up" in (tmp_path / "demo" / "roster.toml").read_text()
    assert len({password for _, password in made}) == len(made)
    with pytest.raises(ConfigError, match="one of a demonstration"):
        enrol(tmp_path / "demo", ADA, WORDS, passwords)
    enrol(tmp_path / "real", ADA, WORDS, passwords)
    with pytest.raises(ConfigError, match="already"):
        enrol_demo(tmp_path / "real", passwords, NOW_NS)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, passwords):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExecutionError, match="nothing was changed"):
        enrol(tmp_path / "file" / "control", ADA, WORDS, passwords)
