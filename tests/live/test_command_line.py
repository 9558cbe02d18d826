"""The options of the loop: written once, shown by both commands, handed on to the process that is started."""

from itertools import pairwise
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from workbench.app.live_shell import audit_replay
from workbench.cli import cli
from workbench.cli.live import live, with_options_of, words_for
from workbench.runtime.live import audit

OPTIONS = (
    "--feed", "--backup", "--speed", "--seconds", "--seed", "--folder", "--book", "--equity", "--policy", "--paper",
    "--new", "--policy-change-by", "--policy-change-approved-by",
)  # fmt: skip


def shown(command: str) -> list[str]:
    """The lines of the help that are about options."""
    said = CliRunner().invoke(cli, [command, "--help"], env={"COLUMNS": "100"}).output
    return said.partition("Options:")[2].splitlines()


def test_live_and_up_show_every_option_with_its_help() -> None:
    lines, lines_of_up = shown("live"), shown("up")
    assert set(lines) <= set(lines_of_up)
    of_control = {line.split()[0] for line in shown("control") if line.startswith("  --")}
    assert of_control <= {line.split()[0] for line in lines_of_up if line.startswith("  --")}
    assert sum(line.startswith("  --folder") for line in lines_of_up) == 1
    for option in OPTIONS:
        [line] = [line for line in lines if line.split()[:1] == [option]]
        assert len(line.split()) > 1 or "person" in lines[lines.index(line) + 1]


def both_commands() -> tuple[typer.Typer, dict[str, Any]]:
    """A command that hands its options on, and one that is given them; what they found."""
    application, found = typer.Typer(), dict[str, Any]()

    @application.command()
    @with_options_of(live)
    def hands_on(*, context: typer.Context, own: bool = False, **options: Any) -> None:
        found.update(own=own, given=options, words=words_for(live, context, new=False))

    @application.command()
    @with_options_of(live)
    def takes(**options: Any) -> None:
        found.update(taken=options)

    return application, found


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--speed", "0", "--seed", "0", "--equity", "1234567.891", "--seconds", "0.1"],
        ["--feed", "tail:my quotes.csv", "--backup", "none", "--policy-change-by", "ana", "--own"],
        ["--new", "--folder", "-odd", "--book", "b.csv", "--policy", "p.toml", "--paper", "q.toml"],
    ],
)
def test_the_loop_is_started_with_the_options_that_were_given_and_never_new(arguments: list[str]) -> None:
    application, found = both_commands()
    for words in (["hands-on", *arguments], None):
        ended = CliRunner().invoke(application, words or ["takes", *found["words"]])
        assert ended.exit_code == 0, ended.output
    assert found["taken"] == {**found["given"], "new": False}
    assert found["own"] is ("--own" in arguments) and "--own" not in found["words"]


def test_the_audit_tells_how_many_rows_of_how_many_are_done(command, plans, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "book"
    monkeypatch.setattr(audit, "PROGRESS_EVERY", 100)
    ended = command("live", "--feed", "simulated:7", "--speed", "0", "--book", plans.book, folder=folder, turns=400)
    assert ended.wait() == 0, ended.err.read_text()
    told: list[tuple[int, int]] = []
    assert audit_replay(folder, lambda done, of: told.append((done, of))).same
    done, last = [one for one, _ in told], told[-1][1]
    assert {of for _, of in told} == {last} and done == sorted(set(done)) and done[-1] == last
    assert len(done) > 2 and all(later - earlier >= 100 for earlier, later in pairwise(done[:-1]))
    silent = command("audit", "replay", folder=folder)
    assert silent.wait() == 0 and silent.err.read_text() == ""
    assert silent.out.read_text().startswith("the same: ") and silent.out.read_text().count("\n") == 1
