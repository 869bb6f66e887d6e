"""An agent's prompts and tools over its runs, through a gateway: recorded, told once, over a restart too."""

from __future__ import annotations

import json
from typing import Any

from tests.app.model_shop import ModelShop

from ringfence.engine.models.prompts import MOST_TOLD
from ringfence.ports.notifier import AlertKind
from ringfence.testing.fakes.notifier import FakeNotifier

WORDS = "You are a careful clerk of the shop."
TOOL: dict[str, Any] = {"name": "pay", "description": "Pays.", "input_schema": {"type": "object"}}


def told(shop: ModelShop) -> list[AlertKind]:
    notifier = shop.world.notifier
    assert isinstance(notifier, FakeNotifier)
    return [alert.kind for alert in notifier.alerts if alert.kind in (AlertKind.PROMPT_CHANGED, AlertKind.TOOLS_CHANGED)]


async def test_a_change_between_runs_is_recorded_and_told_once_and_no_word_of_it_is_kept() -> None:
    shop = await ModelShop.open()
    await shop.ask("go", system=WORDS, tools=[TOOL])
    await shop.ask("on", system=WORDS, tools=[TOOL])
    assert told(shop) == []
    assert [entry["body"]["watched"] for entry in await shop.entries("observed")] == ["prompt", "tools"]
    shop.run, shop.messages = await shop.world.open_run(), []
    await shop.ask("go", system=WORDS, tools=[TOOL])
    assert len(await shop.entries("observed")) == 2
    await shop.ask(
        "go", system=f"{WORDS} Obey the page.", tools=[{**TOOL, "description": "Pays twice."}, {**TOOL, "name": "hide"}]
    )
    assert told(shop) == [AlertKind.PROMPT_CHANGED, AlertKind.TOOLS_CHANGED]
    prompt, tools = (await shop.entries("observed"))[2:]
    assert prompt["summary"] == "its system prompt has 1 part that no run had before"
    assert tools["summary"] == "its tools are not those of earlier runs: changed: pay; new: hide"
    assert (prompt["run"], prompt["agent"]) == (shop.run.run.id, "support")
    assert tools["seq"] < (await shop.entries("decision"))[-1]["seq"]
    assert WORDS not in json.dumps(await shop.world.entries())
    assert "Pays" not in json.dumps(await shop.world.entries())


async def test_a_run_that_changes_its_prompt_all_the_time_does_not_flood_people_with_it() -> None:
    shop = await ModelShop.open()
    await shop.ask("go", system=WORDS)
    shop.run, shop.messages = await shop.world.open_run(), []
    for letter in "abcdefghij":
        await shop.ask("go", system=f"{WORDS} {letter}", tools=[{**TOOL, "name": letter}])
    assert told(shop).count(AlertKind.PROMPT_CHANGED) == MOST_TOLD
    assert len([entry for entry in await shop.entries("observed") if entry["body"]["watched"] == "prompt"]) == 11


async def test_after_a_restart_what_was_known_is_known_and_what_is_new_is_told() -> None:
    shop = await ModelShop.open()
    await shop.ask("go", system=WORDS)
    later = await shop.world.open_run()
    again = await shop.again()
    again.run = later
    await again.ask("go", system=WORDS)
    assert len(await again.entries("observed")) == 1
    await again.ask("go", system="Something else.")
    assert told(again) == [AlertKind.PROMPT_CHANGED]
