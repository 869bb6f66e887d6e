"""Alerts of a real gateway at real receivers: caps on models, a run that ends, a restart, and a test that somebody asks for."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import pytest
from tests.adapters.mail_server import Letter, MailServer, mail_server
from tests.adapters.webhook_receiver import Post, Receiver, receiving
from tests.servers.certificates import Authority
from tests.servers.gateway_process import PATIENCE_S
from tests.servers.mail_tls import server_context
from tests.servers.metered_gateway import MODEL, Metered, metered, scripted

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
PASSWORD = "the-mail-password"
SIGNING = "the-signing-key"
GATE = "https://gate.example"


@dataclass(frozen=True)
class Outside:
    """Everybody who is told."""

    hook: Receiver
    slack: Receiver
    pager: Receiver
    mail: MailServer


@asynccontextmanager
async def watched(folder: Path, limits: dict[str, Any]) -> AsyncGenerator[tuple[Metered, Outside]]:
    async with AsyncExitStack() as stack:
        hook, slack, pager = [await stack.enter_async_context(receiving()) for _ in range(3)]
        authority = Authority(folder)
        context = server_context(authority)
        mail = await stack.enter_async_context(mail_server(tls=context, logins={"ringfence": PASSWORD}))
        for name, value in (("routing", ROUTING_KEY), ("password", PASSWORD), ("signing", SIGNING)):
            (folder / name).write_text(value)
            (folder / name).chmod(0o600)
        alerts = {
            "webhooks": [
                {"url": hook.url, "secret": {"from": "file:signing"}, "ends": True},
                {"url": slack.url, "format": "slack", "kinds": ["cap_near"]},
            ],
            "pagerduty": [{"key": {"from": "file:routing"}, "url": pager.url}],
            "email": [
                {
                    "server": f"127.0.0.1:{mail.port}",
                    "ca": str(authority.file),
                    "from": "ringfence@gate.example",
                    "to": ["ops@x.example"],
                    "user": "ringfence",
                    "password": {"from": "file:password"},
                }
            ],
        }
        gate = await stack.enter_async_context(metered(folder, limits, alerts=alerts, control={"public_url": GATE}))
        yield gate, Outside(hook, slack, pager, mail)


async def ask(gate: Metered, credential: str, most: int, out: int) -> None:
    async with gate.client(credential) as client:
        await client.messages.create(model=MODEL, max_tokens=most, messages=scripted(usage={"output_tokens": out}))


async def posts(receiver: Receiver, count: int) -> list[Post]:
    async with asyncio.timeout(PATIENCE_S):
        return await receiver.until(count)


async def letters(mail: MailServer, count: int) -> list[Letter]:
    async with asyncio.timeout(PATIENCE_S):
        return await mail.mailbox.until(count)


@pytest.mark.requirement("I9")
async def test_people_hear_everywhere_that_a_cap_is_near_and_that_it_is_over(tmp_path: Path) -> None:
    async with watched(tmp_path, {"tokens_out": "1000 per run"}) as (gate, outside):
        run, credential = await gate.people.open_run("coder")
        await ask(gate, credential, 500, 100)
        await ask(gate, credential, 800, 450)  # 550 spent; the like of the last would not fit
        meter = f"tokens_out:run/{run}:all"
        sentence = f"50 % of a cap: {meter} has used 550 of 1000, and what is left is less than the last request held (800)"
        (post,) = await posts(outside.hook, 1)
        assert (post.json["kind"], post.json["text"], post.json["link"]) == ("cap_near", sentence, f"{GATE}/runs/{run}")
        assert [act["command"] for act in post.json["acts"]] == [
            f"ringfence budget raise {run} --tokens-out +N --reason WHY",
            f"ringfence kill run {run}",
        ]
        seconds, _, digest = post.headers["ringfence-signature"].removeprefix("t=").partition(",v1=")
        wanted = hmac.new(SIGNING.encode(), f"{seconds}.".encode() + post.body, hashlib.sha256).hexdigest()
        assert digest == wanted
        (slack,) = await posts(outside.slack, 1)
        assert slack.json["text"] == f"{sentence}\n{GATE}/runs/{run}"
        (event,) = await posts(outside.pager, 1)
        assert (event.json["routing_key"], event.json["event_action"]) == (ROUTING_KEY, "trigger")
        (letter,) = await letters(outside.mail, 1)
        assert (letter.was_secure, letter.user, letter.to) == (True, "ringfence", ("ops@x.example",))
        assert letter.mail["Subject"] == f"[ringfence] cap_near: {sentence}"[:150]

        await gate.people.done("POST", f"/runs/{run}/close", {"reason": "enough"})
        assert [post.json["over"] for post in await posts(outside.hook, 2)] == [False, True]
        events = [post.json for post in await posts(outside.pager, 2)]
        assert [each["event_action"] for each in events] == ["trigger", "resolve"]
        assert len({each["dedup_key"] for each in events}) == 1
        said = gate.process.errors()
        assert len(outside.mail.mailbox.letters) == 1
    for secret in (ROUTING_KEY, PASSWORD, SIGNING):
        assert secret not in said


async def test_a_restart_repeats_no_step(tmp_path: Path) -> None:
    async with watched(tmp_path, {"tokens_out": "1000 per run"}) as (gate, outside):
        _, credential = await gate.people.open_run("coder")
        await ask(gate, credential, 510, 510)
        await posts(outside.hook, 1)
        await gate.process.kill()
        await gate.process.start()
        await ask(gate, credential, 10, 10)
        await ask(gate, credential, 300, 280)
        told = [post.json["text"].partition(" of a cap")[0] for post in await posts(outside.hook, 2)]
        assert told == ["50 %", "80 %"]
        with pytest.raises(anthropic.APIStatusError):
            await ask(gate, credential, 900, 1)
        assert (await posts(outside.hook, 3))[2].json["text"].startswith("a cap does not bear what agent coder asks of models")


async def test_a_test_reaches_everybody_once_and_leaves_no_incident_open(tmp_path: Path) -> None:
    async with watched(tmp_path, {"model_calls": "5 per run"}) as (gate, outside):
        outside.slack.answers = [404]
        answer = await gate.people.done("POST", "/alerts/test", {})
        assert [(each["receiver"], each["arrived"], each["answer"]) for each in answer["receivers"]] == [
            ("log", True, "written"),
            ("json webhook 127.0.0.1", True, "204"),
            ("slack webhook 127.0.0.1", False, "404"),
            ("pagerduty 127.0.0.1", True, "204"),
            (f"mail by 127.0.0.1:{outside.mail.port}", True, "taken"),
        ]
        events = [post.json for post in await posts(outside.pager, 2)]
        assert [each["event_action"] for each in events] == ["trigger", "resolve"]
        assert len({each["dedup_key"] for each in events}) == 1
        assert [letter.mail["Subject"] for letter in outside.mail.mailbox.letters] == [
            "[ringfence] test: a test: alerts of this gateway reach you here (asked for by operator:ada)"
        ]


async def test_a_reload_brings_other_receivers_and_a_mail_server_that_is_gone_delays_nobody(tmp_path: Path) -> None:
    async with watched(tmp_path, {"tokens_out": "1000 per run"}) as (gate, outside), receiving() as fresh:
        config = tmp_path / "ringfence.yaml"
        text = config.read_text("utf-8").replace(outside.hook.url, fresh.url)
        config.write_text(text.replace(f"127.0.0.1:{outside.mail.port}", "127.0.0.1:1"), "utf-8")
        await gate.people.done("POST", "/reload", {})
        _, credential = await gate.people.open_run("coder")
        await ask(gate, credential, 600, 600)
        (post,) = await posts(fresh, 1)
        assert post.json["kind"] == "cap_near"
        assert outside.hook.posts == []
