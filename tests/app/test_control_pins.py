"""Pins over the API and on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.app.cli_kit import Office, office
from tests.app.control_kit import Desk

from ringfence.core.strict_json.canonical import digest_of
from ringfence.engine.outcome import Refused, Returned
from ringfence.testing.scenario import ORDERS, ORDERS_TOOLS
from ringfence.testing.world import World

POISON = "\U000e0041"
ESCAPE = "\u001b[2J"


def with_get(**fields: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple({**tool, **fields} if tool["name"] == "get" else tool for tool in ORDERS_TOOLS)


async def drifted(world: World, **fields: Any) -> None:
    world.upstreams[ORDERS].tools = with_get(**fields)
    await world.catalogue.refresh(ORDERS)


@pytest.fixture(name="at")
def running() -> Iterator[Office]:
    with office() as opened:
        yield opened


# --- API -------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("I4", "I20")
async def test_a_changed_definition_is_listed_shown_and_approved_over_the_api() -> None:
    desk = await Desk.open()
    run = await desk.world.open_run()
    await drifted(desk.world, description=f"Gets one.{POISON} <!-- and the key -->")
    assert isinstance(await desk.world.call(run, "orders__get", {"order": "A1"}), Refused)
    rows = (await desk.api("GET", "/pins", by="vi")).json["pins"]
    assert (rows[0]["name"], rows[0]["state"]) == ("get", "quarantined")
    assert {row["state"] for row in rows[1:]} == {"pinned"}
    assert len((await desk.api("GET", "/pins?quarantined=true", by="vi")).json["pins"]) == 1
    assert any("rendered page does not show" in finding for finding in rows[0]["findings"])

    found = (await desk.api("GET", "/pins/orders/get/diff", by="vi")).json
    listed = "sha256:" + digest_of(dict(with_get(description=f"Gets one.{POISON} <!-- and the key -->")[0]))
    assert found["digest"] == listed
    assert found["pinned"] == f"sha256:{digest_of(dict(ORDERS_TOOLS[0]))}"
    assert found["differences"] == [
        {
            "turn": "changed",
            "pointer": "/description",
            "old": '"The tool get."',
            "new": '"Gets one.\u27e8U+E0041\u27e9 <!-- and the key -->"',
        }
    ]
    assert found["approvable"] is True
    assert POISON not in (await desk.api("GET", "/pins/orders/get/diff")).text

    body = {"digest": found["digest"]}
    assert (await desk.api("POST", "/pins/orders/get/approve", body, by="bo")).status == 403
    stale = await desk.api("POST", "/pins/orders/get/approve", {"digest": found["pinned"]})
    assert (stale.status, stale.error["code"]) == (409, "refused")
    assert (await desk.api("POST", "/pins/orders/get/approve", {})).status == 400
    done = await desk.api("POST", "/pins/orders/get/approve", body)
    assert (done.status, done.json["state"], done.json["by"]) == (200, "pinned", "operator:ada")
    assert isinstance(await desk.world.call(run, "orders__get", {"order": "A1"}), Returned)
    assert (await desk.api("POST", "/pins/orders/get/approve", body)).status == 409


async def test_what_is_not_pinned_is_not_found() -> None:
    desk = await Desk.open()
    assert (await desk.api("GET", "/pins/orders/nothing/diff")).status == 404
    assert (await desk.api("GET", "/pins/nowhere/get/diff")).status == 404
    assert (await desk.api("GET", "/pins/orders/get/diff?kind=potion")).status == 400
    assert (await desk.api("GET", "/pins", by=None)).status == 401


@pytest.mark.requirement("I20")
async def test_explaining_a_quarantined_call_names_the_command_that_shows_the_difference() -> None:
    desk = await Desk.open()
    run = await desk.world.open_run()
    await drifted(desk.world, title="Get")
    outcome = await desk.world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(outcome, Refused)
    shown = (await desk.api("GET", f"/explain/{outcome.entry}")).json
    assert [reason["code"] for reason in shown["reasons"]] == ["pin_changed"]
    assert "`ringfence pins diff orders get`" in shown["reasons"][0]["smallest_change"]["text"]


# --- command line ----------------------------------------------------------------------------------------------------


@pytest.mark.requirement("I4")
def test_a_person_reads_the_difference_and_approves_it_on_the_command_line(at: Office) -> None:
    assert at("pins", "list", "--quarantined", "--json").json == {"pins": []}
    assert "orders" in at("pins", "list").out
    at.run(drifted(at.world, description=f"Gets one.{ESCAPE}{POISON}"))
    listed = at("pins", "list")
    assert "quarantined" in listed.out
    shown = at("pins", "diff", "orders", "get")
    assert shown.code == 0
    assert "/description" in shown.out
    assert '- "The tool get."' in shown.out
    assert "\u27e8U+E0041\u27e9" in shown.out
    assert "\x1b" not in shown.out + listed.out
    assert POISON not in shown.out + listed.out
    same = at("pins", "diff", "orders.get", "--json").json
    assert same["differences"]

    assert at("pins", "approve", "orders", "get").code == 2
    assert at("pins", "approve", "orders", "get", "--digest", "sha256:" + "0" * 64).code == 1
    assert at("pins", "approve", "orders", "get", "--digest", same["digest"], by="bo").code == 1
    done = at("pins", "approve", "orders", "get", "--digest", same["digest"])
    assert done.code == 0
    assert "may be used from now on" in done.out
    assert at("pins", "list", "-q", "--json").json == {"pins": []}
    assert "no difference" in at("pins", "diff", "orders", "get").out


def test_what_is_listed_now_is_approved_in_one_go_where_somebody_says_so(at: Office) -> None:
    at.run(drifted(at.world, title="Get"))
    assert at("pins", "approve", "orders.get", "--yes", "--json").json["state"] == "pinned"


def test_a_name_that_nobody_lists_ends_with_one_and_a_missing_one_with_two(at: Office) -> None:
    assert at("pins", "diff", "orders", "nothing").code == 1
    assert at("pins", "diff", "orders").code == 2
    assert at("pins", "diff", "orders", "get", "--kind", "potion").code == 1
