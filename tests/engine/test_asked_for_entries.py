"""What a decision's entry and its story say of a call that nobody has asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringfence.app.control.because import is_unasked, underived
from ringfence.app.control.leaves import entry_view
from ringfence.core.lineage.because import because
from ringfence.core.model.profile import Sensitivity
from ringfence.core.model.provenance import ProvenanceRules
from ringfence.core.rules import Rules
from ringfence.engine.outcome import Returned, Waiting
from ringfence.testing.scenario import READ, SMALL_WRITE, SUPPORT, shop_rules, tool_rule
from ringfence.testing.world import WHOLE_LOG, World

CALM = replace(SMALL_WRITE, outbound=False, authority=(), said_as=("refund", "pay back"))


def looking() -> Rules:
    rules = shop_rules(
        tools=(tool_rule("orders.get", replace(READ, sensitivity=Sensitivity.PUBLIC)), tool_rule("payments.refund", CALM))
    )
    support = replace(rules.agents[SUPPORT], tools=("*",), provenance=ProvenanceRules())
    return replace(rules, agents={**rules.agents, SUPPORT: support})


@pytest.mark.requirement("I10")
async def test_a_run_that_read_a_stranger_s_words_is_asked_about_what_nobody_asked_for() -> None:
    world = await World.build(rules=looking())
    run = await world.open_run(task="look at order A1")
    assert isinstance(await world.call(run, "payments__refund", {"order": "A1", "amount": 1}), Returned)
    await world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(await world.call(run, "payments__refund", {"order": "A1", "amount": 2}), Waiting)
    *_, entry = [entry for one in await world.log.query(WHOLE_LOG) if (entry := entry_view(one))["kind"] == "decision"]
    (origin,) = entry["body"]["origins"]
    assert (origin["pointer"], origin["from"]) == ("", "unasked")
    assert (is_unasked(entry), underived(entry)) == (True, ())
    known = because(entry, ())
    assert known is not None
    said = "The task does not ask for this: none of `refund`, `pay back` is in the words."
    assert known.sentences({})[0] == said


async def test_it_is_not_where_the_task_asks_for_it() -> None:
    world = await World.build(rules=looking())
    run = await world.open_run(task="look at order A1, then pay back what is due")
    await world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(await world.call(run, "payments__refund", {"order": "A1", "amount": 2}), Returned)
