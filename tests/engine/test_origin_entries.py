"""What a decision's entry says of where the call's deciding arguments came from."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ringfence.app.control.leaves import entry_view
from ringfence.core.framing import ARGUMENTS_IN_ENTRY
from ringfence.core.model.profile import Authority, Role
from ringfence.core.model.provenance import Origin, ProvenanceRules, SourceKind
from ringfence.core.records.entry import ENTRY_LIMIT
from ringfence.core.rules import Rules
from ringfence.engine.entries import MOST_ORIGINS, origin_facts
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import WHOLE_LOG, World

TARGET = Authority("/to", Role.TARGET)


def looking() -> Rules:
    """The shop, where somebody looks where values come from."""
    rules = shop_rules()
    support = replace(rules.agents[SUPPORT], provenance=ProvenanceRules())
    return replace(rules, agents={**rules.agents, SUPPORT: support})


async def decisions(world: World) -> list[dict[str, Any]]:
    entries = [entry_view(record) for record in await world.log.query(WHOLE_LOG)]
    return [entry for entry in entries if entry["kind"] == "decision"]


@pytest.mark.requirement("I10")
async def test_an_argument_that_only_an_answer_speaks_for_names_the_entry_of_that_answer() -> None:
    world = await World.build(rules=looking())
    run = await world.open_run(task="look after order B2 of ticket 7")
    await world.call(run, "orders__get", {"order": "ZX-4711"})
    await world.call(run, "payments__refund", {"order": "ZX-4711", "amount": 25})
    read, refund = await decisions(world)
    assert "origins" not in read["body"]
    origins = {origin["pointer"]: origin for origin in refund["body"]["origins"]}
    assert set(origins) == {"/order", "/amount"}
    assert (origins["/order"]["from"], origins["/order"]["entry"]) == ("result", read["id"])
    assert origins["/order"]["role"] == "selector"
    assert origins["/amount"]["from"] == "nowhere"
    assert "ZX-4711" not in json.dumps(refund["body"]["origins"])


async def test_a_value_that_the_task_states_is_said_to_come_from_its_words() -> None:
    world = await World.build(rules=looking())
    run = await world.open_run(task="refund 25 for order A1")
    await world.call(run, "payments__refund", {"order": "A1", "amount": 25})
    (refund,) = await decisions(world)
    assert [origin["from"] for origin in refund["body"]["origins"]] == ["words", "words"]


async def test_where_nobody_looks_nothing_is_said() -> None:
    world = await World.build()
    run = await world.open_run()
    await world.call(run, "payments__refund", {"order": "A1", "amount": 25})
    (refund,) = await decisions(world)
    assert "origins" not in refund["body"]


def test_what_no_trusted_source_speaks_for_is_kept_where_not_everything_fits() -> None:
    good = [Origin(f"/to/{n}", TARGET, SourceKind.WORDS) for n in range(40)]
    bad = Origin("/to/40", TARGET, SourceKind.RESULT, "some.tool", "e7")
    told = origin_facts((*good, bad))
    assert told["origins"][0] == {"pointer": "/to/40", "role": "target", "from": "result", "entry": "e7", "where": "some.tool"}
    assert (len(told["origins"]), told["origins_left_out"]) == (MOST_ORIGINS, 41 - MOST_ORIGINS)


def test_the_longest_origins_leave_room_for_the_longest_arguments() -> None:
    long = [Origin("/\U0001f600" * 5000, TARGET, SourceKind.RESULT, "\x00\u202e" * 5000, "e1") for _ in range(60)]
    told = json.dumps(origin_facts(long), ensure_ascii=False).encode()
    assert len(told) + ARGUMENTS_IN_ENTRY < ENTRY_LIMIT - 15_000
