"""`ringfence alerts test` against a real control socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.app.cli_kit import Office, office
from tests.app.control_kit import Desk

from ringfence.ports.notifier import AlertKind


@pytest.fixture(name="at")
def running() -> Iterator[Office]:
    with office() as opened:
        yield opened


def test_every_receiver_is_tried_and_what_it_answered_is_shown(at: Office) -> None:
    said = at("alerts", "test")
    assert said.code == 0
    assert "remembered" in said.out
    assert [alert.text for alert in at.world.notifier.of(AlertKind.TEST)] == [
        "a test: alerts of this gateway reach you here (asked for by operator:ada)"
    ]
    assert at("alerts", "test", "--json").json == {"receivers": [{"receiver": "fake", "arrived": True, "answer": "remembered"}]}


def test_a_receiver_that_did_not_take_it_ends_the_command_with_one(at: Office) -> None:
    at.world.notifier.is_deaf = True
    assert at("alerts", "test").code == 1
    said = at("alerts", "test", "--json")
    assert (said.code, said.json["receivers"][0]["arrived"]) == (1, False)


def test_who_is_told_is_listed_with_what_came_of_it(at: Office) -> None:
    at("alerts", "test")
    (receiver,) = at("alerts", "list", "--json").json["receivers"]
    assert (receiver["receiver"], receiver["kinds"], receiver["delivered"], receiver["lost"]) == ("fake", [], 1, 0)
    said = at("alerts", "list")
    assert (said.code, "fake" in said.out, "all" in said.out) == (0, True, True)


async def test_a_viewer_may_see_who_is_told() -> None:
    desk = await Desk.open()
    assert (await desk.api("GET", "/alerts", by="vi")).status == 200


async def test_only_an_admin_may_send_a_test_and_looking_sends_none() -> None:
    desk = await Desk.open()
    assert (await desk.api("POST", "/alerts/test", {}, by="bo")).status == 403
    assert (await desk.api("GET", "/alerts/test", by="ada")).status == 405
    assert desk.world.notifier.alerts == []
    assert (await desk.api("POST", "/alerts/test", {}, by="ada")).status == 200
