"""Receivers over a reload: what waits for one that stays is not lost, and one that is gone is told nothing more."""

from __future__ import annotations

from pathlib import Path

from tests.adapters.webhook_receiver import receiving

from ringfence.app.config.load import parse_config
from ringfence.app.config.settings import Loaded
from ringfence.app.wiring.notifiers import Receivers
from ringfence.app.wiring.secrets import build_secrets
from ringfence.ports.notifier import AlertKind
from ringfence.testing.contracts.notifier import alert


def loaded(*hooks: str) -> Loaded:
    text = f"version: 1\nalerts: {{webhooks: [{', '.join(hooks)}]}}\n"
    return parse_config(text.encode(), Path("/etc/rf/ringfence.yaml"))


async def test_a_receiver_that_stays_keeps_what_waits_for_it_and_gets_nothing_twice() -> None:
    async with receiving() as stays, receiving() as gone:
        before = loaded(f"{{url: '{stays.url}', kinds: [kill]}}", f"{{url: '{gone.url}'}}")
        receivers = Receivers(before, build_secrets(before.secrets))
        stays.answers = [503]
        receivers.notifier.notify(alert(1, AlertKind.KILL))
        await stays.until(1)
        await gone.until(1)
        receivers.replace(loaded(f"{{url: '{stays.url}', kinds: [kill, drift]}}"))
        receivers.notifier.notify(alert(1, AlertKind.KILL))
        receivers.notifier.notify(alert(2, AlertKind.DRIFT))
        await receivers.notifier.close()
    assert [post.json["id"] for post in stays.posts] == ["a_1", "a_1", "a_2"]
    assert [post.json["id"] for post in gone.posts] == ["a_1"]


async def test_one_receiver_named_twice_is_told_once() -> None:
    async with receiving() as receiver:
        twice = loaded(f"{{url: '{receiver.url}', kinds: [kill]}}", f"{{url: '{receiver.url}'}}")
        receivers = Receivers(twice, build_secrets(twice.secrets))
        receivers.notifier.notify(alert(1, AlertKind.KILL))
        await receivers.notifier.close()
    assert len(receiver.posts) == 1
