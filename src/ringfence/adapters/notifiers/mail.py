"""Alerts by e-mail over SMTP (RFC 5321): on TLS from the first byte, or after STARTTLS (RFC 3207), which is then insisted on.

The first alert is sent at once. What comes within half a minute after a message waits and goes out as one digest, so a burst of
hundreds is two messages. A 4xx answer and silence are tried again, a 5xx is final, as it is for any other mail.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path

import aiosmtplib

from ringfence.adapters.notifiers.delivery import Delivery, Result, Sent
from ringfence.adapters.notifiers.mail_text import domain_of, mail_of
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.notifier import Alert
from ringfence.ports.secrets import LateSecret

logger = logging.getLogger(__name__)

MOST_IN_A_DIGEST = 100
GAP_S = 30.0
ANSWER_S = 30.0
"""For one message as a whole, connecting included: a server that speaks slowly holds nothing up for longer."""


class Security(StrEnum):
    """How the connection is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOptions:
    """One mail server and the people that it reaches."""

    host: str
    port: int
    security: Security = Security.STARTTLS
    ca: Path | None = None
    """PEM file of authorities that count instead of the system's."""
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: LateSecret | None = field(default=None, repr=False)
    public_url: str = ""
    answer_s: float = ANSWER_S


class Mail:
    """Implements `Outlet`: one message for all that waits."""

    most = MOST_IN_A_DIGEST
    gap_s = GAP_S

    def __init__(self, options: MailOptions) -> None:
        self._options = options

    @property
    def name(self) -> str:
        return f"mail by {self._options.host}:{self._options.port}"

    async def send(self, alerts: Sequence[Alert]) -> Sent:
        mail = mail_of(alerts, self._options.sender, self._options.to, self._options.public_url)
        try:
            async with asyncio.timeout(self._options.answer_s):
                return await self._hand_over(mail)
        except UnavailableError as error:
            return Sent(Result.AGAIN, str(error))
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            return Sent(Result.AGAIN if all(map(_passes, codes)) else Result.FINAL, f"{codes[0]} for every recipient")
        except aiosmtplib.SMTPResponseException as error:
            return Sent(Result.AGAIN if _passes(error.code) else Result.FINAL, f"{error.code} {_words(error.message)}")
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            # Also where TLS was asked for and is not offered: somebody may be in between, so it waits and is never sent bare.
            return Sent(Result.AGAIN, f"{self._options.host} does not take mail: {type(error).__name__} {_words(str(error))}")

    async def close(self) -> None:
        """Nothing stays open between two messages."""

    async def _hand_over(self, mail: EmailMessage) -> Sent:
        options = self._options
        password = (await options.password()).reveal() if options.password is not None else None
        refused: Mapping[str, aiosmtplib.SMTPResponse]
        refused, answer = await aiosmtplib.send(
            mail,
            sender=options.sender,
            recipients=list(options.to),
            hostname=options.host,
            port=options.port,
            # Not this machine's own name, which is looked up by blocking and says more than a mail server needs.
            local_hostname=domain_of(options.sender),
            username=options.user or None,
            password=password,
            use_tls=options.security is Security.TLS,
            start_tls=options.security is Security.STARTTLS,
            tls_context=await asyncio.to_thread(_context, options),
            timeout=options.answer_s,
        )
        if refused:
            logger.error("%s does not take mail for %d of %d recipients", self.name, len(refused), len(options.to))
            return Sent(Result.DELIVERED, f"taken, but not for {len(refused)} of {len(options.to)} recipients")
        return Sent(Result.DELIVERED, _words(answer))


def mail_notifier(options: MailOptions, clock: Clock) -> Delivery:
    """A notifier that writes to some people."""
    return Delivery(Mail(options), clock)


def _context(options: MailOptions) -> ssl.SSLContext | None:
    """Read anew for each message, in a thread: authorities are files, and they change."""
    if options.security is Security.NONE:
        return None
    context = ssl.create_default_context(cafile=options.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _passes(code: int) -> bool:
    """Whether an answer is temporary: RFC 5321, section 4.2.1."""
    return 400 <= code < 500


def _words(said: str) -> str:
    """What a server said, on one line and not too long."""
    return "".join(character if character.isprintable() else " " for character in said)[:200].strip()
