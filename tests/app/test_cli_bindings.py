"""Binding credentials, and readmitting subjects, on the command line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.app.cli_kit import Office, office

from ringfence.core.model.run import Posture
from ringfence.engine.identity.identify import Presented
from ringfence.engine.outcome import Refused, Returned
from ringfence.engine.request import ToolRequest
from ringfence.ports.identity import Outsider

KEY = "A" * 43
ORDER = {"order": "A1"}
START = ("run", "start", "--agent", "support", "--task", "x")


@pytest.fixture(name="at")
def running() -> Iterator[Office]:
    with office() as opened:
        yield opened


@pytest.mark.requirement("I8")
@pytest.mark.parametrize("option", [("--dpop-jkt", KEY), ("--dpop-jkt", f"jkt:{KEY}"), ("--bind", f"jkt:{KEY}")])
def test_a_run_is_started_for_one_key(at: Office, option: tuple[str, str]) -> None:
    run = at(*START, *option, "--json").json
    assert run["bound_to"] == f"jkt:{KEY}"
    assert isinstance(at.run(at.world.call(run["credential"], "orders__get", ORDER)), Refused)
    sent = Presented(run["credential"], Posture.SEPARATE, frozenset({f"jkt:{KEY}"}))
    assert isinstance(at.run(at.world.enforcer.enforce(sent, ToolRequest("orders__get", ORDER))), Returned)


def test_it_is_said_how_a_credential_is_sent_and_when_anybody_can_use_it(at: Office) -> None:
    assert "Authorization: DPoP" in at(*START, "--dpop-jkt", KEY).out
    assert "bound to nobody" not in at(*START, "--bind", "uid:1000").out
    free = at(*START).out
    assert "Authorization: Bearer" in free
    assert "bound to nobody" in free
    listed = at("run", "list").out
    assert "nobody" in listed
    assert "uid:1000" in listed
    assert "1 open runs can be used by whoever knows their credential" in at("status").out.replace("\n", " ")
    assert "bound to nobody" in at("agent", "credential", "support").out


def test_a_binding_that_is_none_ends_with_one_and_two_of_them_with_two(at: Office) -> None:
    said = at(*START, "--bind", "pid:7")
    assert said.code == 1
    assert "uid:NUMBER" in said.err
    assert at(*START, "--bind", f"x5t:{KEY}", "--dpop-jkt", KEY).code == 2


def test_a_subject_cannot_write_on_the_operators_terminal(at: Office) -> None:
    """A name that a user of an issuer has chosen may hold control sequences (U+009B) and turn lines around (U+202E)."""
    outsider = Outsider(subject="desk\x9b2J\u202eksed", agent="support", until=1 << 60, binding="", still=lambda: True)
    at.run(at.world.outsiders.admit(outsider))
    (run,) = at("run", "list", "--json").json["runs"]
    for said in (at("run", "list"), at("run", "show", run["id"]), at("run", "readmit", run["id"])):
        assert said.code == 0
        assert not {"\x9b", "\u202e"} & set(said.out), said.out


def test_a_subject_is_readmitted(at: Office) -> None:
    outsider = Outsider(subject="spiffe://x/desk", agent="support", until=1 << 60, binding="", still=lambda: True)
    at.run(at.world.outsiders.admit(outsider))
    (run,) = at("run", "list", "--json").json["runs"]
    assert run["bound_to"] == ["whoever the issuer or certificate says"]
    assert at("run", "close", run["id"]).code == 0
    assert isinstance(at.run(at.world.outsiders.admit(outsider)), str)
    said = at("run", "readmit", run["id"])
    assert said.code == 0
    assert "stands for spiffe://x/desk" in said.out
    assert not isinstance(at.run(at.world.outsiders.admit(outsider)), str)
    assert at("run", "readmit", "r_none").code == 1
