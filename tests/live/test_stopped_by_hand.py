"""A loop that is stopped by Ctrl-C says what it leaves at the broker, on the terminal and in its last row."""

import signal

from workbench.data.journal.rows import RowKind

LEFT = "3 POSITIONS REMAIN AND NOTHING PROTECTS THEM: no stop, no limit and no halt works until a loop runs again"


def test_ctrl_c_counts_positions_and_orders_like_a_planned_shut_down(live, bodies):
    loop = live("--speed", "1")
    loop.wait_until(lambda shown: shown["loop"]["priced"] and len(shown["book"]["positions"]) == 3, "a book of three")
    loop.signal(signal.SIGINT)
    assert loop.wait() == 0, loop.err.read_text()
    last = loop.out.read_text().splitlines()[-1]
    assert f"stopped: everything is on the disk, starting again goes on from here. {LEFT}" in last
    word = bodies(loop.folder, RowKind.NOTE)[-1]
    assert word["kind"] == "stopped" and word["sentence"].startswith(f"the loop was asked to stop; {LEFT}")
    orders = "MAY STILL FILL"
    assert (orders in last) == (orders in word["sentence"])


def test_ctrl_c_counts_orders_that_are_on_their_way(live, bodies, plans):
    # a broker that takes its time, and rungs that close the book: orders are on their way within seconds
    loop = live("--speed", "1", "--policy", plans.hopeless, "--paper", plans.slow_paper)
    sent = {"SENT", "ACKNOWLEDGED", "PART_FILLED", "UNKNOWN"}
    loop.wait_until(lambda shown: any(one["state"] in sent for one in shown["orders"]), "an order on its way")
    loop.signal(signal.SIGINT)
    assert loop.wait() == 0, loop.err.read_text()
    word = bodies(loop.folder, RowKind.NOTE)[-1]["sentence"]
    for clause in word.split("; ")[1:]:
        assert clause in loop.out.read_text().splitlines()[-1] or clause.startswith("no position is left")
    assert "REMAIN" in word or "MAY STILL FILL AND NOTHING PROTECTS" in word
