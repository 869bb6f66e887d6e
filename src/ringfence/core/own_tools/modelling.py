"""`model.messages`: how a run asks a model.

A request to a model is a call like every other: framed, decided, charged and recorded by the same path. Only the messages
proxy frames one; no agent is shown this tool, and none can call it over MCP. Its arguments are facts about the request, written
by the gateway. The request itself stands beside the call and is never recorded: prompts are the model's business alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from ringfence.core.ledger.model_caps import Room
from ringfence.core.metering.bound import Bound, Unbounded, bound_of, most_output
from ringfence.core.metering.estimate import Learnt, likely
from ringfence.core.metering.prices import cost
from ringfence.core.metering.request import ModelRequest
from ringfence.core.metering.rules import ModelRules, SecretsAction
from ringfence.core.metering.tokens import Usage
from ringfence.core.model.condition import Condition, Operation
from ringfence.core.model.identifiers import ToolId
from ringfence.core.model.model_use import MODEL, MOST_COUNTED, NOTHING_USED, ModelUse
from ringfence.core.model.profile import OWN_PROFILE, ConditionalProfile, Sensitivity, Trust
from ringfence.core.observing.secrets import MOST_TOLD, Handled
from ringfence.core.rules import ServerRule, ToolRule

MESSAGES: Final = ToolId("model.messages")
ANY_OTHER: Final = "(of the vendor's choice)"
"""Stands for a model that the request leaves to the vendor. No pattern has it but `*`."""
MOST_NAMED: Final = 20
"""Models that one request may name besides the first."""


class Act(StrEnum):
    """What is asked of a model API."""

    MESSAGES = "messages"
    COUNT = "count_tokens"
    """Nothing is generated, and nothing billed."""
    MODELS = "models"
    """Which ones there are."""
    BATCHES = "batches"
    """Requests that are answered later, when nobody is there to meter them: refused."""


class Fault(StrEnum):
    """Why a request cannot be charged, or sent."""

    NONE = ""
    PRICE = "price"
    BOUND = "bound"
    SECRET = "secret"
    """It holds what may not leave."""


_TEXT: Final = {"type": "string", "maxLength": 200}
_COUNT: Final = {"type": "integer", "minimum": 0}
_DIGEST: Final = {"type": "string", "pattern": "^(?:[0-9a-f]{64})?$"}

DEFINITION: Final[Mapping[str, Any]] = {
    "name": "messages",
    "title": "Ask a model",
    "description": "Sends one request to a model API.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "upstream": {**_TEXT, "description": "Which of the operator's upstreams serves it; empty: none does."},
            "environment": _TEXT,
            "act": {"type": "string", "enum": [act.value for act in Act]},
            "model": _TEXT,
            "others": {
                "type": "array",
                "maxItems": MOST_NAMED,
                "items": _TEXT,
                "description": "Who may answer besides.",
            },
            "max_tokens": _COUNT,
            "stream": {"type": "boolean"},
            "body": {**_DIGEST, "description": "SHA-256 of the request."},
            "bytes": _COUNT,
            "messages": _COUNT,
            "given": {**_DIGEST, "description": "Of what it newly gives the model, and of whom it speaks to."},
            "images": _COUNT,
            "documents": _COUNT,
            "server_tools": {**_COUNT, "description": "Tools that the vendor runs while it answers."},
            "system": {**_DIGEST, "description": "Of the system prompt; empty: there is none."},
            "tools": {**_DIGEST, "description": "Of the list of tools."},
            "most": {
                "type": "object",
                "properties": {"micro": _COUNT, "tokens_in": _COUNT, "tokens_out": _COUNT},
                "additionalProperties": False,
                "description": "The most that it can use.",
            },
            "secrets": {
                "type": "object",
                "properties": {
                    "action": {"type": "string", "enum": ["mask", "refuse", "flag"]},
                    "found": {
                        "type": "array",
                        "maxItems": MOST_TOLD * 2,
                        "items": {
                            "type": "object",
                            "properties": {"rule": _TEXT, "at": {"type": "string", "maxLength": 1000}, "count": _COUNT},
                            "additionalProperties": False,
                        },
                    },
                    "came": {**_DIGEST, "description": "SHA-256 of the request before it was masked."},
                    "why": _TEXT,
                },
                "additionalProperties": False,
                "description": "Secrets that stood in it, and what became of them. Absent: there were none.",
            },
            "fault": {"type": "string", "enum": [fault.value for fault in Fault]},
            "why": {"type": "string", "maxLength": 300},
            "said": {
                "type": "object",
                "additionalProperties": _TEXT,
                "maxProperties": 8,
                "description": "What the client says of itself. Not believed.",
            },
        },
        "required": ["upstream", "act", "model", "others", "max_tokens", "body", "server_tools", "fault"],
        "additionalProperties": False,
    },
}

# What it costs is what meters are for: no person is asked about every request.
_PROFILE: Final = replace(
    OWN_PROFILE,
    outbound=True,
    # An answer is made of what the run gave: it tells nothing that the run's label does not know of already.
    sensitivity=Sensitivity.PUBLIC,
    # The operator has named the upstream, and everything that a run reads goes there: that is what a model is.
    clearance=Sensitivity.REGULATED,
    objects=("/model",),
    worst="What the run knows is sent to this model, and it costs money up to the caps.",
)
_SEARCHING: Final = ConditionalProfile(
    (Condition("/server_tools", Operation.GT, 0),),
    # Searches and fetches that the vendor runs bring in what anybody may have written.
    replace(_PROFILE, trust=Trust.UNTRUSTED),
    "server_tools > 0",
)

RULE: Final = ToolRule(id=MESSAGES, server=MODEL, upstream_name="messages", profile=_PROFILE, conditional=(_SEARCHING,))
LONGEST_S: Final = 3600.0
"""One answer, from the first byte to the last."""
SERVER: Final = ServerRule(id=MODEL, deadline_s=LONGEST_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as its decision sees it."""

    arguments: Mapping[str, Any]
    most: ModelUse
    upstream: str
    """Empty: none serves it."""
    bound: Bound | None = None
    """None: nothing is generated, or nothing bounds it."""
    likely: ModelUse | None = None
    """What it will probably use; None: nobody knows. No argument: the same request is the same call, whatever was learnt."""


def models_of(request: ModelRequest) -> tuple[str, ...]:
    """Every model that may answer, the one that was asked first."""
    others = [each.model for each in request.fallbacks] + [each.model for each in request.server_tools if each.model]
    if request.fallbacks_unknown or any(each.kind == "advisor" and not each.model for each in request.server_tools):
        others.append(ANY_OTHER)
    return (request.model, *dict.fromkeys(others))


def asked(
    rules: ModelRules,
    act: Act,
    request: ModelRequest | None,
    body: str,
    size: int,
    said: Mapping[str, str],
    secrets: Handled | None = None,
    learnt: Learnt | None = None,
) -> Asked:
    """A request with the most that it can use. `body`: SHA-256; `request`: None where it names no model."""
    names = models_of(request) if request is not None else ()
    upstream = rules.upstream_of(names)
    fault, why, bound, most = Fault.NONE, "", None, NOTHING_USED
    if request is not None and act is Act.MESSAGES:
        found = bound_of(request, rules.prices, rules.allowances)
        if isinstance(found, Unbounded):
            has_prices = all(rules.prices.of(name) is not None for name in names)
            fault, why = (Fault.BOUND if has_prices else Fault.PRICE), found.why
        elif max(found.micro, found.tokens) > MOST_COUNTED:
            fault, why = Fault.BOUND, "it could use more than can be counted"
        else:
            bound, most = found, ModelUse(micro=found.micro, tokens_in=found.prompt, tokens_out=found.output)
    if act is Act.BATCHES:
        fault, why = Fault.BOUND, "a batch is answered later, so nothing here meters it"
    if secrets is not None and secrets.action == SecretsAction.REFUSE:
        fault, why = Fault.SECRET, secrets.in_words
    if len(names) > MOST_NAMED:
        fault, why = Fault.BOUND, f"it names more than {MOST_NAMED} models"
    arguments: dict[str, Any] = {
        "upstream": upstream.name if upstream is not None else "",
        "environment": upstream.environment if upstream is not None else "",
        "act": act.value,
        "model": request.model if request is not None else "",
        "others": list(names[1:MOST_NAMED]),
        "max_tokens": request.max_tokens if request is not None else 0,
        "stream": request is not None and request.stream,
        "body": body,
        "bytes": size,
        "messages": request.messages if request is not None else 0,
        "given": request.given if request is not None else "",
        "images": request.images if request is not None else 0,
        "documents": request.documents + request.remote if request is not None else 0,
        "server_tools": len(request.server_tools) + len(request.mcp_servers) if request is not None else 0,
        "system": (request.system or "") if request is not None else "",
        "tools": (request.tools or "") if request is not None else "",
        "most": {"micro": most.micro, "tokens_in": most.tokens_in, "tokens_out": most.tokens_out},
        "fault": fault.value,
        "why": why[:300],
        "said": {name: text[:200] for name, text in said.items()},
        **({"secrets": secrets.view()} if secrets is not None else {}),
    }
    expected = likely(learnt, request, bound, rules.prices) if request is not None and bound is not None else None
    return Asked(arguments=arguments, most=most, upstream=arguments["upstream"], bound=bound, likely=expected)


def shortened(rules: ModelRules, request: ModelRequest, room: Room) -> ModelRequest | None:
    """The request with the largest `max_tokens` that fits into what the caps leave; None: not even one token does.

    Only requests of a single turn by a single model are made smaller.
    """
    most, bound = request.max_tokens, bound_of(request, rules.prices, rules.allowances)
    if isinstance(bound, Unbounded) or len(bound.samplings) != 1 or bound.tools or request.server_tools or request.mcp_servers:
        return None
    if room.tokens_in is not None and bound.prompt > room.tokens_in:
        return None
    if room.micro is not None:
        paid = most_output(request, rules.prices, room.micro, rules.allowances)
        if paid is None:
            return None
        most = min(most, paid)
    if room.tokens_out is not None:
        most = min(most, room.tokens_out)
    if room.tokens is not None:
        most = min(most, room.tokens - bound.prompt)
    least = request.thinking + 1 if request.thinking else 1
    return replace(request, max_tokens=most) if most >= least else None


def used_of(usage: Usage, rules: ModelRules, most: ModelUse) -> ModelUse:
    """What an answer is charged. Where a model that answered has no price, what was held."""
    tokens, micro = usage.all_tokens, cost(usage, rules.prices)
    return ModelUse(
        micro=min(most.micro if micro is None else micro, MOST_COUNTED),
        tokens_in=min(tokens.prompt, MOST_COUNTED // 2),
        tokens_out=min(tokens.output, MOST_COUNTED // 2),
    )
