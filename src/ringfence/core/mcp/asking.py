"""What a server may ask of the agent's client: granted per server, bounded, and said to be the server's word. Pure.

Denied by default: a capability that the operator did not grant is not declared, and a request for it is declined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ringfence.core.approvals.card import visible
from ringfence.core.mcp.client_meta import OURS, vendor_keys
from ringfence.core.model.identifiers import ServerId
from ringfence.core.rules import Grants

REQUEST_LIMIT = 65_536
"""Characters of one request, as Python shows it."""
MOST_ELICITATIONS = 16
"""Addresses of one error -32042."""
ORIGIN = "[{server}] "
UNPROMPTED = "A server asks for this text."
"""Where it gave no system prompt of its own, so that its name has somewhere to stand."""
ORIGIN_META = f"{OURS}/server"
"""The key of `_meta` that names the asking server to a program; `roots/list` has no text that could."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the client may see it."""

    method: str
    params: Mapping[str, Any]


EVERYTHING_ASKABLE: Mapping[str, Any] = {"sampling": {}, "roots": {}, "elicitation": {"form": {}, "url": {}}}
"""The capabilities of a client that can be asked whatever a server may ask."""


def granted_capabilities(declared: Mapping[str, Any], grants: Grants) -> dict[str, Any]:
    """What may be declared to a server: what the client has, less what the operator did not grant. Never more (A24)."""
    result: dict[str, Any] = {}
    if grants.sampling and "sampling" in declared:
        result["sampling"] = {}
    if grants.roots and "roots" in declared:
        result["roots"] = {}
    elicitation = declared.get("elicitation")
    if isinstance(elicitation, Mapping):
        # An empty object means form only (MCP 2025-11-25, client/elicitation).
        modes: dict[str, Any] = {}
        if grants.elicitation_form and ("form" in elicitation or not elicitation):
            modes["form"] = {}
        if grants.elicitation_hosts and "url" in elicitation:
            modes["url"] = {}
        if modes:
            result["elicitation"] = modes
    return result


def judge(method: str, params: Mapping[str, Any], server: ServerId, grants: Grants) -> Request | str:
    """The request as the client may see it, or why it may not. It always names its server, to people and to programs."""
    if len(repr(params)) > REQUEST_LIMIT:
        return "the request is too large"
    judged = _judged(method, params, server, grants)
    if isinstance(judged, str):
        return judged
    said = params.get("_meta")
    meta = {**(vendor_keys(said) if isinstance(said, Mapping) else {}), ORIGIN_META: server}
    return Request(judged.method, {**judged.params, "_meta": meta})


def _judged(method: str, params: Mapping[str, Any], server: ServerId, grants: Grants) -> Request | str:
    match method:
        case "sampling/createMessage" if grants.sampling:
            return _sampling(method, params, server, grants)
        case "elicitation/create":
            return _elicitation(method, dict(params), server, grants)
        case "roots/list" if grants.roots:
            return Request(method, {})
        case _:
            return "not granted"


def _sampling(method: str, params: Mapping[str, Any], server: ServerId, grants: Grants) -> Request | str:
    """A model call on the client's account: bounded, and without a look into other servers' context (A5)."""
    tokens = params.get("maxTokens")
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens > grants.sampling_tokens:
        return f"maxTokens must be at most {grants.sampling_tokens}"
    passed = {key: value for key, value in params.items() if key not in ("includeContext", "tools", "toolChoice")}
    system = passed.get("systemPrompt")
    passed["systemPrompt"] = ORIGIN.format(server=server) + (system if isinstance(system, str) else UNPROMPTED)
    return Request(method, passed)


def _elicitation(method: str, params: dict[str, Any], server: ServerId, grants: Grants) -> Request | str:
    """A question to the person at the client: named after its server; never for a secret; URLs to listed hosts only (A6)."""
    message = params.get("message")
    params["message"] = ORIGIN.format(server=server) + visible(message if isinstance(message, str) else "")[0]
    mode = params.get("mode", "form")
    if mode == "url":
        return (
            Request(method, params)
            if _allowed_url(params.get("url"), grants.elicitation_hosts)
            else "the address is not granted"
        )
    if mode != "form" or not grants.elicitation_form:
        return "not granted"
    schema = params.get("requestedSchema", {})
    properties = schema.get("properties", {}) if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        return "the form cannot be read"
    if any(_asks_for_secret(name, field) for name, field in properties.items()):
        return "a form may not ask for a secret"
    return Request(method, params)


def required_elicitations(data: Any, server: ServerId, grants: Grants) -> list[dict[str, Any]] | str:
    """Where a server that answers -32042 wants a person to go first (MCP 2025-11-25, client/elicitation), or why nobody may.

    The same grant as for asking during a call: all of it, or nothing.
    """
    found: Any = data.get("elicitations") if isinstance(data, Mapping) else None
    if not isinstance(found, list) or not 0 < len(found) <= MOST_ELICITATIONS or len(repr(found)) > REQUEST_LIMIT:
        return "what the server asks for cannot be read"
    passed: list[dict[str, Any]] = []
    for item in found:
        if not isinstance(item, Mapping) or item.get("mode") != "url" or not isinstance(item.get("elicitationId"), str):
            return "what the server asks for cannot be read"
        known = {key: item[key] for key in ("mode", "elicitationId", "url", "message") if key in item}
        judged = _elicitation("elicitation/create", known, server, grants)
        if isinstance(judged, str):
            return judged
        passed.append(dict(judged.params))
    return passed


def _allowed_url(url: Any, hosts: frozenset[str]) -> bool:
    if not isinstance(url, str) or not url.isascii() or not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.hostname in hosts and parts.username is None and parts.port in (None, 443)
    except ValueError:
        return False


_SECRET_WORDS = ("password", "passwd", "secret", "token", "api_key", "apikey", "credential", "private_key", "cvv", "pin")


def _asks_for_secret(name: str, field: Any) -> bool:
    texts = [name]
    if isinstance(field, Mapping):
        texts += [str(field.get(key, "")) for key in ("title", "description", "format")]
    words = {word.strip(".,:;!?()") for text in texts for word in text.casefold().replace("-", "_").split()}
    return not words.isdisjoint(_SECRET_WORDS) or "password" in name.casefold()
