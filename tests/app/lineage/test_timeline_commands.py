"""`ringfence timeline`, the route and the pages behind it: with a gateway, without one, and from an export."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.app.cli_kit import Office, Said, office, ringfence
from tests.app.control_kit import Desk
from tests.core.lineage.lineage_kit import recordable, story

from ringfence.core.records.unit import Unit
from ringfence.testing.world import World


async def tell(world: World, entries: list[dict[str, Any]]) -> dict[str, str]:
    """Put a story into the log; what its entries are called there."""
    made, names = recordable(entries, (await world.log.head()).size)
    await world.store.record(Unit(tuple(made)))
    return names


@pytest.fixture
def at() -> Generator[Office]:
    with office() as opened:
        opened.run(tell(opened.world, story()))
        yield opened


def elsewhere(folder: Path, *arguments: str) -> Said:
    """A command on a machine where no gateway is."""
    return ringfence(*arguments, "--state", str(folder / "no-gateway"), home=folder)


def test_the_text_says_what_came_first_and_what_stopped_it(at: Office) -> None:
    said = at("timeline", "r_1")
    assert said.code == 0, said.err
    assert "First untrusted content:" in said.out
    assert "asked a person (provenance, rule_of_two)" in said.out
    assert "╰" in said.out
    assert max(len(line) for line in said.out.splitlines()) <= 120


def test_an_export_tells_the_same_as_the_gateway(at: Office, tmp_path: Path) -> None:
    told = at("timeline", "r_1", "--json").json
    export = tmp_path / "export"
    assert at("audit", "export", "-o", str(export)).code == 0
    assert elsewhere(tmp_path, "timeline", "r_1", "--export", str(export), "--json").json == told


def test_the_page_is_written_once_and_never_over_another_file(at: Office, tmp_path: Path) -> None:
    page = tmp_path / "run.html"
    assert at("timeline", "r_1", "--html", str(page)).out == f"wrote the timeline of r_1 to {page}\n"
    assert "mail.send" in page.read_text("utf-8")
    before = page.read_bytes()
    assert at("timeline", "r_1", "--html", str(page)).code == 1
    assert page.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["run.html"]


def test_a_run_that_nobody_knows_and_a_file_that_is_no_export_are_refused(at: Office, tmp_path: Path) -> None:
    assert at("timeline", "r_404").code == 1
    nothing = tmp_path / "nothing"
    nothing.write_text("{", "utf-8")
    assert elsewhere(tmp_path, "timeline", "r_1", "--export", str(nothing)).code == 1
    assert elsewhere(tmp_path, "timeline", "r_1", "--export", str(tmp_path / "absent")).code == 3
    assert elsewhere(tmp_path, "timeline", "r_1", "--export", str(tmp_path)).code == 2
    export = tmp_path / "export"
    assert at("audit", "export", "-o", str(export)).code == 0
    said = elsewhere(tmp_path, "timeline", "r_404", "--export", str(export), "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "not_found")


async def test_the_route_leaves_out_the_runs_below_where_it_is_told_to() -> None:
    desk = await Desk.open()
    above = await desk.world.open_run()
    below = await desk.world.open_run("reader", parent=above.run)
    await desk.world.call(below, "orders__get", {"order": "A1"})
    whole = (await desk.api("GET", f"/runs/{above.run.id}/lineage", by="vi")).json
    alone = (await desk.api("GET", f"/runs/{above.run.id}/lineage?subtree=0", by="vi")).json
    assert whole["runs"] == [above.run.id, below.run.id]
    assert alone["runs"] == [above.run.id]
    assert whole["first_untrusted"] is not None
    assert alone["first_untrusted"] is None
    assert whole["complete"] is True
    assert (await desk.api("GET", "/runs/r_404/lineage")).status == 404


async def test_a_kill_of_a_run_above_is_part_of_the_story_below() -> None:
    desk = await Desk.open()
    above = await desk.world.open_run()
    below = await desk.world.open_run("reader", parent=above.run)
    await desk.world.call(below, "orders__get", {"order": "A1"})
    assert (await desk.api("POST", "/kill", {"scope": {"kind": "run", "target": above.run.id}, "reason": "odd"})).status == 200
    told = (await desk.api("GET", f"/runs/{below.run.id}/lineage")).json
    assert [event["level"] for event in told["events"] if event["kind"] == "stop"] == ["kill"]


async def test_asking_agreeing_and_executing_is_one_act_with_the_name_of_who_agreed() -> None:
    desk = await Desk.open()
    run = await desk.world.open_run()
    await desk.world.call(run, "orders__get", {"order": "A1"})
    ticket = await desk.world.ask(run)
    await desk.world.ask(run)
    await desk.world.approve(ticket, by="bo")
    await desk.world.call(run, "payments__refund", {"order": "A1", "amount": 25})
    told = (await desk.api("GET", f"/runs/{run.run.id}/lineage")).json
    (act,) = told["acts"]
    assert (len(act["entries"]), act["fate"], act["by"]) == (3, "executed", "bo")
    first = act["entries"][0]
    assert (
        f"{first} (payments.refund) asked a person (costs_money, irreversible); bo agreed and it was executed."
        in told["summary"]
    )


async def test_the_approval_leads_to_the_timeline_and_the_timeline_to_the_entries() -> None:
    desk = await Desk.open()
    browser = await desk.login()
    run = await desk.world.open_run()
    await desk.world.call(run, "orders__get", {"order": "A1"})
    ticket = await desk.world.ask(run)
    card = await desk.page("GET", f"/approvals/{ticket.id}", headers=browser)
    assert f'href="/runs/{run.run.id}/timeline"' in card.text
    page = await desk.page("GET", f"/runs/{run.run.id}/timeline", headers=browser)
    assert page.status == 200
    assert "First untrusted content" in page.text
    assert 'href="/audit/e' in page.text
    assert "<style" not in page.text
    style = await desk.page("GET", "/static/timeline.css")
    assert style.raw.headers["content-type"].startswith("text/css")
    assert (await desk.page("GET", "/runs/r_404/timeline", headers=browser)).status == 404
    assert (await desk.page("GET", f"/runs/{run.run.id}/timeline")).status == 303


@pytest.mark.requirement("I20")
async def test_explain_says_which_argument_from_which_answer_and_the_smallest_change() -> None:
    desk = await Desk.open()
    names = await tell(desk.world, story())
    told = (await desk.api("GET", f"/explain/{names['e22']}")).json
    assert f"Its argument /to came only from {names['e4']} (what tickets.get returned, at " in told["in_words"]
    assert f"untrusted since {names['e4']} (tickets.get" in told["in_words"]
    assert told["provenance"]["confidential_since"] == names["e6"]
    change = next(one["smallest_change"]["text"] for one in told["reasons"] if one["code"] == "provenance")
    assert "let an operator say the value of /to and /account and /cc" in change
    assert "`ringfence run say r_1`" in change
    assert (await desk.api("GET", f"/explain/{names['e20']}")).json["provenance"] is None
    assert json.dumps(told).count("alert(") == 0
