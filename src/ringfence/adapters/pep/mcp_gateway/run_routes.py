"""Opening, renewing and closing runs, for agents' own bridges.

A run is opened over the agents' unix socket only, by a local user whom the operator named for that agent: there the kernel
says who asks, and the run's credential is bound to that user. The task that comes with it is the agent's word, so it never
counts as trusted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ringfence.adapters.pep.mcp_gateway.peer import Listener, Peer
from ringfence.core.model.binding import BindingKind, bound_to
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.run import Run
from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.identity.identify import Principal
from ringfence.engine.runs.runs import NotDone, Opened, Runs
from ringfence.errors import RequestError
from ringfence.ports.clock import Clock

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain JSON answer."""

    status: int
    value: Mapping[str, Any]

    @property
    def body(self) -> bytes:
        return canonical_bytes(dict(self.value))


def refusal(status: int, message: str, remedy: str = "") -> Plain:
    """What went wrong, and what to do about it."""
    return Plain(status, {"error": {"message": message, "remedy": remedy}})


class RunRoutes:
    """`POST /runs`, `/runs/renew` and `/runs/close`."""

    def __init__(self, runs: Runs, catalogue: Catalogue, clock: Clock, *, own_uid: int, per_minute: int) -> None:
        self._runs = runs
        self._catalogue = catalogue
        self._clock = clock
        self._own_uid = own_uid
        self._per_minute = per_minute
        self._opened: dict[int, deque[float]] = {}

    def may_try(self, peer: Peer) -> Plain | None:
        """Whether this connection can open runs at all; asked before its body is read."""
        if peer.listener is not Listener.UNIX or peer.uid is None:
            return refusal(
                403, "runs are opened over the agents' unix socket", "use `ringfence connect`, or `ringfence run start`"
            )
        return None

    async def open(self, peer: Peer, body: bytes) -> Plain:
        """`{"agent": A, "task": text}` -> run, credential (shown once) and expiry."""
        refused = self.may_try(peer)
        if refused is not None or peer.uid is None:
            return refused or refusal(403, "the local user is not known")
        asked = _agent_and_task(body)
        if asked is None:
            return refusal(400, 'the body must be {"agent": NAME, "task": TEXT}')
        agent, task = asked
        rule = self._catalogue.rules.agents.get(agent)
        if rule is None or peer.uid not in (rule.uids or {self._own_uid}):
            # One answer for both: a local user does not learn which agents there are.
            remedy = "check the agent's name and its `uids` in ringfence.yaml"
            return refusal(403, f"user {peer.uid} may not open runs of agent `{agent}`", remedy)
        if not self._has_room(peer.uid):
            return refusal(429, "too many runs were opened within a minute", "wait a minute")
        opened = await self._runs.open(
            agent, task, by=f"agent:{agent}", trusted=False, binding=bound_to(BindingKind.LOCAL_USER, peer.uid)
        )
        if isinstance(opened, NotDone):
            return refusal(409, opened.why, opened.remedy)
        return self._alive(opened)

    async def renew(self, principal: Principal, credential: str) -> Plain:
        """Move the expiry of the caller's run."""
        run = await self._runs.renew(principal.run, credential)
        return refusal(409, run.why, run.remedy) if isinstance(run, NotDone) else self._alive(run)

    async def close(self, principal: Principal, *, standing: bool) -> Plain:
        """End the caller's run. The standing run of a static credential is an operator's to reset."""
        if standing:
            return refusal(409, "a standing run is ended by an operator only")
        run = await self._runs.close(principal.run, by=f"agent:{principal.agent}", why="closed by its client")
        return refusal(409, run.why, run.remedy) if isinstance(run, NotDone) else Plain(200, {"run": run.id})

    def _alive(self, found: Run | Opened) -> Plain:
        run = found.run if isinstance(found, Opened) else found
        value: dict[str, Any] = {"run": run.id, "expires_at": run.expires_at}
        if run.expires_at is not None:
            # The client's clock may differ from ours.
            value["expires_in_s"] = max(0, run.expires_at - self._clock.now()) / 1000
        if isinstance(found, Opened):
            value["credential"] = found.credential
        return Plain(200, value)

    def _has_room(self, uid: int) -> bool:
        now = self._clock.monotonic()
        times = self._opened.setdefault(uid, deque())
        while times and now - times[0] >= _MINUTE_S:
            times.popleft()
        if len(times) >= self._per_minute:
            return False
        times.append(now)
        return True


def _agent_and_task(body: bytes) -> tuple[AgentId, str] | None:
    try:
        value = parse_strict(body)
    except RequestError:
        return None
    if not isinstance(value, dict):
        return None
    asked = cast("dict[str, Any]", value)
    agent, task = asked.get("agent"), asked.get("task", "")
    if not asked.keys() <= {"agent", "task"} or not isinstance(agent, str) or len(agent) > 80 or not isinstance(task, str):
        return None
    return AgentId(agent), task
