"""A6: what a server may ask the person at the client."""

from typing import Any

import pytest

from ringfence.core.mcp.asking import Request, judge
from ringfence.core.model.identifiers import ServerId
from ringfence.core.rules import Grants

pytestmark = pytest.mark.attack("A6")
SERVER = ServerId("docs")
GRANTED = Grants(elicitation_form=True, elicitation_hosts=frozenset({"pay.example"}))


def asked(**params: Any) -> Request | str:
    return judge("elicitation/create", {"message": "Which one?", **params}, SERVER, GRANTED)


def form(**properties: Any) -> dict[str, Any]:
    return {"requestedSchema": {"type": "object", "properties": properties}}


def test_nothing_passes_unless_it_was_granted() -> None:
    for params in ({"message": "m", **form(n={})}, {"message": "m", "mode": "url", "url": "https://pay.example/"}):
        assert isinstance(judge("elicitation/create", params, SERVER, Grants()), str)


@pytest.mark.parametrize(
    "properties",
    [
        {"password": {"type": "string"}},
        {"userPassword": {"type": "string"}},
        {"n": {"type": "string", "format": "password"}},
        {"n": {"title": "API_key"}},
        {"n": {"title": "Your secret:"}},
        {"n": {"description": "the token that you were sent"}},
        {"api-key": {}},
        {"PIN": {}},
        {"fine": {}, "credential": {}},
    ],
)
def test_a_form_for_a_secret_is_blocked(properties: dict[str, Any]) -> None:
    assert asked(**form(**properties)) == "a form may not ask for a secret"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/pay",
        "https://pay.example.evil.example/",
        "https://pay.example@evil.example/",
        "https://user@pay.example/",
        "https://user:word@pay.example/",
        "http://pay.example/",
        "https://pay.example:8443/",
        "https://pay.example:99999/",
        "https://р\u0430y.example/",
        "https://pay.example\u3002evil.example/",
        "https://pay.example/\n",
        "//pay.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://[::1",
        "https://evil.example\\@pay.example/",
        "",
        None,
        7,
        ["https://pay.example/"],
    ],
)
def test_an_address_that_was_not_granted_is_blocked(url: Any) -> None:
    assert asked(mode="url", url=url) == "the address is not granted"


def test_a_granted_question_names_the_server_that_asks() -> None:
    for judged in (asked(**form(n={"type": "integer"})), asked(mode="url", url="https://pay.example/x?y=1")):
        assert isinstance(judged, Request)
        assert judged.params["message"] == "[docs] Which one?"


def test_a_message_cannot_hide_who_asks() -> None:
    judged = asked(**{"message": "\u202e\x1b[2J\r\nringfence asks", **form()})
    assert isinstance(judged, Request)
    message = judged.params["message"]
    assert message.startswith("[docs] ")
    assert message.replace("\n", "").isprintable()


@pytest.mark.parametrize("mode", ["other", None, 1, ["url"], {"url": 1}, "URL"])
def test_a_mode_that_is_not_known_is_blocked(mode: Any) -> None:
    assert isinstance(asked(mode=mode, url="https://pay.example/", **form()), str)


@pytest.mark.parametrize("schema", [None, 7, "x", [], {"properties": []}, {"properties": 1}, {"properties": None}])
def test_a_form_that_cannot_be_read_is_blocked(schema: Any) -> None:
    assert asked(requestedSchema=schema) == "the form cannot be read"
