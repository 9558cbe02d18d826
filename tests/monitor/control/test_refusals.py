"""Whatever does not come from the service's own page, in the shape its doors ask for, goes no further."""

import asyncio
import json
import secrets
from typing import Any

import httpx
import pytest

from workbench.app.control.address import Address
from workbench.domain.errors import ConfigError
from workbench.monitor.control.guard import check_json

BASE = "http://127.0.0.1:8870"
EVERYWHERE = ".".join("0000")
ACTIONS = ("login", "logout", "step-up", "acknowledge", "act", "propose", "approve", "procedure", "lesson")
READS = ("status", "alerts", "incidents", "orders", "procedures", "contacts", "me")


def log_in(somebody: Any, name: str, words: str, code: str) -> httpx.Response:
    return somebody.post("/api/login", name=name, password=words, code=code)


def halt(**more: Any) -> dict[str, Any]:
    return {"nonce": secrets.token_hex(16), "act": "halt", **more}


@pytest.mark.parametrize("action", ACTIONS)
def test_no_action_answers_a_get(dan, action):
    answer = dan.http.get(f"/api/{action}")
    assert answer.status_code == 405


@pytest.mark.parametrize("path", READS)
def test_nothing_is_shown_to_strangers(stranger, path):
    answer = stranger.http.get(f"/api/{path}")
    assert answer.status_code == 401 and answer.json()["kind"] == "nobody"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HALT"])
def test_other_methods_are_refused(dan, method):
    answer = dan.http.request(method, "/api/act", json=halt())
    assert answer.status_code == 405
    assert dan.stage.sent() == []


HEADERS = {
    "foreign origin": ({"Origin": "https://evil.example"}, 403),
    "origin of another port": ({"Origin": "http://127.0.0.1:8866"}, 403),
    "null origin": ({"Origin": "null"}, 403),
    "origin with a path": ({"Origin": f"{BASE}/"}, 403),
    "cross-site": ({"Sec-Fetch-Site": "cross-site"}, 403),
    "same-site": ({"Sec-Fetch-Site": "same-site"}, 403),
    "foreign host": ({"Host": "evil.example"}, 421),
    "host without port": ({"Host": "127.0.0.1"}, 421),
    "host with more": ({"Host": "127.0.0.1:8870.evil.example"}, 421),
    "form": ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "text": ({"Content-Type": "text/plain"}, 415),
    "other charset": ({"Content-Type": "application/json; charset=utf-7"}, 415),
    "compressed": ({"Content-Encoding": "gzip"}, 415),
}


@pytest.mark.parametrize("case", HEADERS)
def test_an_act_that_another_page_could_send_is_refused(dan, case):
    headers, status = HEADERS[case]
    content = json.dumps(halt()).encode()
    answer = dan.http.post("/api/act", content=content, headers={"Content-Type": "application/json", **headers})
    assert answer.status_code == status
    assert dan.stage.sent() == []


def test_an_act_without_an_origin_is_refused(stage, person):
    ada = person("Ada")
    del ada.http.client.headers["Origin"]
    assert ada.http.post("/api/act", json=halt()).status_code == 403
    assert stage.sent() == []


def test_a_header_that_comes_twice_is_refused(stage, person):
    headers = [("Origin", BASE), ("Origin", BASE), ("Content-Type", "application/json")]
    answer = person("Ada").http.post("/api/act", content=json.dumps(halt()), headers=headers)
    assert answer.status_code == 400
    assert stage.sent() == []


def test_an_oversize_body_is_refused_whatever_it_says_of_its_length(stage, person):
    ada = person("Ada")
    assert ada.http.post("/api/act", json=halt(reason="x" * 9000)).status_code == 413

    async def pieces():
        for _ in range(200):
            yield b" " * 1000

    headers = {"Content-Type": "application/json"}
    assert ada.http.post("/api/act", content=pieces(), headers=headers).status_code == 413
    lies = {**headers, "Content-Length": "-1"}
    assert ada.http.post("/api/act", content=b"{}", headers=lies).status_code == 413
    assert stage.sent() == []


BODIES = {
    "nothing": b"",
    "no JSON": b"{act: halt}",
    "list": b"[]",
    "number": b"1",
    "NaN": b'{"nonce": "%s", "act": "reduce", "fraction": NaN}',
    "infinity": b'{"nonce": "%s", "act": "reduce", "fraction": Infinity}',
    "minus infinity": b'{"nonce": "%s", "act": "reduce", "fraction": -Infinity}',
    "1e308": b'{"nonce": "%s", "act": "reduce", "fraction": 1e308}',
    "1e999": b'{"nonce": "%s", "act": "reduce", "fraction": 1e999}',
    "minus zero": b'{"nonce": "%s", "act": "reduce", "fraction": -0.0}',
    "zero": b'{"nonce": "%s", "act": "reduce", "fraction": 0}',
    "more than all": b'{"nonce": "%s", "act": "reduce", "fraction": 1.0000001}',
    "text for a number": b'{"nonce": "%s", "act": "reduce", "fraction": "0.5"}',
    "true for a number": b'{"nonce": "%s", "act": "reduce", "fraction": true}',
    "huge integer": b'{"nonce": "%s", "act": "reduce", "fraction": ' + b"9" * 400 + b"}",
    "integer of 5000 digits": b'{"nonce": "%s", "act": "reduce", "fraction": ' + b"9" * 5000 + b"}",
    "64 bits": b'{"nonce": "%s", "act": "reduce", "fraction": 9223372036854775808}',
    "deep": b'{"nonce": "%s", "act": "halt", "reason": ' + b"[" * 3900 + b"]" * 3900 + b"}",
    "deep objects": b'{"a":' * 1300 + b"1" + b"}" * 1300,
    "NUL": b'{"nonce": "%s", "act": "halt", "reason": "a\\u0000b"}',
    "raw NUL": b'{"nonce": "%s", "act": "halt", "reason": "a\x00b"}',
    "line break": b'{"nonce": "%s", "act": "halt", "reason": "a\\nb"}',
    "half a character": b'{"nonce": "%s", "act": "halt", "reason": "\\ud800"}',
    "no UTF-8": b'{"nonce": "%s", "act": "halt", "reason": "\xff"}',
    "twice": b'{"nonce": "%s", "act": "halt", "act": "close_all"}',
    "more than asked": b'{"nonce": "%s", "act": "halt", "actor": "Ben"}',
    "prototype": b'{"nonce": "%s", "act": "halt", "__proto__": {}}',
    "unknown act": b'{"nonce": "%s", "act": "buy"}',
    "act in capitals": b'{"nonce": "%s", "act": "HALT"}',
    "no nonce": b'{"act": "halt"}',
    "short nonce": b'{"nonce": "00", "act": "halt"}',
    "nonce with a line break": b'{"nonce": "00000000000000000000000000000000\\n", "act": "halt"}',
    "nonce that is a path": b'{"nonce": "../../../../../../../../../../etc", "act": "halt"}',
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_is_not_as_described_is_refused_and_nothing_happens(dan, case):
    content = BODIES[case].replace(b"%s", secrets.token_hex(16).encode())
    answer = dan.http.post("/api/act", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert set(answer.json()) == {"refused", "kind"}
    assert dan.stage.sent() == []


NAMES = [
    "<script>alert(1)</script>",
    "Ada\u202e",
    "ada",
    "Ada ",
    "../Ada",
    "\U0001f680" * 40,
    "'; DROP TABLE journal; --",
]


@pytest.mark.parametrize("name", NAMES)
def test_script_in_names_gets_nobody_in_and_comes_back_to_nobody(stage, person, name):
    answer = log_in(person(), name, "several words are easy", "000000")
    assert answer.status_code == 401
    assert name not in answer.text
    answer = person("Ben").ask("/api/propose", act="enable", strategy="<script>alert(1)</script>")
    assert answer.status_code in (200, 403)
    assert answer.headers["content-type"] == "application/json"


def test_a_wrong_password_code_or_name_is_refused_in_the_same_words(stage, person):
    stranger, keys = person(), stage.keys
    tries = [("Ada", "wrong words altogether", keys.code("Ada")), ("Ada", "several words are easy", "000000")]
    tries += [("Nobody", "several words are easy", "123456")]
    answers = [log_in(stranger, *one) for one in tries]
    assert {one.status_code for one in answers} == {401}
    assert len({one.text for one in answers}) == 1


def test_a_flood_of_guesses_is_slowed_down_and_keeps_nobody_from_halting(stage, person):
    ada = person("Ada")
    stranger = person()
    codes = [log_in(stranger, "Ada", "guess", "000000").status_code for _ in range(8)]
    assert codes[-1] == 429
    assert ada.act("halt").status_code == 200


def test_a_session_is_over_after_logout_and_after_an_hour_of_nothing(stage, person):
    ada, ben = person("Ada"), person("Ben")
    cookie = ada.http.cookies["workbench_session"]
    assert ada.post("/api/logout").status_code == 200
    ada.http.cookies.set("workbench_session", cookie)
    assert ada.act("halt").status_code == 401
    stage.clock.advance(3601)
    assert ben.act("halt").status_code == 401
    assert stage.sent() == []


def test_the_cookie_is_for_this_page_alone(stage, person):
    somebody = person()
    body = {"name": "Ada", "password": "several words are easy", "code": stage.keys.code("Ada")}
    cookie = somebody.post("/api/login", **body).headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie and "domain" not in cookie


def test_every_answer_has_the_safe_headers(stranger):
    somebody = stranger
    answers = [somebody.http.get(path) for path in ("/", "/phone.js", "/api/status", "/nothing", "/api/openapi.json")]
    answers.append(somebody.post("/api/act"))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'self'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
    assert answers[2].headers["cache-control"] == "no-store"


def test_there_are_no_other_files(stranger):
    for path in (
        "/../service.py",
        "/static/phone.js",
        "/docs",
        "/redoc",
        "/.git/config",
        "/index.html%00",
        "/worker.js/",
    ):
        assert stranger.http.get(path).status_code == 404


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.7"])
def test_it_listens_off_this_machine_only_with_tls(host):
    with pytest.raises(ConfigError, match="only TLS"):
        Address(host)


def test_half_a_certificate_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="both"):
        Address(EVERYWHERE, certificate=str(tmp_path / "c.pem"))
    with pytest.raises(ConfigError, match="there is none"):
        Address(EVERYWHERE, certificate=str(tmp_path / "c.pem"), key=str(tmp_path / "k.pem"))


def test_a_port_that_is_taken_is_said():
    with Address(port=0).bound() as taken, pytest.raises(ConfigError, match="--port"):
        Address(port=taken.getsockname()[1]).bound()


def test_the_same_reduction_pressed_many_times_at_once_is_done_once(patient, stage, person):
    ada, ben = person("Ada"), person("Ben")

    async def both() -> list[httpx.Response]:
        bodies = [{**halt(), "act": "reduce", "fraction": 0.5} for _ in range(4)]
        return await asyncio.gather(*(ada.http.client.post("/api/act", json=body) for body in bodies))

    codes = sorted(one.status_code for one in asyncio.run(both()))
    assert codes == [200, 200, 200, 200]
    assert [one.fraction for one in stage.sent()] == [0.5], "one press, however often it came"
    assert ben.act("halt").json()["stage"] == "entries stopped"


def test_json_that_two_readers_could_take_for_different_things_is_refused():
    check_json(b'{"a": [1, 0.5, "x", null, true]}')
    for body in (b'{"a": 1, "a": 2}', b'{"a": 1e400}', b'{"a": "\\ud834"}', b"\xef\xbb\xbf{}"):
        with pytest.raises(ValueError, match=r"twice|large|half|JSON|Expecting|BOM"):
            check_json(body)
