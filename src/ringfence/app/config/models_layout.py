"""The keys of `models:`."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.box_layout import ENVIRONMENT
from ringfence.app.config.secrets_layout import SECRET_VALUE
from ringfence.app.config.shapes import Choice, Decimal, Duration, Integer, Key, ListOf, MapOf, Record, Text
from ringfence.core.metering.rules import SecretsAction
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.core.scan.secret_rules import SECRET_RULES

_model = Text(
    "a model's name or a pattern such as `claude-*`",
    r"[A-Za-z0-9*?][A-Za-z0-9_.:@/*?\[\]-]{0,199}",
    200,
    examples=("claude-*", "claude-haiku-4-5"),
)
AGENT_MODELS: Final = ListOf(_model, most=200)
LOCAL_TOOLS: Final = MapOf(
    Record(
        {
            "trust": Key(
                Choice(tuple(Trust)),
                "Integrity of its results: `trusted` where nobody outside can write them.",
                default="untrusted",
            ),
            "sensitivity": Key(Choice(tuple(Sensitivity)), "Confidentiality of what it reads.", default="internal"),
        },
        "a mapping with `trust` and `sensitivity`",
    ),
    r"[^\s\x00-\x1f]{1,200}",
    "a tool's name as the client gives it to its model, or a pattern such as `mcp__notes__*`",
    most=500,
)
_SECRETS: Final = Choice(tuple(SecretsAction))
_TOKENS: Final = Integer(0, 1_000_000_000)

UPSTREAM: Final = Record(
    {
        "url": Key(
            Text("an http or https URL", r"https?://[^\s]+", 2000, examples=("https://api.anthropic.com",)),
            "The base URL of the model's API, as SDKs take it: without `/v1`.",
            required=True,
        ),
        "credential": Key(
            SECRET_VALUE, "The API key, sent as `x-api-key` in the place of whatever the client sent. Agents never hold it."
        ),
        "headers": Key(
            MapOf(SECRET_VALUE, r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", "a header name"),
            "Headers sent with every request, such as `authorization` where the API wants no `x-api-key`.",
        ),
        "models": Key(
            ListOf(_model, least=1, most=200),
            "The models that it serves. The first upstream that has one serves it.",
            default=["*"],
        ),
        "environment": ENVIRONMENT,
        "secrets": Key(_SECRETS, "What happens to credentials in requests to it. That of `models` where absent."),
        "silence": Key(
            Duration(1, 3600), "How long nothing may come from it, before an answer begins and within one.", default="300s"
        ),
    },
    "a mapping with `url`",
)

_PRICE: Final = Record(
    {
        "input": Key(Decimal(1_000_000), "Dollars for a million tokens of a prompt.", required=True),
        "output": Key(Decimal(1_000_000), "Dollars for a million tokens given out, thinking included.", required=True),
        "cache_write_5m": Key(Decimal(1_000_000), "Written to the cache for five minutes. 1.25 times `input` where absent."),
        "cache_write_1h": Key(Decimal(1_000_000), "Written to the cache for an hour. Twice `input` where absent."),
        "cache_read": Key(Decimal(1_000_000), "Read from the cache. As much as `input` where absent."),
        "context": Key(
            _TOKENS, "Tokens that it takes in at most; 0: not known, so nothing is bounded by it.", default=1_000_000
        ),
    },
    "a mapping with `input` and `output`",
)

MODELS: Final = Record(
    {
        "upstreams": Key(
            MapOf(UPSTREAM, r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}", "an upstream's name of letters, digits and `_.-`"),
            "The APIs of models, by name.",
            required=True,
        ),
        "prices": Key(
            MapOf(_PRICE, r"[A-Za-z0-9][A-Za-z0-9_.:@/\[\]-]{0,199}", "a model's name"),
            "What models cost, over the vendor's list that comes with this version.",
        ),
        "unknown": Key(
            Choice(("dearest", "refuse")),
            "A model without a price: counted as the dearest known one, or refused.",
            default="dearest",
        ),
        "unbounded": Key(
            Choice(("allow", "refuse")),
            "A request that only the model's context bounds (documents, files, server tools): reserved for in full or refused.",
            default="allow",
        ),
        "observe": Key(
            LOCAL_TOOLS,
            "What results of tools are worth that run beside the gateway, as requests tell of them. The first name that fits "
            "counts. Where none does: untrusted, internal.",
        ),
        "secrets": Key(
            _SECRETS,
            "What happens to a credential in a request before it leaves: it is masked, the request is refused, or it leaves "
            "and is recorded (`flag`) or not (`off`). What the gateway itself knows to be secret is always masked.",
            default=SecretsAction.MASK.value,
        ),
        "allow_secrets": Key(
            ListOf(Choice(tuple(dict.fromkeys(rule.id for rule in SECRET_RULES))), most=40),
            "Rules of the scan that count for nothing in requests: false hits, or what the model has to see.",
        ),
    },
    "a mapping with `upstreams`",
)
