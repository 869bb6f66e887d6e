"""Webhooks against a real HTTP server: signed, retried, each once, and with a link instead of arguments."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import socket
from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.adapters.webhook_receiver import receiving

from ringfence.adapters.notifiers.delivery import ATTEMPTS, MOST_WAITING, Delivery, Result, Sent
from ringfence.adapters.notifiers.message import Format, message
from ringfence.adapters.notifiers.several import SeveralNotifiers, Told
from ringfence.adapters.notifiers.webhook import WebhookOptions, webhook_notifier
from ringfence.adapters.wire.webhook_signature import signature
from ringfence.engine.outcome import Waiting
from ringfence.errors import UnavailableError
from ringfence.ports.notifier import Act, Alert, AlertKind, Deed
from ringfence.ports.secrets import Secret
from ringfence.testing.contracts.notifier import alert
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.notifier import FakeNotifier
from ringfence.testing.fakes.secrets import known
from ringfence.testing.world import World


async def test_a_webhook_is_signed_over_its_time_and_its_exact_bytes() -> None:
    clock = FakeClock()
    async with receiving() as receiver:
        notifier = webhook_notifier(WebhookOptions(url=receiver.url, secret=known("shared secret")), clock)
        notifier.notify(alert(1))
        (post,) = await receiver.until(1)
        await notifier.close()
    stamp, _, digest = post.headers["ringfence-signature"].partition(",")
    seconds = stamp.removeprefix("t=")
    assert int(seconds) == clock.now() // 1000
    wanted = hmac.new(b"shared secret", seconds.encode() + b"." + post.body, hashlib.sha256).hexdigest()
    assert digest == f"v1={wanted}"
    assert post.headers["ringfence-id"] == "a_1"


def test_a_signature_changes_with_time_body_and_secret() -> None:
    signatures = {signature(b"s", 1, b"b"), signature(b"s", 2, b"b"), signature(b"s", 1, b"c"), signature(b"t", 1, b"b")}
    assert len(signatures) == 4


async def test_without_a_secret_nothing_pretends_to_be_signed() -> None:
    async with receiving() as receiver:
        notifier = webhook_notifier(WebhookOptions(url=receiver.url), FakeClock())
        notifier.notify(alert(1))
        (post,) = await receiver.until(1)
        await notifier.close()
    assert "ringfence-signature" not in post.headers


@pytest.mark.requirement("I9")
@pytest.mark.parametrize("form", list(Format))
async def test_a_waiting_approval_is_told_with_a_link_and_never_with_arguments(form: Format) -> None:
    world = await World.build()
    outcome = await world.call(await world.open_run(), "payments__refund", {"order": "PRIVATE-77", "amount": 4321})
    assert isinstance(outcome, Waiting)
    (told,) = world.notifier.of(AlertKind.APPROVAL_WAITING)
    async with receiving() as receiver:
        options = WebhookOptions(url=receiver.url, format=form, public_url="https://gate.example")
        notifier = webhook_notifier(options, world.clock)
        notifier.notify(told)
        (post,) = await receiver.until(1)
        await notifier.close()
    assert f"https://gate.example/approvals/{outcome.ticket.id}" in post.body.decode()
    assert "PRIVATE-77" not in post.body.decode()
    assert "4321" not in post.body.decode()


async def test_slack_gets_a_text_in_which_nothing_is_markup() -> None:
    mean = Alert(id="a_1", kind=AlertKind.DRIFT, at=0, text="server <!channel> & <https://x|y>", path="/servers/x")
    async with receiving() as receiver:
        notifier = webhook_notifier(WebhookOptions(url=receiver.url, format=Format.SLACK), FakeClock())
        notifier.notify(mean)
        (post,) = await receiver.until(1)
        await notifier.close()
    assert set(post.json) == {"text", "blocks"}
    assert "<" not in post.body.decode()
    for text in (post.json["text"], post.json["blocks"][0]["text"]["text"]):
        assert "&lt;!channel&gt; &amp;" in text


@pytest.mark.parametrize("status", [500, 503, 429, 408])
async def test_a_receiver_that_is_in_trouble_is_tried_again_after_growing_pauses(status: int) -> None:
    clock = FakeClock()
    async with receiving() as receiver:
        receiver.answers = [status, status, status]
        notifier = webhook_notifier(WebhookOptions(url=receiver.url), clock)
        notifier.notify(alert(1))
        for pause in (1000, 2000, 4000):
            await clock.until_sleeping()
            count = len(receiver.posts)
            clock.advance(pause - 1)
            assert len(receiver.posts) == count
            clock.advance(1)
            await receiver.until(count + 1)
        await notifier.close()
    assert [post.json["id"] for post in receiver.posts] == ["a_1"] * 4
    assert len({post.body for post in receiver.posts}) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410])
async def test_a_redirect_or_a_refusal_is_final_and_nothing_goes_elsewhere(status: int) -> None:
    async with receiving() as receiver:
        receiver.answers = [status]
        notifier = webhook_notifier(WebhookOptions(url=receiver.url), FakeClock())
        notifier.notify(alert(1))
        notifier.notify(alert(2))
        posts = await receiver.until(2)
        await notifier.close()
    assert [post.json["id"] for post in posts] == ["a_1", "a_2"]
    assert {post.path for post in posts} == {"/hook"}


async def test_a_receiver_that_never_recovers_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    async with receiving() as receiver:
        receiver.answers = [500] * ATTEMPTS
        notifier = webhook_notifier(WebhookOptions(url=receiver.url), clock)
        notifier.notify(alert(1))
        notifier.notify(alert(2))
        for _ in range(ATTEMPTS - 1):
            await clock.until_sleeping()
            clock.advance(60_000)
        await receiver.until(ATTEMPTS + 1)
        await notifier.close()
    assert [post.json["id"] for post in receiver.posts] == ["a_1"] * ATTEMPTS + ["a_2"]
    assert "given up" in caplog.text


async def test_a_receiver_says_what_came_of_what_it_was_told() -> None:
    clock = FakeClock()
    async with receiving() as receiver:
        receiver.answers = [204, 404, 503]
        told = WebhookOptions(url=receiver.url, secret=known("TOP-SECRET"))
        notifier = webhook_notifier(told, clock)
        several = SeveralNotifiers([Told(notifier, frozenset({AlertKind.KILL, AlertKind.TEST}))])
        for number in (1, 2, 3):
            several.notify(alert(number))
        await clock.until_sleeping()
        (standing,) = several.receivers()
        await notifier.close()
        (after,) = several.receivers()
    assert (standing.name, standing.kinds) == ("json webhook 127.0.0.1", (AlertKind.KILL, AlertKind.TEST))
    assert (standing.delivered, standing.lost, standing.waiting, standing.last) == (1, 1, 1, "503")
    assert (after.delivered, after.lost, after.waiting, after.last) == (2, 1, 0, "204")
    assert standing.last_at == clock.now()


async def test_the_same_alert_is_posted_once() -> None:
    async with receiving() as receiver:
        notifier = webhook_notifier(WebhookOptions(url=receiver.url), FakeClock())
        for number in (1, 1, 2, 1):
            notifier.notify(alert(number))
        await receiver.until(2)
        notifier.notify(alert(1))
        await notifier.close()
    assert [post.json["id"] for post in receiver.posts] == ["a_1", "a_2"]


async def test_what_waits_is_bounded_and_the_newest_wins(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    async with receiving() as receiver:
        notifier = webhook_notifier(WebhookOptions(url=receiver.url), clock)
        for number in range(MOST_WAITING + 3):
            notifier.notify(alert(number))
        await notifier.close()
    assert len(receiver.posts) == MOST_WAITING
    assert receiver.posts[-1].json["id"] == f"a_{MOST_WAITING + 2}"
    assert "a_0 was not delivered" in caplog.text


@pytest.mark.requirement("I9")
async def test_an_address_that_is_a_credential_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        options = WebhookOptions(
            url=f"http://127.0.0.1:{unused.getsockname()[1]}/services/TOP-SECRET-PATH", secret=known("TOP-SECRET-KEY")
        )
        clock = FakeClock()
        notifier = webhook_notifier(options, clock)
        with caplog.at_level(logging.DEBUG):
            notifier.notify(alert(1))
            await clock.until_sleeping()
            await notifier.close()
    assert "127.0.0.1 does not answer" in caplog.text
    assert "TOP-SECRET" not in caplog.text
    assert "TOP-SECRET" not in repr(options)


async def test_only_who_asked_for_ends_is_told_that_something_is_over() -> None:
    deaf, hearing = FakeNotifier(), FakeNotifier()
    several = SeveralNotifiers([Told(deaf), Told(hearing, hears_ends=True)])
    several.notify(alert(1))
    several.notify(replace(alert(1), id="a_1:over", about="a_1", is_over=True))
    assert [told.id for told in deaf.alerts] == ["a_1"]
    assert [told.id for told in hearing.alerts] == ["a_1", "a_1:over"]


async def test_a_trial_reaches_every_receiver_whatever_it_asked_for_and_leaves_nothing_open() -> None:
    kills, hearing = FakeNotifier(), FakeNotifier()
    several = SeveralNotifiers([Told(kills, frozenset({AlertKind.KILL})), Told(hearing, hears_ends=True)])
    tried = await several.trial(alert(1, AlertKind.TEST))
    assert [each.arrived for each in tried] == [True, True]
    assert [told.kind for told in kills.alerts] == [AlertKind.TEST]
    assert [(told.condition, told.is_over) for told in hearing.alerts] == [("a_1", False), ("a_1", True)]


@pytest.mark.parametrize(("status", "arrived"), [(200, True), (204, True), (404, False), (500, False)])
async def test_a_trial_says_what_the_receiver_answered_and_tries_once(status: int, arrived: bool) -> None:
    async with receiving() as receiver:
        receiver.answers = [status]
        notifier = webhook_notifier(WebhookOptions(url=receiver.url), FakeClock())
        (tried,) = await notifier.trial(alert(1, AlertKind.TEST))
        await notifier.close()
    assert (tried.arrived, tried.answer) == (arrived, str(status))
    assert tried.receiver == "json webhook 127.0.0.1"
    assert len(receiver.posts) == 1


async def test_what_present_receivers_read_stays_as_it_was_and_more_comes_beside_it() -> None:
    acts = (Act(Deed.RAISE, "/runs/r_1", "ringfence budget raise r_1 --spend +N"),)
    told = replace(alert(1, AlertKind.CAP_NEAR), agent="coder", run="r_1", acts=acts)
    said = json.loads(message(told, Format.JSON, "https://gate.example"))
    before = {
        "v": 1,
        "id": "a_1",
        "kind": "cap_near",
        "at": told.at,
        "text": "it happened 1",
        "link": "https://gate.example/stops/1",
        "agent": "coder",
        "run": "r_1",
        "tool": "",
    }
    assert {name: said[name] for name in before} == before
    assert {name: said[name] for name in said.keys() - before.keys()} == {
        "about": "a_1",
        "over": False,
        "severity": "warning",
        "acts": [
            {"do": "raise", "link": "https://gate.example/runs/r_1", "command": "ringfence budget raise r_1 --spend +N"},
        ],
    }


async def test_what_an_outlet_did_not_foresee_costs_one_alert_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        name, most, gap_s = "broken", 1, 0.0

        def __init__(self) -> None:
            self.sent: list[str] = []
            self.has_both = asyncio.Event()

        async def send(self, alerts: Sequence[Alert]) -> Sent:
            if alerts[0].id in ("a_1", "a_3"):
                raise RuntimeError("nobody thought of this")
            self.sent.append(alerts[0].id)
            if len(self.sent) == 2:
                self.has_both.set()
            return Sent(Result.DELIVERED, "")

        async def close(self) -> None:
            pass

    outlet = Broken()
    notifier = Delivery(outlet, FakeClock())
    for number in (1, 2, 3, 4):
        notifier.notify(alert(number))
    await outlet.has_both.wait()
    await notifier.close()
    assert outlet.sent == ["a_2", "a_4"]
    assert caplog.text.count("broke off and begins anew") == 2


async def test_whoever_is_replaced_is_closed_and_whoever_stays_is_not() -> None:
    gone, stays, fresh = FakeNotifier(), FakeNotifier(), FakeNotifier()
    several = SeveralNotifiers([Told(gone), Told(stays, frozenset({AlertKind.KILL}))])
    several.notify(alert(1))
    several.replace([Told(stays), Told(fresh)])
    several.notify(alert(2, AlertKind.DRIFT))
    assert [told.id for told in gone.alerts] == ["a_1"]
    assert [told.id for told in stays.alerts] == ["a_1", "a_2"]
    assert [told.id for told in fresh.alerts] == ["a_2"]
    assert not stays.closed
    await several.close()
    assert all(each.closed for each in (gone, stays, fresh))


async def test_each_of_several_is_told_only_what_it_asked_for() -> None:
    kills, all_kinds = FakeNotifier(), FakeNotifier()
    several = SeveralNotifiers([Told(kills, frozenset({AlertKind.KILL})), Told(all_kinds)])
    several.notify(alert(1, AlertKind.KILL))
    several.notify(alert(2, AlertKind.DRIFT))
    await several.close()
    assert [told.id for told in kills.alerts] == ["a_1"]
    assert [told.id for told in all_kinds.alerts] == ["a_1", "a_2"]
    assert kills.closed
    assert all_kinds.closed


@pytest.mark.requirement("I9")
async def test_an_alert_waits_for_the_key_of_its_signature() -> None:
    keys: list[str] = []

    async def key() -> Secret:
        if not keys:
            raise UnavailableError("the secret `env:KEY` is not set")
        return Secret(keys[0])

    async with receiving() as receiver:
        clock = FakeClock()
        notifier = webhook_notifier(WebhookOptions(url=receiver.url, secret=key), clock)
        notifier.notify(alert(1))
        await clock.until_sleeping()
        assert not receiver.posts
        keys.append("shared secret")
        clock.advance(1000)
        (post,) = await receiver.until(1)
        await notifier.close()
    assert "ringfence-signature" in post.headers
