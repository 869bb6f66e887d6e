"""What a tool's credential asks for, and what a shape alone cannot say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ringfence.app.config.aws_layout import AWS_VARIABLES
from ringfence.app.config.connections import is_owned_header, secret_ref
from ringfence.app.config.names import Report
from ringfence.app.config.roles_of import VARIABLES, account_of, check_account, check_role, check_variables, role_of
from ringfence.core.model.credential import MintedGrant, Minting, Place, ToolCredential
from ringfence.core.rules import Rules
from ringfence.ports.minter import MinterPlace

Fields = Mapping[str, Any]


def check_credentials(values: Fields, report: Report) -> None:
    """Every fault of the minters, and of the tools' credentials."""
    for name, minter in values.get("minters", {}).items():
        if ("postgres" in minter) == ("aws" in minter):
            report(("minters", name), "expected either `postgres` or `aws`" + (", found both" if "aws" in minter else ""))
        check_account(("minters", name, "aws"), minter.get("aws", {}), report)
    for section in ("tools", "derived"):
        for tool, fields in values.get(section, {}).items():
            if "credential" in fields:
                place = (section, tool, "credential")
                server = str(fields.get("from", tool) if section == "derived" else tool).partition(".")[0]
                _check(place, fields, values.get("servers", {}).get(server, {}), values.get("minters", {}), report)


def _check(place: tuple[str, ...], tool: Fields, server: Fields, minters: Fields, report: Report) -> None:
    credential: Fields = tool["credential"]
    places = [key for key in ("argument", "header", "env") if key in credential]
    if len(places) != 1:
        report(place, f"expected one of `argument`, `header` and `env`, found {' and '.join(places) or 'none'}")
    if ("from" in credential) == ("mint" in credential):
        report(place, "expected either `from` or `mint`" + (", found both" if "mint" in credential else ""))
    if "/" in str(place[1]):
        report(place, "only tools have credentials of their own")
    if "argument" in credential and credential["argument"][1:] in tool.get("fixed", {}):
        report((*place, "argument"), f"`{credential['argument']}` is in `fixed` too")
    for key, goes_with, own in (("header", "url", "headers"), ("env", "command", "env")):
        if key not in credential:
            continue
        if server and goes_with not in server:
            report((*place, key), f"`{key}` goes with a server that has `{goes_with}`")
        if key == "header" and is_owned_header(credential[key]):
            report((*place, key), f"`{credential[key]}` is set by the gateway and cannot be configured")
        if credential[key].lower() in {name.lower() for name in server.get(own, {})}:
            report((*place, key), f"the server's `{own}` has `{credential[key]}` too")
    check_variables(place, credential, server, report)
    if "mint" in credential:
        _check_mint((*place, "mint"), credential["mint"], server, minters, report)


def _check_mint(place: tuple[str, ...], mint: Fields, server: Fields, minters: Fields, report: Report) -> None:
    if "minter" in mint and mint["minter"] not in minters:
        report((*place, "minter"), f"no minter `{mint['minter']}` is configured")
    made_in = minters.get(mint.get("minter", ""), {})
    if ("grants" in mint) == ("role" in mint):
        report(place, "expected either `grants` or `role`" + (", found both" if "role" in mint else ""))
    for key, kind in (("grants", "postgres"), ("role", "aws")):
        if key in mint and made_in and kind not in made_in:
            report((*place, key), f"`{key}` goes with a minter that has `{kind}`")
    if "role" in mint:
        check_role(place, mint, report)
    else:
        for key in ("policy", "arguments"):
            if key in mint:
                report((*place, key), f"`{key}` goes with `role`")
        if mint.get("value", "dsn") not in ("dsn", "user", "password"):
            report((*place, "value"), f"no `{mint['value']}` comes with a role of a database")
    if mint.get("lifetime", 900 if "role" in mint else 600) <= server.get("deadline", 300):
        report(place, "the `lifetime` has to be longer than the server's `deadline`")
    for index, grant in enumerate(mint.get("grants", [])):
        # What could not be read is None, and has its own message.
        if grant is None or "on" not in grant or not all(grant.get("privileges", [None])) or not all(grant.get("columns", [])):
            continue
        if fault := _grant(grant).fault:
            report((*place, "grants", index), fault)


def credential_of(fields: Fields, minters: Fields, folder: Path, deadline_s: float) -> ToolCredential | None:
    """The credential of a checked tool, whose server has this deadline. `minters` as they are written."""
    credential: Fields | None = fields.get("credential")
    if credential is None:
        return None
    place = next(place for place in Place if place.value in credential)
    name = str(credential[place.value]).removeprefix("/") if place is Place.ARGUMENT else str(credential[place.value])
    if "from" in credential:
        ref = secret_ref(credential, folder)
        own = (str(credential.get("environment", "")),)
        return ToolCredential(place=place, name=name, reference=ref.source, folder=ref.folder, environments=own)
    mint: Fields = credential["mint"]
    labels = (str(minters[mint["minter"]].get("environment", "")),)
    if "environment" in credential:
        labels += (str(credential["environment"]),)
    if "role" in mint:
        minting = Minting(
            minter=mint["minter"],
            role=role_of(mint),
            lifetime_s=float(mint.get("lifetime", 900)),
            margin_s=deadline_s,
            value=mint.get("value", "json"),
            variables=VARIABLES if name == AWS_VARIABLES else (),
        )
        return ToolCredential(place=place, name=name, minting=minting, environments=labels)
    minting = Minting(
        minter=mint["minter"],
        grants=tuple(_grant(grant) for grant in mint["grants"]),
        lifetime_s=float(mint.get("lifetime", 600)),
        statement_s=float(mint.get("statement", 30)),
        value=mint.get("value", "dsn"),
    )
    return ToolCredential(place=place, name=name, minting=minting, environments=labels)


def minters_of(fields: Fields, folder: Path) -> Mapping[str, MinterPlace]:
    """What each minter is made of."""
    return {
        name: account_of(minter["aws"], folder) if "aws" in minter else secret_ref(minter["postgres"], folder)
        for name, minter in fields.items()
    }


def _grant(fields: Fields) -> MintedGrant:
    return MintedGrant(on=fields["on"], privileges=tuple(fields["privileges"]), columns=tuple(fields.get("columns", ())))


def with_credentials(rules: Rules, values: Fields, folder: Path) -> Rules:
    """The rules with the credentials of their tools."""
    fields: Fields = {**values.get("tools", {}), **values.get("derived", {})}
    minters: Fields = values.get("minters", {})
    tools = {
        name: replace(rule, credential=credential_of(fields[name], minters, folder, rules.servers[rule.server].deadline_s))
        for name, rule in rules.tools.items()
    }
    return replace(rules, tools=tools)
