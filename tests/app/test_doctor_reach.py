"""`doctor` on who reaches what: posture, control plane, shared credentials, bearers; and on its own list of codes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.app.doctor_kit import NOW, QUIET, Place

from ringfence.app.control.runs import NOBODY
from ringfence.app.doctor.doctor import judge
from ringfence.app.doctor.facts import Facts, HeldRun
from ringfence.app.doctor.findings import MEANINGS, Code, Finding, Severity, in_order
from ringfence.errors import UnavailableError

DOCS = Path(__file__).parents[2] / "docs" / "doctor.md"


def clerk(**fields: Any) -> dict[str, Any]:
    return {**QUIET, "agents": {"clerk": {"purpose": "x", "tools": ["shop.*"], **fields}}}


# --- posture ---------------------------------------------------------------------------------------------------------


def test_a_shared_posture_is_serious_and_says_why(tmp_path: Path) -> None:
    looked = Place.made(tmp_path, clerk()).look()
    finding = looked.of(Code.POSTURE_SHARED)
    assert finding.severity is Severity.SERIOUS
    assert finding.where[0].startswith("clerk: has no `users`")
    assert "posture shared" in looked.printed


def test_a_separate_posture_is_stated_too(tmp_path: Path) -> None:
    looked = Place.made(tmp_path, clerk(users=["64001"])).look()
    assert looked.codes == set()
    assert "posture separate" in looked.printed
    assert "clerk: runs as another user (uid 64001)" in looked.printed


def test_the_gateways_user_is_the_owner_of_its_state(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    state = tmp_path / "state"
    state.mkdir(mode=0o711)
    facts = place.look(state=state).facts
    assert facts.gateway_uid == state.stat().st_uid
    assert facts.is_running is False


def test_an_anonymous_agent_is_told_of(tmp_path: Path) -> None:
    looked = Place.made(tmp_path, clerk(only_mcp=True, unsafe_anonymous=True)).look()
    assert looked.of(Code.ANONYMOUS_AGENT).severity is Severity.WARNING


# --- the control plane -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", []),
        ("http://127.0.0.1:7411/", [(Code.CONTROL_ON_TCP, Severity.NOTICE)]),
        ("http://[::1]:7411/", [(Code.CONTROL_ON_TCP, Severity.NOTICE)]),
        ("http://192.0.2.4:7411/", [(Code.CONTROL_ON_NETWORK, Severity.SERIOUS)]),
    ],
)
def test_where_people_are_served_is_judged(url: str, expected: list[Any]) -> None:
    found = judge(Facts(now=NOW, gateway_uid=1, is_running=True, control_url=url))
    assert [(finding.code, finding.severity) for finding in found] == expected


@pytest.mark.parametrize(
    ("url", "severity"), [("http://gate.example", Severity.SERIOUS), ("https://gate.example", Severity.NOTICE)]
)
def test_a_published_control_plane_is_told_of(tmp_path: Path, url: str, severity: Severity) -> None:
    looked = Place.made(tmp_path, {**QUIET, "control": {"public_url": url}}).look()
    assert looked.of(Code.CONTROL_ON_NETWORK).severity is severity


# --- a running gateway -----------------------------------------------------------------------------------------------


def running(path: str) -> Any:
    row = {"agent": "clerk", "standing": False, "expires_at": "2030-01-01T00:00:00Z"}
    runs = [{"id": "r1", "bound_to": ["uid:1"], **row}, {"id": "r2", "bound_to": [NOBODY, "uid:1"], **row}]
    return {"/status": {"gateway": {"control": "http://127.0.0.1:1/"}}, "/runs": {"runs": runs, "left_off": 3}}[path]


def test_a_running_gateway_is_asked_for_its_runs(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    state = tmp_path / "state"
    state.mkdir(mode=0o711)
    looked = place.look(state=state, ask=running)
    assert looked.where(Code.UNBOUND_BEARER) == {"run r2 (clerk)"}
    assert looked.codes == {Code.UNBOUND_BEARER, Code.CONTROL_ON_TCP, Code.NOT_LOOKED_AT}
    assert "3 open runs more" in looked.printed


def test_a_gateway_that_does_not_answer_is_told_of(tmp_path: Path) -> None:
    def refusing(path: str) -> Any:
        raise UnavailableError("you are no operator")

    place = Place.made(tmp_path)
    state = tmp_path / "state"
    state.mkdir(mode=0o711)
    looked = place.look(state=state, ask=refusing)
    assert looked.where(Code.NOT_LOOKED_AT) == {str(state)}
    assert "no operator" in looked.printed
    assert looked.facts.is_running is None


# --- bearers ---------------------------------------------------------------------------------------------------------


def test_bearers_are_serious_where_other_machines_reach_the_gateway(tmp_path: Path) -> None:
    place = Place.made(tmp_path, {**QUIET, "listen": {"address": "0.0.0.0", "tls": {"cert": "c", "key": "k"}}})
    looked = place.look()
    assert looked.where(Code.UNBOUND_BEARER) == {"listen.tls"}
    run = HeldRun(id="r", agent="clerk", is_standing=True, is_unbound=True, has_end=True)
    found = judge(Facts(now=NOW, gateway_uid=1, loaded=looked.facts.loaded, runs=(run,)))
    [first, *_] = found
    assert (first.code, first.severity, first.where) == (Code.UNBOUND_BEARER, Severity.SERIOUS, ("run r (clerk, standing)",))


def test_client_certificates_bind_so_that_nothing_is_said(tmp_path: Path) -> None:
    tls = {"cert": "c", "key": "k", "client_ca": "a"}
    place = Place.made(tmp_path, {**QUIET, "listen": {"address": "0.0.0.0", "tls": tls}})
    assert Code.UNBOUND_BEARER not in place.look().codes
    place.configure({**QUIET, "listen": {"address": "0.0.0.0", "tls": {**tls, "client_certs": "optional"}}})
    assert Code.UNBOUND_BEARER in place.look().codes


# --- one credential for different effects ----------------------------------------------------------------------------

KEY = {"from": "env:KEY"}


def test_one_credential_of_a_server_for_reads_and_writes_is_told_of(tmp_path: Path) -> None:
    server = {"command": ["/bin/true"], "env": {"KEY": KEY}}
    place = Place.made(tmp_path, {**QUIET, "servers": {"shop": server}})
    finding = place.look().of(Code.MIXED_CREDENTIAL)
    assert finding.where == ("servers.shop.env.KEY",)
    assert "shop.look" in finding.what
    assert "shop.pay" in finding.what


def test_a_credential_of_its_own_for_what_writes_settles_it(tmp_path: Path) -> None:
    server = {"command": ["/bin/true"], "env": {"KEY": KEY}}
    writes = {"effect": "write", "outbound": False, "credential": {"env": "PAY", "from": "env:PAY"}}
    config = {**QUIET, "servers": {"shop": server}, "tools": {**QUIET["tools"], "shop.pay": writes}}
    assert Place.made(tmp_path, config).look().codes == set()


def test_one_secret_in_several_places_is_told_of_where_effects_differ(tmp_path: Path) -> None:
    servers = {
        "shop": {"command": ["/bin/true"], "env": {"KEY": KEY}},
        "bank": {"url": "https://bank.example/mcp", "headers": {"X-Key": KEY}},
    }
    read = {"effect": "read", "outbound": False}
    tools = {"shop.look": read, "bank.look": read}
    place = Place.made(tmp_path, {**QUIET, "servers": servers, "tools": tools})
    assert place.look().codes == set()
    place.configure({**QUIET, "servers": servers, "tools": {**tools, "bank.look": {"effect": "write"}}})
    finding = place.look().of(Code.SHARED_CREDENTIAL)
    assert finding.where == ("servers.shop.env.KEY", "servers.bank.headers.X-Key")
    assert "env:KEY" in finding.what


@pytest.mark.requirement("I9")
def test_one_literal_in_several_places_is_told_of_without_its_value(tmp_path: Path) -> None:
    literal = "just-a-word-that-is-one"
    servers = {name: {"command": ["/bin/true"], "env": {"API_KEY": literal}} for name in ("shop", "bank")}
    tools = {"shop.look": {"effect": "read"}, "bank.pay": {"effect": "write"}}
    looked = Place.made(tmp_path, {**QUIET, "servers": servers, "tools": tools}).look()
    assert looked.where(Code.SHARED_CREDENTIAL) == {"servers.shop.env.API_KEY", "servers.bank.env.API_KEY"}
    assert literal not in looked.printed


# --- the list of codes -----------------------------------------------------------------------------------------------


def test_every_code_has_its_meaning_and_stands_in_the_documentation() -> None:
    assert set(MEANINGS) == set(Code)
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", DOCS.read_text("utf-8"), re.MULTILINE))
    assert rows == {code.value: meaning for code, meaning in MEANINGS.items()}


def test_findings_come_in_the_order_of_their_severity_and_what_differs_in_place_is_one() -> None:
    def found(code: Code, severity: Severity, where: str) -> Finding:
        return Finding(code=code, severity=severity, what="w", where=(where,), remedy="r")

    order = in_order(
        [
            found(Code.NOT_LOOKED_AT, Severity.NOTICE, "a"),
            found(Code.LONG_LIVED, Severity.WARNING, "b"),
            found(Code.EXPIRED, Severity.SERIOUS, "d"),
            found(Code.EXPIRED, Severity.SERIOUS, "c"),
        ]
    )
    assert [(finding.code, finding.where) for finding in order] == [
        (Code.EXPIRED, ("d", "c")),
        (Code.LONG_LIVED, ("b",)),
        (Code.NOT_LOOKED_AT, ("a",)),
    ]
