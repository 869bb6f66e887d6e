"""Approvals over the API: what is listed, and what a decision needs."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.app.control_kit import Desk

from ringfence.core.model.ticket import TicketState
from ringfence.engine.outcome import Returned, Waiting
from ringfence.testing.scenario import PAYMENTS


async def test_what_waits_is_listed_with_its_card_and_the_digest_to_quote() -> None:
    desk = await Desk.open()
    ticket = await desk.world.ask(await desk.world.open_run())
    listed = (await desk.api("GET", "/approvals?state=pending", by="vi")).json["approvals"]
    assert [item["id"] for item in listed] == [ticket.id]
    assert listed[0]["digest"] == ticket.card_digest
    assert listed[0]["call_digest"] == ticket.digest
    assert listed[0]["card"] == json.loads(ticket.card)
    assert listed[0]["state"] == "pending"
    assert listed[0]["approvable"] is True


@pytest.mark.requirement("I4", "I5")
async def test_an_approval_that_quotes_the_card_lets_exactly_that_call_through() -> None:
    desk = await Desk.open()
    run = await desk.world.open_run()
    ticket = await desk.world.ask(run)
    body = {"decision": "approve", "digest": ticket.card_digest, "reason": "the customer is right"}
    answer = await desk.api("POST", f"/approvals/{ticket.id}/decision", body, by="bo")
    assert answer.status == 200
    assert answer.json["state"] == "approved"
    assert answer.json["votes"][0]["operator"] == "bo"
    assert isinstance(await desk.world.call(run, "payments__refund", {"order": "A1", "amount": 25}), Returned)
    assert isinstance(await desk.world.call(run, "payments__refund", {"order": "A1", "amount": 26}), Waiting)
    assert len(desk.world.upstreams[PAYMENTS].executed) == 1


@pytest.mark.requirement("I5")
@pytest.mark.parametrize("digest", ["0" * 64, "", "stale"])
async def test_a_decision_with_another_digest_than_the_cards_changes_nothing(digest: str) -> None:
    desk = await Desk.open()
    ticket = await desk.world.ask(await desk.world.open_run())
    before = await desk.world.log.head()
    answer = await desk.api("POST", f"/approvals/{ticket.id}/decision", {"decision": "approve", "digest": digest})
    assert answer.status == 409
    assert "digest" in answer.error["message"]
    assert await desk.world.log.head() == before


async def test_the_digest_of_the_call_is_not_the_digest_of_the_card() -> None:
    desk = await Desk.open()
    ticket = await desk.world.ask(await desk.world.open_run())
    answer = await desk.api("POST", f"/approvals/{ticket.id}/decision", {"decision": "approve", "digest": ticket.digest})
    assert answer.status == 409


@pytest.mark.requirement("I5")
async def test_a_decision_without_a_digest_is_malformed_and_changes_nothing() -> None:
    desk = await Desk.open()
    ticket = await desk.world.ask(await desk.world.open_run())
    answer = await desk.api("POST", f"/approvals/{ticket.id}/decision", {"decision": "approve"})
    assert answer.status == 400
    assert answer.error["code"] == "malformed"
    current = await desk.world.store.ticket(ticket.id)
    assert current is not None
    assert current.state is TicketState.PENDING


@pytest.mark.requirement("I5")
async def test_a_get_never_decides() -> None:
    desk = await Desk.open()
    ticket = await desk.world.ask(await desk.world.open_run())
    before = await desk.world.log.head()
    query = f"?decision=approve&digest={ticket.card_digest}"
    for method in ("GET", "HEAD", "OPTIONS", "PUT"):
        answer = await desk.api(method, f"/approvals/{ticket.id}/decision{query}")
        assert answer.status == 405
        assert answer.raw.headers["allow"] == "POST"
    assert await desk.world.log.head() == before


@pytest.mark.requirement("I5")
async def test_two_hundred_concurrent_decisions_give_exactly_one_outcome() -> None:
    desk = await Desk.open()
    ticket = await desk.world.ask(await desk.world.open_run())

    async def click(number: int) -> int:
        verb = "approve" if number % 2 else "deny"
        body = {"decision": verb, "digest": ticket.card_digest}
        return (await desk.api("POST", f"/approvals/{ticket.id}/decision", body, by="ada" if number % 3 else "bo")).status

    statuses = await asyncio.gather(*(click(number) for number in range(200)))
    assert sorted(set(statuses)) == [200, 409]
    assert statuses.count(200) == 1
    decided = [entry for entry in await desk.world.entries() if entry["kind"] == "approval"]
    assert len(decided) == 1
    current = await desk.world.store.ticket(ticket.id)
    assert current is not None
    assert current.state.value == decided[0]["decision"]


async def test_a_viewer_may_read_but_not_decide() -> None:
    desk = await Desk.open()
    ticket = await desk.world.ask(await desk.world.open_run())
    body = {"decision": "deny", "digest": ticket.card_digest}
    answer = await desk.api("POST", f"/approvals/{ticket.id}/decision", body, by="vi")
    assert answer.status == 409
    assert "viewer" in answer.error["message"]


async def test_an_approval_past_its_expiry_is_no_longer_listed_as_waiting() -> None:
    desk = await Desk.open()
    ticket = await desk.world.ask(await desk.world.open_run())
    desk.world.clock.advance(3601 * 1000)
    assert (await desk.api("GET", "/approvals")).json["approvals"] == []
    assert [item["id"] for item in (await desk.api("GET", "/approvals?state=expired")).json["approvals"]] == [ticket.id]
    assert (await desk.api("GET", f"/approvals/{ticket.id}")).json["state"] == "expired"


async def test_an_unknown_approval_is_not_found() -> None:
    desk = await Desk.open()
    answer = await desk.api("GET", "/approvals/t_nothing")
    assert answer.status == 404
    assert answer.error["remedy"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"decision":"approve","decision":"deny","digest":"x"}', "twice"),
        (b'{"decision":"approve","digset":"x"}', "digset"),
        (b'{"decision":"approved","digest":"x"}', "one of"),
        (b'{"decision":"approve","digest":1}', "text"),
        (b"[1]", "object"),
        (b"{", "JSON"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "deep"),
    ],
)
async def test_a_body_that_could_be_read_two_ways_is_refused(body: bytes, said: str) -> None:
    desk = await Desk.open()
    ticket = await desk.world.ask(await desk.world.open_run())
    answer = await desk.api("POST", f"/approvals/{ticket.id}/decision", body)
    assert answer.status == 400
    assert said in answer.error["message"]


async def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    desk = await Desk.open()
    answer = await desk.api("POST", "/approvals/t_x/decision", {"decision": "deny", "digset": "x"})
    assert answer.error["remedy"] == "did you mean `digest`?"


async def test_a_body_over_the_limit_is_refused() -> None:
    desk = await Desk.open()
    answer = await desk.api("POST", "/approvals/t_x/decision", b" " * (129 * 1024))
    assert answer.status == 413
