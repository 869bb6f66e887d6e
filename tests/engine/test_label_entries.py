"""What entries say of labels: of the run when it was decided, of what an answer brought."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ringfence.app.control.leaves import entry_view
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.engine.runs.runs import Opened
from ringfence.testing.scenario import READ, shop_rules, tool_rule
from ringfence.testing.world import WHOLE_LOG, World

CLEAN_READ = replace(READ, trust=Trust.TRUSTED, sensitivity=Sensitivity.PUBLIC)
UNTRUSTED = {"integrity": "untrusted", "confidentiality": "internal"}


async def bodies(world: World, kind: str, run: Opened) -> list[dict[str, Any]]:
    entries = [entry_view(record) for record in await world.log.query(WHOLE_LOG)]
    return [entry["body"] for entry in entries if entry["kind"] == kind and entry["run"] == run.run.id]


@pytest.mark.requirement("I10")
async def test_the_decision_that_raises_a_label_says_so_once_and_the_next_ones_say_what_it_is() -> None:
    world = await World.build()
    run = await world.open_run()
    for _ in range(2):
        await world.call(run, "orders__get", {"order": "A1"})
    first, second = await bodies(world, "decision", run)
    assert ("label" in first, first["brings"]) == (False, UNTRUSTED)
    assert (second["label"], "brings" in second) == (UNTRUSTED, False)
    assert [body["label"] for body in await bodies(world, "outcome", run)] == [UNTRUSTED, UNTRUSTED]


async def test_entries_of_a_run_that_nothing_has_touched_say_nothing_of_labels() -> None:
    world = await World.build(rules=shop_rules(tools=(tool_rule("orders.get", CLEAN_READ),)))
    run = await world.open_run()
    await world.call(run, "orders__get", {"order": "A1"})
    for body in (*await bodies(world, "decision", run), *await bodies(world, "outcome", run)):
        assert not {"label", "brings", "failed"} & set(body)


@pytest.mark.requirement("I10")
async def test_an_error_of_a_trusted_tool_says_in_its_outcome_that_it_raised_the_label() -> None:
    world = await World.build(rules=shop_rules(tools=(tool_rule("orders.boom", CLEAN_READ),)))
    run = await world.open_run()
    await world.call(run, "orders__boom", {"order": "A1"})
    await world.call(run, "orders__boom", {"order": "A1"})
    first, second = await bodies(world, "outcome", run)
    assert (first["failed"], first["label"]) == (True, {"integrity": "untrusted", "confidentiality": "public"})
    assert "failed" not in second
