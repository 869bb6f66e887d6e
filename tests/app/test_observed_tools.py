"""Tools that ran beside the gateway, as requests to models tell of them: recorded once, labelled, joined with calls, kept."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.app.model_shop import VENDOR, ModelShop, result, used

from ringfence.core.mcp.client_meta import TOOL_USE, ClientMeta
from ringfence.core.metering.local_tools import LocalTool
from ringfence.core.metering.rules import ModelRules
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.core.strict_json.canonical import digest_of
from ringfence.engine.people.labels import Holder, Kept, Lowered
from ringfence.engine.request import ClientSide
from ringfence.errors import UnavailableError
from ringfence.testing.scenario import SUPPORT

LOCAL = Label(Trust.UNTRUSTED, Sensitivity.INTERNAL)
CANARY = "canary words of a prompt"


async def label(shop: ModelShop) -> Label:
    run = await shop.world.store.run(shop.run.run.id)
    assert run is not None
    return run.label


async def results(shop: ModelShop) -> list[dict[str, Any]]:
    return [one for entry in await shop.entries("observed") for one in entry["body"].get("results", [])]


async def test_what_a_local_tool_gave_the_run_is_recorded_with_its_label_before_the_model_sees_it() -> None:
    shop = await ModelShop.open([used("toolu_1", "Bash", command=CANARY)])
    await shop.ask({"type": "text", "text": "go"})
    assert await shop.entries("observed") == []
    assert await label(shop) == CLEAN
    await shop.ask(result("toolu_1", CANARY))
    (entry,) = await shop.entries("observed")
    decision = (await shop.entries("decision"))[-1]
    assert entry["seq"] < decision["seq"]
    assert (entry["run"], entry["agent"], entry["by"]) == (shop.run.run.id, SUPPORT, f"agent:{SUPPORT}")
    assert entry["summary"] == "was given 1 result by tools beside the gateway: Bash"
    assert entry["body"] == {
        "request": decision["body"]["arguments"]["body"],
        "results": [
            {
                "id": "toolu_1",
                "name": "Bash",
                "content": digest_of(CANARY),
                "bytes": len(CANARY) + 2,
                "label": {"integrity": "untrusted", "confidentiality": "internal"},
            }
        ],
        "brings": {"integrity": "untrusted", "confidentiality": "internal"},
    }
    assert await label(shop) == LOCAL
    assert CANARY not in json.dumps(await shop.world.entries())


async def test_the_same_history_is_recorded_once_however_often_it_comes() -> None:
    shop = await ModelShop.open([used("toolu_1", "Bash")], [used("toolu_2", "Read")])
    await shop.ask("go")
    await shop.ask(result("toolu_1"))
    await shop.ask(result("toolu_2"), result("toolu_1", "another text under the same id"))
    await shop.send(shop.messages)
    assert [one["id"] for one in await results(shop)] == ["toolu_1", "toolu_2"]


async def test_a_server_that_counts_its_ids_anew_hides_no_tool_behind_one_that_was_trusted() -> None:
    read = LocalTool("Read", Label(Trust.TRUSTED, Sensitivity.INTERNAL))
    models = ModelRules(upstreams=(VENDOR,), local_tools={None: (read,)})
    shop = await ModelShop.open([used("call_0", "Read")], [], [used("call_0", "WebFetch")], models=models)
    await shop.ask("go")
    await shop.ask(result("call_0"))
    assert not (await label(shop)).is_untrusted
    shop.messages = []
    await shop.ask("another conversation of the same run")
    await shop.ask(result("call_0", "words of a stranger"))
    assert [one["name"] for one in await results(shop)] == ["Read", "WebFetch"]
    assert (await label(shop)).is_untrusted


async def test_after_a_restart_nothing_is_recorded_again_and_what_is_new_is() -> None:
    shop = await ModelShop.open([used("toolu_1", "Bash")], [used("toolu_2", "Read")])
    await shop.ask("go")
    await shop.ask(result("toolu_1"))
    again = await shop.again()
    await again.send(shop.messages)
    assert len(await results(again)) == 1
    await again.ask(result("toolu_2"))
    # What was asked for before the restart has its name from the log.
    assert [(one["id"], one["name"]) for one in await results(again)] == [("toolu_1", "Bash"), ("toolu_2", "Read")]
    assert [entry["body"].get("uses") for entry in await again.entries("observed")] == [None, None]


async def test_requests_at_the_same_time_record_it_once() -> None:
    shop = await ModelShop.open()
    told = [{"role": "assistant", "content": [used("toolu_1", "Bash")]}, {"role": "user", "content": [result("toolu_1")]}]
    await asyncio.gather(*(shop.send(told) for _ in range(5)))
    assert len(await results(shop)) == 1


async def test_a_use_that_no_answer_here_asked_for_is_told_of_too() -> None:
    shop = await ModelShop.open()
    await shop.send([{"role": "assistant", "content": [used("toolu_9", "Bash", command="x")]}])
    (entry,) = await shop.entries("observed")
    assert entry["body"]["uses"] == [
        {"id": "toolu_9", "name": "Bash", "arguments": digest_of({"command": "x"}), "bytes": len('{"command":"x"}')}
    ]
    assert entry["summary"] == "tells of 1 use of tools: Bash"
    # A request for something brings nothing.
    assert await label(shop) == CLEAN


async def test_the_result_of_a_call_of_the_gateways_own_is_that_calls_and_brings_nothing_twice() -> None:
    shop = await ModelShop.open([used("toolu_1", "mcp__shop__orders__get", id="A1")], tools=("orders.*",))
    await shop.ask("go")
    client = ClientSide(meta=ClientMeta(vendor={TOOL_USE: "toolu_1"}))
    await shop.world.call(shop.run, "orders__get", {"id": "A1"}, client=client)
    before = await label(shop)
    await shop.ask(result("toolu_1"))
    assert await shop.entries("observed") == []
    assert await label(shop) == before
    (call,) = [entry for entry in await shop.entries("decision") if entry["tool"] == "orders.get"]
    assert call["body"]["tool_use"] == "toolu_1"
    again = await shop.again()
    await again.send(shop.messages)
    assert await again.entries("observed") == []


async def test_where_a_client_names_no_use_the_same_tool_with_the_same_arguments_is_joined_once() -> None:
    asked = [used("toolu_1", "mcp__shop__orders__get", id="A1"), used("toolu_2", "mcp__shop__orders__get", id="A1")]
    shop = await ModelShop.open(asked, tools=("orders.*",))
    await shop.ask("go")
    await shop.world.call(shop.run, "orders__get", {"id": "A1"})
    await shop.ask(result("toolu_1"), result("toolu_2"))
    (call,) = [entry for entry in await shop.entries("decision") if entry["tool"] == "orders.get"]
    joined, beside = await results(shop)
    assert (joined["call"], "label" in joined) == (call["call"], False)
    assert ("call" in beside, beside["label"]["integrity"]) == (False, "untrusted")


async def test_a_name_like_the_gateways_own_is_not_enough_and_an_id_of_another_tool_neither() -> None:
    asked = [used("toolu_1", "mcp__ringfence__orders__get", id="A1"), used("toolu_2", "Bash")]
    shop = await ModelShop.open(asked, tools=("orders.*",))
    await shop.ask("go")
    client = ClientSide(meta=ClientMeta(vendor={TOOL_USE: "toolu_2"}))
    await shop.world.call(shop.run, "orders__get", {"id": "B2"}, client=client)
    await shop.ask(result("toolu_1"), result("toolu_2"))
    assert [("call" in one, one["label"]["integrity"]) for one in await results(shop)] == [(False, "untrusted")] * 2


def knowing(*tools: LocalTool) -> ModelRules:
    other = LocalTool("Read", Label(Trust.UNTRUSTED, Sensitivity.REGULATED))
    return ModelRules(upstreams=(VENDOR,), local_tools={SUPPORT: tools, None: (other,)})


@pytest.mark.parametrize(
    ("given", "is_error", "expected"),
    [
        ("Read", False, Label(Trust.TRUSTED, Sensitivity.CONFIDENTIAL)),
        # An error quotes what others wrote.
        ("Read", True, Label(Trust.UNTRUSTED, Sensitivity.CONFIDENTIAL)),
        ("mcp__notes__list", False, CLEAN),
        ("Bash", False, LOCAL),
    ],
)
async def test_the_operator_says_what_results_of_local_tools_are_worth(given: str, is_error: bool, expected: Label) -> None:
    known = (LocalTool("Read", Label(Trust.TRUSTED, Sensitivity.CONFIDENTIAL)), LocalTool("mcp__notes__*", CLEAN))
    shop = await ModelShop.open([used("toolu_1", given)], models=knowing(*known))
    await shop.ask("go")
    await shop.ask(result("toolu_1", is_error=is_error))
    assert await label(shop) == expected
    assert len(await results(shop)) == 1


async def test_what_the_vendors_own_tools_found_is_untrusted() -> None:
    shop = await ModelShop.open()
    found = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
    ]
    await shop.send([{"role": "assistant", "content": found}])
    (one,) = await results(shop)
    assert (one["kind"], one["name"]) == ("web_search_tool_result", "web_search")
    assert await label(shop) == Label(Trust.UNTRUSTED)


async def test_a_result_for_which_nothing_was_asked_is_untrusted_too() -> None:
    shop = await ModelShop.open(models=knowing(LocalTool("*", CLEAN)))
    await shop.send([{"role": "user", "content": [result("toolu_5")]}])
    (one,) = await results(shop)
    assert one["name"] == ""
    assert await label(shop) == CLEAN  # the operator said so of every name, this one included


async def test_ids_and_names_that_are_written_to_be_read_by_somebody_are_kept_plain() -> None:
    shop = await ModelShop.open()
    await shop.send([{"role": "assistant", "content": [used("id with words", "Ba\u202esh" + "x" * 500)]}])
    (entry,) = await shop.entries("observed")
    (use,) = entry["body"]["uses"]
    assert use["id"].startswith("sha256:")
    assert use["name"].startswith("Ba<U+202E>sh")
    assert len(use["name"]) <= 120


async def test_very_much_at_once_is_told_in_several_entries() -> None:
    shop = await ModelShop.open()
    uses = [used(f"toolu_{index}", "Bash" * 40, n=index) for index in range(1500)]
    answer = await shop.send([{"role": "assistant", "content": uses}, {"role": "user", "content": []}])
    assert answer.status == 200
    told = await shop.entries("observed")
    # The reader notes the last thousand of one request.
    assert sum(len(entry["body"]["uses"]) for entry in told) == 1000
    assert len(told) == 25


async def test_more_results_than_are_looked_at_count_as_any_tools_results() -> None:
    known = LocalTool("Read", Label(Trust.TRUSTED, Sensitivity.REGULATED))
    shop = await ModelShop.open(models=knowing(LocalTool("Bash", CLEAN), known))
    uses = [used(f"toolu_{index}", "Bash") for index in range(1001)]
    told = [{"role": "assistant", "content": uses}, {"role": "user", "content": [result(use["id"]) for use in uses]}]
    await shop.send(told)
    assert await label(shop) == Label(Trust.UNTRUSTED, Sensitivity.REGULATED)
    assert [entry["body"].get("beyond") for entry in await shop.entries("observed")][-1] is True
    await shop.send(told)
    # The rest is noted with the next request.
    assert len(await results(shop)) == 1001


async def test_an_agent_that_has_nothing_but_models_is_not_hindered_by_its_label() -> None:
    shop = await ModelShop.open([used("toolu_1", "Bash")])
    await shop.ask("go")
    assert (await shop.ask(result("toolu_1"))).status == 200
    assert (await shop.ask("and on")).status == 200


async def test_what_cannot_be_recorded_is_not_sent_and_is_recorded_when_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await ModelShop.open([used("toolu_1", "Bash")])
    await shop.ask("go")
    sent = len(shop.model.sent)

    async def failing(unit: Any) -> Any:
        raise UnavailableError("no room")

    with monkeypatch.context() as failed:
        failed.setattr(shop.world.store, "record", failing)
        assert (await shop.ask(result("toolu_1"))).status == 503
    assert len(shop.model.sent) == sent
    await shop.send(shop.messages)
    assert len(await results(shop)) == 1


async def test_who_answers_for_a_run_is_shown_what_its_tools_gave_it_and_the_same_history_does_not_undo_it() -> None:
    shop = await ModelShop.open([used("toolu_1", "Bash")], [used("toolu_2", "Bash")])
    ada = await shop.world.operator("ada")
    await shop.ask("go")
    await shop.ask(result("toolu_1"))
    run = await shop.world.store.run(shop.run.run.id)
    assert run is not None
    (entry,) = await shop.entries("observed")
    told = await shop.world.labels.of_run(run)
    assert [(source.entry, source.label) for source in told.sources] == [(f"e{entry['seq']}", LOCAL)]
    lowered = await shop.world.labels.endorse(Holder(Kept.RUN, run.id), operator=ada, reason="read it")
    assert isinstance(lowered, Lowered)
    assert [source.entry for source in lowered.sources] == [f"e{entry['seq']}"]
    await shop.send(shop.messages)
    assert not (await label(shop)).is_untrusted
    await shop.ask(result("toolu_2"))
    assert (await label(shop)).is_untrusted
