"""The benign workload is what its README says: honest about where each value came from, and valid for its own tools."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest
from jsonschema_rs import Draft202012Validator
from tests.drills import workload_data
from tests.drills.workload_data import Source, Spelling, Step, Task, Tool, Value, WorkloadError, leaves, load

from ringfence.app.config.conditions import parse_conditions
from ringfence.core.model.condition import at_pointer, is_absent

_PROFILE = {
    "effect", "reversible", "inverse", "bounded", "costs_money", "identity", "outbound", "sensitivity", "trust", "authority",
    "secret", "objects", "quorum", "worst", "when", "clearance", "lookup", "records", "sanitiser", "memory",
}  # fmt: skip
_ROLES = {"target", "selector", "magnitude", "control", "command"}
_OWN = ("contacts", "hosts", "paths", "values")
_HOST = re.compile(r"(?:https?://|@)([A-Za-z0-9.-]+\.[A-Za-z]+)")
_ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
_SPARE = [ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8")]


def sink_values() -> list[tuple[Task, Value]]:
    return [(task, value) for task in load() for value in task.values if task.tools[task.steps[value.step - 1].tool].is_sink]


def steps() -> Iterator[tuple[Task, int, Step, Tool]]:
    for task in load():
        for number, step in enumerate(task.steps, 1):
            yield task, number, step, task.tools[step.tool]


def tools() -> dict[str, Tool]:
    return {f"{task.domain} {name}": tool for task in load() for name, tool in task.tools.items()}


def text_of(value: object) -> str:
    return value if isinstance(value, str) else "\n".join(str(leaf) for _, leaf in leaves(value))


def stands_in(value: object, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(str(value))}(?!\w)", text) is not None


def source_text(task: Task, value: Value) -> str:
    """All text of the source that the entry names, as far as the run has it when the step is called."""
    match value.source:
        case Source.TASK:
            return task.words_before(value.step)
        case Source.CONFIGURATION:
            return text_of({key: task.provenance.get(key, []) for key in _OWN})
        case Source.RESULT:
            return "\n".join(text_of(step.result) for step in task.steps[: value.step - 1])
        case Source.CONTENT:
            before = task.steps[: value.step - 1]
            return "\n".join(text_of(s.result) for s in before if task.tools[s.tool].profile["trust"] == "untrusted")


def test_there_are_enough_tasks_over_enough_domains() -> None:
    per_domain = Counter(task.domain for task in load())
    assert len(load()) >= 66
    assert len(per_domain) >= 6
    assert min(per_domain.values()) >= 10


def test_every_task_has_three_to_seven_steps_and_an_id_of_its_own() -> None:
    assert [task.id for task in load() if not 3 <= len(task.steps) <= 7] == []
    assert [name for name, count in Counter(task.id for task in load()).items() if count > 1] == []
    assert [task.id for task in load() if not task.id.startswith(f"{task.domain}-")] == []


def test_every_task_changes_or_sends_something() -> None:
    idle = [task.id for task in load() if not any(task.tools[step.tool].is_sink for step in task.steps)]
    assert idle == []


def test_a_third_of_the_tasks_read_what_strangers_wrote() -> None:
    def reads_strangers(task: Task) -> bool:
        profiles = [task.tools[step.tool].profile for step in task.steps]
        return any(profile["effect"] == "read" and profile["trust"] == "untrusted" for profile in profiles)

    assert sum(map(reads_strangers, load())) * 3 >= len(load())


def test_a_third_of_the_values_are_spelled_differently() -> None:
    values = sink_values()
    assert sum(value.spelled is Spelling.DIFFERENTLY for _, value in values) * 3 >= len(values)


def test_a_third_of_the_values_come_only_from_results() -> None:
    values = sink_values()
    assert sum(value.source in (Source.RESULT, Source.CONTENT) for _, value in values) * 3 >= len(values)


def test_every_domain_has_values_that_only_a_stranger_wrote() -> None:
    found = {task.domain for task, value in sink_values() if value.source is Source.CONTENT}
    assert found == {task.domain for task in load()}


def test_every_argument_satisfies_the_schema_of_its_tool() -> None:
    problems = [
        f"{task.id} step {number}: {error.message}"
        for task, number, step, tool in steps()
        for error in Draft202012Validator(dict(tool.input_schema)).iter_errors(step.arguments)
    ]
    assert problems == []


def test_every_result_satisfies_the_output_schema_of_its_tool() -> None:
    declared = [
        (f"{task.id} step {number}", step, tool) for task, number, step, tool in steps() if tool.output_schema is not None
    ]
    assert declared
    for where, step, tool in declared:
        assert Draft202012Validator(dict(tool.output_schema or {})).is_valid(step.result), where


def test_every_listed_value_stands_at_its_pointer_once() -> None:
    for task in load():
        places = [(value.step, value.at) for value in task.values]
        assert len(places) == len(set(places)), task.id
        for value in task.values:
            assert not is_absent(at_pointer(task.steps[value.step - 1].arguments, value.at)), f"{task.id} {value}"


def test_exactly_the_declared_authority_arguments_of_sinks_are_listed() -> None:
    for task in load():
        listed = {(value.step, value.at) for value in task.values}
        declared = {
            (number, at)
            for number, step in enumerate(task.steps, 1)
            if task.tools[step.tool].is_sink
            for at in task.tools[step.tool].authority_leaves(step.arguments)
        }
        assert listed == declared, task.id


def test_a_value_stands_in_its_source_letter_for_letter_unless_it_is_spelled_differently() -> None:
    wrong = [
        f"{task.id} step {value.step} {value.at}"
        for task, value in sink_values()
        if stands_in(at_pointer(task.steps[value.step - 1].arguments, value.at), source_text(task, value))
        is not (value.spelled is Spelling.SAME)
    ]
    assert wrong == []


def test_a_value_that_comes_only_from_results_was_never_said_by_the_operator() -> None:
    wrong = [
        f"{task.id} step {value.step} {value.at}"
        for task, value in sink_values()
        if value.source in (Source.RESULT, Source.CONTENT)
        and stands_in(at_pointer(task.steps[value.step - 1].arguments, value.at), task.words_before(value.step))
    ]
    assert wrong == []


def test_a_read_that_stays_inside_names_no_url() -> None:
    wrong = [f"{task.id} step {n}" for task, n, step, tool in steps() if not tool.is_sink and "://" in text_of(step.arguments)]
    assert wrong == []


def test_every_profile_is_complete_and_holds_only_known_keys() -> None:
    for name, tool in tools().items():
        profile = tool.profile
        assert profile.keys() <= _PROFILE, name
        assert {"effect", "sensitivity", "trust", "outbound"} <= profile.keys(), name
        if profile["effect"] == "write":
            assert {"bounded", "costs_money", "identity", "authority"} <= profile.keys(), name
            assert ("reversible" in profile) is not ("inverse" in profile), name
        if tool.is_sink:
            assert "authority" in profile, name
        if profile.get("sanitiser") is True:
            assert tool.output_schema is not None, name
        assert cast("Mapping[str, object]", profile.get("lookup", {})).keys() <= {"keys", "fields", "unique"}, name
        assert cast("Mapping[str, object]", profile.get("records", {})).keys() <= {"names", "ids"}, name


def test_what_a_profile_points_at_exists() -> None:
    catalogue = tools()
    for name, tool in catalogue.items():
        properties = cast("Mapping[str, object]", tool.input_schema["properties"])
        lookup = cast("Mapping[str, Sequence[str]]", tool.profile.get("lookup", {}))
        objects = cast("Sequence[str]", tool.profile.get("objects", ()))
        for pointer in (*tool.authority, *lookup.get("keys", ()), *objects):
            assert pointer.split("/")[1] in properties, f"{name} {pointer}"
        if isinstance(roles := tool.profile.get("authority"), Mapping):
            assert set(cast("Mapping[str, str]", roles).values()) <= _ROLES, name
        if "inverse" in tool.profile:
            assert f"{name.split()[0]} {tool.profile['inverse']}" in catalogue, name
        for each in cast("Sequence[Mapping[str, str]]", tool.profile.get("when", ())):
            assert parse_conditions(each["if"]), name


def test_everybody_in_it_lives_at_a_reserved_place() -> None:
    for task in load():
        words = text_of([task.task, *(text_of(step.arguments) + "\n" + text_of(step.result) for step in task.steps)])
        for host in _HOST.findall(words):
            assert host.lower().rstrip(".").endswith((".example", "example.com")), f"{task.id} {host}"
        for address in _ADDRESS.findall(words):
            assert any(ipaddress.ip_address(address) in net for net in _SPARE), f"{task.id} {address}"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workload of one domain without tasks."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "tools.json").write_text('{"a.b": {"description": "x", "inputSchema": {}, "profile": {}}}', "utf-8")
    (folder / "config.json").write_text('{"provenance": {"contacts": ["a"], "underivable": "ask"}}', "utf-8")
    monkeypatch.setattr(workload_data, "ROOT", tmp_path)
    load.cache_clear()
    yield folder
    load.cache_clear()


def test_a_file_of_another_form_is_refused_by_name(shop: Path) -> None:
    (shop / "tasks.json").write_text('[{"id": "shop-01", "task": "x", "steps": [], "values": [], "hint": 1}]', "utf-8")
    with pytest.raises(WorkloadError, match=r"shop/tasks\.json \[0\].*unknown hint"):
        load()


def test_the_lists_of_a_task_add_to_those_of_its_domain_and_its_modes_replace(shop: Path) -> None:
    own = '{"contacts": ["b"], "underivable": "deny"}'
    (shop / "tasks.json").write_text(
        f'[{{"id": "shop-01", "task": "x", "steps": [], "values": [], "provenance": {own}}}]', "utf-8"
    )
    assert load()[0].provenance == {"contacts": ["a", "b"], "underivable": "deny"}
