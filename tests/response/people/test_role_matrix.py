"""Who may do what, and what is refused: one table, from the order of the people."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from workbench.domain.errors import AuthorityError
from workbench.response.people.authority import Act, most_restrictive
from workbench.response.people.persons import Level

SUBJECTS = {"tighten_limit": "pre_trade.gross", "loosen_limit": "pre_trade.gross", "override_block": "EURUSD-D"}
ALONE = {
    "look": "Vi Ada Bo Di", "acknowledge": "Vi Ada Bo Di", "halt": "Ada Bo Di", "reduce": "Ada Bo Di",
    "tighten_limit": "Ada Bo Di", "full_halt": "Bo Di", "close_all": "Bo Di", "cancel_all": "Bo Di",
    "shut_down": "Di", "notify_regulator": "Di",
}  # fmt: skip
TWO_PEOPLE = {"resume": "Bo Di", "loosen_limit": "Bo Di", "override_block": "Bo Di", "go_live": "Bo Di"}


def one_act(who: str, kind: str) -> Callable:
    def steps(desk):
        desk.login(who)
        desk.act(who, kind, 0.25 if kind == "reduce" else 0.0, SUBJECTS.get(kind, ""))

    return steps


def one_pair(who: str, kind: str) -> Callable:
    def steps(desk):
        desk.login(who)
        desk.login("Cy")
        desk.approve("Cy", desk.propose(who, kind, SUBJECTS.get(kind, "")))

    return steps


def grid() -> list:
    rows = []
    for kind, allowed in ALONE.items():
        for who in ("Vi", "Ada", "Bo", "Di"):
            good = who in allowed.split()
            rows.append((f"{who} alone: {kind}", one_act(who, kind), "" if good else f"{kind} takes L", good))
    for kind, allowed in TWO_PEOPLE.items():
        for who in ("Vi", "Ada", "Bo", "Di"):
            good = who in allowed.split()
            rows.append((f"{who} with Cy: {kind}", one_pair(who, kind), "" if good else f"{kind} takes L2", good))
            rows.append((f"{who} alone: {kind}", one_act(who, kind), "second" if good else f"{kind} takes L2", False))
    return rows


def anonymous(desk):
    desk.act("Ada", "look")


def forged(desk):
    desk.login("Ada")
    desk.tokens["Ada"] = desk.tokens["Ada"][:-1] + "!"
    desk.act("Ada", "look")


def idle(desk):
    desk.login("Ada")
    desk.wait(3_601)
    desk.act("Ada", "look")


def too_long(desk):
    desk.login("Ada")
    for _ in range(24):
        desk.wait(1_799)
        desk.act("Ada", "look")
    desk.done.clear()
    desk.wait(1_799)
    desk.act("Ada", "look")


def without_fresh_code(desk):
    desk.login("Ada")
    desk.wait(61)
    desk.act("Ada", "halt")


def with_fresh_code(desk):
    desk.login("Ada")
    desk.wait(61)
    desk.step_up("Ada")
    desk.act("Ada", "halt")


def wrong_code(desk):
    desk.login("Ada", code="000000" if desk.code("Ada") != "000000" else "000001")


def wrong_fresh_code(desk):
    desk.login("Ada")
    desk.step_up("Ada", "not a code")


def replayed_code(desk):
    desk.login("Ada")
    desk.login("Ada")


def replayed_fresh_code(desk):
    desk.login("Ada")
    desk.wait(61)
    desk.step_up("Ada")
    desk.step_up("Ada")


def wrong_password(desk):
    desk.login("Ada", "incorrect horse battery")


def disabled(desk):
    roster = desk.sessions.roster
    desk.login("Bo")
    desk.sessions.replace(roster.with_person(replace(roster.people["Bo"], disabled=True)), desk.credentials)
    desk.act("Bo", "look")


def two_halves(desk):
    desk.login("Ada")
    desk.act("Ada", "reduce", 0.5)
    desk.act("Ada", "reduce", 0.5)


def beyond_in_two_steps(desk):
    desk.login("Ada")
    desk.act("Ada", "reduce", 0.5)
    desk.done.clear()
    desk.act("Ada", "reduce", 0.51)


def beyond_with_two_people(desk):
    desk.login("Ada")
    desk.login("Al")
    desk.act("Ada", "reduce", 0.75)
    desk.done.clear()
    desk.act("Al", "reduce", 0.01)


def all_by_a_first_responder(desk):
    desk.login("Ada")
    desk.act("Ada", "reduce", 1.0)


def all_by_the_head(desk):
    desk.login("Bo")
    desk.act("Bo", "reduce", 0.75)
    desk.act("Bo", "reduce", 1.0)


def self_approval(desk):
    desk.login("Bo")
    desk.approve("Bo", desk.propose("Bo"))


def approval_from_below(desk):
    desk.login("Bo")
    desk.login("Ada")
    desk.approve("Ada", desk.propose("Bo"))


def after(change: Callable) -> Callable:
    """Propose, let something happen, approve with a fresh code."""

    def steps(desk):
        desk.login("Bo")
        key = desk.propose("Bo")
        change(desk)
        desk.login("Cy")
        desk.done.clear()
        desk.approve("Cy", key)

    return steps


def in_time(desk):
    desk.wait(15 * 60)


def too_late(desk):
    desk.wait(15 * 60 + 0.001)


def other_state(desk):
    desk.state = "mode REDUCING"


def new_breach(desk):
    desk.last_breach += 1


def halted_meanwhile(desk):
    desk.login("Ada")
    desk.act("Ada", "halt")


def demoted_meanwhile(desk):
    roster = desk.sessions.roster
    desk.sessions.replace(roster.with_person(replace(roster.people["Bo"], level=Level.L1)), desk.credentials)


def clock_went_back(desk):
    desk.wait(-1)


MATRIX = [
    *grid(),
    ("anonymous", anonymous, "log in again", False),
    ("forged cookie", forged, "log in again", False),
    ("idle session", idle, "log in again", False),
    ("session of half a day", too_long, "log in again", False),
    ("dangerous without a fresh code", without_fresh_code, "fresh code", False),
    ("dangerous with a fresh code", with_fresh_code, "", True),
    ("wrong TOTP", wrong_code, "is not right", False),
    ("wrong TOTP at step-up", wrong_fresh_code, "is not right", False),
    ("replayed TOTP", replayed_code, "is not right", False),
    ("replayed TOTP at step-up", replayed_fresh_code, "used already", False),
    ("wrong password", wrong_password, "is not right", False),
    ("disabled while in", disabled, "log in again", False),
    ("L1: two halves are 75 %", two_halves, "", True),
    ("L1 beyond 75 % in two steps", beyond_in_two_steps, "at most 50 % of what is left", False),
    ("L1 beyond 75 % by two people", beyond_with_two_people, "75 % is taken", False),
    ("L1: everything", all_by_a_first_responder, "at most 75 %", False),
    ("L2: everything", all_by_the_head, "", True),
    ("self-approval", self_approval, "two different people", False),
    ("approval by L1", approval_from_below, "takes L2", False),
    ("approval after 15 minutes", after(in_time), "", True),
    ("stale: time", after(too_late), "15.0 minutes ago", False),
    ("stale: state", after(other_state), "another one", False),
    ("stale: new breach", after(new_breach), "new breach", False),
    ("stale: clock", after(clock_went_back), "clock went back", False),
    ("halt between proposal and approval", after(halted_meanwhile), "no such open proposal", False),
    ("proposer demoted meanwhile", after(demoted_meanwhile), "takes L2", False),
]


@pytest.mark.parametrize(("steps", "refused", "executed"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_the_role_matrix_holds(desk, steps, refused, executed):
    if refused:
        with pytest.raises(AuthorityError, match=refused):
            steps(desk)
    else:
        steps(desk)
    assert bool(desk.done) == executed


HALT, RESUME, CLOSE = Act("halt"), Act("resume"), Act("close_all")
QUARTER, HALF = Act("reduce", 0.25), Act("reduce", 0.5)


@pytest.mark.parametrize(
    ("at_once", "done"),
    [
        ((RESUME, HALT), (HALT,)),
        ((HALT, RESUME), (HALT,)),
        ((QUARTER, HALF), (HALF,)),
        ((HALF, Act("reduce", 0.5)), (HALF,)),
        ((HALF, CLOSE, HALT), (CLOSE, HALT)),
        ((Act("acknowledge"), RESUME), (Act("acknowledge"), RESUME)),
        ((Act("go_live"), QUARTER, Act("loosen_limit", subject="x")), (QUARTER,)),
    ],
)
def test_of_two_acts_at_once_the_most_restrictive_wins(at_once, done):
    assert most_restrictive(at_once) == done


def test_whichever_of_halt_and_approval_comes_first_the_book_ends_halted(desk):
    for who in ("Ada", "Bo", "Cy"):
        desk.login(who)
    key = desk.propose("Bo")
    desk.act("Ada", "halt")
    with pytest.raises(AuthorityError, match="propose again"):
        desk.approve("Cy", key)
    key = desk.propose("Bo")
    desk.approve("Cy", key)
    desk.act("Ada", "halt")
    assert desk.done == ["Ada halt", "Bo and Cy resume", "Ada halt"]


def test_an_approval_is_used_up(desk):
    desk.login("Bo")
    desk.login("Cy")
    key = desk.propose("Bo")
    desk.approve("Cy", key)
    with pytest.raises(AuthorityError, match="no such open proposal"):
        desk.approve("Cy", key)
