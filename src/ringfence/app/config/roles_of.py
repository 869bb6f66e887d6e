"""Roles of AWS as they are configured, and what a shape alone cannot say about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ringfence.app.config.aws_layout import AWS_VARIABLES
from ringfence.app.config.connections import is_loopback, secret_ref
from ringfence.app.config.names import Report
from ringfence.core.model.assumed_role import LONGEST_S, SHORTEST_S, Allowed, AssumedRole, PolicyArgument
from ringfence.core.narrowing.session_policy import template_faults
from ringfence.ports.minter import AwsAccount

Fields = Mapping[str, Any]

VALUES: Final = ("access_key_id", "secret_access_key", "session_token")
VARIABLES: Final = tuple((f"AWS_{value.upper()}", value) for value in VALUES)


def check_account(place: tuple[str, ...], fields: Fields, report: Report) -> None:
    endpoint = fields.get("endpoint", "")
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        report((*place, "endpoint"), "not a URL")
        return
    if parts.scheme == "http" and not is_loopback(host):
        report((*place, "endpoint"), "STS on another machine needs https")


def check_role(place: tuple[str, ...], mint: Fields, report: Report) -> None:
    """Faults of a `mint` with a `role`."""
    if not SHORTEST_S <= mint.get("lifetime", SHORTEST_S) <= LONGEST_S:
        report((*place, "lifetime"), "STS gives a role for 15m to 1h")
    if mint.get("value", "json") not in ("json", *VALUES):
        report((*place, "value"), f"no `{mint['value']}` comes with a role")
    if "statement" in mint:
        report((*place, "statement"), "`statement` goes with `grants`")
    if "policy" not in mint:
        report(place, "missing key `policy`: without a session policy every call may do all that the role may")
        return
    # What could not be read has its own message.
    if all(argument is not None and "from" in argument for argument in mint.get("arguments", {}).values()):
        for fault in template_faults(role_of(mint)):
            report((*place, "policy"), fault)


def check_variables(place: tuple[str, ...], credential: Fields, server: Fields, report: Report) -> None:
    """Faults of `env: AWS_*`."""
    if credential.get("env") != AWS_VARIABLES:
        return
    mint = credential.get("mint", {})
    if "role" not in mint:
        report((*place, "env"), f"`{AWS_VARIABLES}` goes with a minted `role`")
    elif "value" in mint:
        report((*place, "mint", "value"), f"`{AWS_VARIABLES}` hands over all values")
    for name, _ in VARIABLES:
        if name in server.get("env", {}):
            report((*place, "env"), f"the server's `env` has `{name}` too")


def role_of(mint: Fields) -> AssumedRole:
    """The role of a checked `mint`."""
    return AssumedRole(
        arn=mint["role"],
        policy=json.dumps(mint["policy"], separators=(",", ":")),
        arguments=tuple(
            PolicyArgument(
                name=name, pointer=argument["from"], allowed=tuple(Allowed(kind) for kind in argument.get("allow", []) if kind)
            )
            for name, argument in mint.get("arguments", {}).items()
        ),
    )


def account_of(fields: Fields, folder: Path) -> AwsAccount:
    """A checked account."""
    region = fields["region"]
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return AwsAccount(
        region=region,
        endpoint=fields.get("endpoint", f"https://sts.{region}.{suffix}"),
        key_id=secret_ref(fields["access_key_id"], folder),
        secret=secret_ref(fields["secret_access_key"], folder),
        token=secret_ref(fields["session_token"], folder) if "session_token" in fields else None,
        source_identity=fields.get("source_identity", False),
        tags=fields.get("tags", False),
    )
