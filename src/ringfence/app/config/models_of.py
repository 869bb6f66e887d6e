"""What `models:` asks for, and what its shape alone cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ringfence.app.config.connections import check_url, is_owned_header, secret_ref
from ringfence.app.config.names import Report
from ringfence.app.config.secret_values import looks_like_credential
from ringfence.app.config.settings import ModelConnection
from ringfence.core.metering.anthropic_prices import PRICES
from ringfence.core.metering.bound import DEFAULTS
from ringfence.core.metering.local_tools import UNKNOWN, LocalTool
from ringfence.core.metering.prices import Price, Rates
from ringfence.core.metering.rules import ModelRules, ModelUpstreamRule, SecretsAction
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.label import Label
from ringfence.core.model.profile import Sensitivity, Trust

Fields = Mapping[str, Any]
KEY_HEADER: Final = "x-api-key"
EVERY: Final = ("*",)


def check_models(values: Fields, report: Report, warn: Report) -> None:
    """Every fault of the upstreams, and agents whose models are nowhere."""
    models: Fields = values.get("models", {})
    for name, fields in models.get("upstreams", {}).items():
        place = ("models", "upstreams", name)
        if "url" in fields:
            check_url((*place, "url"), fields["url"], report, warn)
            if "?" in fields["url"]:
                report((*place, "url"), "the base URL has a query (`?...`)")
        headers = {header.lower() for header in fields.get("headers", {})}
        for header in fields.get("headers", {}):
            if is_owned_header(header) and header.lower() != "authorization":
                report((*place, "headers", header), f"`{header}` is set by the gateway and cannot be configured")
        if "credential" in fields and KEY_HEADER in headers:
            report((*place, "credential"), f"`{KEY_HEADER}` stands under `headers` already")
        for key, value in _written(fields).items():
            if isinstance(value, str) and (key == KEY_HEADER or looks_like_credential(key, value)):
                warn(place, f"the credential `{key}` is written into this file: use `{{from: ...}}`")
    if "models" not in values:
        for name, fields in values.get("agents", {}).items():
            if "models" in fields:
                report(("agents", name, "models"), "there are no `models` in this file")
            if "observe" in fields:
                report(("agents", name, "observe"), "there are no `models` in this file, so nothing is seen of its local tools")


def model_rules_of(values: Fields) -> ModelRules | None:
    """The rules, for the decision."""
    models: Fields | None = values.get("models")
    if models is None:
        return None
    prices = PRICES.with_models({name: _price(fields) for name, fields in models.get("prices", {}).items()})
    return ModelRules(
        upstreams=tuple(
            ModelUpstreamRule(
                name=name,
                models=tuple(fields.get("models", EVERY)),
                environment=fields.get("environment", ""),
                secrets=SecretsAction(fields.get("secrets", models.get("secrets", SecretsAction.MASK))),
            )
            for name, fields in models["upstreams"].items()
        ),
        prices=replace(prices, refuses_unknown=models.get("unknown") == "refuse"),
        allowances=replace(DEFAULTS, refuses_unbounded=models.get("unbounded") == "refuse"),
        allow_secrets=tuple(models.get("allow_secrets", ())),
        local_tools={
            None: _local_tools(models),
            **{AgentId(name): _local_tools(fields) for name, fields in values.get("agents", {}).items() if "observe" in fields},
        },
    )


def _local_tools(fields: Fields) -> tuple[LocalTool, ...]:
    return tuple(
        LocalTool(
            name,
            Label(Trust(said.get("trust", UNKNOWN.integrity)), Sensitivity(said.get("sensitivity", UNKNOWN.confidentiality))),
        )
        for name, said in fields.get("observe", {}).items()
    )


def agent_models_of(values: Fields, agent: Fields) -> tuple[str, ...]:
    """The models of one agent: all that there are, unless it names some."""
    return tuple(agent.get("models", EVERY)) if "models" in values else ()


def model_connections_of(values: Fields, folder: Path) -> dict[str, ModelConnection]:
    """Where the upstreams are, for the adapters."""
    upstreams: Fields = values.get("models", {}).get("upstreams", {})
    return {
        name: ModelConnection(
            name=name,
            url=fields["url"],
            headers={
                header: value if isinstance(value, str) else secret_ref(value, folder)
                for header, value in _written(fields).items()
            },
            silence_s=float(fields.get("silence", 300)),
        )
        for name, fields in upstreams.items()
    }


def _written(fields: Fields) -> dict[str, Any]:
    given = {header.lower(): value for header, value in fields.get("headers", {}).items()}
    return given | ({KEY_HEADER: fields["credential"]} if "credential" in fields else {})


def _price(fields: Fields) -> Price:
    plain = _rate(fields["input"])
    rates = Rates(
        plain=plain,
        write_5m=_rate(fields["cache_write_5m"]) if "cache_write_5m" in fields else -(-plain * 5 // 4),
        write_1h=_rate(fields["cache_write_1h"]) if "cache_write_1h" in fields else plain * 2,
        read=_rate(fields["cache_read"]) if "cache_read" in fields else plain,
        output=_rate(fields["output"]),
    )
    return Price(rates=rates, context=fields.get("context", 1_000_000), source="the operator's configuration")


def _rate(written: str) -> int:
    """Dollars for a million tokens, as micro-dollars for a million tokens."""
    return int(Decimal(written) * 1_000_000)
