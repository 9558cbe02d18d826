"""The OpenAPI document says all there is, and requests made from it find no mistake."""

from typing import Any

import httpx
import pytest

BASE = "http://127.0.0.1:8870"


def test_the_document_names_every_door(person):
    paths = person().http.get("/api/openapi.json").json()["paths"]
    gets = {path for path, ways in paths.items() if "get" in ways}
    posts = {path for path, ways in paths.items() if "post" in ways}
    reads = ("status", "alerts", "incidents", "orders", "procedures", "contacts", "me", "events")
    acts = ("login", "logout", "step-up", "acknowledge", "act", "propose", "approve", "procedure", "lesson")
    assert gets == {f"/api/{name}" for name in (*reads, "incidents/{incident}/report")}
    assert posts == {f"/api/{name}" for name in acts}
    assert not gets & posts


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize("name", ["", "Vic", "Dan"])
def test_requests_made_from_the_document_are_never_answered_with_a_mistake(stage, person, name, mode):
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.generation.modes import GenerationMode
    from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection

    somebody = person(name)
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", stage.app, headers={"Host": "127.0.0.1:8870"})
    found: list[Any] = []
    for operation in schema.get_all_operations():
        one = operation.ok()
        if one.path == "/api/events" or (name and one.path == "/api/logout"):
            continue

        @settings(
            max_examples=12,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=one.as_strategy(GenerationMode(mode)))
        def asked(case: Any) -> None:
            answer = ask(somebody, case)
            # takes a cookie it has not drawn itself for one it made up, and a good answer to it for a mistake: asked of
            # strangers here, and of made-up cookies in the test below; so only an odd body has to be refused
            of_people = [ignored_auth, *([] if has_odd_body(case) else [negative_data_rejection])]
            case.validate_response(answer, excluded_checks=of_people if name else [])
            found.append(answer)
            # a code that was accepted a minute ago is not fresh any more: acts are asked with and without
            stage.clock.ahead_ns += 10**9

        asked()
    assert len(found) > 100
    assert [one.text for one in found if one.status_code >= 500] == []
    assert all(one.status_code in {200, 304} or set(one.json()) == {"refused", "kind"} for one in found)


def test_every_door_that_asks_for_the_cookie_refuses_none_and_one_that_is_made_up(person):
    somebody = person()
    paths = somebody.http.get("/api/openapi.json").json()["paths"]
    guarded = [(way, path) for path, ways in paths.items() for way, one in ways.items() if one.get("security")]
    assert set(paths) - {path for _, path in guarded} == {"/api/login"}
    for way, path in guarded:
        for cookie in ("", "made-up", "0" * 43):
            somebody.http.cookies.clear()
            if cookie:
                somebody.http.cookies.set("workbench_session", cookie)
            body = {"json": {"code": "000000"} if path == "/api/step-up" else {}} if way == "post" else {}
            answer = somebody.http.request(way.upper(), path.replace("{incident}", "I1"), **body)
            assert (answer.status_code, answer.json()["kind"]) == (401, "nobody"), (way, path, cookie)


def ask(somebody: Any, case: Any) -> httpx.Response:
    """Send what was made up, as far as HTTP can carry it."""
    body = case.body if isinstance(case.body, dict | list | str | int | float | bool | None) else None
    return somebody.http.request(case.method, case.path, json=body)


def has_odd_body(case: Any) -> bool:
    """Whether the body that was sent is not as the document says."""
    from schemathesis.core.parameters import ParameterLocation

    body = case.meta.components.get(ParameterLocation.BODY)
    return body is not None and body.mode.is_negative and isinstance(case.body, dict | list | str | int | float)
