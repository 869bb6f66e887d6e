"""What `alerts:` asks for, and what a shape alone cannot say about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringfence.app.config.alert_settings import (
    PAGERDUTY,
    AlertSettings,
    MailSecurity,
    MailSettings,
    PagerDutySettings,
    Webhook,
    WebhookFormat,
)
from ringfence.app.config.connections import check_url, is_loopback, secret_ref
from ringfence.app.config.names import Report
from ringfence.ports.notifier import AlertKind

BURN_WITHIN_S = 1800


def check_alerts(fields: Mapping[str, Any], report: Report, warn: Report) -> None:
    """Every fault of the section."""
    for kind in ("webhooks", "pagerduty"):
        for index, receiver in enumerate(fields.get(kind, [])):
            if receiver and "url" in receiver:
                check_url(("alerts", kind, index, "url"), receiver["url"], report, warn)
    for index, mail in enumerate(fields.get("email", [])):
        if mail:
            _check_mail(("alerts", "email", index), mail, report, warn)


def alerts_of(fields: Mapping[str, Any], folder: Path) -> AlertSettings:
    """The settings of a checked section. A relative file counts from the configuration's folder."""
    return AlertSettings(
        webhooks=tuple(
            Webhook(
                url=hook["url"],
                format=WebhookFormat(hook.get("format", "json")),
                secret=secret_ref(hook["secret"], folder) if "secret" in hook else None,
                kinds=_kinds(hook),
                ends=hook.get("ends", False),
            )
            for hook in fields.get("webhooks", [])
        ),
        pagerduty=tuple(
            PagerDutySettings(key=secret_ref(each["key"], folder), url=each.get("url", PAGERDUTY), kinds=_kinds(each))
            for each in fields.get("pagerduty", [])
        ),
        email=tuple(_mail(mail, folder) for mail in fields.get("email", [])),
    )


def burn_of(fields: Mapping[str, Any]) -> int:
    """How soon a cap has to end for people to be told, in milliseconds; 0: they are not."""
    burn = fields.get("burn", True)
    if isinstance(burn, bool):
        return BURN_WITHIN_S * 1000 if burn else 0
    return burn.get("within", BURN_WITHIN_S) * 1000


def _mail(fields: Mapping[str, Any], folder: Path) -> MailSettings:
    host, port = _place(fields)
    return MailSettings(
        host=host,
        port=port,
        security=MailSecurity(fields.get("tls", "starttls")),
        ca=folder / fields["ca"] if "ca" in fields else None,
        sender=fields["from"],
        to=tuple(dict.fromkeys(fields["to"])),
        user=fields.get("user", ""),
        password=secret_ref(fields["password"], folder) if "password" in fields else None,
        kinds=_kinds(fields),
        ends=fields.get("ends", False),
    )


def _check_mail(place: tuple[str | int, ...], fields: Mapping[str, Any], report: Report, warn: Report) -> None:
    if ("user" in fields) != ("password" in fields):
        report(place, "`user` and `password` go together")
    if "server" not in fields:
        return
    host, port = _place(fields)
    if not 0 < port < 65_536:
        report((*place, "server"), f"there is no port {port}")
    if fields.get("tls") == "none":
        if "ca" in fields:
            report((*place, "ca"), "`ca` goes with TLS")
        if not is_loopback(host):
            if "password" in fields:
                report((*place, "tls"), "a password is not sent to another machine without TLS")
            warn((*place, "tls"), "mail without TLS to another machine: everything sent can be read and changed on the way")


def _place(fields: Mapping[str, Any]) -> tuple[str, int]:
    host, _, port = fields["server"].rpartition(":")
    return host.strip("[]"), int(port)


def _kinds(fields: Mapping[str, Any]) -> frozenset[AlertKind]:
    return frozenset(AlertKind(kind) for kind in fields["kinds"]) if "kinds" in fields else frozenset(AlertKind)
