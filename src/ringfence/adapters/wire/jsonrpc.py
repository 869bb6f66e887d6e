"""JSON-RPC 2.0 messages: reading a strictly parsed value, writing bytes. Pure.

Source: JSON-RPC 2.0 specification, as narrowed by MCP: no batches, `params` and `result` are objects, ids are strings or
integers (never null, a boolean or a fraction).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import RequestError

Id = int | str

_REQUEST_KEYS = frozenset({"jsonrpc", "id", "method", "params"})
_ANSWER_KEYS = frozenset({"jsonrpc", "id", "result", "error"})
_NO_PARAMS: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Request:
    id: Id
    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notification:
    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    id: Id
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """`id` is None where the peer could not read the id of what it refused."""

    id: Id | None
    code: int
    message: str
    data: Any = None


Message = Request | Notification | Result | ErrorAnswer


def same_id(one: object, other: object) -> bool:
    """Type-exact equality: `1` is neither `"1"` nor `True`."""
    return type(one) is type(other) and one == other


def classify(value: object) -> Message:
    """Tell what a parsed JSON value is.

    Raises: RequestError for anything that is not exactly one JSON-RPC message: an array, a foreign envelope key, an id of
    another type, a result beside an error.
    """
    if not isinstance(value, dict):
        raise RequestError("not one JSON-RPC object")
    envelope = cast("dict[str, Any]", value)
    if envelope.get("jsonrpc") != "2.0":
        raise RequestError("not JSON-RPC 2.0")
    if "method" in envelope:
        return _asked(envelope)
    return _answered(envelope)


def _asked(envelope: dict[str, Any]) -> Request | Notification:
    if not _REQUEST_KEYS.issuperset(envelope):
        raise RequestError("unknown key in a JSON-RPC request")
    method = envelope["method"]
    if not isinstance(method, str):
        raise RequestError("the method is not a string")
    params = envelope.get("params", _NO_PARAMS)
    if not isinstance(params, dict) and params is not _NO_PARAMS:
        raise RequestError("params is not an object")
    if "id" not in envelope:
        return Notification(method, params)
    return Request(_identity(envelope["id"]), method, params)


def _answered(envelope: dict[str, Any]) -> Result | ErrorAnswer:
    if not _ANSWER_KEYS.issuperset(envelope):
        raise RequestError("unknown key in a JSON-RPC answer")
    if ("result" in envelope) == ("error" in envelope):
        raise RequestError("an answer needs exactly one of result and error")
    if "result" in envelope:
        result = envelope["result"]
        if not isinstance(result, dict):
            raise RequestError("the result is not an object")
        return Result(_identity(envelope.get("id")), cast("dict[str, Any]", result))
    error = envelope["error"]
    if not isinstance(error, dict):
        raise RequestError("the error is not an object")
    body = cast("dict[str, Any]", error)
    code, message = body.get("code"), body.get("message", "")
    if type(code) is not int or not isinstance(message, str):
        raise RequestError("the error has no integer code or no text")
    raw = envelope.get("id")
    return ErrorAnswer(None if raw is None else _identity(raw), code, message, body.get("data"))


def _identity(raw: object) -> Id:
    if type(raw) is int or type(raw) is str:
        return raw
    raise RequestError("the id is neither a string nor an integer")


def request(identity: Id, method: str, params: bytes) -> bytes:
    """A request whose `params` are the given JSON bytes, untouched."""
    return b'{"jsonrpc":"2.0","id":%b,"method":%b,"params":%b}' % (_encoded(identity), _written(method), params)


@lru_cache(maxsize=64)
def _written(method: str) -> bytes:
    return canonical_bytes(method)


def notification(method: str, params: bytes | None = None) -> bytes:
    if params is None:
        return b'{"jsonrpc":"2.0","method":%b}' % canonical_bytes(method)
    return b'{"jsonrpc":"2.0","method":%b,"params":%b}' % (canonical_bytes(method), params)


def result(identity: Id, body: bytes) -> bytes:
    """An answer whose `result` is the given JSON bytes, untouched."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (_encoded(identity), body)


def error(identity: Id | None, code: int, message: str, data: Any = None) -> bytes:
    body: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        body["data"] = data
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (_encoded(identity), canonical_bytes(body))


def _encoded(identity: Id | None) -> bytes:
    return b"%d" % identity if type(identity) is int else canonical_bytes(identity)
