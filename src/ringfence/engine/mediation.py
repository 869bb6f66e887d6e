"""What a server asks of the agent's client goes through here: granted per server, bounded, and said to be the server's word.

Denied by default: a capability that the operator did not grant is not declared, and a request for it is declined.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ringfence.core.card import visible
from ringfence.core.model import Call
from ringfence.core.rules import Grants, ServerRule
from ringfence.ports.upstream import Asker, ClientAnswer, Declined, ServerRequest

SAMPLE = "sampling/createMessage"
ELICIT = "elicitation/create"
LIST_ROOTS = "roots/list"
REFUSED = -32601
"""What a client answers to a method that it does not have (JSON-RPC 2.0)."""
REQUEST_LIMIT = 65_536
"""Characters of one request, as Python shows it."""
ORIGIN = "[{server}] "


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


def mediated(ask: Asker, rule: ServerRule, call: Call) -> Asker:
    """The client's `ask`, behind the operator's grants, for one call."""
    left = rule.grants.requests_per_call

    async def ask_within_bounds(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        nonlocal left
        answers: dict[str, ClientAnswer] = {}
        passed: dict[str, ServerRequest] = {}
        for key, request in requests.items():
            judged = judge(request, rule)
            if isinstance(judged, Declined):
                answers[key] = judged
            elif left <= 0:
                answers[key] = Declined(REFUSED, f"{call.tool} has asked too often")
            else:
                left -= 1
                passed[key] = judged
        if passed:
            answers |= await ask(passed)
        return answers

    return ask_within_bounds


def judge(request: ServerRequest, rule: ServerRule) -> ServerRequest | Declined:
    """The request as the client may see it, or why it may not."""
    if len(repr(request.params)) > REQUEST_LIMIT:
        return Declined(REFUSED, "the request is too large")
    match request.method:
        case "sampling/createMessage" if rule.grants.sampling:
            return _sampling(request, rule)
        case "elicitation/create":
            return _elicitation(request, rule)
        case "roots/list" if rule.grants.roots:
            return ServerRequest(request.method, {})
        case _:
            return Declined(REFUSED, "not granted")


def _sampling(request: ServerRequest, rule: ServerRule) -> ServerRequest | Declined:
    """A model call on the client's account: bounded, and without a look into other servers' context (A5)."""
    tokens = request.params.get("maxTokens")
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens > rule.grants.sampling_tokens:
        return Declined(REFUSED, f"maxTokens must be at most {rule.grants.sampling_tokens}")
    params = {key: value for key, value in request.params.items() if key not in ("includeContext", "tools", "toolChoice")}
    system = params.get("systemPrompt")
    if isinstance(system, str):
        params["systemPrompt"] = ORIGIN.format(server=rule.id) + system
    return ServerRequest(request.method, params)


def _elicitation(request: ServerRequest, rule: ServerRule) -> ServerRequest | Declined:
    """A question to the person at the client: named after its server; never for a secret; URLs to listed hosts only (A6)."""
    params = dict(request.params)
    message = params.get("message")
    params["message"] = ORIGIN.format(server=rule.id) + visible(message if isinstance(message, str) else "")[0]
    if params.get("mode", "form") == "url":
        if not _allowed_url(params.get("url"), rule.grants.elicitation_hosts):
            return Declined(REFUSED, "the address is not granted")
        return ServerRequest(request.method, params)
    if not rule.grants.elicitation_form:
        return Declined(REFUSED, "not granted")
    schema = params.get("requestedSchema")
    properties = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
    if any(_asks_for_secret(name, field) for name, field in properties.items()):
        return Declined(REFUSED, "a form may not ask for a secret")
    return ServerRequest(request.method, params)


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
