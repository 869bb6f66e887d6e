"""The page where alerts lead: looking changes nothing, and its forms do what the API lets this person do."""

from __future__ import annotations

import pytest
from tests.app.control_kit import Desk

from ringfence.core.model.agent import Limits
from ringfence.testing.scenario import shop_rules
from ringfence.testing.world import World


async def at_the_desk() -> tuple[Desk, str]:
    """A desk, and a run that has used half of its calls."""
    desk = await Desk.open(await World.build(rules=shop_rules(limits=Limits(calls_per_run=4))))
    run = await desk.world.open_run()
    for order in "AB":
        await desk.world.call(run, "orders__get", {"order": order})
    return desk, run.run.id


async def test_it_shows_what_is_used_and_offers_what_an_alert_speaks_of() -> None:
    desk, run = await at_the_desk()
    page = (await desk.page("GET", f"/runs/{run}", headers=await desk.login("bo"))).text
    assert f"calls:run/{run}:all" in page
    assert "2 of 4" in page
    assert f'action="/runs/{run}/stop"' in page
    assert f'action="/runs/{run}/raise"' in page
    assert "<script" not in page


async def test_looking_changes_nothing_whatever_the_link_says() -> None:
    desk, run = await at_the_desk()
    headers = await desk.login()
    for path in (f"/runs/{run}?mode=kill", f"/runs/{run}/stop?mode=kill", f"/runs/{run}/raise?meter=calls&by=9"):
        assert (await desk.page("GET", path, headers=headers)).status in (200, 404, 405)
    assert await desk.world.stops.in_force() == ()
    assert "2 of 4" in (await desk.page("GET", f"/runs/{run}", headers=headers)).text


@pytest.mark.parametrize("mode", ["kill", "pause"])
async def test_its_form_stops_the_run_and_the_page_says_so(mode: str) -> None:
    desk, run = await at_the_desk()
    headers = await desk.login("bo")
    answer = await desk.page("POST", f"/runs/{run}/stop", {"mode": mode, "reason": "too dear"}, headers=headers)
    assert (answer.status, answer.raw.headers["location"]) == (303, f"/runs/{run}")
    (stop,) = await desk.world.stops.in_force()
    assert (stop.mode.value, stop.scope.target, stop.by, stop.reason) == (mode, run, "operator:bo", "too dear")
    page = (await desk.page("GET", f"/runs/{run}", headers=headers)).text
    assert f"{mode} of run {run} is in force" in page


async def test_its_form_raises_a_cap_and_says_why_not() -> None:
    desk, run = await at_the_desk()
    headers = await desk.login("bo")
    form = {"meter": f"calls:run/{run}:all", "by": "+6", "reason": "a longer list"}
    assert (await desk.page("POST", f"/runs/{run}/raise", form, headers=headers)).status == 303
    assert "2 of 10" in (await desk.page("GET", f"/runs/{run}", headers=headers)).text
    for wrong, status, why in (
        ({"reason": ""}, 409, "a raise needs a reason"),
        ({"by": "many"}, 400, "expected a number"),
        ({"meter": "spend:run/r_other:all"}, 409, "has no meter"),
    ):
        answer = await desk.page("POST", f"/runs/{run}/raise", {**form, **wrong}, headers=headers)
        assert (answer.status, why in answer.text) == (status, True), wrong
    assert "2 of 10" in (await desk.page("GET", f"/runs/{run}", headers=headers)).text


async def test_a_viewer_is_offered_nothing_and_can_do_nothing() -> None:
    desk, run = await at_the_desk()
    headers = await desk.login("vi")
    assert f'action="/runs/{run}' not in (await desk.page("GET", f"/runs/{run}", headers=headers)).text
    for path, form in (("stop", {"mode": "kill"}), ("raise", {"meter": "calls", "by": "5", "reason": "r"})):
        assert (await desk.page("POST", f"/runs/{run}/{path}", form, headers=headers)).status == 403
    assert await desk.world.stops.in_force() == ()


async def test_a_form_of_another_site_or_of_nobody_does_nothing() -> None:
    desk, run = await at_the_desk()
    headers = await desk.login()
    foreign = {**headers, "origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert (await desk.page("POST", f"/runs/{run}/stop", {"mode": "kill"}, headers=foreign)).status == 403
    assert (await desk.page("POST", f"/runs/{run}/stop", {"mode": "kill"})).status in (303, 401, 403)
    assert (await desk.page("POST", f"/runs/{run}/stop", {"mode": "disable"}, headers=headers)).status == 400
    assert await desk.world.stops.in_force() == ()


async def test_a_run_that_has_ended_is_shown_without_forms() -> None:
    desk, run = await at_the_desk()
    await desk.api("POST", f"/runs/{run}/close", {"reason": "done"})
    page = (await desk.page("GET", f"/runs/{run}", headers=await desk.login())).text
    assert f"/runs/{run}/stop" not in page
    assert (await desk.page("GET", "/runs/r_nobody", headers=await desk.login())).status == 404
