"""A whole engine on fakes, for tests.

world = await World.build()
opened = await world.open_run("support")
outcome = await world.call(opened, "orders__get", {"order": "A1"})
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.model.identifiers import AgentId, RunId, ServerId, TicketId
from ringfence.core.model.operator import Operator, Role
from ringfence.core.model.run import Posture, Run
from ringfence.core.model.ticket import Ticket
from ringfence.core.rules import Rules
from ringfence.core.scan.redactor import Redactor
from ringfence.core.scan.scanner import Scanner
from ringfence.engine.assembly import Engine
from ringfence.engine.identity.identify import Presented
from ringfence.engine.identity.on_behalf import OnBehalf
from ringfence.engine.local.judged import Judges
from ringfence.engine.outcome import Outcome, Waiting
from ringfence.engine.people.approvals import Voted
from ringfence.engine.request import SILENT, ClientSide, ToolRequest
from ringfence.engine.runs.runs import NotDone, Opened
from ringfence.engine.secrets.injection import Injection
from ringfence.engine.steps import AtStep, nothing
from ringfence.engine.waiting.reading import Reading
from ringfence.ports.audit import AuditLog, AuditQuery
from ringfence.ports.files import Files
from ringfence.ports.model_upstream import ModelUpstream
from ringfence.ports.sql_reader import SqlReader
from ringfence.ports.store import Store
from ringfence.ports.telemetry import Telemetry
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.entropy import FakeEntropy
from ringfence.testing.fakes.lever import FakeLever
from ringfence.testing.fakes.notifier import FakeNotifier
from ringfence.testing.fakes.signer import FakeSigner
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.scenario import shop_rules, shop_upstreams

WHOLE_LOG = AuditQuery(limit=1000, oldest_first=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class World(Engine):
    """Every part of one engine, open to the test."""

    clock: FakeClock
    entropy: FakeEntropy
    notifier: FakeNotifier
    lever: FakeLever

    @classmethod
    async def build(
        cls,
        *,
        rules: Rules | None = None,
        upstreams: Mapping[ServerId, FakeUpstream] | None = None,
        store: tuple[Store, AuditLog] | None = None,
        clock: FakeClock | None = None,
        injection: Injection | None = None,
        on_behalf: OnBehalf | None = None,
        redactor: Redactor | None = None,
        reading: Reading | None = None,
        sql: SqlReader | None = None,
        at_step: AtStep = nothing,
        models: Mapping[str, ModelUpstream] | None = None,
        telemetry: Telemetry | None = None,
        judges: Callable[[Scanner], Judges] | None = None,
        files: Files | None = None,
    ) -> World:
        """An engine with the shop of `testing/scenario.py`, its tools listed. Give `store` twice where one object is both."""
        if store is None:
            memory = MemoryStore()
            store = (memory, memory)
        world = cls.assemble(
            rules or shop_rules(),
            dict(shop_upstreams() if upstreams is None else upstreams),
            store=store[0],
            log=store[1],
            clock=clock or FakeClock(),
            entropy=FakeEntropy(),
            signer=FakeSigner(),
            notifier=FakeNotifier(),
            lever=FakeLever(),
            injection=injection,
            on_behalf=on_behalf,
            redactor=redactor,
            reading=reading,
            sql=sql,
            at_step=at_step,
            models=models,
            telemetry=telemetry,
            judges=judges,
            files=files,
        )
        await world.catalogue.ensure_listed()
        return world

    @property
    def upstreams(self) -> Mapping[ServerId, FakeUpstream]:
        """The servers, as the fakes that they are."""
        return cast(Mapping[ServerId, FakeUpstream], self.catalogue.upstreams)

    async def open_run(
        self, agent: str = "support", task: str = "look after ticket 7", *, by: str = "operator:ada", parent: Run | None = None
    ) -> Opened:
        """An open run with its credential."""
        trusted = by.startswith("operator:")
        opened = await self.runs.open(AgentId(agent), task, by=by, trusted=trusted, parent=parent.id if parent else None)
        assert isinstance(opened, Opened), opened
        return opened

    async def call(
        self,
        opened: Opened | str,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        server: str | None = None,
        client: ClientSide = SILENT,
    ) -> Outcome:
        """One call through the engine, by wire name (`orders__get`), or by the server's own name with `server`."""
        return await self.enforcer.enforce(presented(opened), ToolRequest(name, arguments or {}, server), client)

    async def claim(self, opened: Opened | str, ticket: Ticket | str) -> Outcome:
        """`ringfence__claim` of a ticket."""
        return await self.enforcer.claim(presented(opened), ticket if isinstance(ticket, str) else ticket.id)

    async def ask(self, opened: Opened, name: str = "payments__refund", arguments: Mapping[str, Any] | None = None) -> Ticket:
        """A call that has to wait for a person; its ticket."""
        outcome = await self.call(opened, name, arguments or {"order": "A1", "amount": 25})
        assert isinstance(outcome, Waiting), outcome
        return outcome.ticket

    async def operator(self, name: str = "ada", role: Role = Role.ADMIN, uid: int | None = None) -> Operator:
        """A person with a role; the known one where the name is taken."""
        known = {operator.name: operator for operator in await self.operators.all()}
        if name in known:
            return next(operator for key, operator in known.items() if key == name)
        added = await self.operators.add(name, role, uid=uid, by="gateway")
        assert not isinstance(added, NotDone), added
        return added[0]

    async def vote(self, ticket: Ticket | str, *, approve: bool, by: str = "ada") -> Voted | NotDone:
        """One operator decides on the card as it is."""
        current = await self.store.ticket(TicketId(ticket if isinstance(ticket, str) else ticket.id))
        assert current is not None
        operator = await self.operator(by)
        return await self.approvals.vote(
            operator, current.id, approve=approve, card_digest=current.card_digest, reason="because a test says so"
        )

    async def approve(self, ticket: Ticket | str, by: str = "ada") -> Voted:
        """A vote that must count."""
        voted = await self.vote(ticket, approve=True, by=by)
        assert isinstance(voted, Voted), voted
        return voted

    async def deny(self, ticket: Ticket | str, by: str = "ada") -> Voted:
        voted = await self.vote(ticket, approve=False, by=by)
        assert isinstance(voted, Voted), voted
        return voted

    async def entries(self, query: AuditQuery = WHOLE_LOG) -> list[dict[str, Any]]:
        """The log as parsed leaves, oldest first unless the query says otherwise."""
        records = await self.log.query(query)
        return [json.loads(record.leaf) for record in records]

    async def calls_used(self, run: RunId) -> tuple[int, int]:
        """(held, spent) of a run's account."""
        account = await self.store.account(run)
        return account.held, account.spent


def presented(opened: Opened | str, posture: Posture = Posture.SEPARATE) -> Presented:
    """What a client of this run presents."""
    return Presented(opened if isinstance(opened, str) else opened.credential, posture)
