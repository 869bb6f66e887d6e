"""People with roles: adding, removing and recognising operators."""

from __future__ import annotations

import hmac
import re

from ringfence.core.model.identifiers import OperatorName
from ringfence.core.model.operator import Operator, Role
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, PutOperator, RemoveOperator, Unit
from ringfence.engine.identity.identify import hash_of
from ringfence.engine.ids import Ids
from ringfence.engine.runs.runs import NotDone
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


class Operators:
    """Who may decide. Nothing that an agent holds is accepted here."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def add(self, name: str, role: Role, *, uid: int | None, by: str) -> tuple[Operator, str] | NotDone:
        """Add an operator; answers the credential, which is shown once. `uid` binds a local user's unix-socket peer to it."""
        if not _NAME.fullmatch(name):
            return NotDone(f"`{name}` cannot be an operator's name", "use lower-case letters, digits, dot, dash, underscore")
        secret = self._ids.operator_credential()
        now = self._clock.now()
        operator = Operator(name=OperatorName(name), role=role, credential_hash=hash_of(secret), uid=uid, added_at=now)
        entry = self._entry(f"operator {name} added as {role.value}", by, {"operator": name, "role": role.value, "uid": uid})
        receipt = await self._store.record(Unit((entry,), (PutOperator(operator, new=True),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail, f"`ringfence operator remove {name}` first, or choose another name")
        await receipt.durable()
        return operator, secret

    async def remove(self, name: str, *, by: str) -> Operator | NotDone:
        known = (await self._store.operators()).get(OperatorName(name))
        if known is None:
            return NotDone(f"there is no operator `{name}`")
        entry = self._entry(f"operator {name} removed", by, {"operator": name})
        receipt = await self._store.record(Unit((entry,), (RemoveOperator(known.name),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.durable()
        return known

    async def all(self) -> tuple[Operator, ...]:
        return tuple(sorted((await self._store.operators()).values(), key=lambda operator: operator.name))

    async def by_credential(self, credential: str) -> Operator | None:
        """The operator whose credential this is."""
        hashed = hash_of(credential)
        for operator in (await self._store.operators()).values():
            if hmac.compare_digest(operator.credential_hash, hashed):
                return operator
        return None

    async def by_uid(self, uid: int) -> tuple[Operator, ...]:
        """The operators bound to a local user. Several: the caller must say, with a credential, which one it is."""
        return tuple(operator for operator in await self.all() if operator.uid == uid)

    def _entry(self, summary: str, by: str, body: dict[str, object]) -> Entry:
        return Entry(kind=EntryKind.CONTROL, at=self._clock.now(), summary=summary, by=by, decision="operator", body=body)
