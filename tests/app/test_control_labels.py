"""Labels over the API: seen, lowered by people, and what people say to a run."""

from __future__ import annotations

from typing import Any

import pytest
from tests.app.control_kit import Desk

from ringfence.engine.outcome import Returned

pytestmark = pytest.mark.requirement("I10")

ORDER = {"order": "A1"}
UNTRUSTED = {"integrity": "untrusted", "confidentiality": "internal"}
TRUSTED = {"integrity": "trusted", "confidentiality": "internal"}


async def tainted(desk: Desk, **more: Any) -> str:
    """An open run that has read what nobody vouches for."""
    opened = (await desk.api("POST", "/runs", {"agent": "support", "task": "ticket 7", **more})).json
    assert isinstance(await desk.world.call(opened["credential"], "orders__get", ORDER), Returned)
    return opened["run"]


async def test_a_run_shows_its_label_and_the_entries_that_brought_it() -> None:
    desk = await Desk.open()
    run = await tainted(desk)
    shown = (await desk.api("GET", f"/runs/{run}")).json
    assert (shown["label"], shown["own_label"]) == (UNTRUSTED, UNTRUSTED)
    assert [(source["tool"], source["label"]) for source in shown["label_from"]] == [("orders.get", UNTRUSTED)]
    (listed,) = (await desk.api("GET", "/runs")).json["runs"]
    assert listed["label"] == UNTRUSTED


async def test_an_operator_endorses_with_a_reason_and_it_is_in_the_log() -> None:
    desk = await Desk.open()
    run = await tainted(desk)
    (source,) = (await desk.api("GET", f"/runs/{run}")).json["label_from"]
    answer = await desk.api("POST", f"/runs/{run}/endorse", {"reason": "read it, it is ours"}, by="bo")
    assert answer.status == 200, answer.text
    assert (answer.json["before"], answer.json["after"], answer.json["effective"]) == (UNTRUSTED, TRUSTED, TRUSTED)
    assert [one["entry"] for one in answer.json["answers_for"]] == [source["entry"]]
    entry = (await desk.api("GET", f"/audit/{answer.json['entry']}")).json
    assert source["entry"] in str(entry)
    assert "read it, it is ours" in str(entry)
    assert (await desk.api("GET", f"/runs/{run}")).json["label"] == TRUSTED


async def test_declassifying_lowers_to_what_was_said_and_nothing_else() -> None:
    desk = await Desk.open()
    run = await tainted(desk)
    answer = await desk.api("POST", f"/runs/{run}/declassify", {"to": "public", "reason": "published"}, by="bo")
    assert answer.json["after"] == {"integrity": "untrusted", "confidentiality": "public"}


@pytest.mark.parametrize(
    ("path", "body", "by", "status"),
    [
        ("endorse", {}, "bo", 400),
        ("endorse", {"reason": " "}, "bo", 409),
        ("endorse", {"reason": "r"}, "vi", 403),
        ("declassify", {"reason": "r", "to": "secret"}, "bo", 400),
        ("declassify", {"reason": "r", "to": "confidential"}, "bo", 409),
        ("declassify", {"reason": "r", "to": "regulated"}, "ada", 409),
    ],
)
async def test_who_gives_no_reason_or_may_not_or_raises_lowers_nothing(
    path: str, body: dict[str, Any], by: str, status: int
) -> None:
    desk = await Desk.open()
    run = await tainted(desk)
    assert (await desk.api("POST", f"/runs/{run}/{path}", body, by=by)).status == status
    assert (await desk.api("GET", f"/runs/{run}")).json["label"] == UNTRUSTED


async def test_what_outlives_runs_is_listed_and_lowered_by_an_admin_only() -> None:
    desk = await Desk.open()
    first = await desk.world.open_run(by="agent:support")
    await desk.world.call(first, "orders__get", ORDER)
    listed = (await desk.api("GET", "/labels")).json["labels"]
    assert listed == [{"kind": "agent", "name": "support", "label": UNTRUSTED}]
    body = {"agent": "support", "reason": "its memory was wiped"}
    assert (await desk.api("POST", "/labels/endorse", body, by="bo")).status == 403
    assert (await desk.api("POST", "/labels/endorse", {"reason": "r"})).status == 400
    answer = await desk.api("POST", "/labels/endorse", body)
    assert (answer.json["after"], answer.json["below"]) == (TRUSTED, [first.run.id])
    answer = await desk.api("POST", "/labels/declassify", {**body, "to": "public"})
    assert (await desk.api("GET", "/labels")).json["labels"] == []
    assert (await desk.api("POST", "/labels/endorse", {"memory": "nowhere", "reason": "r"})).status == 409


async def test_a_run_that_continues_another_begins_with_its_label_and_its_words_only_if_asked() -> None:
    desk = await Desk.open()
    run = await tainted(desk)
    await desk.api("POST", f"/runs/{run}/close", {})
    body = {"agent": "support", "task": "go on", "continues": run}
    plain = (await desk.api("POST", "/runs", body)).json
    spoken = (await desk.api("POST", "/runs", {**body, "with_words": True})).json
    assert (plain["label"], spoken["label"]) == (UNTRUSTED, UNTRUSTED)
    assert (await desk.api("GET", f"/runs/{plain['run']}")).json["words"] == []
    (said,) = (await desk.api("GET", f"/runs/{spoken['run']}")).json["words"]
    assert (said["text"], said["by"]) == ("ticket 7", "operator:ada")
    assert (await desk.api("POST", "/runs", {**body, "continues": "r_never"})).status == 409
    assert (await desk.api("POST", "/runs", {"agent": "support", "task": "x", "with_words": True})).status == 400


async def test_what_is_said_to_a_run_is_shown_with_who_said_it() -> None:
    desk = await Desk.open()
    run = (await desk.world.open_run()).run.id
    answer = await desk.api("POST", f"/runs/{run}/words", {"text": "and write to ann@corp.example"}, by="bo")
    assert answer.json["by"] == "operator:bo"
    (said,) = (await desk.api("GET", f"/runs/{run}")).json["words"]
    assert (said["text"], said["by"]) == ("and write to ann@corp.example", "operator:bo")
    for body, by, status in (({"text": "x"}, "vi", 403), ({"text": "  "}, "bo", 409), ({"text": "x" * 20_001}, "bo", 409)):
        assert (await desk.api("POST", f"/runs/{run}/words", body, by=by)).status == status
    await desk.api("POST", f"/runs/{run}/close", {})
    assert (await desk.api("POST", f"/runs/{run}/words", {"text": "too late"})).status == 409
