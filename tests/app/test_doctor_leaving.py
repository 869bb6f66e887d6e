"""`doctor` on what agents could send outside of what they read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.app.doctor_kit import QUIET, Place

from ringfence.app.doctor.findings import Code, Severity

SECRET: dict[str, Any] = {"effect": "read", "sensitivity": "confidential", "outbound": False}
SEND: dict[str, Any] = {"effect": "write", "outbound": True}
LEAVING = {Code.PROVENANCE_OFF, Code.RULE_OF_TWO_OFF, Code.NO_CLEARANCE, Code.SHARED_WAY_OUT}


def shop(tools: dict[str, Any], provenance: dict[str, Any] | None = None, **agent: Any) -> dict[str, Any]:
    clerk = {"purpose": "x", "tools": ["shop.*"], "only_mcp": True, "provenance": provenance or {}, **agent}
    return {**QUIET, "tools": tools, "agents": {"clerk": clerk}}


def test_a_way_out_without_a_clearance_is_noticed(tmp_path: Path) -> None:
    looked = Place.made(
        tmp_path, shop({"shop.look": SECRET, "shop.send": SEND, "shop.note": {**SEND, "outbound": False}})
    ).look()
    finding = looked.of(Code.NO_CLEARANCE)
    assert finding.severity is Severity.NOTICE
    assert finding.where == ("tools.shop.send",)


@pytest.mark.parametrize(
    "tools",
    [
        {"shop.look": SECRET, "shop.send": {**SEND, "clearance": "confidential"}},
        {"shop.look": SECRET, "shop.send": {**SEND, "outbound": False}},
        {"shop.look": {**SECRET, "sensitivity": "internal"}, "shop.send": SEND},
        {"shop.look": {**SECRET, "trust": "trusted"}, "shop.send": {**SEND, "trust": "trusted"}},
    ],
)
def test_a_cleared_way_out_or_one_of_the_two_alone_is_nothing_to_notice(tmp_path: Path, tools: dict[str, Any]) -> None:
    assert not LEAVING & Place.made(tmp_path, shop(tools)).look().codes


def test_the_rule_of_two_switched_off_is_a_warning(tmp_path: Path) -> None:
    looked = Place.made(tmp_path, shop({"shop.look": SECRET, "shop.send": SEND}, {"rule_of_two": "off"})).look()
    finding = looked.of(Code.RULE_OF_TWO_OFF)
    assert finding.severity is Severity.WARNING
    assert finding.where == ("agents.clerk.provenance.rule_of_two: off", "tools.shop.send")
    assert Code.NO_CLEARANCE not in looked.codes


def test_provenance_switched_off_is_a_warning_where_anything_can_be_done(tmp_path: Path) -> None:
    looked = Place.made(tmp_path, shop({"shop.note": {**SEND, "outbound": False}}, {"underivable": "off"})).look()
    assert looked.of(Code.PROVENANCE_OFF).where == ("agents.clerk.provenance.underivable: off, 1 tools",)


def test_where_nothing_can_be_done_it_is_not(tmp_path: Path) -> None:
    looked = Place.made(tmp_path, shop({"shop.look": SECRET}, {"underivable": "off"})).look()
    assert not LEAVING & looked.codes


def test_hosts_that_a_box_reaches_are_ways_out(tmp_path: Path) -> None:
    hosts = [
        {"host": "api.partner.example"},
        {"host": "mirror.partner.example", "clearance": "regulated"},
        {"host": "git.corp.example"},
    ]
    config = shop({"shop.look": SECRET}, {"hosts": ["*.corp.example"]}, egress={"hosts": hosts}, box={"profile": "code"})
    finding = Place.made(tmp_path, config).look().of(Code.NO_CLEARANCE)
    assert finding.where == ("agents.clerk.egress: api.partner.example",)


def boxed(share: str, **host: str) -> dict[str, Any]:
    config = shop({"shop.look": SECRET, "shop.ask": {**SECRET, "sensitivity": "internal"}})
    server = {"command": ["/bin/true"], "share": share, "box": {"profile": "ops"}}
    return {**config, "servers": {"shop": {**server, "egress": {"hosts": [{"host": "api.vendor.example", **host}]}}}}


def test_a_server_in_a_box_that_several_runs_share_is_a_warning_where_it_reaches_outside(tmp_path: Path) -> None:
    looked = Place.made(tmp_path, boxed("server")).look()
    finding = looked.of(Code.SHARED_WAY_OUT)
    assert finding.severity is Severity.WARNING
    assert finding.where == ("servers.shop.egress: api.vendor.example",)
    assert Code.NO_CLEARANCE not in looked.codes


def test_one_that_each_run_has_for_itself_asks_and_is_noticed_as_such(tmp_path: Path) -> None:
    looked = Place.made(tmp_path, boxed("run")).look()
    assert looked.of(Code.NO_CLEARANCE).where == ("servers.shop.egress: api.vendor.example",)
    assert Code.SHARED_WAY_OUT not in looked.codes


@pytest.mark.parametrize("share", ["run", "agent", "server"])
def test_a_cleared_host_of_a_server_in_a_box_is_nothing_to_notice(tmp_path: Path, share: str) -> None:
    assert not LEAVING & Place.made(tmp_path, boxed(share, clearance="confidential")).look().codes
