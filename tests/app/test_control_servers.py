"""How servers are, over the API, on the page and on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.app.cli_kit import Office, office
from tests.app.control_kit import Desk

from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.ports.upstream import Health, HealthState
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.scenario import ORDERS, ORDERS_TOOLS, PAYMENTS
from ringfence.testing.world import World


class Ailing(FakeUpstream):
    """Says of itself what a test gives it."""

    given = Health(state=HealthState.IDLE)

    def health(self) -> Health:
        return self.given


async def ailing(world: World, state: HealthState = HealthState.UP, **given: Any) -> None:
    server = Ailing(ORDERS_TOOLS)
    server.given = Health(state=state, transport="stdio", **given)
    world.catalogue.replace(world.catalogue.rules, {**world.upstreams, ORDERS: server})


@pytest.fixture(name="at")
def running() -> Iterator[Office]:
    with office() as opened:
        yield opened


async def listed(desk: Desk, server: str = "orders") -> Mapping[str, Any]:
    rows = (await desk.api("GET", "/servers", by="vi")).json["servers"]
    return next(row for row in rows if row["id"] == server)


async def test_a_server_that_is_well_says_since_when_and_how_much_it_lists() -> None:
    desk = await Desk.open()
    row = await listed(desk)
    assert (row["state"], row["says"], row["error"]) == ("up", "ok", "")
    assert row["listed_at"] is not None
    assert (row["tools"], row["quarantined"]) == (len(ORDERS_TOOLS), 0)
    assert (row["failing_since"], row["next_try_at"]) == (None, None)


async def test_a_server_that_is_left_alone_says_why_until_when_and_since_when() -> None:
    desk = await Desk.open()
    given = {"error": "no \u202edatabase", "error_s": 2.0, "failing_s": 60.0, "retry_s": 12.0, "restarts": 3}
    await ailing(desk.world, state=HealthState.BACKING_OFF, **given)
    row = await listed(desk)
    assert row["state"] == "backing_off"
    assert row["says"] == "left alone for another 12 s: no \u27e8U+202E\u27e9database"
    assert row["failing_since"] < row["error_at"] < row["next_try_at"]
    assert row["restarts"] == 3
    assert (await listed(desk, "payments"))["state"] == "up"


async def test_a_server_that_answers_but_lists_nonsense_is_told_apart_from_one_that_is_gone() -> None:
    desk = await Desk.open()
    orders, payments = desk.world.upstreams[ORDERS], desk.world.upstreams[PAYMENTS]
    payments.unreachable = "gone"
    await ailing(desk.world)
    await desk.world.catalogue.refresh(PAYMENTS)
    assert (await listed(desk, "payments"))["state"] == "unreachable"
    before = (await listed(desk))["listed_at"]
    assert before is None
    orders_now = desk.world.catalogue.upstreams[ORDERS]
    assert isinstance(orders_now, Ailing)
    orders_now.unreachable = "it lists two tools that look alike"
    await desk.world.catalogue.refresh(ORDERS)
    row = await listed(desk)
    assert (row["state"], row["says"]) == ("not_listed", "it lists two tools that look alike")
    assert orders.unreachable == ""


@pytest.mark.requirement("I9")
@pytest.mark.parametrize(("by", "shown"), [("ada", ["no <U+001B>", "\u27e8U+200B\u27e9"]), ("bo", None), ("vi", None)])
async def test_what_a_server_wrote_is_for_admins_and_spelled_out(by: str, shown: list[str] | None) -> None:
    desk = await Desk.open()
    await ailing(desk.world, stderr=("no <U+001B>", "\u200b"), oddities={"answer to nothing": 2})
    found = (await desk.api("GET", "/servers/orders", by=by)).json
    assert found["stderr"] == shown
    assert found["oddities"] == {"answer to nothing": 2}


async def test_one_server_shows_what_is_quarantined_and_stopped() -> None:
    desk = await Desk.open()
    changed = tuple({**tool, "title": "\u202ex"} if tool["name"] == "get" else tool for tool in ORDERS_TOOLS)
    desk.world.upstreams[ORDERS].tools = changed
    await desk.world.catalogue.refresh(ORDERS)
    await desk.world.stops.stop(StopMode.KILL, Scope(ScopeKind.SERVER, "orders"), reason="odd", by="operator:ada")
    found = (await desk.api("GET", "/servers/orders", by="vi")).json
    assert found["quarantined"] == 1
    assert found["quarantined_definitions"] == ["tool get"]
    assert [stop["reason"] for stop in found["stops"]] == ["odd"]


async def test_a_server_that_is_not_configured_is_not_there() -> None:
    desk = await Desk.open()
    answer = await desk.api("GET", "/servers/order", by="vi")
    assert answer.status == 404
    assert answer.json["error"]["remedy"] == "did you mean `orders`?"


@pytest.mark.requirement("I17")
async def test_neither_strangers_nor_agents_hear_of_servers() -> None:
    desk = await Desk.open()
    run = await desk.world.open_run()
    for path in ("/servers", "/servers/orders"):
        assert (await desk.api("GET", path, by=None)).status == 401
        agent = {"authorization": f"Bearer {run.credential}"}
        assert (await desk.api("GET", path, by=None, headers=agent)).status == 401


async def test_the_status_says_how_each_server_is() -> None:
    desk = await Desk.open()
    await ailing(desk.world, state=HealthState.UNREACHABLE, error="refused", failing_s=5.0)
    states = {row["id"]: row["says"] for row in (await desk.api("GET", "/status", by="vi")).json["server_health"]}
    assert states["orders"] == "not reached for 5 s: refused"


def test_the_command_line_lists_and_shows_servers(at: Office) -> None:
    at.run(
        ailing(at.world, state=HealthState.BACKING_OFF, error="no \u001b[2Jdatabase", retry_s=9.0, stderr=("last \u001bword",))
    )
    said = at("server", "list")
    assert said.code == 0
    assert "backing off" in said.out
    assert "left alone for another 9 s" in said.out
    assert at("server", "list", "--json").json["servers"][0]["id"] == "orders"
    shown = at("server", "show", "orders")
    assert "word" in shown.out
    assert "\u001b" not in said.out + shown.out
    assert "for admins" in at("server", "show", "orders", by="vi").out
    assert at("server", "show", "nowhere").code == 1
    assert "left alone" in at("status").out
