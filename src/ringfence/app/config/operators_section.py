"""What `operators:` asks for, and what a shape alone cannot say about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ringfence.app.config.connections import check_issuer, is_loopback, secret_ref
from ringfence.app.config.names import Report
from ringfence.app.config.problems import nearest, shown
from ringfence.app.config.settings import OidcSettings
from ringfence.core.model.operator import Role
from ringfence.core.model.people import PeopleRules, RoleRule
from ringfence.core.rules import GROUP

CALLBACK = "/login/oidc/callback"
"""Below the control plane's public address."""
_LOGIN_S = 8 * 3600


def check_operators(values: Mapping[str, Any], groups: Sequence[str], report: Report, warn: Report) -> None:
    """Every fault of `operators`, and of approvers that are groups. `groups` are the names of all groups, as written."""
    for agent, fields in values.get("agents", {}).items():
        for index, approver in enumerate(fields.get("approvers", [])):
            if approver and approver.startswith(GROUP) and approver.removeprefix(GROUP) not in groups:
                name = approver.removeprefix(GROUP)
                report(("agents", agent, "approvers", index), f"no group `{shown(name)}`{nearest(name, groups)}")
    oidc = values.get("operators", {}).get("oidc")
    if oidc is None:
        return
    place = ("operators", "oidc")
    issuer = oidc.get("issuer")
    if issuer:
        check_issuer((*place, "issuer"), issuer, report, warn)
        for index, other in enumerate(values.get("identity", {}).get("issuers", [])):
            if not other or not oidc.get("client_id"):
                continue
            if _same(other.get("url", ""), issuer) and other.get("audience") == oidc["client_id"]:
                report(
                    ("identity", "issuers", index, "audience"),
                    "this is the client that people log in with: what stands for an agent never stands for a person, so "
                    "agents need an audience of their own",
                )
    for index, rule in enumerate(oidc.get("roles", [])):
        for at, group in enumerate((rule or {}).get("groups", [])):
            if group and group not in groups:
                report((*place, "roles", index, "groups", at), f"no group `{shown(group)}`{nearest(group, groups)}")
    _check_address(values.get("control", {}).get("public_url"), report)


def _check_address(url: str | None, report: Report) -> None:
    if url is None:
        report(("operators", "oidc"), "needs `control.public_url`: the issuer sends browsers back there")
        return
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.scheme == "http" and parts.hostname and not is_loopback(parts.hostname):
        report(("control", "public_url"), "people who log in by `operators.oidc` need https")
    if parts.path.strip("/") or parts.query or parts.fragment:
        report(("control", "public_url"), "with `operators.oidc` an address without path or query")


def _same(one: str, other: str) -> bool:
    return one.rstrip("/").lower() == other.rstrip("/").lower()


def oidc_of(values: Mapping[str, Any], folder: Path) -> OidcSettings | None:
    """The settings of a checked file."""
    oidc = values.get("operators", {}).get("oidc")
    if oidc is None:
        return None
    secret = oidc.get("client_secret")
    scopes = tuple(scope for scope in oidc.get("scopes", ["email"]) if scope != "openid")
    return OidcSettings(
        issuer=oidc["issuer"],
        client=oidc["client_id"],
        secret=secret_ref(secret, folder) if secret else None,
        scopes=("openid", *scopes),
        label=oidc.get("label") or urlsplit(oidc["issuer"]).netloc,
        redirect_uri=values["control"]["public_url"].rstrip("/") + CALLBACK,
    )


def people_of(values: Mapping[str, Any]) -> PeopleRules | None:
    """The rules of a checked file."""
    oidc = values.get("operators", {}).get("oidc")
    if oidc is None:
        return None
    return PeopleRules(
        issuer=oidc["issuer"],
        client=oidc["client_id"],
        roles=tuple(
            RoleRule(claim=rule["claim"], value=rule["value"], role=Role(rule["role"]), groups=tuple(rule.get("groups", [])))
            for rule in oidc["roles"]
        ),
        person=oidc.get("person", "sub"),
        login_s=int(oidc.get("login", _LOGIN_S)),
    )
