"""Real SMTP and HTTP on this machine, what a channel file may hold, and secrets that appear nowhere."""

import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from alert_desk import NOON, SECOND, Desk, policy_with, rung
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from workbench.domain.errors import ConfigError
from workbench.response.alerts.channel_file import read_channels
from workbench.response.alerts.channels import LogChannel, UrlChannel
from workbench.response.alerts.dispatcher import Dispatcher
from workbench.response.alerts.messages import Letter

CANARY = "canary7Q2w9ZxLp"
LETTER = Letter("email", "ann@example.org", 4, "EMERGENCY I1, drawdown: halved", "What happened: halved\nLook: here")


class Mailbox:
    """Keeps what an SMTP server is given, and when."""

    def __init__(self) -> None:
        self.mails: list[tuple[float, list[str], bytes]] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        self.mails.append((time.monotonic(), list(envelope.rcpt_tos), envelope.content))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=0, ready_timeout=5)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        server.port = probe.getsockname()[1]
    server.start()
    yield box, server.port
    server.stop()


@pytest.fixture
def hanging() -> Iterator[int]:
    """A port that takes connections and never says a word; what is connected is let go at the end."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener.getsockname()[1]


def write_channels(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "channels.toml"
    path.write_text(text)
    path.chmod(0o600)
    return folder


def mail_url(port: int) -> str:
    return f"mailto://127.0.0.1:{port}/?from=box@example.org&to={{to}}&mode=insecure"


def turned(dispatcher: Dispatcher, until: Callable[[], bool], seconds: float) -> None:
    """Turn by this machine's clock until something is so."""
    ends = time.monotonic() + seconds
    while not until() and time.monotonic() < ends:
        dispatcher.turn(time.time_ns())
        time.sleep(0.02)


def test_mail_reaches_the_person_with_the_text(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    channel = UrlChannel("email", [mail_url(port)])
    assert channel.personal
    receipt = channel.hand_over(LETTER, 3)
    assert receipt.handed
    (_, to, content), *_ = box.mails
    assert to == ["ann@example.org"] and b"EMERGENCY I1" in content and b"What happened: halved" in content


def test_levels_two_to_four_arrive_within_five_seconds_while_another_channel_hangs(
    mailbox: tuple[Mailbox, int], hanging: int, httpserver: HTTPServer, open_desk: Callable[..., Desk]
) -> None:
    box, port = mailbox
    heard: list[float] = []

    def hear(request: Request) -> Response:
        heard.append(time.monotonic())
        return Response("ok")

    httpserver.expect_request("/sms").respond_with_handler(hear)
    policy = policy_with(hand_over_seconds=3, quiet_from="00:00", quiet_until="00:00")
    desk = open_desk(policy=policy, channels={})
    channels = [
        UrlChannel("chat", [f"json://127.0.0.1:{hanging}/"]),
        UrlChannel("email", [mail_url(port)]),
        UrlChannel("sms", [f"json://127.0.0.1:{httpserver.port}/sms?to={{to}}"]),
    ]
    desk.channels = {one.name: one for one in channels}
    dispatcher = desk.start()
    dispatcher.turn(time.time_ns())
    for level, number in ((2, 1), (3, 2), (4, 4)):
        mails, texts, began = len(box.mails), len(heard), time.monotonic()
        desk.say(rung(level, number))
        turned(dispatcher, lambda: len(box.mails) > mails and len(heard) > texts, 5)  # noqa: B023
        assert len(box.mails) > mails and len(heard) > texts, level
        assert box.mails[-1][0] - began < 5 and heard[-1] - began < 5
    assert any(page.channel == "chat" and page.state != "handed" for page in dispatcher.outbox.waiting())


def test_a_service_that_refuses_or_is_not_there_is_not_a_hand_over(httpserver: HTTPServer, hanging: int) -> None:
    httpserver.expect_request("/no").respond_with_data("no", status=503)
    refusing = UrlChannel("chat", [f"json://127.0.0.1:{httpserver.port}/no"])
    assert not refusing.personal and not refusing.hand_over(LETTER, 2).handed
    refused = UrlChannel("chat", ["json://127.0.0.1:9/"]).hand_over(LETTER, 2)
    assert not refused.handed and not refused.doubtful
    began = time.monotonic()
    hung = UrlChannel("chat", [f"json://127.0.0.1:{hanging}/"]).hand_over(LETTER, 0.3)
    assert not hung.handed and hung.doubtful, "it may have arrived"
    assert time.monotonic() - began < 2


def test_however_many_messages_hang_on_one_channel_another_one_delivers_at_once(
    httpserver: HTTPServer, hanging: int
) -> None:
    httpserver.expect_request("/yes").respond_with_data("yes")
    deaf = UrlChannel("sms", [f"json://127.0.0.1:{hanging}/"])
    stuck = [threading.Thread(target=deaf.hand_over, args=(LETTER, 3.0), daemon=True) for _ in range(24)]
    for one in stuck:
        one.start()
    time.sleep(0.2)
    began = time.monotonic()
    assert UrlChannel("chat", [f"json://127.0.0.1:{httpserver.port}/yes"]).hand_over(LETTER, 2).handed
    assert time.monotonic() - began < 1
    assert all(one.is_alive() for one in stuck)
    for one in stuck:
        one.join(5)


def test_the_second_url_of_a_channel_is_used_when_the_first_fails(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/no").respond_with_data("no", status=500)
    httpserver.expect_request("/yes").respond_with_data("yes")
    root = f"json://127.0.0.1:{httpserver.port}"
    receipt = UrlChannel("chat", [f"{root}/no", f"{root}/yes"]).hand_over(LETTER, 2)
    assert receipt.handed and "urls[1]" in receipt.answer


def test_a_redirection_is_not_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/there").respond_with_data("yes")
    moved = Response("", 302, {"Location": httpserver.url_for("/there")})
    httpserver.expect_request("/here").respond_with_response(moved)
    assert not UrlChannel("chat", [f"json://127.0.0.1:{httpserver.port}/here"]).hand_over(LETTER, 2).handed


def test_an_address_cannot_break_out_of_its_place_in_the_url(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/sms").respond_with_data("yes")
    channel = UrlChannel("sms", [f"json://127.0.0.1:{httpserver.port}/sms?-to={{to}}"])
    letter = Letter("sms", "+1&method=PUT#/x", 2, "t", "b")
    assert channel.hand_over(letter, 2).handed
    (request, _), *_ = httpserver.log
    assert request.method == "POST" and request.path == "/sms"


def test_the_log_is_for_its_owner_alone_and_one_line_a_page(tmp_path: Path) -> None:
    channel = LogChannel(tmp_path / "alerts.log")
    assert channel.hand_over(LETTER, 1).handed and channel.hand_over(LETTER, 1).handed
    lines = (tmp_path / "alerts.log").read_text().splitlines()
    assert [json.loads(line)["title"] for line in lines] == [LETTER.title] * 2
    assert (tmp_path / "alerts.log").stat().st_mode & 0o777 == 0o600
    assert not LogChannel(tmp_path / "missing" / "alerts.log").hand_over(LETTER, 1).handed


def test_without_a_file_there_is_only_the_log(tmp_path: Path) -> None:
    assert [channel.name for channel in read_channels(tmp_path)] == ["log"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f'[email]\nurls = ["notascheme://{CANARY}@host"]', r"\[email\] urls\[0\]"),
        (f'[sms]\nurls = ["json://127.0.0.1/ok", "{CANARY}"]', r"\[sms\] urls\[1\]"),
        (f'[call]\nurls = ["twilio://{CANARY}"]', r"\[call\] urls\[0\]"),
        (f'[email]\nurls = "{CANARY}"', r"\[email\] expected nothing but urls"),
        (f'[email]\nurls = []\npassword = "{CANARY}"', r"\[email\] expected nothing but urls"),
        (f'[email]\nurls = ["json://a/{{to}}", "json://{CANARY}/"]', r"\[email\] expected {to} in every one"),
        (f'[fax]\nurls = ["{CANARY}"]', "expected only the tables"),
        (f'["{CANARY}"]\nurls = []', "expected only the tables"),
        (f"[email]\nurls = [{CANARY}", "not valid TOML"),
    ],
)
def test_a_malformed_file_is_refused_by_its_key_and_never_shown(
    tmp_path: Path, text: str, words: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ConfigError, match=words) as refused:
        read_channels(write_channels(tmp_path, text))
    shown = "".join(traceback.format_exception(refused.value)) + caplog.text + "".join(capfd.readouterr())
    assert CANARY not in shown


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    folder = write_channels(tmp_path, f'[chat]\nurls = ["json://{CANARY}/"]')
    (folder / "channels.toml").chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600") as refused:
        read_channels(folder)
    assert CANARY not in str(refused.value)
    (folder / "channels.toml").rename(folder / "real.toml")
    (folder / "channels.toml").symlink_to(folder / "real.toml")
    with pytest.raises(ConfigError, match="cannot read"):
        read_channels(folder)


def test_secrets_of_the_channels_appear_nowhere(
    open_desk: Callable[..., Desk], httpserver: HTTPServer, hanging: int,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Canaries in user, password, path and query, on channels that work, refuse, hang and are not there."""
    caplog.set_level(logging.DEBUG)
    httpserver.expect_request("/no").respond_with_data(CANARY, status=500)
    desk = open_desk(policy=policy_with(hand_over_seconds=0.5, attempts=1), channels={})
    secret = f"{CANARY}:{CANARY}"
    folder = write_channels(
        desk.folder / "control",
        f'[email]\nurls = ["mailto://{secret}@127.0.0.1:{hanging}/?from=a@example.org&to={{to}}&mode=insecure"]\n'
        f'[sms]\nurls = ["json://{secret}@127.0.0.1:{httpserver.port}/no?+key={CANARY}&to={{to}}"]\n'
        f'[chat]\nurls = ["json://{secret}@127.0.0.1:9/{CANARY}"]\n'
        f'[call]\nurls = ["twilio://AC{"a" * 32}:{CANARY}{"b" * 20}@15555550100/{{to}}?method=call&cto=0.1"]\n',
    )
    folder.chmod(0o700)
    desk.channels = {channel.name: channel for channel in read_channels(folder) if channel.name != "call"}
    dispatcher = desk.start()
    dispatcher.turn(NOON)
    desk.say(rung(4, 4))
    moments = iter(range(1, 10_000))
    ends = time.monotonic() + 6
    while dispatcher.outbox.silenced_since_ns() is None and time.monotonic() < ends:
        dispatcher.turn(NOON + next(moments) * SECOND // 10)
        time.sleep(0.02)
    assert dispatcher.outbox.silenced_since_ns() is not None
    dispatcher.turn(NOON + 2000 * SECOND)
    desk.close()
    files = [path for path in desk.folder.rglob("*") if path.is_file() and path.name != "channels.toml"]
    assert {"journal.sqlite", "alerts.log"} <= {path.name for path in files}
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
    texts = (caplog.text, *capfd.readouterr(), repr(desk.channels), json.dumps(dispatcher.shown()))
    assert not any(CANARY in text for text in texts)
    assert threading.active_count() < 100
