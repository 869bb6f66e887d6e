"""Alerts as one e-mail message. Pure.

One alert is a message with its sentence for a subject; several are a digest. Whatever others chose the letters of (names,
tools) is put on one line without control characters before it comes near a header, so it can neither end one nor begin another.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from ringfence.adapters.notifiers.severity import Severity, severity_of
from ringfence.ports.notifier import Alert

MOST_SUBJECT: Final = 150
_URGENT: Final = frozenset({Severity.CRITICAL, Severity.ERROR})


def mail_of(alerts: Sequence[Alert], sender: str, to: Sequence[str], public_url: str) -> EmailMessage:
    """The message; the same alerts give the same one, with the same Message-ID."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Subject"] = _subject(alerts)
    mail["Date"] = format_datetime(_time(alerts[-1]))
    ids = "\n".join((*(alert.id for alert in alerts), sender, *to))
    mail["Message-ID"] = f"<{hashlib.sha256(ids.encode()).hexdigest()[:40]}@{domain_of(sender)}>"
    # RFC 3834: nothing answers by itself.
    mail["Auto-Submitted"] = "auto-generated"
    if any(severity_of(alert) in _URGENT for alert in alerts):
        mail["Importance"] = "high"
    parts = [_paragraph(alert, public_url) for alert in alerts]
    end = "Following a link changes nothing: what is to be done is done there, logged in."
    mail.set_content("\n\n".join((*parts, end)) + "\n", cte="quoted-printable")
    return mail


def domain_of(address: str) -> str:
    """What stands behind the `@`."""
    return address.rpartition("@")[2]


def _subject(alerts: Sequence[Alert]) -> str:
    if len(alerts) == 1:
        alert = alerts[0]
        return _line(f"[ringfence] {alert.kind.value}{' is over' if alert.is_over else ''}: {alert.text}")[:MOST_SUBJECT]
    kinds = Counter(alert.kind.value for alert in alerts).most_common()
    return _line(f"[ringfence] {len(alerts)} alerts: {', '.join(f'{count} {kind}' for kind, count in kinds)}")[:MOST_SUBJECT]


def _paragraph(alert: Alert, public_url: str) -> str:
    over = " is over" if alert.is_over else ""
    lines = [
        f"{alert.kind.value}{over}: {alert.text}",
        f"  {_time(alert).isoformat(timespec='seconds')}",
        f"  {public_url}{alert.path}",
    ]
    if not alert.is_over:
        for act in alert.acts:
            lines += [f"  to {act.deed.value}: {act.command}", f"    {public_url}{act.path}"]
    return "\n".join(_line(line) for line in lines)


def _time(alert: Alert) -> datetime:
    return datetime.fromtimestamp(alert.at / 1000, UTC)


def _line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
