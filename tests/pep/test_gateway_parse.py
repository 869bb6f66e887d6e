"""The gateway's inbound checks, rung by rung, without a server."""

import base64
import json
from typing import Any

import pytest

from ringfence.adapters.pep.mcp_gateway.client_call import ClientCall, check_against_schema, read_call
from ringfence.adapters.pep.mcp_gateway.headers import accepts, is_json
from ringfence.adapters.pep.mcp_gateway.parse import Head, Route, check_post, read_head, read_message
from ringfence.adapters.pep.mcp_gateway.places import Place
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.wire.mcp import Era

HOST = "127.0.0.1:7410"
VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
MODERN = "2026-07-28"
META = {VERSION: MODERN, CAPABILITIES: {}}
POST_HEADERS = (
    ("Host", HOST),
    ("Content-Type", "application/json"),
    ("Accept", "application/json, text/event-stream"),
    ("Authorization", "Bearer rfr_x"),
)


def scope(
    *more: tuple[str, str], verb: str = "POST", path: str = "/mcp", query: bytes = b"", without: str = ""
) -> dict[str, Any]:
    lines = [line for line in POST_HEADERS if line[0] != without] + list(more)
    return {
        "type": "http",
        "method": verb,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in lines],
    }


def head_of(*more: tuple[str, str], **options: Any) -> Head | Rejection:
    return read_head(scope(*more, **options), frozenset({HOST}), frozenset({"http://localhost:6274"}))


def head(*more: tuple[str, str], **options: Any) -> Head:
    found = head_of(*more, **options)
    assert isinstance(found, Head), found
    return found


def modern_head(method: str = "tools/call", name: str | None = "orders__get", *more: tuple[str, str]) -> Head:
    lines = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", method)]
    if name is not None:
        lines.append(("Mcp-Name", name))
    return head(*lines, *more)


def body(params: Any = None, *, method: str = "tools/call", **envelope: Any) -> bytes:
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": method, **envelope}
    if params is not None:
        message["params"] = params
    return json.dumps(message).encode()


def modern_body(params: dict[str, Any] | None = None, **envelope: Any) -> bytes:
    return body({"name": "orders__get", "arguments": {}, "_meta": META, **(params or {})}, **envelope)


def refused(found: object) -> Rejection:
    assert isinstance(found, Rejection), found
    return found


# --- the head --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("host", HOST, -32600),
        ("Authorization", "Bearer other", -32600),
        ("content-type", "application/json", -32600),
        ("Content-Length", "2", -32600),
        ("Origin", "http://localhost:6274", -32600),
        ("Mcp-Session-Id", "x", -32020),
        ("MCP-Protocol-Version", MODERN, -32020),
        ("mcp-method", "tools/call", -32020),
        ("Mcp-Name", "a", -32020),
        ("Mcp-Param-Region", "eu", -32020),
    ],
)
@pytest.mark.attack("A16")
def test_a_header_line_that_stands_twice_is_refused(name: str, value: str, code: int) -> None:
    known = {line[0].lower() for line in POST_HEADERS}
    lines = [(name, value)] if name.lower() in known else [(name, value), (name.upper(), value)]
    rejection = refused(head_of(*lines))
    assert (rejection.status, rejection.code) == (400, code)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("127.0.0.1", 421),
        ("127.0.0.1:7411", 421),
        ("127.0.0.1:7410.evil.example", 421),
        ("evil.example@127.0.0.1:7410", 421),
        ("", 400),
    ],
)
@pytest.mark.attack("A11")
def test_a_host_that_is_not_ours_is_refused(host: str, status: int) -> None:
    assert refused(head_of(("Host", host), without="Host")).status == status


def test_a_missing_host_is_refused() -> None:
    assert refused(head_of(without="Host")).status == 400


@pytest.mark.parametrize("path", ["/mcp", "/healthz", "/runs"])
@pytest.mark.attack("A11")
def test_a_foreign_origin_is_refused_on_every_route(path: str) -> None:
    verb = "GET" if path == "/healthz" else "POST"
    assert refused(head_of(("Origin", "http://evil.example"), path=path, verb=verb)).status == 403
    assert refused(head_of(("Origin", "null"), path=path, verb=verb)).status == 403
    assert isinstance(head_of(("Origin", "http://localhost:6274"), path=path, verb=verb), Head)


@pytest.mark.parametrize(
    "path", ["/", "/mcp/", "/MCP", "/mcp/a/b", "/mcp/UPPER", "/mcp/../runs", "/mcp/" + "a" * 25, "//mcp", "/runs/other"]
)
def test_a_path_that_is_not_named_plainly_leads_nowhere(path: str) -> None:
    assert refused(head_of(path=path)).status == 404


def test_an_escaped_path_leads_nowhere() -> None:
    escaped = {**scope(), "raw_path": b"/%6dcp"}
    assert refused(read_head(escaped, frozenset({HOST}), frozenset())).status == 404


def test_a_server_endpoint_names_its_server() -> None:
    assert (head(path="/mcp/orders").place, head(path="/mcp/orders").server) == (Place.MCP, "orders")


def test_a_query_string_is_refused_so_that_no_credential_travels_in_one() -> None:
    assert refused(head_of(query=b"access_token=rfr_x")).status == 400


@pytest.mark.parametrize(
    ("verb", "version", "allow"),
    [
        ("GET", MODERN, b"POST"),
        ("DELETE", MODERN, b"POST"),
        ("PUT", None, b"POST, GET, DELETE"),
        ("OPTIONS", None, b"POST, GET, DELETE"),
    ],
)
def test_each_era_has_its_verbs(verb: str, version: str | None, allow: bytes) -> None:
    lines = [("MCP-Protocol-Version", version)] if version else []
    rejection = refused(head_of(*lines, verb=verb))
    assert rejection.status == 405
    assert dict(rejection.headers)[b"allow"] == allow
    assert not rejection.recorded


@pytest.mark.parametrize(
    ("value", "credential"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc", "abc"),
        ("Basic abc", ""),
        ("abc", ""),
        ("DPoP abc", "abc"),
        ("Bearer " + "a" * 8192, "a" * 8192),
        ("Bearer " + "a" * 8193, ""),
        ("Bearer caf\xe9", ""),
    ],
)
def test_only_a_credential_of_a_known_scheme_and_bearable_length_counts(value: str, credential: str) -> None:
    assert head(("Authorization", value), without="Authorization").credential == credential


@pytest.mark.parametrize(
    ("content_type", "good"),
    [
        ("application/json", True),
        ("Application/JSON; charset=UTF-8", True),
        ('application/json ; charset="utf-8"', True),
        ("application/jsonfoo", False),
        ("application/json-patch+json", False),
        ("application/json; charset=utf-16", False),
        ("application/json; boundary=x", False),
        ("text/plain", False),
        ("", False),
    ],
)
def test_the_content_type_is_json_and_nothing_that_begins_like_it(content_type: str, good: bool) -> None:
    assert is_json(content_type) is good


@pytest.mark.parametrize(
    ("accept", "good"),
    [
        ("application/json, text/event-stream", True),
        ("text/event-stream;q=0.9, APPLICATION/JSON", True),
        ("*/*", True),
        ("application/*, text/*", True),
        ("application/json", False),
        ("text/event-stream", False),
        ("application/json, text/event-stream;q=0", False),
        ("", False),
    ],
)
def test_a_client_has_to_accept_both_forms_of_an_answer(accept: str, good: bool) -> None:
    rejection = check_post(head(("Accept", accept), without="Accept"), 1000)
    assert (rejection is None) is good
    assert good == (accepts(accept, "application/json") and accepts(accept, "text/event-stream"))


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (("Content-Encoding", "gzip"), 415),
        (("Content-Encoding", "identity"), 415),
        (("Content-Length", "1001"), 413),
        (("Content-Length", "1073741824"), 413),
        (("Content-Length", "9" * 400), 413),
        (("Content-Length", "+5"), 413),
    ],
)
@pytest.mark.attack("A13")
def test_a_body_that_is_too_large_or_encoded_is_refused_before_it_is_read(line: tuple[str, str], status: int) -> None:
    rejection = check_post(head(line), 1000)
    assert rejection is not None
    assert (rejection.status, rejection.close) == (status, True)


# --- the body: which era ---------------------------------------------------------------------------------------------

INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}


@pytest.mark.parametrize(
    ("version", "params", "status", "code"),
    [
        (MODERN, {}, 400, -32602),
        (MODERN, {"_meta": {CAPABILITIES: {}}}, 400, -32602),
        (MODERN, {"_meta": {VERSION: MODERN}}, 400, -32602),
        (MODERN, {"_meta": {VERSION: "2025-11-25", CAPABILITIES: {}}}, 400, -32020),
        (MODERN, {"_meta": {VERSION: 7, CAPABILITIES: {}}}, 400, -32020),
        (MODERN, {"_meta": {VERSION: MODERN, CAPABILITIES: []}}, 400, -32602),
        ("2099-01-01", {"_meta": META}, 400, -32022),
        ("zzz", {}, 400, -32022),
        ("2025-11-25", {"_meta": META}, 400, -32020),
        (None, {"_meta": META}, 400, -32020),
    ],
)
@pytest.mark.requirement("I4")
@pytest.mark.attack("A16")
def test_header_and_body_have_to_name_the_same_era(version: str | None, params: dict[str, Any], status: int, code: int) -> None:
    lines = [("Mcp-Method", "tools/list")]
    if version is not None:
        lines.append(("MCP-Protocol-Version", version))
    rejection = refused(read_message(head(*lines), body(params, method="tools/list")))
    assert (rejection.status, rejection.code, rejection.id) == (status, code, 1)
    if code == -32022:
        assert rejection.data["supported"][0] == MODERN
        assert rejection.data["requested"] == version


@pytest.mark.parametrize("version", [None, "2025-03-26", "2025-06-18", "2025-11-25"])
def test_a_legacy_message_takes_the_legacy_path(version: str | None) -> None:
    lines = [("MCP-Protocol-Version", version)] if version else []
    route = read_message(head(*lines), body(INITIALIZE, method="initialize"))
    assert isinstance(route, Route)
    assert (route.era, route.method, route.id) == (Era.LEGACY, "initialize", 1)


@pytest.mark.parametrize(
    ("method_header", "name_header"),
    [
        ("tools/list", "orders__get"),
        (None, "orders__get"),
        ("tools/call", "orders__note"),
        ("tools/call", None),
        ("tools/call", "ORDERS__GET"),
        ("tools/call", "=?base64?%%%?="),
        ("TOOLS/CALL", "orders__get"),
    ],
)
@pytest.mark.attack("A16")
def test_a_routing_header_that_differs_from_the_body_is_refused(method_header: str | None, name_header: str | None) -> None:
    lines = [("MCP-Protocol-Version", MODERN)]
    if method_header:
        lines.append(("Mcp-Method", method_header))
    if name_header:
        lines.append(("Mcp-Name", name_header))
    rejection = refused(read_message(head(*lines), modern_body()))
    assert (rejection.status, rejection.code) == (400, -32020)


def test_white_space_around_a_routing_header_does_not_matter() -> None:
    assert isinstance(read_message(modern_head("tools/call", " \torders__get \t"), modern_body()), Route)


def test_a_name_in_base64_is_compared_decoded() -> None:
    name = "caf\u00e9"
    wrapped = f"=?base64?{base64.b64encode(name.encode()).decode()}?="
    assert isinstance(read_message(modern_head("tools/call", wrapped), modern_body({"name": name})), Route)


@pytest.mark.attack("A16")
def test_a_name_header_on_a_method_that_bears_no_name_is_refused() -> None:
    rejection = refused(read_message(modern_head("tools/list", "orders__get"), body({"_meta": META}, method="tools/list")))
    assert rejection.code == -32020


@pytest.mark.attack("A16")
def test_a_name_header_is_refused_where_the_body_has_no_name() -> None:
    rejection = refused(read_message(modern_head(), body({"arguments": {}, "_meta": META})))
    assert rejection.code == -32020


# --- the body: strictly parsed ---------------------------------------------------------------------------------------

CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"orders__get","arguments":%b}}'


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut off"),
        pytest.param(CALL % b"{}" + b"x", id="trailing bytes"),
        pytest.param(CALL % b"{}" + CALL % b"{}", id="two values"),
        pytest.param(b"\xef\xbb\xbf" + CALL % b"{}", id="byte-order mark"),
        pytest.param((CALL % b"{}").decode().encode("utf-16"), id="UTF-16"),
        pytest.param(CALL % b'{"a":"\xff"}', id="invalid UTF-8"),
        pytest.param(CALL % b'{"a":"\xed\xa0\x80"}', id="raw surrogate"),
        pytest.param(CALL % b'{"a":"\\ud800"}', id="escaped surrogate"),
        pytest.param(CALL % b'{"a":"\\u0000"}', id="NUL"),
        pytest.param(CALL % b'{"a":NaN}', id="NaN"),
        pytest.param(CALL % b'{"a":Infinity}', id="infinity"),
        pytest.param(CALL % b'{"a":1e400}', id="overflow"),
        pytest.param(CALL % b'{"a":9007199254740993}', id="beyond 2^53"),
        pytest.param(CALL % b'{"a":1,"a":2}', id="duplicate key"),
        pytest.param(CALL % b'{"a":1,"\\u0061":2}', id="duplicate key, escaped"),
        pytest.param(CALL % (b'{"a":' * 10_000 + b"1" + b"}" * 10_000), id="10,000 deep object"),
        pytest.param(CALL % (b"[" * 10_000 + b"]" * 10_000), id="10,000 deep array"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', id="duplicate id"),
    ],
)
@pytest.mark.requirement("I4")
@pytest.mark.attack("A15")
def test_what_two_parsers_could_read_differently_is_a_parse_error(raw: bytes) -> None:
    rejection = refused(read_message(head(), raw))
    assert (rejection.status, rejection.code) == (400, -32700)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"[" + CALL % b"{}" + b"]", id="batch"),
        pytest.param(b"[]", id="empty batch"),
        pytest.param(b'"x"', id="string"),
        pytest.param(b'{"id":1,"method":"ping"}', id="no version"),
        pytest.param(b'{"jsonrpc":"1.0","id":1,"method":"ping"}', id="other version"),
        pytest.param(b'{"jsonrpc":"2.0","id":null,"method":"ping"}', id="null id"),
        pytest.param(b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', id="fraction id"),
        pytest.param(b'{"jsonrpc":"2.0","id":true,"method":"ping"}', id="boolean id"),
        pytest.param(b'{"jsonrpc":"2.0","id":"' + b"x" * 300 + b'","method":"ping"}', id="long id"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":7}', id="method is a number"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', id="params is an array"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', id="params is null"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"ping","x":1}', id="foreign envelope key"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}', id="case variant in the envelope"),
        pytest.param('{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}'.encode(), id="long s in the envelope"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"result":{}}', id="an answer to nothing"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}', id="result and error"),
    ],
)
@pytest.mark.requirement("I4")
@pytest.mark.attack("A14", "A15")
def test_what_is_not_one_request_is_an_invalid_request(raw: bytes) -> None:
    rejection = refused(read_message(head(), raw))
    assert (rejection.status, rejection.code) == (400, -32600)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", {"name": "a", "Name": "b"}),
        ("tools/call", {"name": "a", "Task": {}}),
        ("tools/call", {"name": "a", "requestState": "x"}),
        ("tools/call", {"name": "a", "argument\u017f": {}}),
        ("tools/list", {"limit": 5}),
        ("ping", {"x": 1}),
        ("ping", {"_meta": []}),
        ("ping", {"_meta": {"ProgressToken": 1}}),
        ("ping", {"_meta": {"progressToken": 1.5}}),
        ("ping", {"_meta": {"progressToken": True}}),
    ],
)
@pytest.mark.requirement("I4")
@pytest.mark.attack("A15")
def test_a_parameter_that_the_method_does_not_define_is_refused(method: str, params: dict[str, Any]) -> None:
    rejection = refused(read_message(head(), body(params, method=method)))
    assert (rejection.status, rejection.code, rejection.id) == (400, -32602, 1)


def test_vendor_metadata_is_read_over() -> None:
    assert isinstance(read_message(head(), body({"_meta": {"com.example/x": {"a": 1}}}, method="ping")), Route)


@pytest.mark.parametrize("method", ["tasks/get", "tasks/list", "sampling/createMessage", "subscriptions/listen", "initializE"])
def test_a_method_that_is_not_served_is_known_as_such(method: str) -> None:
    route = read_message(head(), body({"anything": 1}, method=method))
    assert isinstance(route, Route)
    assert not route.known


@pytest.mark.parametrize("method", ["initialize", "ping"])
def test_a_legacy_method_does_not_exist_in_the_modern_era(method: str) -> None:
    route = read_message(modern_head(method, None), body({"_meta": META}, method=method))
    assert isinstance(route, Route)
    assert (route.era, route.known) == (Era.MODERN, False)


# --- the call --------------------------------------------------------------------------------------------------------


def call_of(params: dict[str, Any], *, server: str | None = None, era: Era = Era.MODERN) -> ClientCall | Rejection:
    return read_call(Route(era, "tools/call", params, 1, known=True), Head(Place.MCP, server, "POST", {}, ""))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"name": 7},
        {"name": ""},
        {"name": "x" * 257},
        {"name": "a", "arguments": []},
        {"name": "a", "arguments": None},
        {"name": "a", "inputResponses": None},
        {"name": "a", "inputResponses": {"x": 12345}},
        {"name": "a", "inputResponses": {str(n): {} for n in range(65)}},
        {"name": "a", "requestState": 7},
        {"name": "a", "requestState": "x" * 5000},
        {"name": "ringfence__claim"},
        {"name": "ringfence__claim", "arguments": {"ticket": 7}},
        {"name": "ringfence__claim", "arguments": {"ticket": "t_x", "other": 1}},
        {"name": "ringfence__claim", "arguments": {"ticket": "t" * 100}},
    ],
)
def test_a_call_that_is_not_one_is_refused(params: dict[str, Any]) -> None:
    assert refused(call_of(params)).code == -32602


def test_claiming_is_a_tool_of_the_aggregate_endpoint_only() -> None:
    params = {"name": "ringfence__claim", "arguments": {"ticket": "t_x"}}
    here, there = call_of(params), call_of(params, server="orders")
    assert isinstance(here, ClientCall)
    assert isinstance(there, ClientCall)
    assert (here.is_claim, there.is_claim) == (True, False)


SCHEMA = {
    "inputSchema": {
        "type": "object",
        "properties": {"region": {"type": "string", "x-mcp-header": "Region"}, "size": {"type": "integer"}},
        "additionalProperties": True,
    }
}


@pytest.mark.parametrize("key", ["Region", "region\u200b"[:-1].upper(), "\uff32egion", "SIZE", "\u017fize"])
@pytest.mark.requirement("I4")
@pytest.mark.attack("A15")
def test_an_argument_name_that_could_be_taken_for_a_declared_one_is_refused(key: str) -> None:
    call = call_of({"name": "a", "arguments": {key: 1}}, era=Era.LEGACY)
    assert isinstance(call, ClientCall)
    rejection = check_against_schema(call, head(), SCHEMA)
    assert rejection is not None
    assert rejection.code == -32602


@pytest.mark.parametrize(
    ("arguments", "lines", "good"),
    [
        ({"region": "eu"}, [("Mcp-Param-Region", "eu")], True),
        ({"region": "eu"}, [("Mcp-Param-Region", "us")], False),
        ({"region": "eu"}, [], False),
        ({}, [("Mcp-Param-Region", "eu")], False),
        ({}, [], True),
        ({}, [("Mcp-Param-Unknown", "eu")], True),
    ],
)
@pytest.mark.attack("A16")
def test_a_parameter_header_and_its_argument_agree(arguments: dict[str, Any], lines: list[tuple[str, str]], good: bool) -> None:
    call = call_of({"name": "a", "arguments": arguments})
    assert isinstance(call, ClientCall)
    rejection = check_against_schema(call, modern_head("tools/call", "a", *lines), SCHEMA)
    assert (rejection is None) is good
    if rejection is not None:
        assert (rejection.status, rejection.code) == (400, -32020)
