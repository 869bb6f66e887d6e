"""Wires where the log goes: witnesses, anchors, forwarders."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from ringfence.adapters.anchors.file import FileAnchor
from ringfence.adapters.anchors.git import GitAnchor, GitOptions
from ringfence.adapters.anchors.webhook import HeadWebhookOptions, WebhookAnchor
from ringfence.adapters.forwarders.http import HttpForwarder, HttpForwarding
from ringfence.adapters.forwarders.syslog import SyslogForwarder, SyslogForwarding, Transport, host_name
from ringfence.adapters.system.bookmarks import FolderBookmarks
from ringfence.adapters.system.clock import SystemClock
from ringfence.adapters.witnesses.http import HttpWitness
from ringfence.app.config.settings import AnchorSettings, ForwardSettings, LogSettings
from ringfence.engine.log.care import LogOutlets
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.ports.anchor import Anchor
from ringfence.ports.forwarder import Forwarder


def build_outlets(settings: LogSettings, state: Path, origin: str, secrets: SecretBook) -> LogOutlets:
    """What the settings ask for."""
    anchors = [_anchor(anchor, secrets) for anchor in settings.anchors]
    forwarders = [_forwarder(forward, origin, secrets) for forward in settings.forward]
    return LogOutlets(
        witnesses=[HttpWitness(witness.url, witness.key) for witness in settings.witnesses],
        quorum=settings.quorum,
        anchors=anchors,
        forwarders=forwarders,
        bookmarks=FolderBookmarks(state / "forwarding") if forwarders else None,
        keep_bodies_ms=settings.keep_bodies_s * 1000 if settings.keep_bodies_s is not None else None,
    )


def _anchor(settings: AnchorSettings, secrets: SecretBook) -> Anchor:
    if settings.file is not None:
        return FileAnchor(settings.file)
    if settings.git is not None:
        return GitAnchor(GitOptions(repository=settings.git, branch=settings.branch, remote=settings.remote), os.environ)
    secret = secrets.late(settings.secret) if settings.secret else None
    return WebhookAnchor(HeadWebhookOptions(url=settings.webhook, secret=secret), SystemClock())


def _forwarder(settings: ForwardSettings, origin: str, secrets: SecretBook) -> Forwarder:
    if settings.ocsf:
        headers = secrets.values(settings.headers)
        return HttpForwarder(HttpForwarding(url=settings.ocsf, origin=origin, headers=headers, bodies=settings.bodies))
    parts = urlsplit(settings.syslog)
    return SyslogForwarder(
        SyslogForwarding(
            transport=Transport(parts.scheme),
            host=parts.hostname or "",
            port=parts.port or 0,
            origin=origin,
            sender=host_name(),
            bodies=settings.bodies,
            ca_file=str(settings.ca) if settings.ca else None,
        )
    )
