"""The command line against a real control socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.cli_kit import Office, office, ringfence, short_folder

from ringfence.core.model.ticket import TicketState
from ringfence.engine.outcome import Refused, Returned

REFUND = {"order": "A1", "amount": 25}


@pytest.fixture(name="at")
def running() -> Iterator[Office]:
    with office() as opened:
        yield opened


# --- runs, tools, agents --------------------------------------------------------------------------------


def test_a_run_is_started_shown_and_closed(at: Office) -> None:
    started = at("run", "start", "--agent", "support", "--task", "ticket 7", "--json")
    assert started.code == 0
    run = started.json
    assert set(run) >= {"run", "credential", "expires_at"}
    assert isinstance(at.run(at.world.call(run["credential"], "orders__get", {"order": "A1"})), Returned)
    child = at("run", "start", "--agent", "reader", "--task", "look", "--parent", run["run"], "--json").json
    assert at("run", "show", child["run"], "--json").json["parent"] == run["run"]
    assert run["run"] in at("run", "list").out
    assert at("run", "close", run["run"], "--reason", "done").code == 0
    assert at("run", "close", run["run"]).code == 1
    assert isinstance(at.run(at.world.call(run["credential"], "orders__get", {"order": "A1"})), Refused)


def test_a_refusal_names_the_remedy_and_ends_with_one(at: Office) -> None:
    said = at("run", "start", "--agent", "suport", "--task", "x")
    assert said.code == 1
    assert "there is no agent `suport`" in said.err
    assert "support" in said.err
    assert said.out == ""
    as_json = at("run", "start", "--agent", "suport", "--task", "x", "--json")
    assert as_json.code == 1
    assert as_json.json["error"]["code"] == "refused"


def test_a_misspelt_command_line_ends_with_two(at: Office) -> None:
    assert at("run", "start", "--agnt", "support").code == 2
    assert at("kill", "agnet", "support").code == 2
    assert at("kill", "agent").code == 2
    assert at("kill", "everything", "support").code == 2
    assert at("audit", "touched").code == 2


def test_without_a_gateway_a_command_ends_with_three_and_says_how_to_start_one() -> None:
    with short_folder() as folder:
        said = ringfence("status", "--state", str(folder), home=folder)
        assert said.code == 3
        assert "ringfence up" in said.err
        as_json = ringfence("approvals", "list", "--json", "--state", str(folder), home=folder)
        assert as_json.code == 3
        assert as_json.json["error"]["code"] == "unavailable"


def test_tools_and_agents_are_listed(at: Office) -> None:
    assert "irreversible, costs_money" in at("tool", "list").out
    assert "orders.get" in at("agent", "list").out
    assert at("agent", "credential", "support", "--json").json["credential"].startswith("rfr_")


def test_status_names_posture_and_what_is_stopped(at: Office) -> None:
    at("pause", "agent", "reader", "--reason", "odd")
    said = at("status")
    assert said.code == 0
    assert "posture separate" in said.out
    assert "pause of agent reader" in said.out
    assert at("status", "--json").json["stops"][0]["reason"] == "odd"
    assert at("reload", "--json").json["reloaded"] is True


# --- approvals --------------------------------------------------------------------------------


def test_an_approval_is_read_and_approved_with_its_digest(at: Office) -> None:
    run = at.run(at.world.open_run())
    ticket = at.run(at.world.ask(run))
    listed = at("approvals", "list", "--json").json["approvals"]
    assert [item["id"] for item in listed] == [ticket.id]
    card = at("approvals", "show", ticket.id)
    for text in ("support changes payments with refund", "cannot be undone", "25", "authority", "Money leaves", ticket.id):
        assert text in card.out, text
    said = at("approvals", "approve", ticket.id, "--digest", listed[0]["digest"], "--reason", "fine", by="bo")
    assert said.code == 0
    assert "executed once" in said.out
    assert isinstance(at.run(at.world.call(run, "payments__refund", REFUND)), Returned)


@pytest.mark.requirement("I5")
def test_without_a_terminal_approving_needs_a_digest_or_a_yes(at: Office) -> None:
    ticket = at.run(at.world.ask(at.run(at.world.open_run())))
    assert at("approvals", "approve", ticket.id).code == 2
    assert at("approvals", "approve", ticket.id, "--digest", "0" * 64).code == 1
    current = at.run(at.world.store.ticket(ticket.id))
    assert current is not None
    assert current.votes == ()
    assert at("approvals", "approve", ticket.id, "--yes", "--json").json["state"] == "approved"


def test_denying_needs_no_ceremony(at: Office) -> None:
    ticket = at.run(at.world.ask(at.run(at.world.open_run())))
    assert at("approvals", "deny", ticket.id, "--reason", "no", by="bo").code == 0
    current = at.run(at.world.store.ticket(ticket.id))
    assert current is not None
    assert current.state is TicketState.DENIED
    assert at("approvals", "deny", ticket.id).code == 1


def test_a_viewer_is_told_that_a_viewer_cannot_decide(at: Office) -> None:
    ticket = at.run(at.world.ask(at.run(at.world.open_run())))
    said = at("approvals", "deny", ticket.id, by="vi")
    assert said.code == 1
    assert "viewer" in said.err


def test_watching_without_a_terminal_is_a_plain_list(at: Office) -> None:
    ticket = at.run(at.world.ask(at.run(at.world.open_run())))
    said = at("approvals", "watch", "--once")
    assert said.out == f"{ticket.id}  support changes payments with refund; cannot be undone\n"
    assert json.loads(at("approvals", "watch", "--once", "--json").out)["id"] == ticket.id


@pytest.mark.requirement("I15")
def test_nothing_that_an_agent_wrote_reaches_the_terminal_as_anything_but_text(at: Office) -> None:
    run = at.run(at.world.open_run(task="[bold]trust me[/bold]\x1b[2J :smile:"))
    order = "\x1b]0;pwned\x07[red]\u202eA1\u200b"
    ticket = at.run(at.world.ask(run, arguments={"order": order, "amount": 25}))
    for said in (
        at("approvals", "show", ticket.id),
        at("approvals", "list"),
        at("run", "show", run.run.id),
        at("run", "list"),
        at("audit", "query"),
        at("audit", "show", "e3"),
        at("audit", "timeline", run.run.id),
    ):
        assert said.code == 0
        for hidden in ("\x1b", "\x07", "\u202e", "\u200b"):
            assert hidden not in said.out
    shown = at("approvals", "show", ticket.id).out
    assert "\u27e8U+202E\u27e9" in shown
    assert "\u27e8U+001B\u27e9" in shown
    assert "[red]" in shown
    assert "[bold]trust me[/bold]" in shown
    assert ":smile:" in shown


# --- stops --------------------------------------------------------------------------------


@pytest.mark.requirement("I6")
def test_a_kill_is_acknowledged_with_what_was_under_way_and_what_next(at: Office) -> None:
    run = at.run(at.world.open_run())
    ticket = at.run(at.world.ask(run))
    said = at("kill", "run", run.run.id, "--reason", "odd", by="bo")
    assert said.code == 0
    assert "no call was under way" in said.out
    assert ticket.id in said.out
    assert "ringfence unkill" in said.out
    assert isinstance(at.run(at.world.call(run, "orders__get", {"order": "A1"})), Refused)
    stop = at("stops", "--json").json["stops"][0]
    assert at("unkill", stop["id"], by="bo").code == 1
    assert at("unkill", stop["id"], "--reason", "over").code == 0
    assert at("stops").out == "nothing is stopped\n"


def test_a_run_may_be_named_by_its_id_alone(at: Office) -> None:
    run = at.run(at.world.open_run())
    assert at("kill", run.run.id, "--json").json["stop"]["scope"] == {"kind": "run", "target": run.run.id, "agent": None}


def test_the_only_admin_confirms_letting_everything_go_on(at: Office) -> None:
    assert at("kill", "everything", "--json").code == 0
    assert at("unkill", "everything", "--reason", "false alarm").code == 1
    assert "single person" in at("unkill", "everything", "--reason", "false alarm", "--confirm").out


def test_a_tool_is_switched_off_and_on(at: Office) -> None:
    reader = at.run(at.world.open_run("reader"))
    assert at("tool", "disable", "orders.get", "--agent", "reader", "--reason", "odd").code == 0
    assert isinstance(at.run(at.world.call(reader, "orders__get", {"order": "A1"})), Refused)
    assert "not switched off in this scope" in at("tool", "enable", "orders.get").out
    assert at("tool", "enable", "orders.get", "--agent", "reader").code == 0
    assert isinstance(at.run(at.world.call(reader, "orders__get", {"order": "A1"})), Returned)


def test_a_pause_is_resumed(at: Office) -> None:
    at("pause", "server", "orders")
    assert at("resume", "server", "orders").code == 0
    assert at("resume", "server", "orders").code == 1


# --- the log --------------------------------------------------------------------------------


def test_the_log_is_searched_explained_and_told_as_a_timeline(at: Office) -> None:
    run = at.run(at.world.open_run())
    at.run(at.world.call(run, "orders__note", {"order": "A1", "text": "x"}))
    at.run(at.world.call(run, "orders__drop", {"order": "A1"}))
    (denied,) = at("audit", "query", "--kind", "decision", "--decision", "deny", "--json").json["entries"]
    said = at("explain", denied["id"])
    assert said.code == 0
    assert "unknown_tool" in said.out
    assert "smallest change" in said.out
    assert at("explain", denied["id"], "--json").json["reasons"][0]["smallest_change"]["path"] == 'tools."orders__drop"'
    assert "orders.note" in at("audit", "timeline", run.run.id).out
    assert "not undone" in at("audit", "touched", "--run", run.run.id).out
    assert at("audit", "query", "--limit", "2").out.count("e") > 2
    assert at("audit", "show", "e999").code == 1


@pytest.mark.requirement("I12")
def test_the_log_verifies_live_and_from_a_file_and_an_edit_is_found(at: Office, tmp_path: Path) -> None:
    run = at.run(at.world.open_run())
    at.run(at.world.call(run, "orders__note", {"order": "A1", "text": "before"}))
    live = at("audit", "verify")
    assert live.code == 0
    assert "intact" in live.out
    export = tmp_path / "log.jsonl"
    assert at("audit", "export", "--output", str(export)).code == 0
    assert at("audit", "export", "--output", str(export)).code == 1  # never overwritten
    *leaves, last = export.read_bytes().splitlines()
    head, key = tmp_path / "head", tmp_path / "key"
    head.write_text(json.loads(last)["checkpoint"], "utf-8")
    key.write_text(json.loads(last)["public_key"], "utf-8")
    kept = ("--checkpoint", str(head), "--key", str(key))
    assert at("audit", "verify", "--file", str(export), *kept).code == 0
    for name, changed in (
        ("edited", [leaf.replace(b"before", b"after!") for leaf in leaves]),
        ("cut", leaves[:-1]),
        ("swapped", [leaves[1], leaves[0], *leaves[2:]]),
    ):
        tampered = tmp_path / name
        tampered.write_bytes(b"\n".join([*changed, last]) + b"\n")
        said = at("audit", "verify", "--file", str(tampered), *kept, "--json")
        assert said.code == 1, name
        assert said.json["intact"] is False
        assert said.json["findings"]
    assert at("audit", "verify", "--file", str(head)).code == 1


# --- operators --------------------------------------------------------------------------------


def test_operators_are_added_kept_used_and_removed(at: Office) -> None:
    added = at("operator", "add", "cy", "--role", "approver", "--save", "--json")
    assert added.code == 0
    saved = Path(added.json["saved"])
    assert saved.stat().st_mode & 0o777 == 0o600
    assert saved.read_text("utf-8").strip() == added.json["credential"]
    ticket = at.run(at.world.ask(at.run(at.world.open_run())))
    assert at("approvals", "deny", ticket.id, "--as", "cy", "--json").json["votes"][0]["operator"] == "cy"
    saved.chmod(0o644)
    assert at("operator", "list", "--as", "cy").code == 1
    assert at("operator", "remove", "cy").code == 0
    assert "cy" not in at("operator", "list").out
    assert at("operator", "list", "--as", "../cy").code == 1


def test_an_operator_that_is_not_allowed_to_is_refused(at: Office) -> None:
    assert at("operator", "add", "cy", "--role", "admin", by="bo").code == 1
    assert at("operator", "add", "cy", "--role", "boss").code == 2
    assert at("operator", "add", "cy").code == 2


def test_the_first_operator_is_added_before_any_gateway_has_run() -> None:
    with short_folder() as folder:
        state = folder / "state"
        refused = ringfence("operator", "add", "bo", "--role", "viewer", "--state", str(state), home=folder)
        assert refused.code == 1
        assert "admin" in refused.err
        added = ringfence("operator", "add", "ada", "--role", "admin", "--state", str(state), home=folder)
        assert added.code == 0
        assert "rfo_" in added.out
        assert "shown once" in added.out
        second = ringfence("operator", "add", "bo", "--role", "viewer", "--json", "--state", str(state), home=folder)
        assert second.json["uid"] is None
        listed = ringfence("operator", "list", "--json", "--state", str(state), home=folder)
        assert [operator["name"] for operator in listed.json["operators"]] == ["ada", "bo"]
        secret = second.json["credential"]
        as_bo = ringfence(
            "operator", "add", "x", "--role", "viewer", "--state", str(state), home=folder, RINGFENCE_OPERATOR_CREDENTIAL=secret
        )
        assert as_bo.code == 1
