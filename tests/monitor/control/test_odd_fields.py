"""Every field of every door takes something odd once: it is refused in words, and the loop never notices."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

ODD = {
    "nan": "NaN", "infinity": "Infinity", "minus infinity": "-Infinity", "1e308": "1e308", "1e999": "1e999",
    "minus zero": "-0.0", "huge integer": "9" * 400, "two to the 63": "9223372036854775808", "minus one": "-1",
    "nul": '"a\\u0000b"', "half a letter": '"\\ud800"', "deep list": "[" * 3000 + "]" * 3000,
    "deep object": '{"a":' * 500 + "1" + "}" * 500, "long": '"' + "x" * 7000 + '"', "list": "[1]", "object": "{}",
}  # fmt: skip
"""JSON texts that no field takes, some of them no JSON at all."""
SOUND = {
    "act": "reduce", "fraction": 0.25, "name": "Dan", "password": "x", "code": "000000", "incident": "I1",
    "reason": "r", "strategy": "", "rebaseline_peak": False, "procedure": "first", "step": 0, "done": True,
    "text": "t", "proposal": "0" * 32,
}  # fmt: skip


def doors_of(document: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Every door that takes a body, with the fields of it."""
    for path, ways in document["paths"].items():
        content = ways.get("post", {}).get("requestBody", {}).get("content", {})
        if content:
            name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
            yield path, list(document["components"]["schemas"][name]["properties"])


def body_with(fields: list[str], odd: str = "", text: str = "") -> bytes:
    """A body in which one field may be odd; written by hand, because no library writes what is no JSON."""
    sound = {name: json.dumps(SOUND.get(name, secrets.token_hex(16))) for name in fields}
    texts = sound | ({odd: text} if odd else {})
    return ("{" + ", ".join(f'"{name}": {one}' for name, one in texts.items()) + "}").encode()


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_what_is_odd_is_refused_in_words_wherever_it_stands(stage, person, text):
    dan = person("Dan")
    document = dan.http.get("/api/openapi.json").json()
    asked = 0
    for path, fields in doors_of(document):
        for odd in fields:
            body = body_with(fields, odd, text)
            answer = dan.http.post(path, content=body, headers={"Content-Type": "application/json"})
            assert 400 <= answer.status_code < 500, (path, odd, answer.status_code, answer.text)
            assert set(answer.json()) == {"refused", "kind"} and answer.json()["refused"], (path, odd)
            asked += 1
    assert asked > 15 and stage.sent() == []


def test_the_body_around_it_is_sound(stage, person):
    dan = person("Dan")
    fields = dict(doors_of(dan.http.get("/api/openapi.json").json()))["/api/act"]
    answer = dan.http.post("/api/act", content=body_with(fields), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert [(one.act, one.fraction) for one in stage.sent()] == [("reduce", 0.25)]
