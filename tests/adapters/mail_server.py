"""A real SMTP server that takes mail and answers as a test says."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Letter:
    """One message as it came."""

    sender: str
    to: tuple[str, ...]
    mail: EmailMessage
    was_secure: bool
    user: str
    helo: str

    @property
    def text(self) -> str:
        return self.mail.get_content().replace("\r\n", "\n")


@dataclass
class Mailbox:
    """What has come. Takes everything, unless `answers` still holds what is to be said to messages first."""

    letters: list[Letter] = field(default_factory=list[Letter])
    answers: list[str] = field(default_factory=list[str])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    """What is said to recipients."""
    tries: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.tries += 1
        if self.answers:
            self.changed.set()
            return self.answers.pop(0)
        content = envelope.original_content
        assert content is not None
        mail = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        user = session.auth_data.decode() if session.auth_data is not None else ""
        to = tuple(envelope.rcpt_tos)
        secure = server.transport is not None and server.transport.get_extra_info("ssl_object") is not None
        self.letters.append(Letter(envelope.mail_from or "", to, mail, secure, user, session.host_name or ""))
        self.changed.set()
        return "250 taken"

    async def until(self, count: int) -> list[Letter]:
        """The letters once there are so many."""
        while len(self.letters) < count:
            self.changed.clear()
            await self.changed.wait()
        return self.letters

    async def until_tried(self, count: int) -> None:
        while self.tries < count:
            self.changed.clear()
            await self.changed.wait()


@dataclass(frozen=True)
class MailServer:
    port: int
    mailbox: Mailbox


@asynccontextmanager
async def mail_server(
    *, tls: ssl.SSLContext | None = None, at_once: bool = False, logins: dict[str, str] | None = None
) -> AsyncGenerator[MailServer]:
    """On a free port of 127.0.0.1. With `tls` it offers STARTTLS, or speaks TLS `at_once`; with `logins` it wants one."""
    mailbox, loop = Mailbox(), asyncio.get_running_loop()

    def let_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object) -> AuthResult:
        assert logins is not None
        known = isinstance(given, LoginPassword) and logins.get(given.login.decode()) == given.password.decode()
        return AuthResult(success=known, handled=False, auth_data=given.login if isinstance(given, LoginPassword) else None)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            # Of TLS from the first byte the library knows nothing, so it warns that logins were in the clear.
            warnings.simplefilter("ignore")
            return speaking()

    def speaking() -> SMTP:
        return SMTP(
            mailbox,
            hostname="mail.test",
            ident="test",
            loop=loop,
            tls_context=None if at_once else tls,
            require_starttls=tls is not None and not at_once,
            auth_required=logins is not None,
            auth_require_tls=not at_once,
            authenticator=let_in if logins is not None else None,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls if at_once else None)
    try:
        yield MailServer(server.sockets[0].getsockname()[1], mailbox)
    finally:
        server.close()
        await server.wait_closed()
