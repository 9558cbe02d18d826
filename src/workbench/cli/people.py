"""``workbench people …``: who there is, what they log in with, certificates, reviews, and the on-call calendar."""

import getpass
import io
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.response.people.credentials import Enrolled
    from workbench.response.people.persons import Person
    from workbench.response.people.records import Records

people_commands = typer.Typer(help="People: roster, logins, certificates, reviews, on-call.", no_args_is_help=True)
oncall_commands = typer.Typer(help="Who is on call, and where nobody is.", no_args_is_help=True)
people_commands.add_typer(oncall_commands, name="oncall")

Folder = Annotated[str, typer.Option(help="Folder of the roster [default: WORKBENCH_HOME/control]")]
PolicyFile = Annotated[str, typer.Option("--policy", help="Your own policy TOML")]
Name = Annotated[str, typer.Argument(help="Exactly as in the roster")]
LevelName = Annotated[str, typer.Option(help="L0 viewer, L1 first responder, L2 head of trading, L3 executive")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input")]
By = Annotated[str, typer.Option("--as", help="Your name, for the record [default: the user of this shell]")]
CONTROL, DEMONSTRATION = "control", "control-demo"
LOOK_AHEAD_DAYS = 14
DEMO_LABEL = "DEMO  DEMO  DEMO   made-up people with printed passwords: never for a real book   DEMO  DEMO  DEMO"


@people_commands.command()
def add(
    name: Annotated[str, typer.Argument(help="Letters, digits, spaces and . - ' _ @ +")] = "",
    level: LevelName = "",
    email: Annotated[str, typer.Option(help="Where e-mail goes")] = "",
    sms: Annotated[str, typer.Option(help="Telephone number for text messages")] = "",
    call: Annotated[str, typer.Option(help="Telephone number for calls")] = "",
    chat: Annotated[str, typer.Option(help="Name in the chat")] = "",
    password_stdin: PasswordStdin = False,
    demo: Annotated[bool, typer.Option("--demo", help="Make a roster of made-up people in control-demo")] = False,
    folder: Folder = "",
) -> None:
    """Add somebody: asks for a password, then shows the secret for the authenticator app once."""
    from workbench.domain.errors import ConfigError
    from workbench.response.people.credentials import enrol
    from workbench.response.people.persons import Person, check_contacts, check_name, level_of
    from workbench.response.people.proofs import Passwords

    if demo:
        make_demo(folder)
        return
    if not name or not level:
        raise ConfigError("expected a name and --level L0, L1, L2 or L3, such as `workbench people add Ada --level L1`")
    given = {"email": email, "sms": sms, "call": call, "chat": chat}
    contacts = {channel: address for channel, address in given.items() if address}
    person = Person(name, level_of(level), contacts, added_ns=time.time_ns())
    check_name(name)
    check_contacts(contacts)
    show_secret(enrol(control_folder(folder), person, new_password(stdin=password_stdin), Passwords()))


def make_demo(folder: str) -> None:
    """Make a roster of made-up people, and print their passwords and secrets.

    Parameters
    ----------
    folder : str
        Empty: ``control-demo/`` in the home folder, never where the real roster is.
    """
    from workbench.response.people.credentials import enrol_demo
    from workbench.response.people.proofs import Passwords

    where = control_folder(folder, DEMONSTRATION)
    made = enrol_demo(where, Passwords(), time.time_ns())
    typer.echo(DEMO_LABEL)
    for enrolled, password in made:
        person = enrolled.person
        typer.echo(f"{person.level.name}  {person.name:12}  password {password}  TOTP secret {enrolled.totp}")
    typer.echo(f"in {where}; `workbench control --demo` serves the page for them\n{DEMO_LABEL}")


def control_folder(folder: str, otherwise: str = CONTROL) -> Path:
    """Where the roster is.

    Parameters
    ----------
    folder : str
        As given; empty: in the home folder.
    otherwise : str
        Its name there.

    Returns
    -------
    Path
    """
    from workbench.app.environment import home_folder

    return Path(folder).expanduser().resolve() if folder else home_folder() / otherwise


def new_password(*, stdin: bool) -> str:
    """Ask for a new password, twice and without echo.

    Parameters
    ----------
    stdin : bool
        Read one line from standard input instead.

    Returns
    -------
    str
    """
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt="The same again"))


def show_secret(enrolled: "Enrolled") -> None:
    """Show the secret for the authenticator app, this once.

    Parameters
    ----------
    enrolled : Enrolled
        Whose.
    """
    import segno

    from workbench.response.people.credentials import provisioning_address

    name, drawn = enrolled.person.name, io.StringIO()
    segno.make(provisioning_address(name, enrolled.totp), micro=False).terminal(drawn, compact=True)
    typer.echo(f"{name} is in the roster as {enrolled.person.level.name}. Scan this with an authenticator app now;")
    typer.echo("it is not shown again:\n")
    typer.echo(drawn.getvalue())
    typer.echo(f"or type the secret: {enrolled.totp}")


@people_commands.command()
def renew(name: Name, password_stdin: PasswordStdin = False, folder: Folder = "") -> None:
    """Give somebody a new password and a new secret for the authenticator app; the old ones stop working."""
    from workbench.response.people.credentials import renew as renew_secrets
    from workbench.response.people.proofs import Passwords
    from workbench.response.people.roster import Roster

    where = control_folder(folder)
    Roster.read(where).person(name)
    show_secret(renew_secrets(where, name, new_password(stdin=password_stdin), Passwords()))


@people_commands.command("list")
def show_people(policy: PolicyFile = "", folder: Folder = "") -> None:
    """Show everybody: level, contacts, certificate, last review, last login, and what is wrong with who is on call."""
    from workbench.app.control.journal import records_of
    from workbench.response.people.roster import Roster

    where, now_ns = control_folder(folder), time.time_ns()
    roster, records, days = Roster.read(where), records_of(where), dormant_days(policy)
    current = roster.without_dormant(records.last_logins, now_ns, days)
    if roster.demo:
        typer.echo(DEMO_LABEL)
    for person in current.people.values():
        unused = "" if roster.people[person.name].disabled else f" (unused for {days} days)"
        state = f"DISABLED{unused}" if person.disabled else "active"
        typer.echo(_line(person, state, records, now_ns))
    for trouble in current.troubles(now_ns):
        typer.echo(f"! {trouble}")


def dormant_days(policy: str) -> int:
    """How long an account may be unused.

    Parameters
    ----------
    policy : str
        File of another policy; empty: the one that is shipped.

    Returns
    -------
    int
    """
    from workbench.data.policy_file import read_policy

    return read_policy(Path(policy) if policy else None).people.sessions.dormant_days


def _line(person: "Person", state: str, records: "Records", now_ns: int) -> str:
    from workbench.response.people.persons import in_words

    def told(time_ns: int | None, otherwise: str) -> str:
        return otherwise if time_ns is None else in_words(time_ns)

    expired = person.certified_until_ns is not None and not person.certified(now_ns)
    certificate = f"{told(person.certified_until_ns, 'none')}{' EXPIRED' if expired else ''}"
    review = told(person.reviewed_ns, "never") + (f" by {person.reviewed_by}" if person.reviewed_by else "")
    contacts = ", ".join(f"{channel} {address}" for channel, address in person.contacts.items()) or "no contacts"
    last = told(records.last_logins.get(person.name), "never")
    return (
        f"{person.level.name}  {person.name}  {state}  {contacts}\n"
        f"    certified until {certificate}; reviewed {review}; last login {last}"
    )


def change(folder: str, name: str, changed: "Callable[[Person], Person]") -> None:
    """Change one person of the roster, alone and whole.

    Parameters
    ----------
    folder : str
        Of the roster.
    name : str
        Whom.
    changed : callable
        From the person as they are.
    """
    from workbench.response.people.private_files import alone
    from workbench.response.people.roster import Roster

    where = control_folder(folder)
    with alone(where):
        roster = Roster.read(where)
        roster.with_person(changed(roster.person(name))).write(where)


@people_commands.command()
def remove(name: Name, folder: Folder = "") -> None:
    """Remove somebody who is no longer on call, with password and secret."""
    from workbench.response.people.credentials import strike_out

    strike_out(control_folder(folder), name, time.time_ns())
    typer.echo(f"{name} is removed; what they did stays in the journal")


@people_commands.command()
def disable(name: Name, folder: Folder = "") -> None:
    """Disable an account: nobody can log in with it, and its sessions end."""
    change(folder, name, lambda person: person.switched_off())
    typer.echo(f"{name} is disabled: `workbench people enable` undoes it")


@people_commands.command()
def enable(name: Name, folder: Folder = "", reviewer: By = "") -> None:
    """Enable a disabled account again; that is a review of it, so somebody else must do it."""
    change(folder, name, lambda person: replace(_reviewed(person, reviewer), disabled=False))
    typer.echo(f"{name} is enabled")


@people_commands.command()
def review(name: Name, folder: Folder = "", reviewer: By = "") -> None:
    """Say that somebody still needs the account at this level: for the access register, once a quarter."""
    change(folder, name, lambda person: _reviewed(person, reviewer))
    typer.echo(f"{name} is reviewed")


def _reviewed(person: "Person", reviewer: str) -> "Person":
    from workbench.domain.errors import AuthorityError
    from workbench.domain.names import are_two
    from workbench.response.people.persons import check_name

    who = reviewer or getpass.getuser()
    check_name(who)
    if not are_two(who, person.name):
        raise AuthorityError(f"{person.name} cannot review their own account: somebody else must, say who with --as")
    return replace(person, reviewed_ns=time.time_ns(), reviewed_by=who)


@people_commands.command()
def certify(
    name: Name,
    drilled: Annotated[str, typer.Option(help="When the drill was, UTC [default: now]")] = "",
    policy: PolicyFile = "",
    folder: Folder = "",
) -> None:
    """Record that somebody passed a drill: the certificate expires after the days the policy gives it."""
    from workbench.data.policy_file import read_policy
    from workbench.domain.errors import ConfigError
    from workbench.domain.trading.market_hours import DAY_NS
    from workbench.response.people.persons import in_words, moment

    now_ns = time.time_ns()
    drilled_ns = moment(drilled, "--drilled") if drilled else now_ns
    if drilled_ns > now_ns:
        raise ConfigError(f"a drill that is still to come certifies nobody: --drilled is {in_words(drilled_ns)}")
    days = read_policy(Path(policy) if policy else None).success.operational.responder_drilled_days
    until_ns = drilled_ns + days * DAY_NS
    change(folder, name, lambda person: replace(person, certified_until_ns=until_ns))
    typer.echo(f"{name} is certified until {in_words(until_ns)}")


@oncall_commands.command("add")
def add_shift(
    name: Name,
    begins: Annotated[str, typer.Option("--from", help="UTC, such as 2026-11-27T08:00Z")],
    ends: Annotated[str, typer.Option("--to", help="UTC, the first moment that is no longer part of it")],
    level: Annotated[str, typer.Option(help="L1, L2 or L3 [default: the person's own]")] = "",
    folder: Folder = "",
) -> None:
    """Put somebody on call."""
    from workbench.response.people.duty import Shift
    from workbench.response.people.persons import level_of, moment
    from workbench.response.people.private_files import alone
    from workbench.response.people.roster import Roster

    where = control_folder(folder)
    with alone(where):
        roster = Roster.read(where)
        at = level_of(level) if level else roster.person(name).level
        shift = Shift(at, name, moment(begins, "--from"), moment(ends, "--to"))
        roster.with_shift(shift).write(where)
    typer.echo(f"{name} is on call at {at.name}; `workbench people oncall list` shows the holes that are left")


@oncall_commands.command("remove")
def remove_shift(
    name: Name,
    begins: Annotated[str, typer.Option("--from", help="When the shift begins, as the list shows it")],
    folder: Folder = "",
) -> None:
    """Take a shift out of the calendar."""
    from workbench.domain.errors import ConfigError
    from workbench.response.people.persons import moment
    from workbench.response.people.private_files import alone
    from workbench.response.people.roster import Roster

    where, from_ns = control_folder(folder), moment(begins, "--from")
    with alone(where):
        roster = Roster.read(where)
        found = [one for one in roster.shifts if one.person == name and one.from_ns == from_ns]
        if not found:
            raise ConfigError("there is no such shift: `workbench people oncall list` shows them")
        roster.without_shift(found[0]).write(where)
    typer.echo("the shift is out; `workbench people oncall list` shows the holes that are left")


@oncall_commands.command("list")
def show_shifts(
    days: Annotated[int, typer.Option(min=1, max=366, help="How far ahead")] = LOOK_AHEAD_DAYS,
    policy: PolicyFile = "",
    folder: Folder = "",
) -> None:
    """Show who is on call in the next days, and every hole; a hole is an error."""
    from workbench.app.control.journal import records_of
    from workbench.domain.errors import DataError
    from workbench.domain.trading.market_hours import DAY_NS
    from workbench.response.people.persons import in_words
    from workbench.response.people.roster import Roster

    now_ns, where = time.time_ns(), control_folder(folder)
    roster = Roster.read(where)
    roster = roster.without_dormant(records_of(where).last_logins, now_ns, dormant_days(policy))
    until_ns = now_ns + days * DAY_NS
    for one in sorted(roster.shifts, key=lambda shift: (shift.level, shift.from_ns)):
        if one.to_ns > now_ns and one.from_ns < until_ns:
            off = "  (DISABLED)" if roster.people[one.person].disabled else ""
            typer.echo(f"{one.level.name}  {in_words(one.from_ns)} to {in_words(one.to_ns)}  {one.person}{off}")
    for trouble in roster.troubles(now_ns):
        typer.echo(f"! {trouble}")
    holes = roster.holes(now_ns, until_ns)
    for hole in holes:
        typer.echo(f"HOLE: {hole}")
    if holes:
        raise DataError(f"the calendar has {len(holes)} hole(s) in the next {days} days; the first: {holes[0]}")
