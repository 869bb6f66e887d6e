"""What is proposed for a tool that nobody has described.

`labelled_tools.jsonl` holds the tools that ten public MCP servers list (names, hints, slimmed schemas, first words of
descriptions), each labelled by hand: does a call change anything?
"""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.definitions.proposal import Proposal, propose, propose_all
from ringfence.core.model.profile import WORST_PROFILE, Effect, Sensitivity, Trust

LABELLED = [json.loads(line) for line in (Path(__file__).parent / "labelled_tools.jsonl").read_text("utf-8").splitlines()]


def tool(name: str, description: str = "", hints: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "name": name,
        "description": description,
        "inputSchema": {"type": "object", "properties": properties},
    }
    return definition if hints is None else {**definition, "annotations": hints}


def proposed() -> list[tuple[dict[str, Any], Proposal]]:
    found: list[tuple[dict[str, Any], Proposal]] = []
    for server, group in groupby(LABELLED, key=lambda entry: entry["server"]):
        entries = list(group)
        found += zip(entries, propose_all(server, entries), strict=True)
    return found


def test_nothing_that_changes_something_is_proposed_as_a_read() -> None:
    wrong = [
        f"{entry['server']}.{entry['name']}"
        for entry, proposal in proposed()
        if entry["truth"] == "write" and is_read(proposal)
    ]
    assert sum(entry["truth"] == "write" for entry in LABELLED) == 56
    assert wrong == []


def test_reads_left_as_writes_are_known_by_name() -> None:
    missed = {
        f"{entry['server']}.{entry['name']}"
        for entry, proposal in proposed()
        if entry["truth"] == "read" and not is_read(proposal)
    }
    assert missed == {
        "alchemy.all_table_names",
        "alchemy.filter_table_names",
        "alchemy.schema_definitions",
        "cyanheads-git.git_changelog_analyze",
        "everything.simulate-research-query",
        "everything.trigger-long-running-operation",
        "git.git_branch",
        "memory.open_nodes",
        "sqlite.read_query",
    }


def is_read(proposal: Proposal) -> bool:
    return proposal.profile.effect is Effect.READ


@pytest.mark.parametrize(
    "definition",
    [
        tool("get_or_create_user"),
        tool("read_and_delete"),
        tool("search_and_replace"),
        tool("list_then_frobnicate"),
        tool("find_and_modify"),
        tool("getAndSet"),
        tool("log_event"),
        tool("log", message={"type": "string"}),
        tool("event_log", entry={"type": "string"}, hints={"readOnlyHint": True}, description=""),
        tool("status_update"),
        tool("order_status", hints={"readOnlyHint": True}, status={"type": "string"}),
        tool("show_notification"),
        tool("get_new_token"),
        tool("get_report", "Builds the report and emails it to the owner."),
        tool("get_report", "Delete old reports, then list the rest."),
        tool("get_data", sql={"type": "string"}),
        tool("read_query", "Run a SELECT", query={"type": "string"}),
        tool("list_things", action={"enum": ["list", "delete"]}),
        tool("list_things", kind={"anyOf": [{"const": "create"}, {"const": "show"}]}),
        tool("get_thing", method={"type": "string"}),
        tool("get_thing", overwrite={"type": "boolean"}),
        tool("get_thing", createIfMissing={"type": "boolean"}),
        tool("get_file", output_path={"type": "string"}),
        tool("get_page", options={"type": "object", "properties": {"script": {"type": "string"}}}),
        tool("list_things", hints={"readOnlyHint": False}),
        tool("list_things", hints={"readOnlyHint": "true"}),
        tool("list_things", hints={"destructiveHint": False}),
        tool("delete_things", hints={"readOnlyHint": True}),
        tool("frobnicate", hints={"readOnlyHint": True}),
        tool("fetch", url={"type": "string"}, hints={"readOnlyHint": True}),
        tool("convert_time"),
        tool("query", hints={"readOnlyHint": True}),
        tool("получить"),
        tool(""),
        {},
    ],
)
@pytest.mark.requirement("I16")
def test_anything_doubtful_is_a_write_of_the_worst_kind(definition: dict[str, Any]) -> None:
    profile = propose(definition).profile
    assert profile.effect is Effect.WRITE
    assert not profile.reversible
    assert not profile.bounded
    assert profile.costs_money
    assert profile.identity
    assert profile.outbound
    assert profile.sensitivity is Sensitivity.REGULATED
    assert profile.trust is Trust.UNTRUSTED


@pytest.mark.parametrize(
    "definition",
    [
        tool("get_commit"),
        tool("get_pull_request"),
        tool("list_files", "Lists files. Never deletes anything."),
        tool("getFileInfo", path={"type": "string"}),
        tool("describe-table", table={"type": "string"}),
        tool("search_issues", state={"enum": ["open", "closed"]}, start_date={"type": "string"}),
        tool("convert_time", hints={"readOnlyHint": True}),
    ],
)
def test_plain_reading_is_proposed_as_a_read_for_review(definition: dict[str, Any]) -> None:
    proposal = propose(definition)
    assert is_read(proposal)
    assert "review" in proposal.reasons["effect"]
    assert proposal.profile.sensitivity is Sensitivity.REGULATED
    assert proposal.profile.trust is Trust.UNTRUSTED


def test_reading_the_environment_is_marked_as_showing_secrets() -> None:
    [get_env] = [proposal for entry, proposal in proposed() if entry["name"] == "get-env"]
    assert get_env.shows_secrets
    assert get_env.profile.sensitivity is Sensitivity.REGULATED
    assert propose(tool("get_config", "Shows the config with all API keys.")).shows_secrets
    assert not propose(tool("get_config", "Shows the config.")).shows_secrets


def test_a_closed_world_is_believed_only_where_no_argument_is_an_address() -> None:
    claim = {"readOnlyHint": True, "openWorldHint": False}
    assert not propose(tool("get_time", hints=claim)).profile.outbound
    assert propose(tool("get_page", hints=claim, url={"type": "string"})).profile.outbound
    assert propose(tool("get_time", hints={"readOnlyHint": True})).profile.outbound


def test_arguments_are_told_by_their_names() -> None:
    profile = propose(
        tool(
            "send_payment",
            recipient={"type": "string"},
            amount={"type": "number"},
            order_id={"type": "string"},
            note={"type": "string"},
            callbackUrl={"type": "string"},
            card={"type": "object", "properties": {"card_number": {}, "cvv": {}, "a/b~id": {}}},
            password={"type": "string"},
            site={"type": "string", "format": "uri"},
        )
    ).profile
    assert profile.authority is not None
    assert {one.pointer: one.role.value for one in profile.authority} == {
        "/recipient": "target",
        "/amount": "magnitude",
        "/order_id": "selector",
        "/callbackUrl": "target",
        "/card/card_number": "selector",
        "/card/a~1b~0id": "selector",
        "/site": "target",
    }
    assert profile.objects == ("/order_id", "/card/a~1b~0id")
    assert profile.secret == ("/card/card_number", "/card/cvv", "/password")


def test_the_worst_act_weighs_most() -> None:
    names = [
        "run_command",
        "send_payment",
        "delete_customer",
        "merge_branch",
        "send_note",
        "update_note",
        "create_note",
        "note",
        "get_note",
    ]
    weights = [propose(tool(name)).weight for name in names]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == len(weights)


def test_the_words_that_all_tools_share_are_set_aside() -> None:
    tools = [tool("acme_get_order"), tool("acme_list_orders"), tool("acme_cancel_order")]
    assert [is_read(proposal) for proposal in propose_all("shop", tools)] == [True, True, False]
    assert [is_read(proposal) for proposal in propose_all("acme", tools[:1])] == [True]
    assert [is_read(proposal) for proposal in propose_all("x", [tool("delete_get_a"), tool("delete_get_b")])] == [False, False]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "type", "enum", "properties", "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["name", "description", "annotations", "inputSchema"]), json_values))
def test_any_definition_gets_a_proposal(definition: dict[str, Any]) -> None:
    proposal = propose(definition)
    assert proposal.profile.trust is WORST_PROFILE.trust
    assert proposal.profile.sensitivity is WORST_PROFILE.sensitivity


@given(
    st.sampled_from(LABELLED),
    st.dictionaries(st.sampled_from(["readOnlyHint", "destructiveHint", "idempotentHint"]), st.booleans()),
)
def test_taking_the_claim_of_reading_away_never_makes_a_read(entry: dict[str, Any], hints: dict[str, bool]) -> None:
    without = {key: value for key, value in hints.items() if key != "readOnlyHint"}
    claimed = propose({**entry, "annotations": {**without, "readOnlyHint": True}})
    assert is_read(claimed) or not is_read(propose({**entry, "annotations": without}))
    assert not is_read(propose({**entry, "annotations": {**without, "readOnlyHint": False}}))
