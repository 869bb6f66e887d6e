"""Policies of a running gateway are swapped whole, or the last good ones stay (I16)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.app.config.load import load_config
from ringfence.app.config.settings import Loaded, ServerConnection
from ringfence.app.gateway import Gateway
from ringfence.app.reload import Reloader
from ringfence.core.egress.opening import Admitted, Opening
from ringfence.engine.outcome import Outcome, Refused, Waiting
from ringfence.engine.request import ToolRequest
from ringfence.engine.runs.runs import Opened
from ringfence.ports.audit import AuditQuery
from ringfence.ports.upstream import Upstream
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.entropy import FakeEntropy
from ringfence.testing.fakes.lever import FakeLever
from ringfence.testing.fakes.notifier import FakeNotifier
from ringfence.testing.fakes.signer import FakeSigner
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.scenario import PAYMENTS_TOOLS, SUPPORT
from ringfence.testing.world import presented

CONFIG = """\
version: 1
servers: {payments: {command: [payments]}}
tools: {payments.refund: {identity: false}}
agents:
  support: {purpose: help, tools: ["payments.*"], egress: {hosts: [{host: pypi.example.com}]}}
"""
HEAD = 'forbid (principal, action == Action::"payments.refund", resource)'
BIG = f'@id("big") {HEAD} when {{ context.arguments.amount > 50 }};'


def build(connection: ServerConnection) -> Upstream:
    return FakeUpstream(PAYMENTS_TOOLS)


async def nobody(loaded: Loaded) -> None:
    """Nobody has to be told of another configuration."""


class Running:
    """A gateway on fakes with a configuration on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "policies"
        self.folder.mkdir()
        self.path = folder / "ringfence.yaml"
        self.path.write_text(CONFIG, "utf-8")
        loaded = load_config(self.path)
        store = MemoryStore()
        self.notifier = FakeNotifier()
        self.gateway = Gateway.assemble(
            loaded.rules,
            {server: build(connection) for server, connection in loaded.servers.items()},
            store=store,
            log=store,
            clock=FakeClock(),
            entropy=FakeEntropy(),
            signer=FakeSigner(),
            notifier=self.notifier,
            lever=FakeLever(),
        )
        self.reloader = Reloader(self.gateway, loaded, build, nobody)

    async def reload(self, text: str) -> str | None:
        (self.folder / "refunds.cedar").write_text(text, "utf-8")
        return await self.reloader.reload()

    async def refund(self, amount: int) -> Outcome:
        opened = await self.gateway.runs.open(SUPPORT, "task", by="operator:ada", trusted=True)
        assert isinstance(opened, Opened)
        request = ToolRequest("payments__refund", {"order": "A1", "amount": amount})
        return await self.gateway.enforcer.enforce(presented(opened), request)


@pytest.mark.requirement("I16")
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("permit (principal, action, resource);", "`permit` has no place here"),
        (f'@id("big") {HEAD} when {{ context.arguments.amuont > 9 }};', "attribute `arguments.amuont`"),
        (f'@id("big") {HEAD} when {{ context.arguments has amuont }};', "none of its tools has"),
        ("", ""),
    ],
)
async def test_bad_policies_keep_the_last_good_ones(tmp_path: Path, bad: str, said: str) -> None:
    running = Running(tmp_path)
    await running.gateway.catalogue.ensure_listed()
    assert isinstance(await running.refund(51), Waiting)
    assert await running.reload(BIG) is None
    assert isinstance(await running.refund(51), Refused)
    assert isinstance(await running.refund(50), Waiting)
    before = running.gateway.catalogue.rules.policies
    refusal = await running.reload(bad)
    if not said:
        assert refusal is None, "an empty set is a good one"
        return
    assert refusal is not None
    assert said in refusal
    assert running.gateway.catalogue.rules.policies is before
    assert isinstance(await running.refund(51), Refused)
    assert isinstance(await running.refund(50), Waiting)
    assert await running.reload(BIG.replace("50", "60")) is None
    assert isinstance(await running.refund(60), Waiting)
    assert isinstance(await running.refund(61), Refused)


@pytest.mark.requirement("I20")
async def test_the_record_says_which_policies_came_into_force(tmp_path: Path) -> None:
    running = Running(tmp_path)
    await running.gateway.catalogue.ensure_listed()
    assert await running.reload(BIG) is None
    policies = running.gateway.catalogue.rules.policies
    assert policies is not None
    records = await running.gateway.log.query(AuditQuery(kind="gateway", limit=100))
    assert any(f'"policy":"{policies.digest}"'.encode() in record.leaf for record in records)


@pytest.mark.requirement("I16")
async def test_a_way_out_that_the_new_policies_forbid_is_closed_when_they_are_in_force(tmp_path: Path) -> None:
    running = Running(tmp_path)
    await running.gateway.catalogue.ensure_listed()
    opened = await running.gateway.runs.open(SUPPORT, "task", by="operator:ada", trusted=True)
    assert isinstance(opened, Opened)
    connections = running.gateway.connections
    way = await connections.admit(presented(opened), Opening("pypi.example.com", 443))
    assert isinstance(way, Admitted)
    assert await running.reload(BIG) is None
    assert connections.lives(way)
    assert await running.reload('@id("out") forbid (principal, action == Action::"egress.connect", resource);') is None
    assert not connections.lives(way)
    await connections.close()
