"""Servers that are reached in the name of users, as they are configured, and what a shape alone cannot say about them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ringfence.app.config.connections import check_url, is_loopback, secret_ref
from ringfence.app.config.names import Report
from ringfence.app.config.settings import ExchangeSettings

Fields = Mapping[str, Any]


def check_exchanges(values: Fields, report: Report, warn: Report) -> None:
    """Every fault of the servers' exchanges."""
    issuers = values.get("identity", {}).get("issuers", [])
    for name, server in values.get("servers", {}).items():
        if "exchange" in server:
            _check(("servers", name, "exchange"), server, report, warn)
            if not issuers:
                warn(
                    ("servers", name, "exchange"),
                    "no issuer is configured (`identity: issuers:`), so no call brings a user's token",
                )
    for section in ("tools", "derived"):
        for tool, fields in values.get(section, {}).items():
            server = str(fields.get("from", tool) if section == "derived" else tool).partition(".")[0]
            header = str(fields.get("credential", {}).get("header", ""))
            if header.lower() == "authorization" and "exchange" in values.get("servers", {}).get(server, {}):
                place = (section, tool, "credential", "header")
                report(place, "the server's `exchange` sets `Authorization` for every call")


def _check(place: tuple[str, ...], server: Fields, report: Report, warn: Report) -> None:
    exchange: Fields = server["exchange"]
    if "url" not in server and "command" in server:
        report(place, "`exchange` goes with `url`, not with `command`")
    if "audience" not in exchange and "resource" not in exchange:
        report(place, "missing key `audience` or `resource`: a token for anybody is for nobody")
    if server.get("share", "run") != "run":
        report(place, "the server's `share` has to be `run`: what is opened for one user is no other's")
    if "actor_type" in exchange and "actor" not in exchange:
        report((*place, "actor_type"), "`actor_type` goes with `actor`")
    if "token_url" in exchange:
        check_url((*place, "token_url"), exchange["token_url"], report, warn)
        if _is_open(exchange["token_url"]):
            report((*place, "token_url"), "a token endpoint on another machine needs https")


def _is_open(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and not is_loopback(parts.hostname or "")
    except ValueError:
        return False


def exchange_of(fields: Fields, folder: Path) -> ExchangeSettings | None:
    """The exchange of a checked server."""
    exchange: Fields | None = fields.get("exchange")
    if exchange is None:
        return None
    return ExchangeSettings(
        token_url=exchange["token_url"],
        client_id=exchange["client_id"],
        client_secret=secret_ref(exchange["client_secret"], folder),
        client_auth=exchange.get("client_auth", "basic"),
        audience=exchange.get("audience", ""),
        resource=exchange.get("resource", ""),
        scope=exchange.get("scope", ""),
        subject_type=exchange.get("subject_type", "access_token"),
        actor=secret_ref(exchange["actor"], folder) if "actor" in exchange else None,
        actor_type=exchange.get("actor_type", "access_token"),
    )
