"""What `log:` asks for, and what a shape alone cannot say about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ringfence.app.config.connections import check_url, secret_ref
from ringfence.app.config.names import Report
from ringfence.app.config.settings import AnchorSettings, ForwardSettings, LogSettings, WitnessSettings
from ringfence.core.audit.keys import parse_key
from ringfence.core.audit.note import COSIGNATURE
from ringfence.errors import RequestError


def check_log(fields: Mapping[str, Any], report: Report, warn: Report) -> None:
    """Every fault of the section."""
    witnesses = fields.get("witnesses", [])
    names: set[str] = set()
    for index, witness in enumerate(witnesses):
        place = ("log", "witnesses", index)
        if "url" in witness:
            check_url((*place, "url"), witness["url"], report, warn)
        if witness.get("key"):
            _check_key((*place, "key"), witness["key"], names, report)
    if fields.get("quorum", 0) > len(witnesses):
        report(("log", "quorum"), f"a quorum of {fields['quorum']} of {len(witnesses)} witnesses")
    anchors: set[str] = set()
    for index, anchor in enumerate(fields.get("anchors", [])):
        belongs = {"branch": "git", "remote": "git", "secret": "webhook"}
        _one_of(("log", "anchors", index), anchor, ("file", "git", "webhook"), belongs, report)
        if anchor.get("webhook"):
            check_url(("log", "anchors", index, "webhook"), anchor["webhook"], report, warn)
        branch = f" {anchor.get('branch', 'ringfence-log')}" if "git" in anchor else ""
        _check_once(("log", "anchors", index), f"{_where(anchor, 'file', 'git', 'webhook')}{branch}", anchors, report)
    receivers: set[str] = set()
    for index, forward in enumerate(fields.get("forward", [])):
        place = ("log", "forward", index)
        _one_of(place, forward, ("ocsf", "syslog"), {"headers": "ocsf", "ca": "syslog"}, report)
        if forward.get("ocsf"):
            check_url((*place, "ocsf"), forward["ocsf"], report, warn)
        if forward.get("syslog"):
            _check_syslog((*place, "syslog"), forward["syslog"], report, warn)
        _check_once(place, _where(forward, "ocsf", "syslog"), receivers, report)


def log_of(fields: Mapping[str, Any], folder: Path) -> LogSettings:
    """The settings of a checked section. Relative folders count from the file's."""
    witnesses = tuple(WitnessSettings(w["url"], parse_key(w["key"], COSIGNATURE)) for w in fields.get("witnesses", []))
    return LogSettings(
        witnesses=witnesses,
        quorum=fields.get("quorum", len(witnesses)),
        anchors=tuple(_anchor(anchor, folder) for anchor in fields.get("anchors", [])),
        forward=tuple(_forward(forward, folder) for forward in fields.get("forward", [])),
        keep_bodies_s=fields.get("retention", {}).get("bodies"),
    )


def _anchor(fields: Mapping[str, Any], folder: Path) -> AnchorSettings:
    return AnchorSettings(
        file=folder / fields["file"] if "file" in fields else None,
        git=folder / fields["git"] if "git" in fields else None,
        branch=fields.get("branch", "ringfence-log"),
        remote=fields.get("remote", ""),
        webhook=fields.get("webhook", ""),
        secret=secret_ref(fields["secret"], folder) if "secret" in fields else None,
    )


def _forward(fields: Mapping[str, Any], folder: Path) -> ForwardSettings:
    headers = fields.get("headers", {})
    return ForwardSettings(
        ocsf=fields.get("ocsf", ""),
        headers={name: value if isinstance(value, str) else secret_ref(value, folder) for name, value in headers.items()},
        syslog=fields.get("syslog", ""),
        ca=folder / fields["ca"] if "ca" in fields else None,
        bodies=fields.get("bodies", False),
    )


def _one_of(place: Any, fields: Mapping[str, Any], kinds: tuple[str, ...], belongs: Mapping[str, str], report: Report) -> None:
    given = [kind for kind in kinds if kind in fields]
    if len(given) != 1:
        report(place, f"expected one of {', '.join(f'`{kind}`' for kind in kinds)}, found {len(given)}")
        return
    for key, kind in belongs.items():
        if key in fields and kind not in given:
            report((*place, key), f"`{key}` goes with `{kind}`")


def _where(fields: Mapping[str, Any], *kinds: str) -> str:
    return " ".join(str(fields[kind]).rstrip("/") for kind in kinds if fields.get(kind))


def _check_once(place: Any, where: str, known: set[str], report: Report) -> None:
    """What is known of each is kept under its place, so of two at one place the first would get nothing."""
    if where in known:
        report(place, "is there already: each place is named once")
    elif where:
        known.add(where)


def _check_key(place: Any, text: str, names: set[str], report: Report) -> None:
    try:
        key = parse_key(text, COSIGNATURE)
    except RequestError as error:
        report(place, str(error))
        return
    if key.name in names:
        report(place, f"a second witness of the name `{key.name}`")
    names.add(key.name)


def _check_syslog(place: Any, url: str, report: Report, warn: Report) -> None:
    parts = urlsplit(url)
    try:
        port = parts.port or 0
    except ValueError:
        port = 0
    if not 0 < port < 65536:
        report(place, "a port from 1 to 65535 is needed")
    elif parts.scheme != "tls" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        warn(place, "syslog without TLS to another machine: everything sent can be read and changed on the way")
