"""The plain page: what a person sees and does with a browser and no script."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.app.control_kit import PAGE, Desk

from ringfence.core.model.profile import Sensitivity
from ringfence.core.model.provenance import ProvenanceRules
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import Level
from ringfence.core.rules import AgentRule
from ringfence.engine.outcome import Returned
from ringfence.testing.scenario import READ, SUPPORT, shop_rules, tool_rule
from ringfence.testing.scenario import REFUND as REFUND_PROFILE
from ringfence.testing.world import World

REFUND = {"order": "A1", "amount": 25}


async def test_without_a_login_the_page_leads_to_the_login_and_back() -> None:
    desk = await Desk.open()
    answer = await desk.page("GET", "/approvals/t_x")
    assert answer.status == 303
    assert answer.raw.headers["location"] == "/login?next=/approvals/t_x"
    form = await desk.page("GET", "/login?next=/approvals/t_x")
    assert 'value="/approvals/t_x"' in form.text
    body = {"operator": "ada", "credential": desk.credentials["ada"], "next": "/approvals/t_x"}
    assert (await desk.page("POST", "/login", body, headers=PAGE)).raw.headers["location"] == "/approvals/t_x"


@pytest.mark.parametrize(
    "onward",
    ["//evil.example", "https://evil.example", "/\\evil.example", "/%5cevil.example", "javascript:x", "/x\r\nset-cookie: a=b"],
)
async def test_the_login_leads_to_no_other_site(onward: str) -> None:
    desk = await Desk.open()
    body = {"operator": "ada", "credential": desk.credentials["ada"], "next": onward}
    assert (await desk.page("POST", "/login", body, headers=PAGE)).raw.headers["location"] == "/"


async def test_a_wrong_credential_shows_the_login_again() -> None:
    desk = await Desk.open()
    answer = await desk.page("POST", "/login", {"operator": "ada", "credential": "rfo_no"}, headers=PAGE)
    assert answer.status == 401
    assert "not accepted" in answer.text


async def test_another_site_cannot_log_a_browser_in() -> None:
    desk = await Desk.open()
    body = {"operator": "ada", "credential": desk.credentials["ada"]}
    assert (await desk.page("POST", "/login", body, headers={"origin": "http://evil.example"})).status == 403


async def test_a_link_from_a_chat_takes_one_step_inside_our_site_so_that_the_cookie_comes_along() -> None:
    desk = await Desk.open()
    answer = await desk.page("GET", "/approvals/t_x", headers={"sec-fetch-site": "cross-site"})
    assert answer.status == 200
    assert 'content="0;url=/approvals/t_x"' in answer.text


async def test_the_list_shows_what_waits() -> None:
    desk = await Desk.open()
    headers = await desk.login("vi")
    assert "Nothing waits" in (await desk.page("GET", "/approvals", headers=headers)).text
    ticket = await desk.world.ask(await desk.world.open_run())
    shown = (await desk.page("GET", "/approvals", headers=headers)).text
    assert "1 decision waiting" in shown
    assert f"/approvals/{ticket.id}" in shown
    assert "cannot be undone" in shown


@pytest.mark.requirement("I15")
async def test_the_card_shows_everything_that_a_person_judges_by() -> None:
    desk = await Desk.open()
    headers = await desk.login()
    ticket = await desk.world.ask(await desk.world.open_run())
    shown = (await desk.page("GET", f"/approvals/{ticket.id}", headers=headers)).text
    for text in (
        "support changes payments with refund",
        "cannot be undone",
        "costs money",
        "Money leaves the account",
        "/amount",
        ">25<",
        "look after ticket 7",
        "operator:ada",
        ticket.run,
        f'name="digest" value="{ticket.card_digest}"',
    ):
        assert text in shown, text
    assert shown.count('class="argument authority"') == 2
    assert "<script" not in shown


@pytest.mark.requirement("I4", "I5")
async def test_approving_on_the_page_is_a_post_and_leads_back_to_the_card() -> None:
    desk = await Desk.open()
    headers = await desk.login("bo")
    run = await desk.world.open_run()
    ticket = await desk.world.ask(run)
    form = {"digest": ticket.card_digest, "decision": "approve", "reason": "fine"}
    answer = await desk.page("POST", f"/approvals/{ticket.id}/decision", form, headers=headers)
    assert answer.status == 303
    assert answer.raw.headers["location"] == f"/approvals/{ticket.id}"
    shown = (await desk.page("GET", f"/approvals/{ticket.id}", headers=headers)).text
    assert "Approved, not used yet" in shown
    assert "<strong>bo</strong> approved" in shown
    assert 'name="decision"' not in shown
    assert isinstance(await desk.world.call(run, "payments__refund", REFUND), Returned)


async def test_denying_is_as_easy() -> None:
    desk = await Desk.open()
    headers = await desk.login("bo")
    ticket = await desk.world.ask(await desk.world.open_run())
    form = {"digest": ticket.card_digest, "decision": "deny", "reason": ""}
    assert (await desk.page("POST", f"/approvals/{ticket.id}/decision", form, headers=headers)).status == 303
    assert "Denied" in (await desk.page("GET", f"/approvals/{ticket.id}", headers=headers)).text


@pytest.mark.requirement("I5")
@pytest.mark.parametrize(
    "form",
    [
        {"decision": "approve"},
        {"decision": "approve", "digest": ""},
        {"digest": "DIGEST"},
        {"decision": "yes", "digest": "DIGEST"},
        {"decision": "approve", "digest": "0" * 64},
        {"decision": "approve", "digest": "DIGEST", "extra": "1"},
    ],
    ids=str,
)
async def test_a_form_that_does_not_say_exactly_what_decides_nothing(form: dict[str, str]) -> None:
    desk = await Desk.open()
    headers = await desk.login()
    ticket = await desk.world.ask(await desk.world.open_run())
    before = await desk.world.log.head()
    sent = {name: value.replace("DIGEST", ticket.card_digest) for name, value in form.items()}
    answer = await desk.page("POST", f"/approvals/{ticket.id}/decision", sent, headers=headers)
    assert answer.status in (400, 409)
    assert await desk.world.log.head() == before


@pytest.mark.requirement("I5")
async def test_a_second_tap_or_a_stale_tab_shows_what_has_happened() -> None:
    desk = await Desk.open()
    headers = await desk.login()
    ticket = await desk.world.ask(await desk.world.open_run())
    form = {"digest": ticket.card_digest, "decision": "deny"}
    await desk.page("POST", f"/approvals/{ticket.id}/decision", form, headers=headers)
    again = await desk.page("POST", f"/approvals/{ticket.id}/decision", {**form, "decision": "approve"}, headers=headers)
    assert again.status == 409
    assert "already denied" in again.text
    current = await desk.world.store.ticket(ticket.id)
    assert current is not None
    assert current.state is TicketState.DENIED


@pytest.mark.requirement("I5")
async def test_opening_prefetching_or_focusing_decides_nothing() -> None:
    desk = await Desk.open()
    headers = await desk.login()
    ticket = await desk.world.ask(await desk.world.open_run())
    before = await desk.world.log.head()
    query = f"?decision=approve&digest={ticket.card_digest}"
    assert (await desk.page("GET", f"/approvals/{ticket.id}{query}", headers=headers)).status == 200
    assert (await desk.page("HEAD", f"/approvals/{ticket.id}{query}", headers=headers)).status == 200
    assert (await desk.page("GET", f"/approvals/{ticket.id}/decision{query}", headers=headers)).status == 405
    assert await desk.world.log.head() == before


@pytest.mark.requirement("I5")
async def test_enter_in_the_reason_box_cannot_submit_and_nothing_is_focused_by_itself() -> None:
    desk = await Desk.open()
    headers = await desk.login()
    ticket = await desk.world.ask(await desk.world.open_run())
    shown = (await desk.page("GET", f"/approvals/{ticket.id}", headers=headers)).text
    assert "autofocus" not in shown
    assert set(re.findall(r'<input type="(\w+)"', shown)) == {"hidden"}
    assert shown.count("<textarea") == 2
    assert "<details open" not in shown


async def test_another_sites_form_decides_nothing() -> None:
    desk = await Desk.open()
    headers = {**(await desk.login()), "sec-fetch-site": "cross-site", "origin": "http://evil.example"}
    ticket = await desk.world.ask(await desk.world.open_run())
    form = {"digest": ticket.card_digest, "decision": "approve"}
    assert (await desk.page("POST", f"/approvals/{ticket.id}/decision", form, headers=headers)).status == 403
    current = await desk.world.store.ticket(ticket.id)
    assert current is not None
    assert current.votes == ()


@pytest.mark.requirement("I15")
async def test_what_the_agent_wrote_is_text_and_invisible_characters_stand_out() -> None:
    desk = await Desk.open()
    headers = await desk.login()
    run = await desk.world.open_run(task="<script>alert(1)</script>\u202e")
    ticket = await desk.world.ask(run, arguments={"order": '"><b>A1\u200b\u202e', "amount": 25})
    shown = (await desk.page("GET", f"/approvals/{ticket.id}", headers=headers)).text
    assert "<script" not in shown
    assert "<b>" not in shown
    assert "\u202e" not in shown
    assert "\u200b" not in shown
    assert '<mark class="hidden-char">\u27e8U+202E\u27e9</mark>' in shown
    assert "2 invisible or misleading characters are" in shown


@pytest.mark.requirement("I15")
async def test_a_card_that_cannot_be_shown_in_full_has_no_way_to_approve() -> None:
    rules = shop_rules(tools=(tool_rule("orders.note", REFUND_PROFILE),))
    desk = await Desk.open(await World.build(rules=rules))
    headers = await desk.login()
    run = await desk.world.open_run()
    ticket = await desk.world.ask(run, "orders__note", {"order": "A1", "text": "x" * 20_000})
    shown = (await desk.page("GET", f"/approvals/{ticket.id}", headers=headers)).text
    assert "can only be denied" in shown
    assert 'value="deny"' in shown
    assert 'value="approve"' not in shown


async def test_logging_out_ends_the_login() -> None:
    desk = await Desk.open()
    headers = await desk.login()
    assert (await desk.page("GET", "/logout", headers=headers)).status == 405
    assert (await desk.page("POST", "/logout", {}, headers=headers)).status == 303
    assert (await desk.page("GET", "/approvals", headers=headers)).status == 303


async def test_where_notifications_lead_there_is_a_page() -> None:
    desk = await Desk.open()
    headers = await desk.login("vi")
    run = await desk.world.open_run()
    ticket = await desk.world.ask(run)
    stop = (await desk.api("POST", "/kill", {"scope": {"run": run.run.id}})).json
    for path in (
        "/",
        f"/approvals/{ticket.id}",
        f"/runs/{run.run.id}",
        f"/audit/{stop['entry']}",
        "/stops/s_x",
        "/servers/orders",
    ):
        assert (await desk.page("GET", path, headers=headers)).status in (200, 303), path
    assert (await desk.page("GET", "/audit/e999", headers=headers)).status == 404


async def test_pages_say_whose_credentials_are_bound_to_nobody() -> None:
    desk = await Desk.open()
    headers = await desk.login("vi")
    assert "Unbound" not in (await desk.page("GET", "/status", headers=headers)).text
    opened = (await desk.api("POST", "/runs", {"agent": "support", "task": "x"})).json
    assert "whoever knows its credential can use it" in (await desk.page("GET", f"/runs/{opened['run']}", headers=headers)).text
    assert "Unbound" in (await desk.page("GET", "/status", headers=headers)).text
    bound = (await desk.api("POST", "/runs", {"agent": "support", "task": "x", "binding": "uid:1000"})).json
    page = (await desk.page("GET", f"/runs/{bound['run']}", headers=headers)).text
    assert "uid:1000" in page
    assert "whoever knows" not in page


async def test_no_page_loads_anything_from_elsewhere() -> None:
    desk = await Desk.open()
    headers = await desk.login()
    ticket = await desk.world.ask(await desk.world.open_run())
    for path in ("/approvals", f"/approvals/{ticket.id}", "/login", "/status"):
        shown = (await desk.page("GET", path, headers=headers)).text
        assert re.findall(r'(?:src|href|action)="(?!/)', shown) == []
        assert " style=" not in shown
        assert "onclick" not in shown


@pytest.mark.requirement("I15")
async def test_the_card_says_where_each_value_comes_from_and_shows_foreign_text_as_text() -> None:
    watched = AgentRule(id=SUPPORT, purpose="answers", tools=("orders.*", "payments.*"), provenance=ProvenanceRules())
    desk = await Desk.open(await World.build(rules=shop_rules(agents=(watched,))))
    headers = await desk.login()
    ticket = await desk.world.ask(await desk.world.open_run(), arguments={"order": "<b>A1</b>\u202e", "amount": 25})
    shown = (await desk.page("GET", f"/approvals/{ticket.id}", headers=headers)).text
    assert "Where the values come from" in shown
    assert shown.count("nothing speaks for it") == 2
    assert "nothing that may decide has given a value of it" in shown
    assert "<b>A1" not in shown
    assert "<script" not in shown


@pytest.mark.requirement("I15")
async def test_the_card_names_what_would_leave_and_where_to_as_text() -> None:
    rules = ProvenanceRules(underivable=Level.ALLOW)
    watched = AgentRule(id=SUPPORT, purpose="answers", tools=("orders.*", "payments.*"), provenance=rules)
    known = replace(READ, sensitivity=Sensitivity.CONFIDENTIAL)
    desk = await Desk.open(await World.build(rules=shop_rules(agents=(watched,), tools=(tool_rule("orders.get", known),))))
    headers = await desk.login()
    run = await desk.world.open_run()
    await desk.world.call(run, "orders__get", {"order": "A1"})
    text = "see https://evil.example/<script>alert(1)</script>"
    ticket = await desk.world.ask(run, "orders__note", {"order": "A1", "text": text})
    shown = (await desk.page("GET", f"/approvals/{ticket.id}", headers=headers)).text
    assert "the run was given untrusted content and confidential data; outside are evil.example in /text (url)" in shown
    assert "this reaches outside" in shown
    assert "<script" not in shown
