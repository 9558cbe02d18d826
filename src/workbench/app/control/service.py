"""The control service put together, and run: one process, one thread for whatever is asked and whatever is paged."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from workbench.app.control.address import Address, server_of
from workbench.app.control.demo import LABEL, labelled
from workbench.app.control.journal import PeopleJournal
from workbench.app.control.real_book import GuardedInbox, refuse_real_book
from workbench.app.control.responders import ResponseDesk
from workbench.app.control.rules import RuleBook
from workbench.app.control.sessions import RosterFiles, SessionDesk, kept_roster
from workbench.app.control.unsent import Unsent
from workbench.app.environment import home_folder
from workbench.app.live_shell import live_folder, signal_halt
from workbench.data.journal.chain import Signer
from workbench.data.journal.journal import Journal
from workbench.data.policy_file import read_policy
from workbench.domain.policy import Policy
from workbench.monitor.control.loop import Loop
from workbench.monitor.control.service import Parts, build_app
from workbench.response.alerts.channel_file import SteadyChannels
from workbench.response.alerts.conditions import CHANNEL_TROUBLE, channel_trouble
from workbench.response.alerts.dispatcher import Dispatcher, Surroundings
from workbench.response.alerts.watchdog_file import ServiceBeat, watchdog_conditions
from workbench.response.drills.desk import DrillDesk
from workbench.response.incidents.loop_alerts import LoopAlerts
from workbench.response.people.sessions import Sessions

FOLDER, DEMO_FOLDER = "control", "control-demo"
TURN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """What the command line asks for; empty strings mean the default.

    Attributes
    ----------
    folder : str
        Of the loop's journal.
    control : str
        Folder of the people: roster, channels, their journal.
    policy : str
        Your own policy TOML.
    address : Address
        Where to listen.
    demo : bool
        For a demonstration, with made-up people; never for a real book.
    """

    folder: str = ""
    control: str = ""
    policy: str = ""
    address: Address = field(default_factory=Address)
    demo: bool = False

    @property
    def control_folder(self) -> Path:
        """Folder of the people."""
        usual = home_folder() / (DEMO_FOLDER if self.demo else FOLDER)
        return Path(self.control).expanduser().resolve() if self.control else usual

    def read_policy(self) -> Policy:
        """The policy in force."""
        return read_policy(Path(self.policy).expanduser() if self.policy else None)


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that runs.

    Attributes
    ----------
    parts : Parts
        Behind the doors.
    dispatcher : Dispatcher
        Of alerts.
    sessions : SessionDesk
        Who is in.
    files : RosterFiles
        Who there is.
    channels : SteadyChannels
        How people are reached.
    drills : DrillDesk
        Demands for a drill, and what is overdue.
    responders : ResponseDesk
        Checklists, lessons and reports.
    beat : ServiceBeat
        Tells the watchdog that the dispatcher turns.
    unsent : Unsent
        Sees at the start to what an earlier process has not sent.
    clock_ns : callable
        This machine's clock.
    """

    parts: Parts
    dispatcher: Dispatcher
    sessions: SessionDesk
    files: RosterFiles
    channels: SteadyChannels
    drills: DrillDesk
    responders: ResponseDesk
    beat: ServiceBeat
    unsent: Unsent
    clock_ns: Callable[[], int]

    def turn(self) -> None:
        """Take in changed files, and see to drills, alerts and reports; then say that all that was done."""
        self.sessions.look()
        self.channels.refresh()
        self.unsent.try_signalled(self.clock_ns())
        self.drills.turn(self.dispatcher, self.clock_ns())
        self.dispatcher.turn(self.clock_ns())
        self.responders.turn()
        self.beat.tell(self.clock_ns())


def channels_of(request: ControlRequest) -> SteadyChannels:
    """The channels, as many as can be used: a malformed file must not be why nobody is paged.

    Parameters
    ----------
    request : ControlRequest
        From the command line.

    Returns
    -------
    SteadyChannels
        In a demonstration with its label.
    """
    return SteadyChannels(request.control_folder, lambda found: labelled(found, demo=request.demo))


@contextmanager
def opened(request: ControlRequest, link: str = "", clock_ns: Callable[[], int] = time.time_ns) -> Iterator[Service]:
    """Open the journal of people and put everything together.

    Parameters
    ----------
    request : ControlRequest
        From the command line.
    link : str
        Address of the page, for messages.
    clock_ns : callable
        This machine's clock.

    Yields
    ------
    Service

    Raises
    ------
    ConfigError
        When roster or policy are not as expected, and there is no earlier roster, or a demonstration is to look at a
        real book.
    ExecutionError
        When another control service is running on the folder.
    """
    control, policy = request.control_folder, request.read_policy()
    kept_roster(control, demo=request.demo)  # refused before anything is begun
    if request.demo:
        refuse_real_book(live_folder(request.folder))
    journal = Journal(control, Signer.open(control))
    try:
        service = _service(request, policy, journal, (link, clock_ns))
        service.unsent.see_to(clock_ns())
        yield service
        # only in good order: whoever is killed, or ends in an error, has not said good-bye
        service.beat.end(clock_ns())
    finally:
        journal.close(clock_ns())


def _service(
    request: ControlRequest, policy: Policy, journal: Journal, world: tuple[str, Callable[[], int]]
) -> Service:
    link, clock_ns = world
    folder, control = live_folder(request.folder), request.control_folder
    book, channels = PeopleJournal(journal, clock_ns=clock_ns), channels_of(request)
    rules_of_sessions = policy.people.sessions
    files = RosterFiles(
        control, rules_of_sessions.dormant_days, lambda: book.records.last_logins, demo=request.demo, clock_ns=clock_ns
    )
    since_ns = next((row.time_ns for row in journal.rows()), clock_ns())
    drills = DrillDesk(control, policy, files.current, [*channels], since_ns)
    loop = Loop(folder, lambda: signal_halt(folder), clock_ns=clock_ns, demo=request.demo)
    dispatcher = Dispatcher(
        Surroundings(
            journal,
            LoopAlerts(folder, policy),
            GuardedInbox(folder / "inbox", loop.check_made_up),
            files.readable,
            channels,
            policy,
            lambda time_ns: {
                **watchdog_conditions(control, time_ns),
                **drills.conditions(time_ns),
                CHANNEL_TROUBLE: channel_trouble(channels, time_ns),
            },
            link,
            lambda: channels.troubles,
        )
    )
    responders = ResponseDesk(dispatcher, policy, files, book, (control, folder), clock_ns=clock_ns)
    people = Sessions(files.roster, files.credentials, rules_of_sessions, book.records)
    sessions = SessionDesk(files, book, policy, people, clock_ns=clock_ns)
    rules = RuleBook(policy, files, book, loop, dispatcher, clock_ns=clock_ns)
    parts = Parts(sessions, rules, book, responders, loop, clock_ns)
    beat = ServiceBeat(control, link, folder)
    unsent = Unsent(book, loop, dispatcher, policy)
    return Service(parts, dispatcher, sessions, files, channels, drills, responders, beat, unsent, clock_ns)


def run_control(
    request: ControlRequest, say: Callable[[str], None], complain: Callable[[str], None] = lambda sentence: None
) -> None:
    """Serve until a signal ends it.

    Parameters
    ----------
    request : ControlRequest
        From the command line.
    say : callable
        Told where the page is, once it answers.
    complain : callable
        Told what is wrong with roster or channels.

    Raises
    ------
    ConfigError
        When it may not or cannot listen there, or roster or policy are not as expected.
    """
    address = request.address
    with address.bound() as listening:
        port = int(listening.getsockname()[1])
        link = address.link(port)
        with opened(request, link) as service:
            if service.channels.complaint:
                complain(f"workbench: {service.channels.complaint}")
            if service.files.unread:
                complain(f"workbench: {service.files.trouble}")
            if service.files.roster.demo:
                say(f"{LABEL}names, passwords and codes of the roster were printed; nothing of it guards anything")
            app = build_app(service.parts, address.allowed(port))
            server = server_of(app, address, lambda: say(f"the control service is at {link}"))
            asyncio.run(serve(service, server, listening))


async def serve(service: Service, server: uvicorn.Server, listening: socket.socket) -> None:
    """Serve the doors and turn the dispatcher; when one of the two ends, so does the other.

    Parameters
    ----------
    service : Service
        Everything behind the doors.
    server : Server
        For the doors.
    listening : socket
        Bound.
    """
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    turning = asyncio.create_task(_turning(service))
    await asyncio.wait({serving, turning}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    if turning.done():
        turning.result()
    turning.cancel()


async def _turning(service: Service) -> None:
    while True:
        service.turn()
        await asyncio.sleep(TURN_SECONDS)
