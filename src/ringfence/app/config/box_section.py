"""What the `box` and `egress` of agents and servers ask for, and what a shape alone cannot say about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from os.path import normpath
from pathlib import Path
from typing import Any, Final, cast

from ringfence.app.config.connections import is_owned_header, secret_ref
from ringfence.app.config.names import Report
from ringfence.app.config.settings import ServerBox
from ringfence.core.box_profiles import PROFILES
from ringfence.core.egress.addresses import pinned
from ringfence.core.egress.opening import Refusal
from ringfence.core.model.box import BoxProfile
from ringfence.core.model.egress import EgressMode, EgressRule, EgressRules, PathRule, Unlisted
from ringfence.core.model.profile import Sensitivity
from ringfence.ports.secrets import SecretRef

Fields = Mapping[str, Any]
_LIMITS = ("memory_mib", "processes", "cpu_percent", "open_files", "file_mib", "workspace_mib", "tmp_mib")
AS_LONG_AS_USED_S: Final = 365 * 86400
"""Of a server's process."""


def check_boxes(values: Fields, report: Report) -> None:
    """Every fault of the boxes and the ways out of agents and servers."""
    for section in ("agents", "servers"):
        for name, fields in values.get(section, {}).items():
            _check_hosts((section, name, "egress", "hosts"), fields.get("egress", {}).get("hosts", []), report)
    for name, fields in values.get("servers", {}).items():
        _check_server(("servers", name), fields, report)


def _check_server(place: tuple[str | int, ...], server: Fields, report: Report) -> None:
    box: Fields = server.get("box", {})
    if "box" in server and "url" in server:
        report((*place, "box"), "`box` goes with `command`, not with `url`")
    if "egress" in server and "box" not in server:
        report((*place, "egress"), "`egress` goes with `box`: without one the command reaches what this machine reaches")
    elif "egress" in server and "profile" in box and not box.get("network", PROFILES[box["profile"]].network):
        report((*place, "egress"), f"profile `{box['profile']}` has no way out: say `network: true`, or take another profile")


def _check_hosts(above: tuple[str | int, ...], hosts: list[Fields | None], report: Report) -> None:
    seen: set[tuple[str, int]] = set()
    for index, host in enumerate(hosts):
        if host and "host" in host:
            place = (*above, index)
            _check(place, host, report)
            key = (host["host"], host.get("port", 443))
            if key in seen:
                report((*place, "host"), f"`{key[0]}:{key[1]}` has a rule already")
            seen.add(key)


def _check(place: tuple[str | int, ...], host: Fields, report: Report) -> None:
    terminates = host.get("mode") == EgressMode.TERMINATE
    if host["host"].rpartition(".")[2].isdigit():
        report((*place, "host"), "expected a name, found an address")
    if terminates and not host.get("paths"):
        report(place, "with `mode: terminate`, `paths` says what may be asked for")
    for key in ("paths", "credential", "header", "prefix"):
        if key in host and not terminates:
            report((*place, key), f"`{key}` needs `mode: terminate`")
    if "header" in host and host["header"].lower() != "authorization" and is_owned_header(host["header"]):
        report((*place, "header"), f"`{host['header']}` is set by the gateway and cannot be configured")
    if isinstance(refused := pinned(host.get("addresses", [])), Refusal):
        report((*place, "addresses"), refused.why)
    if host.get("tls") is False and not (terminates and (host.get("private") or host.get("addresses"))):
        report((*place, "tls"), "only with `mode: terminate`, and `private` or `addresses`, may a host do without TLS")


def box_of(fields: Fields | None) -> BoxProfile | None:
    """An agent's box."""
    if fields is None:
        return None
    base = PROFILES[fields["profile"]]
    own = {name: fields[name] for name in _LIMITS if name in fields}
    if "wall_clock" in fields:
        own["wall_clock_s"] = fields["wall_clock"]
    return replace(
        base,
        limits=replace(base.limits, **own),
        network=fields.get("network", base.network),
        shows=(*base.shows, *fields.get("shows", ())),
        environment={**base.environment, **fields.get("environment", {})},
        protect=tuple(fields.get("protect", ())),
    )


def server_box_of(name: str, values: Fields, file: Path) -> ServerBox | None:
    """The box of a server in a file. It lives as long as it is used, unless the operator says how long."""
    server: Fields = values["servers"][name]
    fields: Fields | None = server.get("box")
    folder = file.parent
    profile = box_of(fields)
    if fields is None or profile is None:
        return None
    if "wall_clock" not in fields:
        profile = replace(profile, limits=replace(profile.limits, wall_clock_s=AS_LONG_AS_USED_S))
    return ServerBox(
        profile=profile,
        writable=tuple(normpath(folder / path) for path in fields.get("writable", ())),
        way_out="egress" in server,
        shows_cwd="cwd" in server,
        hidden=(str(file), *sorted(set(_secret_files(values, folder)) - set(_secret_files(server, folder)))),
    )


def _secret_files(value: Any, folder: Path) -> Iterator[str]:
    """The files that references name."""
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            if key == "from" and isinstance(inner, str) and inner.startswith("file:"):
                yield normpath(folder / inner.removeprefix("file:"))
            yield from _secret_files(inner, folder)
    elif isinstance(value, list | tuple):
        for inner in cast("list[Any]", value):
            yield from _secret_files(inner, folder)


def egress_of(fields: Fields | None) -> EgressRules | None:
    """Whom an agent's boxes may reach."""
    if fields is None:
        return None
    hosts = tuple(_rule(host) for host in fields.get("hosts", []))
    return EgressRules(rules=hosts, unlisted=Unlisted(fields.get("unlisted", "deny")))


def _rule(host: Fields) -> EgressRule:
    mode = EgressMode(host.get("mode", "tunnel"))
    return EgressRule(
        host=host["host"],
        port=host.get("port", 443),
        mode=mode,
        paths=tuple(
            PathRule(methods=frozenset(path["methods"]), path=path["path"], websocket=path.get("websocket", False))
            for path in host.get("paths", [])
        ),
        header=host.get("header", "Authorization") if "credential" in host else "",
        credential=host["credential"]["from"] if "credential" in host else "",
        prefix=host.get("prefix", ""),
        up_mib=host.get("up_mib", 64),
        down_mib=host.get("down_mib", 4096),
        addresses=tuple(host.get("addresses", ())),
        private=host.get("private", False),
        tls=host.get("tls", True),
        environment=host.get("environment", ""),
        clearance=Sensitivity(host["clearance"]) if "clearance" in host else None,
    )


def egress_secrets_of(values: Fields, folder: Path) -> dict[str, SecretRef]:
    """The secrets of all egress rules, by where they are found."""
    of = [*values.get("agents", {}).values(), *values.get("servers", {}).values()]
    hosts = [host for fields in of for host in fields.get("egress", {}).get("hosts", [])]
    return {host["credential"]["from"]: secret_ref(host["credential"], folder) for host in hosts if "credential" in host}
