"""Alerts by e-mail against a real SMTP server: protected, each once, in digests, and nothing that a name can forge."""

from __future__ import annotations

import asyncio
import email
import email.policy
import logging
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.mail_server import Mailbox, MailServer, mail_server
from tests.servers.certificates import Authority
from tests.servers.mail_tls import server_context

from ringfence.adapters.notifiers.delivery import ATTEMPTS, MOST_WAITING
from ringfence.adapters.notifiers.mail import MOST_IN_A_DIGEST, MailOptions, Security, mail_notifier
from ringfence.adapters.notifiers.mail_text import MOST_SUBJECT, mail_of
from ringfence.errors import UnavailableError
from ringfence.ports.notifier import Act, Alert, AlertKind, Deed
from ringfence.ports.secrets import Secret
from ringfence.testing.contracts.notifier import alert
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.secrets import known

SENDER, TO = "ringfence@gate.example", ("ops@x.example", "night@x.example")


def to(server: MailServer, security: Security = Security.NONE) -> MailOptions:
    return MailOptions(host="127.0.0.1", port=server.port, security=security, sender=SENDER, to=TO, answer_s=10)


def serving(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server shows, and whom to believe about it."""
    authority = Authority(folder)
    return server_context(authority), authority.file


async def test_one_alert_is_one_message_with_its_sentence_its_link_and_what_can_be_done() -> None:
    acts = (
        Act(Deed.RAISE, "/runs/r_1", "ringfence budget raise r_1 --spend +N --reason WHY"),
        Act(Deed.KILL, "/runs/r_1", "ringfence kill run r_1"),
    )
    told = replace(alert(1, AlertKind.CAP_NEAR), acts=acts)
    async with mail_server() as server:
        notifier = mail_notifier(replace(to(server), public_url="https://gate.example"), FakeClock())
        notifier.notify(told)
        (letter,) = await server.mailbox.until(1)
        await notifier.close()
    assert (letter.sender, letter.to, letter.helo) == (SENDER, TO, "gate.example")
    assert letter.mail["Subject"] == "[ringfence] cap_near: it happened 1"
    assert letter.mail["To"] == ", ".join(TO)
    assert letter.mail["Auto-Submitted"] == "auto-generated"
    assert letter.text.splitlines()[:7] == [
        "cap_near: it happened 1",
        "  2027-01-15T08:00:00+00:00",
        "  https://gate.example/stops/1",
        "  to raise: ringfence budget raise r_1 --spend +N --reason WHY",
        "    https://gate.example/runs/r_1",
        "  to kill: ringfence kill run r_1",
        "    https://gate.example/runs/r_1",
    ]


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_mail_goes_over_tls_to_a_server_that_is_believed_with_a_login_from_a_secret(
    security: Security, tmp_path: Path
) -> None:
    context, ca = serving(tmp_path)
    async with mail_server(tls=context, at_once=security is Security.TLS, logins={"ringfence": "the password"}) as server:
        options = replace(to(server, security), ca=ca, user="ringfence", password=known("the password"))
        notifier = mail_notifier(options, FakeClock())
        notifier.notify(alert(1))
        (letter,) = await server.mailbox.until(1)
        await notifier.close()
    assert (letter.was_secure, letter.user) == (True, "ringfence")
    assert "the password" not in repr(options)


@pytest.mark.requirement("I9")
async def test_where_a_server_offers_no_starttls_nothing_is_sent_in_the_clear(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    async with mail_server(logins=None) as server:
        options = replace(to(server, Security.STARTTLS), user="ringfence", password=known("the password"))
        notifier = mail_notifier(options, clock)
        with caplog.at_level(logging.DEBUG):
            notifier.notify(alert(1))
            await clock.until_sleeping()
            await notifier.close()
    assert server.mailbox.tries == 0
    assert "does not take mail" in caplog.text
    assert "the password" not in caplog.text


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_a_server_that_nobody_vouches_for_gets_neither_mail_nor_login(security: Security, tmp_path: Path) -> None:
    context, _ = serving(tmp_path)
    async with mail_server(tls=context, at_once=security is Security.TLS, logins={"ringfence": "p"}) as server:
        notifier = mail_notifier(replace(to(server, security), user="ringfence", password=known("p")), FakeClock())
        (tried,) = await notifier.trial(alert(1, AlertKind.TEST))
        await notifier.close()
    assert not tried.arrived
    assert "does not take mail" in tried.answer
    assert server.mailbox.tries == 0


async def test_a_wrong_password_is_final_and_is_said_without_the_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context, ca = serving(tmp_path)
    async with mail_server(tls=context, logins={"ringfence": "right"}) as server:
        options = replace(to(server, Security.STARTTLS), ca=ca, user="ringfence", password=known("wrong-one"))
        notifier = mail_notifier(options, FakeClock())
        notifier.notify(alert(1))
        await notifier.close()
    assert "was refused by mail by 127.0.0.1" in caplog.text
    assert "535" in caplog.text
    assert "wrong-one" not in caplog.text
    assert not server.mailbox.letters


async def test_a_temporary_answer_is_tried_again_with_the_same_message_id() -> None:
    clock = FakeClock()
    async with mail_server() as server:
        server.mailbox.answers = ["451 later", "452 full"]
        notifier = mail_notifier(to(server), clock)
        notifier.notify(alert(1))
        for number, pause in enumerate((1000, 2000), start=1):
            await clock.until_sleeping()
            assert server.mailbox.tries == number
            clock.advance(pause)
        (letter,) = await server.mailbox.until(1)
        await notifier.close()
    assert server.mailbox.tries == 3
    again = mail_of([alert(1)], SENDER, TO, "")
    assert letter.mail["Message-ID"] == again["Message-ID"]
    assert again["Message-ID"] != mail_of([alert(2)], SENDER, TO, "")["Message-ID"]


async def test_a_final_answer_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async with mail_server() as server:
        server.mailbox.answers = ["554 never"]
        notifier = mail_notifier(to(server), FakeClock())
        notifier.notify(alert(1))
        await server.mailbox.until_tried(1)
        await notifier.close()
    assert (server.mailbox.tries, server.mailbox.letters) == (1, [])
    assert "a_1 was refused" in caplog.text


async def test_recipients_that_are_refused_do_not_keep_the_others_from_hearing(caplog: pytest.LogCaptureFixture) -> None:
    async with mail_server() as server:
        server.mailbox.refused = {TO[0]: "550 nobody here"}
        notifier = mail_notifier(to(server), FakeClock())
        notifier.notify(alert(1))
        (letter,) = await server.mailbox.until(1)
        await notifier.close()
    assert letter.to == (TO[1],)
    assert "1 of 2 recipients" in caplog.text


@pytest.mark.parametrize(("code", "again"), [("450 busy", True), ("550 nobody here", False)])
async def test_where_every_recipient_is_refused_the_code_says_whether_it_is_worth_trying_again(code: str, again: bool) -> None:
    clock = FakeClock()
    async with mail_server() as server:
        server.mailbox.refused = dict.fromkeys(TO, code)
        notifier = mail_notifier(to(server), clock)
        notifier.notify(alert(1))
        if again:
            await clock.until_sleeping()
            server.mailbox.refused = {}
        await notifier.close()
    assert len(server.mailbox.letters) == (1 if again else 0)


async def test_a_burst_is_two_messages_and_every_alert_is_in_one_of_them() -> None:
    clock = FakeClock()
    async with mail_server() as server:
        notifier = mail_notifier(to(server), clock)
        notifier.notify(alert(0))
        await server.mailbox.until(1)
        for number in range(1, 60):
            notifier.notify(alert(number, AlertKind.CAP_NEAR if number % 3 else AlertKind.KILL))
            notifier.notify(alert(number))
        await clock.until_sleeping()
        clock.advance(30_000)
        _, digest = await server.mailbox.until(2)
        await notifier.close()
    assert len(server.mailbox.letters) == 2
    assert digest.mail["Subject"] == "[ringfence] 59 alerts: 40 cap_near, 19 kill"
    assert [f"it happened {number}\n" in digest.text for number in range(60)] == [False] + [True] * 59


async def test_a_huge_burst_is_bounded_and_the_newest_wins(caplog: pytest.LogCaptureFixture) -> None:
    async with mail_server() as server:
        notifier = mail_notifier(to(server), FakeClock())
        for number in range(5 * MOST_WAITING):
            notifier.notify(alert(number))
        await notifier.close()
        letters = server.mailbox.letters
    assert len(letters) == MOST_WAITING // MOST_IN_A_DIGEST
    assert f"it happened {5 * MOST_WAITING - 1}\n" in letters[-1].text
    assert sum(letter.text.count("it happened") for letter in letters) == MOST_WAITING
    assert "too many alerts wait for mail by 127.0.0.1" in caplog.text


@asynccontextmanager
async def silent_server() -> AsyncGenerator[MailServer]:
    """Says a piece of a greeting, and no more."""
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220-wait\r\n220-")
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield MailServer(server.sockets[0].getsockname()[1], Mailbox())
    finally:
        ended.set()
        server.close()
        await server.wait_closed()


async def test_a_server_that_never_ends_its_greeting_is_given_up_and_nobody_waits_for_it() -> None:
    clock = FakeClock()
    async with silent_server() as server:
        notifier = mail_notifier(replace(to(server), answer_s=0.05), clock)
        notifier.notify(alert(1))
        for _ in range(ATTEMPTS - 1):
            await clock.until_sleeping()
            clock.advance(60_000)
        await notifier.close()


@pytest.mark.requirement("I9")
async def test_mail_waits_for_its_password() -> None:
    keys: list[str] = []

    async def key() -> Secret:
        if not keys:
            raise UnavailableError("the secret `env:KEY` is not set")
        return Secret(keys[0])

    clock = FakeClock()
    async with mail_server() as server:
        notifier = mail_notifier(replace(to(server), password=key), clock)
        notifier.notify(alert(1))
        await clock.until_sleeping()
        assert server.mailbox.tries == 0
        keys.append("p")
        clock.advance(1000)
        await server.mailbox.until(1)
        await notifier.close()


@given(st.text(max_size=400), st.text(max_size=60))
def test_whatever_a_name_holds_it_forges_no_header_and_no_line(text: str, path: str) -> None:
    told = Alert(id="a", kind=AlertKind.KILL, at=1_800_000_000_000, text=text, path=path, acts=(Act(Deed.KILL, path, text),))
    plain = mail_of([replace(told, text="x", path="/", acts=())], SENDER, TO, "")
    raw = mail_of([told, told], SENDER, TO, "").as_bytes()
    single = email.message_from_bytes(mail_of([told], SENDER, TO, "").as_bytes(), policy=email.policy.default)
    assert isinstance(single, EmailMessage)
    assert single.keys() == plain.keys()
    assert single["To"] == ", ".join(TO)
    assert len(single["Subject"]) <= MOST_SUBJECT
    assert len(single.get_content().replace("\r\n", "\n").split("\n")) == 8
    assert all(len(line) < 998 for line in raw.split(b"\r\n"))


def test_an_agents_name_with_line_ends_stays_on_one_line() -> None:
    told = replace(alert(1), text="agent x\r\nBcc: all@x.example\r\n\r\n<b>hi\u2028there\u202e")
    mail = email.message_from_bytes(mail_of([told], SENDER, TO, "").as_bytes(), policy=email.policy.default)
    assert mail["Bcc"] is None
    assert mail["Subject"].strip() == "[ringfence] kill: agent x  Bcc: all@x.example    <b>hi there"
