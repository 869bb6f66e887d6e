"""What of a request reaches a model, and what a client hears instead of an answer."""

import json

import pytest

from ringfence.adapters.pep.messages_proxy.headers import back, credential_in, outward, said
from ringfence.adapters.pep.messages_proxy.render import rendered, unreadable
from ringfence.adapters.pep.messages_proxy.routes import is_below, route_of
from ringfence.adapters.served.headers import read_headers
from ringfence.core.ledger.running_out import RanOut
from ringfence.core.metering.stream import CutKind
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.verdict import Level, Reason, ReasonCode
from ringfence.core.own_tools.modelling import Act
from ringfence.engine.outcome import Ambiguous, NotSent, Outcome, Refused, Returned

NOW = Millis(1_000_000)


def heard(outcome: Outcome, cut: CutKind | None = None) -> tuple[int, str, str | None, str | None]:
    """Status, kind, whether to try again, and when."""
    found = rendered(outcome, cut, AgentId("coder"), RunId("r1"), NOW)
    assert json.loads(found.body)["error"]["type"] == found.kind
    return found.status, found.kind, found.headers.get("x-should-retry"), found.headers.get("retry-after")


def refused(code: ReasonCode, out: RanOut | None = None) -> Refused:
    return Refused(Level.DENY, (Reason(code, "check", "for operators"),), "e7", out)


def ran_out(kind: MeterKind, owner: str, window_ms: int = 0, frees_at: Millis | None = None) -> RanOut:
    return RanOut(kind=kind, meter=f"{kind}:{owner}:all", cap=5, window_ms=window_ms, frees_at=frees_at)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (ReasonCode.KILLED, (403, "permission_error", None, None)),
        (ReasonCode.TOOL_DISABLED, (403, "permission_error", None, None)),
        (ReasonCode.RUN_EXPIRED, (403, "permission_error", None, None)),
        (ReasonCode.PAUSED, (429, "rate_limit_error", None, "20")),
        (ReasonCode.MODEL_NOT_ALLOWED, (403, "permission_error", None, None)),
        (ReasonCode.UNPRICED_MODEL, (403, "permission_error", None, None)),
        (ReasonCode.UNCOUNTABLE, (403, "permission_error", None, None)),
        (ReasonCode.WALL_CLOCK, (402, "billing_error", "false", None)),
        (ReasonCode.CONCURRENCY, (429, "rate_limit_error", None, "1")),
        (ReasonCode.CREDENTIAL, (401, "authentication_error", None, None)),
        (ReasonCode.MALFORMED, (400, "invalid_request_error", None, None)),
        (ReasonCode.NOT_RECORDED, (503, "api_error", "false", None)),
        (ReasonCode.POLICY, (403, "permission_error", None, None)),
        (ReasonCode.UNKNOWN_TOOL, (403, "permission_error", None, None)),
    ],
)
def test_each_refusal_has_the_status_that_real_clients_react_to_as_they_should(
    code: ReasonCode, expected: tuple[int, str, str | None, str | None]
) -> None:
    assert heard(refused(code)) == expected


def test_no_reason_but_the_credential_is_told_as_401() -> None:
    for code in ReasonCode:
        assert (heard(refused(code))[0] == 401) == (code is ReasonCode.CREDENTIAL), code


def test_a_cap_of_a_run_is_402_and_one_of_a_window_says_when_to_come_back() -> None:
    of_run = ran_out(MeterKind.SPEND, "run/r1")
    assert heard(refused(ReasonCode.SPEND_CAP, of_run)) == (402, "billing_error", "false", None)
    of_day = ran_out(MeterKind.TOKENS, "agent/coder", 86_400_000, Millis(NOW + 61_500))
    assert heard(refused(ReasonCode.TOKEN_CAP, of_day)) == (429, "billing_error", "false", "62")
    streams = ran_out(MeterKind.STREAMS, "agent/coder")
    assert heard(refused(ReasonCode.CONCURRENCY, streams)) == (429, "rate_limit_error", None, "1")


def test_what_is_for_operators_is_not_told() -> None:
    for code in ReasonCode:
        assert b"for operators" not in rendered(refused(code), None, AgentId("coder"), RunId("r1"), NOW).body


def test_an_answer_that_does_not_come_is_told_by_whether_it_may_have_been_billed() -> None:
    assert heard(NotSent("refused connection", "e1"))[:3] == (503, "api_error", None)
    assert heard(Ambiguous("nobody knows", "e1"))[:3] == (503, "api_error", "false")
    for outcome in (Returned({}, "e1"), Ambiguous("no answer had come", "e1")):
        assert heard(outcome, CutKind.FAULT)[:3] == (502, "api_error", "false")
        assert heard(outcome, CutKind.KILLED)[:2] == (403, "permission_error")


def test_what_cannot_be_read_is_told_with_the_status_of_its_fault() -> None:
    assert (unreadable(413, "too large").kind, unreadable(400, "no JSON").kind) == (
        "request_too_large",
        "invalid_request_error",
    )


@pytest.mark.parametrize(
    ("method", "path", "act"),
    [
        ("POST", "/anthropic/v1/messages", Act.MESSAGES),
        ("POST", "/anthropic/v1/messages/count_tokens", Act.COUNT),
        ("GET", "/anthropic/v1/models", Act.MODELS),
        ("GET", "/anthropic/v1/models/claude-opus-5-5", Act.MODELS),
        ("POST", "/anthropic/v1/messages/batches", Act.BATCHES),
        ("GET", "/anthropic/v1/messages/batches/b1/results", Act.BATCHES),
        ("GET", "/anthropic/v1/messages", None),
        ("POST", "/anthropic/v1/messages/", None),
        ("POST", "/anthropic/v1//messages", None),
        ("POST", "/anthropic/v1/messages/../files", None),
        ("GET", "/anthropic/v1/models/a/../../files", None),
        ("GET", "/anthropic/v1/models/..", None),
        ("GET", "/anthropic/v1/models/", None),
        ("POST", "/anthropic/v1/complete", None),
        ("POST", "/anthropic/v1/files", None),
        ("POST", "/v1/messages", None),
        ("POST", "/anthropicx/v1/messages", None),
        ("POST", "/anthropic/v1/messages\r\nx: y", None),
    ],
)
def test_only_what_is_listed_is_served(method: str, path: str, act: Act | None) -> None:
    found = route_of(method, path, b"")
    assert (found.act if found is not None else None) is act


def test_the_query_goes_on_and_one_that_is_no_text_does_not() -> None:
    found = route_of("POST", "/anthropic/v1/messages", b"beta=true")
    assert found is not None
    assert found.target == "/v1/messages?beta=true"
    assert route_of("POST", "/anthropic/v1/messages", b"a b") is None
    assert route_of("POST", "/anthropic/v1/messages", b"x" * 3000) is None
    assert is_below("/anthropic/v1/anything")
    assert not is_below("/anthropics")


def test_a_credential_comes_as_key_as_token_or_as_both_and_two_different_ones_are_none() -> None:
    assert credential_in({"x-api-key": "a"}) == "a"
    assert credential_in({"authorization": "Bearer a"}) == "a"
    assert credential_in({"x-api-key": "a", "authorization": "bearer a"}) == "a"
    assert credential_in({"x-api-key": "a", "authorization": "Bearer b"}) is None
    assert credential_in({"authorization": "Basic a"}) == ""
    assert credential_in({"x-api-key": "a" * 9000}) == ""
    assert credential_in({}) == ""


def test_no_credential_cookie_or_address_goes_on_and_betas_go_on_as_they_are() -> None:
    lines = [
        (b"X-Api-Key", b"secret"),
        (b"Authorization", b"Bearer secret"),
        (b"Cookie", b"a=b"),
        (b"X-Forwarded-For", b"10.0.0.1"),
        (b"Proxy-Authorization", b"secret"),
        (b"Content-Type", b"application/json; charset=utf-7"),
        (b"anthropic-beta", b"one"),
        (b"anthropic-beta", b"two-of-next-year"),
        (b"anthropic-version", b"2023-06-01"),
        (b"X-Claude-Code-Session-Id", b"s1"),
    ]
    headers = read_headers(lines)
    assert headers is not None
    assert dict(outward(headers)) == {
        "content-type": "application/json",
        "anthropic-beta": "one, two-of-next-year",
        "anthropic-version": "2023-06-01",
    }
    assert said(headers) == {"session": "s1"}
    assert read_headers([(b"x-api-key", b"a"), (b"X-API-Key", b"b")]) is None


def test_no_client_chooses_in_whose_name_the_operators_key_acts() -> None:
    chosen = ("workspace-id", "user-profile-id", "organization-id", "of-next-year")
    headers = read_headers([(f"Anthropic-{name}".encode(), b"wrkspc_of_another") for name in chosen])
    assert headers is not None
    assert outward(headers) == ()


def test_of_a_models_headers_only_those_that_clients_read_come_back() -> None:
    given = {"content-type": "text/event-stream", "set-cookie": "a=b", "server": "x", "request-id": "r", "anthropic-a": "b"}
    assert dict(back(given)) == {b"content-type": b"text/event-stream", b"request-id": b"r", b"anthropic-a": b"b"}
