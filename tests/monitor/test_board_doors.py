"""The monitor's server, tried with and without its token: nobody can run code or change anything through it."""

import http.client
import json
import os
import re
import subprocess
import time
import uuid
from pathlib import Path

import pytest
import websocket

KERNEL = "0b0e7a4c-5d1f-4c57-9a0a-3f2b8f6d7c11"
SHUT = (
    "/api/kernels", "/api/kernelspecs", "/api/sessions", "/api/contents", "/api/terminals", "/api/me", "/api/status",
    "/api/config/x", "/login", "/logout", "/tree", "/lab", "/files/risk_monitor.ipynb", "/static/favicon.ico",
    "/voila", "/voila/tree", "/voila/render/risk_monitor.ipynb", "/voila/files/risk_monitor.ipynb",
    "/voila/templates/lab/static/x.js", "/voila/api/contents", f"/voila/api/shutdown/{KERNEL}",
    f"/voila/query/{KERNEL}", f"/voila/execution/{KERNEL}",
    f"/api/kernels/{KERNEL}/restart", f"/api/kernels/{KERNEL}/interrupt", "/metrics",
    "/voila/labextensions/@voila-dashboards/jupyterlab-preview/package.json",
    "/voila/labextensions/anywidget/../../../../etc/passwd", "/frame/../doors.py", "/voila/static/../../../x",
)  # fmt: skip


@pytest.fixture(scope="module")
def scene(page_server, tmp_path_factory):
    """A journal that nobody writes, and the server of its page."""
    from workbench.data.inbox import Inbox
    from workbench.data.journal.chain import Signer
    from workbench.data.journal.journal import Journal

    place = tmp_path_factory.mktemp("monitor")
    folder = place / "live"
    journal = Journal(folder, Signer.open(folder))
    Inbox(folder / "inbox")
    journal.close(1)
    with page_server(place / "home", folder) as server:
        yield server, folder


@pytest.fixture
def server(scene):
    return scene[0]


def ask(server, path, method="GET", body=None, **headers):
    """One request, exactly as written; status, headers and text."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body, headers=named)
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read().decode()
    connection.close()
    return found


@pytest.fixture(scope="module")
def cookie(scene) -> str:
    """What a browser keeps after it was given the address with the token."""
    status, headers, _ = ask(scene[0], f"/?token={scene[0].token}")
    assert (status, headers["Refresh"]) == (200, "0; url=/"), "the token does not stay in the address"
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=Strict" in headers["Set-Cookie"]
    return headers["Set-Cookie"].partition(";")[0]


@pytest.fixture(scope="module")
def kernel(scene, cookie) -> str:
    """Kernel of a page that was opened with the token."""
    status, _, text = ask(scene[0], "/", Cookie=cookie)
    assert status == 200
    return str(json.loads(re.search(r'application/json">(.*?)</script>', text)[1])["kernelId"])


def test_without_the_token_there_is_one_sentence_no_cookie_and_no_kernel(server):
    for path in ("/", "/?token=wrong", "/?token="):
        status, headers, text = ask(server, path)
        assert (status, headers["Set-Cookie"]) == (403, None)
        assert text == (
            "This page opens only with the address, token included, that was printed when its server was started.\n"
        )
    assert kernels_of(server) == []


def kernels_of(server) -> list[int]:
    """Processes the server has started."""
    found = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


@pytest.mark.parametrize("path", ["/", "/frame/frame.js", "/voila/static/voila.js", f"/api/kernels/{KERNEL}"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "[::1]", ""])
def test_another_hosts_name_finds_nothing(server, cookie, path, host):
    status, headers, _ = ask(server, path, Host=host, Cookie=cookie)
    assert status in {400, 404}
    assert headers["Set-Cookie"] is None


@pytest.mark.parametrize("path", ["/", "/frame/frame.css", "/voila/static/voila.js", "/nothing", "/favicon.ico"])
def test_every_answer_carries_the_strict_headers(server, path):
    _, headers, _ = ask(server, path)
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' blob:"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert headers["Server"] is None


@pytest.mark.parametrize("path", SHUT)
def test_doors_that_the_page_does_not_need_are_not_there(server, cookie, path):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert ask(server, path, method, Cookie=cookie, Authorization=f"token {server.token}")[0] in {404, 405}


def test_the_page_and_its_kernel_can_only_be_read(server, cookie, kernel):
    token = {"Cookie": cookie, "Authorization": f"token {server.token}"}
    for path in ("/", f"/api/kernels/{kernel}", "/frame/frame.js", "/voila/static/voila.js"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert ask(server, path, method, body="{}", **token)[0] in {403, 405}
    assert ask(server, f"/api/kernels/{kernel}", **token)[0] == 200
    assert ask(server, f"/api/kernels/{kernel}")[0] == 403


def channel(server, kernel, **options):
    address = f"ws://127.0.0.1:{server.port}/api/kernels/{kernel}/channels"
    return websocket.create_connection(address, timeout=10, **options)


@pytest.mark.parametrize("origin", [None, "http://127.0.0.1", "http://evil.example"])
def test_no_channel_without_the_token(server, kernel, origin):
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        channel(server, kernel, origin=origin)


def test_no_channel_for_another_sites_page_in_the_same_browser(server, cookie, kernel):
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        channel(server, kernel, cookie=cookie, origin="http://evil.example")
    with pytest.raises(websocket.WebSocketBadStatusException, match="404"):
        channel(server, kernel, cookie=cookie, host="evil.example")


def message(kind: str, content: object, on: str = "shell") -> str:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": kind,
        "username": "",
        "session": uuid.uuid4().hex,
        "version": "5.3",
    }
    return json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": on})


def heard(line, kind: str) -> dict:
    """Wait for a message of a kind."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = json.loads(line.recv())
        if found["msg_type"] == kind:
            return found
    raise AssertionError(f"no {kind}")


def test_a_viewer_with_the_token_can_run_nothing_and_end_nothing(server, cookie, kernel, tmp_path):
    trace = tmp_path / "trace"
    code = f"open({str(trace)!r}, 'w').close()"
    line = channel(server, kernel, cookie=cookie)
    asked = {
        "code": code,
        "silent": False,
        "store_history": False,
        "user_expressions": {"x": code},
        "allow_stdin": False,
    }
    for on in ("shell", "control", "stdin", "iopub"):
        line.send(message("execute_request", asked, on))
        line.send(message("shutdown_request", {"restart": False}, on))
        line.send(message("interrupt_request", {}, on))
        line.send(message("debug_request", {"command": "evaluate", "arguments": {"expression": code}}, on))
        line.send(message("inspect_request", {"code": code, "cursor_pos": 3, "detail_level": 1}, on))
        line.send(message("complete_request", {"code": code, "cursor_pos": 3}, on))
        line.send(message("input_reply", {"value": code}, on))
        line.send(message("create_subshell_request", {}, on))
    line.send(message("kernel_info_request", {}))
    assert heard(line, "kernel_info_reply")["content"]["status"] == "ok"
    assert not trace.exists()
    assert ask(server, f"/api/kernels/{kernel}", Cookie=cookie)[0] == 200
    line.close()


def test_a_viewer_can_make_no_widget_in_the_kernel(server, cookie, kernel):
    line = channel(server, kernel, cookie=cookie)
    state = {"_model_module": "@jupyter-widgets/controls", "_model_name": "IntSliderModel"}
    content = {"comm_id": uuid.uuid4().hex, "target_name": "jupyter.widget", "data": {"state": state}}
    line.send(message("comm_open", content))
    assert heard(line, "comm_close")["content"]["comm_id"] == content["comm_id"]
    line.close()


def test_nothing_of_all_this_has_touched_the_book(scene, digests, cookie, kernel):
    server, folder = scene
    before = {name: digest for name, digest in digests(folder).items() if not name.endswith("-shm")}
    test_a_viewer_with_the_token_can_run_nothing_and_end_nothing(server, cookie, kernel, folder / "inbox")
    for path in SHUT:
        ask(server, path, "POST", body='{"act": "halt"}', Cookie=cookie)
    assert {name: digest for name, digest in digests(folder).items() if not name.endswith("-shm")} == before


def test_server_and_kernel_know_no_secret_of_their_surroundings(server, kernel):
    processes = [server.process.pid, *kernels_of(server)]
    assert len(processes) > 1
    for process in processes:
        variables = Path(f"/proc/{process}/environ").read_bytes()
        assert b"canary" not in variables
        assert server.token.encode() not in variables
        assert server.token.encode() not in Path(f"/proc/{process}/cmdline").read_bytes()


def test_the_token_is_the_owners_alone_and_stays_the_same(server, page_server, tmp_path):
    kept = server.home / "monitor" / "token"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text() == server.token
    with page_server(server.home, tmp_path) as second:
        assert (second.token, second.port) == (server.token, second.port)
        assert second.end() == 0


def test_a_port_that_is_taken_is_refused_in_one_sentence(server, workbench, one_sentence, tmp_path):
    sentence = one_sentence(workbench(tmp_path, "monitor", "--no-browser", "--port", str(server.port)))
    assert sentence.startswith(f"port {server.port} cannot be used (Address already in use): give another one")


@pytest.mark.parametrize(
    ("content", "mode", "words"), [("x" * 40, 0o644, "others can read"), ("abc", 0o600, "no token")]
)
def test_a_token_that_is_none_or_not_secret_is_refused(workbench, one_sentence, tmp_path, content, mode, words):
    kept = tmp_path / "token"
    kept.write_text(content)
    kept.chmod(mode)
    assert words in one_sentence(workbench(tmp_path, "monitor", "--no-browser", "--token-file", str(kept)))


def test_what_an_old_page_asks_is_a_plain_refusal_and_no_traceback_in_the_terminal(page_server, tmp_path):
    with page_server(tmp_path / "home", tmp_path / "live") as server:
        _, headers, _ = ask(server, f"/?token={server.token}")
        cookie = headers["Set-Cookie"].partition(";")[0]
        old = f"/api/kernels/{KERNEL}"
        for path in (old, f"{old}/channels", "/voila/labextensions/anywidget/x.js"):
            status, _, text = ask(server, path, Cookie=cookie)
            assert (status, text) == (404, "There is nothing here.\n")
            assert ask(server, path)[0] in {403, 404}
        for known, expected in ((cookie, "404"), (None, "403")):
            with pytest.raises(websocket.WebSocketBadStatusException, match=expected):
                channel(server, KERNEL, cookie=known)
        assert server.end() == 0
        assert set(server.process.stdout.read().splitlines()) <= {"Couldn't authenticate Channel connection"}


def test_a_stopped_server_leaves_no_kernel(scene, page_server, tmp_path):
    with page_server(tmp_path / "home", tmp_path / "live") as server:
        _, headers, _ = ask(server, f"/?token={server.token}")
        ask(server, "/", Cookie=headers["Set-Cookie"].partition(";")[0])
        [kernel] = kernels_of(server)
        assert server.end() == 0
        assert not os.path.exists(f"/proc/{kernel}")  # noqa: PTH110 -- a process, not a file
