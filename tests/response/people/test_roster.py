"""The roster: names, contacts, the file, the calendar and its holes, certificates."""

from dataclasses import replace

import pytest

from workbench.domain.errors import ConfigError, DataError
from workbench.domain.trading.market_hours import DAY_NS, HOUR_NS
from workbench.response.people.duty import Shift
from workbench.response.people.persons import Level, Person, check_contacts, check_name, in_words, moment
from workbench.response.people.roster import Roster

T0 = moment("2026-11-27T08:00Z", "t")
PEOPLE = {
    "Ada": Person("Ada", Level.L1, {"email": "ada@example.com", "sms": "+49 30 1234"}, added_ns=T0),
    "Zoë O'Brien-Łuk": Person("Zoë O'Brien-Łuk", Level.L1, {"chat": "@zoe"}, T0, T0 + DAY_NS, T0, "Bo", disabled=True),
    "מרים": Person("מרים", Level.L2, {"call": "030 99 88"}, added_ns=T0),
    "Bo": Person("Bo", Level.L3, {}, added_ns=T0),
}


def shift(person: str, from_hours: float, to_hours: float, level: Level = Level.L1) -> Shift:
    return Shift(level, person, T0 + int(from_hours * HOUR_NS), T0 + int(to_hours * HOUR_NS))


@pytest.mark.parametrize(
    "name", ["Ada", "Zoë O'Brien-Łuk", "מרים", "محمد علي", "李小龙", "ada@desk.example", "x" * 80, "7"]
)
def test_names_of_every_script_are_welcome(name):
    check_name(name)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "1 to 80 characters, got 0"),
        ("x" * 200, "1 to 80 characters, got 200"),
        ("<script>alert(1)</script>", "got '<'"),
        ("Ada&amp;", "got '&'"),
        ('"Ada"', "got '\"'"),
        ("Ada\u202eodB", r"got '\\u202e'"),
        ("Ada\u200bBo", r"got '\\u200b'"),
        ("Ada\nBo", r"got '\\n'"),
        ("Ada\x1b[31m", r"got '\\x1b'"),
        ("Ada\ud800", r"got '\\ud800'"),
        ("Ａda", "write 'Ada'"),
        ("Ada  Bo", "write 'Ada Bo'"),
        (" Ada", "write 'Ada'"),
        ("-Ada", "begins with a letter"),
    ],
)
def test_a_name_that_could_deceive_is_refused_in_words_that_cannot(name, told):
    with pytest.raises(ConfigError, match=told) as refused:
        check_name(name)
    assert str(refused.value).isprintable() and len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ("email", "ada"), ("email", "ada@x\nBcc: all@x"), ("email", "a@b,c@d"), ("sms", "call me"), ("sms", "+"),
        ("call", "1;2"), ("chat", "two words"), ("fax", "1"), ("email", f"a@{'b' * 300}"),
    ],
)  # fmt: skip
def test_a_contact_no_channel_could_use_is_refused(channel, address):
    with pytest.raises(ConfigError, match=channel):
        check_contacts({channel: address})


def test_two_names_that_look_alike_are_refused():
    with pytest.raises(ConfigError, match="looks like"):
        Roster(PEOPLE).with_person(Person("ADA", Level.L2, {}))


def test_what_is_written_is_what_is_read(tmp_path):
    roster = Roster(PEOPLE, (shift("Ada", 0, 8), shift("Bo", 0, 24, Level.L3)), demo=True)
    roster.write(tmp_path)
    assert Roster.read(tmp_path) == roster
    assert (tmp_path / "roster.toml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[people.Ada]\nlevel = 'L9'\nadded = '2026-11-27T08:00Z'", "expected a level"),
        ("[people.Ada]\nlevel = 'L1'\nadded = '2026-11-27'", "people.'Ada'.added: expected a time with its zone"),
        ("[people.Ada]\nlevel = 'L1'\nadded = '2026-11-27T08:00Z'\npassword = 'x'", "'people'.'Ada'.'password'"),
        ("[people.Ada]\nlevel = 'L1'", "'added': Field required"),
        ("[people.'<b>']\nlevel = 'L1'\nadded = '2026-11-27T08:00Z'", "got '<'"),
        ("[[on_call]]\nlevel='L1'\nperson='Al'\nfrom='2026-11-27T08:00Z'\nto='2026-11-28T08:00Z'", "no 'Al' in"),
        ("[[on_call]]\nlevel='L1'\nperson='Al'\nfrom='2026-11-28T08:00Z'\nto='2026-11-28T08:00Z'", "ends after it"),
        ("[[on_call]]\nlevel='L0'\nperson='Al'\nfrom='2026-11-27T08:00Z'\nto='2026-11-28T08:00Z'", "answer of L0"),
        ("people = 3", "'people'"),
        ("[people", "not valid TOML"),
        ("label = 'REAL'", "'label'"),
    ],
)
def test_a_file_that_is_not_a_roster_is_refused_by_the_name_of_the_part(tmp_path, text, told):
    path = tmp_path / "roster.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as refused:
        Roster.read(tmp_path)
    assert told in str(refused.value) and str(path) in str(refused.value)


def test_without_a_roster_it_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigError, match="workbench people add"):
        Roster.read(tmp_path)


def test_a_hole_is_an_error_and_so_is_a_disabled_account():
    roster = Roster(PEOPLE, (shift("Ada", 0, 8), shift("Zoë O'Brien-Łuk", 9, 10)))
    assert roster.on_call(1, T0).name == "Ada"
    with pytest.raises(DataError, match="nobody is on call at L1 at 2026-11-27T16:00:00Z"):
        roster.on_call(1, T0 + 8 * HOUR_NS)
    with pytest.raises(DataError, match="but the account is disabled"):
        roster.on_call(1, T0 + 9 * HOUR_NS)


def test_holes_are_found_to_the_nanosecond_and_joined():
    shifts = (shift("Ada", 1, 2), shift("Ada", 1.5, 3), shift("Zoë O'Brien-Łuk", 4, 5), shift("Ada", 6, 99))
    found = Roster(PEOPLE, shifts).holes(T0, T0 + 8 * HOUR_NS, [Level.L1])
    assert [((one.from_ns - T0) / HOUR_NS, (one.to_ns - T0) / HOUR_NS) for one in found] == [(0, 1), (3, 6)]
    assert Roster(PEOPLE, shifts).holes(T0 + HOUR_NS, T0 + 3 * HOUR_NS, [Level.L1]) == ()
    assert len(Roster(PEOPLE).holes(T0, T0 + HOUR_NS)) == 3


def test_where_shifts_overlap_the_later_one_holds():
    people = {**PEOPLE, "Al": Person("Al", Level.L1, {})}
    roster = Roster(people, (shift("Ada", 0, 24), shift("Al", 2, 3)))
    assert [roster.on_call(1, T0 + hour * HOUR_NS).name for hour in (1, 2, 3)] == ["Ada", "Al", "Ada"]


def test_an_expired_certificate_on_call_is_stated():
    def troubles(until_ns: int | None) -> tuple[str, ...]:
        roster = Roster({**PEOPLE, "Ada": replace(PEOPLE["Ada"], certified_until_ns=until_ns)}, (shift("Ada", 0, 8),))
        return tuple(one for one in roster.troubles(T0) if "Ada" in one)

    assert troubles(T0) == (f"Ada is on call at L1 with a certificate that expired on {in_words(T0)}",)
    assert troubles(None) == ("Ada is on call at L1 and has never been drilled",)
    assert troubles(T0 + 1) == ()


def test_who_is_still_on_call_is_not_removed():
    roster = Roster(PEOPLE, (shift("Ada", 0, 8),))
    with pytest.raises(ConfigError, match="on call at L1 until"):
        roster.without("Ada", T0)
    later = roster.without("Ada", T0 + 8 * HOUR_NS)
    assert "Ada" not in later.people and later.shifts == ()


def test_nobody_is_on_call_above_their_level():
    with pytest.raises(ConfigError, match="Ada is L1 and cannot be on call at L2"):
        Roster(PEOPLE).with_shift(shift("Ada", 0, 8, Level.L2))
    assert Roster(PEOPLE).with_shift(shift("Bo", 0, 8)).on_call(1, T0).name == "Bo"
