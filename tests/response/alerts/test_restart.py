"""A dispatcher that ends anywhere: the next one neither loses a page nor repeats one, but in the window it names."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from alert_desk import MINUTE, NOON, ONE_KEY, SECOND, Desk, four, released, rung, settle

from workbench.data.journal.journal import Journal
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import Row, RowKind
from workbench.domain.errors import ExecutionError
from workbench.domain.trading.modes import Ladder
from workbench.response.alerts.dispatcher import Dispatcher, Surroundings
from workbench.response.incidents.loop_alerts import LoopAlerts

ENDS = ("handed", "dropped")
CHANNELS = ("chat", "email", "sms", "call")


def story(desk: Desk) -> Dispatcher:
    """Three incidents, an escalation, an acknowledgement, a page that is refused at first."""
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    desk.say(rung(2, 1), rung(2, 1, Ladder.VOLATILITY))
    desk.channels["email"].refuses = True
    settle(dispatcher, NOON + SECOND)
    desk.channels["email"].refuses = False
    settle(dispatcher, NOON + 3 * SECOND)
    desk.say(rung(3, 2), released(1))
    settle(dispatcher, NOON + 4 * SECOND)
    settle(dispatcher, NOON + 5 * MINUTE + 4 * SECOND)
    dispatcher.acknowledge("I1", desk.roster.people["cara"], NOON + 6 * MINUTE)
    settle(dispatcher, NOON + 7 * MINUTE)
    return dispatcher


def rows_of(folder: Path) -> list[Row]:
    with JournalReader(folder) as reader:
        return [Row(one.kind, one.time_ns, one.body) for one in reader.rows(kinds=(RowKind.NOTE,))]


def sent(desk: Desk) -> Counter[tuple[str, str, str]]:
    """How often each incident was told, by channel and address, alone or among others in one letter."""
    found: Counter[tuple[str, str, str]] = Counter()
    for name in CHANNELS:
        for one in desk.letters(name):
            found.update({(name, one.address, incident): one.text.count(f" {incident}, ") for incident in ("I1", "I2")})
    return found


def marked(desk: Desk) -> set[tuple[str, str]]:
    """Where a letter says that it may be a repeat."""
    return {(name, one.address) for name in CHANNELS for one in desk.letters(name) if "may be a repeat" in one.text}


def test_a_start_knows_what_the_one_before_it_knew(desk: Desk) -> None:
    before = story(desk)
    after = desk.start()
    assert after.incidents.all() == before.incidents.all()
    assert after.outbox.waiting() == before.outbox.waiting() and after.outbox.ended() == before.outbox.ended()
    assert after.outbox.health == before.outbox.health
    assert after.shown() == before.shown()


def test_a_start_at_any_row_pages_for_everything_that_was_not_handed_over(desk: Desk, tmp_path: Path) -> None:
    """The journal of people is cut after every row; what the rest would have said is said by the next dispatcher."""
    story(desk)
    desk.stop()
    rows = rows_of(desk.folder / "control")
    assert len(rows) > 50
    for count in range(len(rows) + 1):
        check_cut(desk, tmp_path / f"cut{count}", rows[:count])


def check_cut(desk: Desk, folder: Path, rows: list[Row]) -> None:
    journal = Journal(folder, ONE_KEY)
    journal.write(rows)
    channels = four()
    source = LoopAlerts(desk.folder / "live", desk.policy)
    dispatcher = Dispatcher(Surroundings(journal, source, desk.inbox, lambda: desk.roster, channels, desk.policy))
    pages = {page.id: page.state for page in dispatcher.outbox.waiting()}
    handed = {page.id for page in dispatcher.outbox.ended() if page.state == "handed"}
    now = NOON + 8 * MINUTE
    settle(dispatcher, now)
    ended = {page.id: page for page in dispatcher.outbox.ended()}
    journal.close(now)
    assert all(ended[name].state in ENDS for name in pages), "a page is lost"
    assert not handed & pages.keys(), "a page that was handed over waits again"
    assert {one.cause for one in dispatcher.incidents.open()} == {"drawdown", "volatility"}, "an incident is lost"


class CutError(RuntimeError):
    """The process ended here."""


class Mortal:
    """A journal that ends the process before or after its Nth write."""

    def __init__(self, journal: Journal, nth: int, *, after: bool) -> None:
        self._journal, self._left, self._after = journal, nth, after

    def __getattr__(self, name: str) -> object:
        return getattr(self._journal, name)

    def write(self, rows: list[Row], shown: dict[str, str]) -> int:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise CutError
        sequence = self._journal.write(rows, shown)
        if self._left == 0:
            raise CutError
        return sequence


def lived(desk: Desk, nth: int, *, after: bool) -> bool:
    """A story whose dispatcher ends at its Nth write and starts again at once; whether it did."""
    said = {NOON + SECOND: [rung(3, 2)], NOON + 2 * SECOND: [rung(3, 2), rung(2, 1, Ladder.VOLATILITY)]}
    seconds = (0, 1, 2, 301, 302, 310)
    moments = [NOON + second * SECOND for second in seconds]
    dispatcher, died = desk.start(), False
    mortal = Mortal(dispatcher._around.journal, nth, after=after)
    object.__setattr__(dispatcher._around, "journal", mortal)
    for now in moments:
        if now in said:
            desk.say(*said[now])
        try:
            settle(dispatcher, now)
        except CutError:
            died = True
            wait_for_answers(dispatcher)
            dispatcher = desk.start()
            settle(dispatcher, now)
    return died


def wait_for_answers(dispatcher: Dispatcher) -> None:
    """Threads that have a letter already bring it to the end, as another machine would."""
    for _ in range(500):
        if not any(dispatcher._workers._errands.values()):
            return
        dispatcher._workers.collect()


@pytest.mark.parametrize("after", [False, True])
def test_a_death_at_any_write_neither_loses_nor_repeats_a_page(open_desk: Callable[..., Desk], after: bool) -> None:
    undisturbed = open_desk()
    assert not lived(undisturbed, 10**6, after=after) and not marked(undisturbed)
    whole = sent(undisturbed)
    assert sum(whole.values()) > 15
    nth = 1
    while lived(desk := open_desk(), nth, after=after):
        assert not whole - sent(desk), f"lost at write {nth}"
        more = sent(desk) - whole
        assert all(count == 1 for count in more.values()), f"repeated more than once at write {nth}"
        assert {place[:2] for place in more} <= marked(desk), f"repeated without a word at write {nth}"
        nth += 1
    assert nth > 8


def test_a_page_that_may_have_arrived_says_so_and_only_that_one(desk: Desk) -> None:
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    desk.say(rung(2, 1))
    dispatcher.turn(NOON + SECOND)
    waiting = [page for page in dispatcher.outbox.waiting() if page.state == "handing"]
    assert waiting
    again = desk.start()
    settle(again, NOON + 4 * SECOND)
    mails = [one.text for one in desk.letters("email")]
    assert len(mails) == 2 and "(This may be a repeat.)" in mails[1] and "repeat" not in mails[0]


def test_an_alert_and_how_far_the_loop_was_read_are_one_write(desk: Desk) -> None:
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    desk.say(rung(2, 1))
    settle(dispatcher, NOON + SECOND)
    again = desk.start()
    settle(again, NOON + 2 * SECOND)
    assert again.incidents.named("I1").count == 1 and len(desk.letters("email")) == 1


def test_what_was_missed_while_nothing_ran_is_made_up_for_once(desk: Desk) -> None:
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    desk.say(rung(4, 4))
    settle(dispatcher, NOON)
    before = len(desk.letters("email"))
    again = desk.start()
    settle(again, NOON + 47 * MINUTE)
    told = [one.address for one in desk.letters("email")[before:]]
    assert told == ["ann@example.org", "cara@example.org", "dan@example.org"]
    assert again.incidents.named("I1").escalate_ns == NOON + 50 * MINUTE


def test_a_journal_that_cannot_be_written_hands_nothing_over(desk: Desk) -> None:
    dispatcher = desk.start()
    settle(dispatcher, NOON)
    desk.say(rung(4, 4))
    desk.stop()
    with pytest.raises(ExecutionError, match="closed for good"):
        dispatcher.turn(NOON + SECOND)
    assert not desk.letters("email")
