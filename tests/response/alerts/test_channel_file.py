"""A malformed file of channels costs what is malformed and no more; what is wrong is told, and no URL is."""

import logging
import os
import time
import traceback
from pathlib import Path

import pytest
from alert_desk import NOON, policy_with, roster
from pytest_httpserver import HTTPServer

from workbench.domain.errors import ConfigError
from workbench.response.alerts.channel_file import SteadyChannels, read_channels, read_usable
from workbench.response.alerts.conditions import channel_trouble
from workbench.response.alerts.direct import DirectPages
from workbench.response.alerts.messages import Letter
from workbench.response.incidents.alert import URGENT, WARNING, Alert
from workbench.response.incidents.incident import opened

CANARY = "canary7Q2w9ZxLp"
GOOD = '[chat]\nurls = ["json://127.0.0.1:9/"]\n'


def write_channels(folder: Path, content: str | bytes, mode: int = 0o600) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "channels.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return folder


MALFORMED = [
    (f'[email]\nurls = ["notascheme://{CANARY}@host"]\n', "line 4: [email] urls[0] is no address of a channel"),
    (f'[email]\nurls = ["{CANARY}\n', "line 5: this is not valid TOML"),
    (f'[email]\nurls = [\n  "json://{CANARY}/",\n', "line 6: this is not valid TOML"),
    (f'[email]\nurls = "{CANARY}"\n', '[email] expected nothing but urls = ["…"]'),
    (f'[email\nurls = ["{CANARY}"]\n', "line 4: this is not valid TOML"),
    (f'[[email]]\nurls = ["json://{CANARY}/"]\n', "[email] expected nothing but urls"),
    (f'[fax]\nurls = ["{CANARY}"]\n', "line 4: expected only the tables email, sms, call, chat, got another one"),
    (f'["{CANARY}"]\nurls = []\n', "line 4: expected only the tables"),
    (f'[chat]\nurls = ["json://{CANARY}/"]\n', "line 4: [chat] is there for the second time, and the first is used"),
    (f'[email]\npassword = "{CANARY}"\n', "[email] expected nothing but urls"),
    (f'[email]\nurls = ["json://a/{{to}}", "json://{CANARY}/"]\n', "[email] expected {to} in every one"),
    (f"[email]\nurls = [{'[' * 3000}{CANARY}\n", "this is not valid TOML"),
    (f"[email]\nurls = [{'9' * 5000}]\n{CANARY}", "this is not valid TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "words"), MALFORMED)
@pytest.mark.parametrize("first", [False, True], ids=["after", "before"])
def test_one_malformed_part_is_left_out_and_told_and_the_others_are_used(
    tmp_path: Path, part: str, words: str, first: bool,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    folder = write_channels(tmp_path / "control", f"{part}\n{GOOD}" if first else f"{GOOD}\n{part}")
    found = read_usable(folder)
    assert {"log", "chat"} == {one.name for one in found.channels}
    (sentence,) = found.left_out
    assert str(folder / "channels.toml") in sentence and sentence.endswith("left out")
    if not first:
        assert words in sentence
    with pytest.raises(ConfigError) as refused:
        read_channels(folder)
    shown = f"{sentence}{''.join(traceback.format_exception(refused.value))}{caplog.text}{''.join(capfd.readouterr())}"
    assert CANARY not in shown


@pytest.mark.parametrize("before", ['urls = ["x"]\n', "\ufeff", "# a comment\n\n", "hallo\n", "[[\n"])
def test_whatever_stands_before_the_first_table_costs_no_channel_after_it(tmp_path: Path, before: str) -> None:
    folder = write_channels(tmp_path, f"{before}[email]\nurls = [\n  'json://127.0.0.1:9/{{to}}',\n]\n{GOOD}")
    found = read_usable(folder)
    assert {one.name for one in found.channels} == {"log", "chat", "email"}
    assert bool(found.left_out) == (before in {'urls = ["x"]\n', "hallo\n", "[[\n"})


def test_a_part_that_is_not_text_costs_only_itself(tmp_path: Path) -> None:
    latin = '[email]\n# für Anna\nurls = ["json://127.0.0.1:9/"]\n'.encode("latin-1")
    found = read_usable(write_channels(tmp_path, GOOD.encode() + latin))
    assert [one.name for one in found.channels] == ["log", "chat"]
    assert "from line 4: this is not text in UTF-8" in found.left_out[0]


def test_of_a_channel_the_urls_that_are_right_are_used(tmp_path: Path) -> None:
    folder = write_channels(tmp_path, f'[chat]\nurls = ["{CANARY}", "json://127.0.0.1:9/"]\n')
    found = read_usable(folder)
    chat = next(one for one in found.channels if one.name == "chat")
    assert not chat.hand_over(Letter("chat", "", 4, "t", "b"), 0.5).doubtful
    assert "[chat] urls[0] is no address" in found.left_out[0] and CANARY not in found.left_out[0]
    with pytest.raises(ConfigError, match=r"\[chat\] urls\[0\]"):
        read_channels(folder)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_may_read_is_used_and_told(tmp_path: Path, mode: int) -> None:
    folder = write_channels(tmp_path, GOOD, mode)
    found = read_usable(folder)
    assert [one.name for one in found.channels] == ["log", "chat"] and not found.left_out
    assert f"mode {mode:04o}" in found.exposed and "chmod 600" in found.exposed
    alert = channel_trouble(SteadyChannels(folder), 1)
    assert alert is not None and alert.level == WARNING


def test_a_file_that_others_may_write_is_used_only_where_they_cannot_reach_it(tmp_path: Path) -> None:
    folder = write_channels(tmp_path / "control", GOOD, 0o664)
    assert [one.name for one in read_usable(folder).channels] == ["log", "chat"]
    folder.chmod(0o755)
    found = read_usable(folder)
    assert [one.name for one in found.channels] == ["log"] and "may not be yours" in found.left_out[0]


@pytest.mark.parametrize("kind", ["folder", "fifo", "link", "too large", "closed"])
def test_a_file_that_is_none_leaves_the_log(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "channels.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path, 0o600)
    elif kind == "link":
        path.symlink_to(write_channels(tmp_path / "elsewhere", GOOD) / "channels.toml")
    elif kind == "too large":
        write_channels(tmp_path, GOOD + "#" * 100_000)
    else:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "channels.toml"
    found = read_usable(path.parent)
    assert [one.name for one in found.channels] == ["log"]
    assert "no channel of it is used" in found.left_out[0]


def test_a_mended_file_is_taken_over_and_a_broken_one_keeps_what_was_there(tmp_path: Path) -> None:
    channels = SteadyChannels(write_channels(tmp_path, f'{GOOD}[email]\nurls = ["{CANARY}"]\n'))
    assert set(channels) == {"log", "chat"} and channel_trouble(channels, 1).level == URGENT
    write_channels(tmp_path, f'{GOOD}[email]\nurls = ["json://127.0.0.1:9/{{to}}"]\n')
    channels.refresh()
    assert set(channels) == {"log", "chat", "email"} and channel_trouble(channels, 1) is None
    email = channels["email"]
    write_channels(tmp_path, '[sms]\nurls = ["json://127.0.0.1:9/{to}"]\n[email\n')
    channels.refresh()
    assert set(channels) == {"log", "chat", "email", "sms"} and channels["email"] is email
    assert "used as before, until the next start: chat, email" in channels.complaint
    write_channels(tmp_path, GOOD)
    channels.refresh()
    assert set(channels) == {"log", "chat"} and not channels.complaint, "what is taken out on purpose is out"


def test_a_file_that_is_gone_while_it_is_in_use_is_told_and_its_channels_stay(tmp_path: Path) -> None:
    channels = SteadyChannels(write_channels(tmp_path, GOOD))
    (tmp_path / "channels.toml").unlink()
    channels.refresh()
    assert set(channels) == {"log", "chat"} and "is gone: put it back" in channels.complaint
    write_channels(tmp_path, "")
    channels.refresh()
    assert set(channels) == {"log"} and not channels.complaint


def test_a_mode_that_is_mended_is_seen(tmp_path: Path) -> None:
    channels = SteadyChannels(write_channels(tmp_path, GOOD, 0o644))
    assert channels.troubles
    (tmp_path / "channels.toml").chmod(0o600)
    channels.refresh()
    assert not channels.troubles


def test_without_a_file_nothing_is_wrong(tmp_path: Path) -> None:
    channels = SteadyChannels(tmp_path)
    assert [*channels] == ["log"] and len(channels) == 1 and not channels.complaint


def test_the_watchdog_takes_a_mended_file_over_and_tells_a_trouble_once(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/chat").respond_with_data("yes")
    channels = SteadyChannels(write_channels(tmp_path, ""))
    pages = DirectPages(channels, roster, policy_with().people)
    write_channels(tmp_path, f'[chat]\nurls = ["{CANARY}"]\n')
    told = [sentence for _ in range(3) for sentence in pages.turn(NOON)]
    assert len(told) == 1 and "[chat] urls[0] is no address" in told[0] and CANARY not in told[0]
    write_channels(tmp_path, f'[chat]\nurls = ["{httpserver.url_for("/chat")}"]\n'.replace("http:", "json:"))
    assert pages.turn(NOON) == []
    incident = opened("I1", Alert("x", 4, "loop", NOON, "the loop is silent", lasts=True), NOON)
    pages.page(incident, [("chat", "")], NOON)
    ends = time.monotonic() + 5
    while not httpserver.log and time.monotonic() < ends:
        pages.turn(NOON)
        time.sleep(0.01)
    assert len(httpserver.log) == 1
