"""Ways out of boxes that are open: each is one call under way, from its decision to an outcome that says what it carried.

    admitted = await connections.admit(presented, Opening("api.example.com", 443))
    connections.lives(admitted)              before each request and every few reads: no await
    connections.moved(admitted, up, down)    False: over the budget, close now
    await connections.ended(admitted)        one connection less

The first use of host, port, kind of request, path rule and credential by a run goes through the enforcer. What it allows lives
here as the `Upstream` of the gateway's own server `egress`: its call is answered when the way out is closed, so a kill cancels
it like every other call under way. Later uses within a minute are the same act.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from ringfence.core.egress.matching import path_rule_for
from ringfence.core.egress.opening import CONNECT as OPENING
from ringfence.core.egress.opening import Admitted, NotAdmitted, Opening, Refusal
from ringfence.core.explaining.rule_class import RuleClass, class_of
from ringfence.core.flow.web.hosts import Own, canonical_host
from ringfence.core.leaving import holds_two
from ringfence.core.model.egress import EgressMode, EgressRule, EgressRules, PathRule, Unlisted
from ringfence.core.model.identifiers import AgentId, RunId, ServerId
from ringfence.core.model.label import Label, at_least, join_all
from ringfence.core.model.stop import Reach
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import Gate, Level, ReasonCode, Verdict
from ringfence.core.own_tools.connecting import CONNECT, DEFINITION, EGRESS, FOR_SERVER, Act, act_of, arguments_of, is_within
from ringfence.core.rules import Rules, server_agent
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.catalogue.own_server import OwnServer
from ringfence.engine.identity.identify import Presented, Principal, asking, identify
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.outcome import Outcome, Refused, Waiting
from ringfence.engine.people.approvals import Approvals
from ringfence.engine.waiting.turns import Turns
from ringfence.engine.waiting.waiting import settled
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.secrets import Secret
from ringfence.ports.store import Store
from ringfence.ports.upstream import Answered, NotSent, Reply, Sending

GRANT_S: Final = 60.0
"""How long one decision stands for further uses of the same way out (DESIGN, section 3)."""
HOLD_S: Final = 120.0
"""How long a box's process is kept waiting while a person decides about a host."""
MOST_OPEN: Final = 256
"""Ways out of one run at once."""
LOOK_S: Final = 1.0
"""How often it is looked whether a way out is still used."""
MOST_DENIED: Final = 300
"""Ways out that a run may ask for in vain within a minute; more are refused without an entry each."""
MOST_REFUSALS: Final = 120
"""Refusals of the proxy's own that have an entry each, of one box in a minute."""
ALL_REFUSALS: Final = 10 * MOST_REFUSALS
"""Of all boxes together. A box that is refused without end hides the refusals of no other."""
MIB: Final = 1 << 20

logger = logging.getLogger(__name__)


_FOR_THE_RUN: Final = frozenset({ReasonCode.HOST, ReasonCode.PROVENANCE, ReasonCode.RULE_OF_TWO, ReasonCode.CLEARANCE})
"""What a person lets a run do with a host until it ends, or is given something that changes what was asked."""

ReadSecret = Callable[[str], Awaitable[Secret]]
"""A secret by where it is found. Raises UnavailableError."""


async def no_secrets(source: str) -> Secret:
    """There are none."""
    raise UnavailableError(f"`{source}` cannot be looked up here")


class Connect(Protocol):
    """The enforcer's way for a connection."""

    async def __call__(self, presented: Presented, arguments: Mapping[str, Any]) -> Outcome: ...


Refuse = Callable[[Presented, Mapping[str, Any], str], Awaitable[Refused]]
"""Records a refusal of the proxy's own."""

Reconsider = Callable[[Principal, AgentId, Mapping[str, Any]], Awaitable[Verdict]]
"""What the rules of now make of a way out, by whose rules it was asked for. Raises UnavailableError."""


_Place = tuple[RunId, ServerId | None, str, int]
"""Whose bytes are counted together: a run's to one host, and apart from them those of a server on its behalf."""


@dataclass(frozen=True, slots=True)
class _Key:
    run: RunId
    arguments: bytes
    """As canonical JSON: everything that the decision depends on."""


@dataclass(slots=True, eq=False)
class _Asked:
    """Somebody waits for the enforcer's word on a way out."""

    rule: EgressRule
    path: PathRule | None
    principal: Principal
    server: ServerId | None
    by: Rules
    """Of the time when it was asked for."""
    is_listed: bool
    lasting: bool
    granted: asyncio.Future[_Way]
    approved: frozenset[Gate] = frozenset()
    """What a person has let it pass."""
    risen: set[RunId] = field(default_factory=set[RunId])
    """Runs that were given something since the decision was begun."""
    is_late: bool = False
    """Whether one of them is a run that has to ask by now, or the rules are others: what was decided counts no more."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Way(Admitted):
    """One that is open. It ends on the monotonic clock."""

    key: _Key
    reaches: tuple[Reach, ...]
    """Of the connection, and of the server whose box it is."""
    server: ServerId | None
    principal: Principal
    approved: frozenset[Gate]
    """What a person has let it pass."""
    by: Rules
    """The rules that it was last held to."""
    is_listed: bool
    """Whether one of them names the host."""
    users: int = 0
    """Connections, and requests under way, that use it at the moment."""
    uses: int = 0
    up: int = 0
    down: int = 0
    why: str = ""
    """Why it was ended, where it was ended from outside."""
    is_over: bool = False
    end: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def agent(self) -> AgentId:
        """Whose rules count: a server's in its box, else the agent's."""
        return self.principal.agent if self.server is None else server_agent(self.server)

    def close(self, why: str) -> None:
        self.why = self.why or why
        self.is_over = True
        self.end.set()


_BEGUN: ContextVar[_Asked | None] = ContextVar("_BEGUN", default=None)
"""For whom the enforcer decides in this task. Somebody else may wait for the same by the time it is decided."""


class Connections(OwnServer):
    """All ways out of all boxes of one gateway."""

    def __init__(
        self, *, store: Store, clock: Clock, catalogue: Catalogue, approvals: Approvals, read_secret: ReadSecret
    ) -> None:
        super().__init__(DEFINITION, "box")
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._approvals = approvals
        self.read_secret = read_secret
        """Replaced with the configuration."""
        self._connect: Connect | None = None
        self._refuse: Refuse | None = None
        self._reconsider: Reconsider | None = None
        self._refusals: deque[tuple[float, str]] = deque(maxlen=ALL_REFUSALS)
        self._is_silent = False
        """Whether the last refusal had no entry."""
        self._asked: dict[_Key, _Asked] = {}
        self._ways: dict[str, _Way] = {}
        """By the call that each is."""
        self._newest: dict[_Key, _Way] = {}
        self._turns = Turns()
        self._denied: dict[RunId, deque[float]] = {}
        self._carried: dict[_Place, list[int]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def use(self, connect: Connect, refuse: Refuse, reconsider: Reconsider) -> None:
        """The enforcer's ways in, which in turn has this for its upstream."""
        self._connect, self._refuse, self._reconsider = connect, refuse, reconsider

    # --- what the proxy asks

    async def admit(self, presented: Presented, opening: Opening) -> Admitted | NotAdmitted:
        """One use of a way out: decided and durable, or covered by what was decided a moment ago."""
        principal = await identify(self._store, self._clock, presented)
        if not isinstance(principal, Principal):
            return NotAdmitted(code=RuleClass.CREDENTIAL)
        rules = self._rules(asking(presented, principal))
        known = rules.of(opening.host, opening.port)
        rule = known or EgressRule(host=opening.host, port=opening.port)
        path = path_rule_for(rule, opening.method, opening.path, websocket=opening.websocket) if opening.path else None
        arguments = arguments_of(rule, _act(rule, opening, path), path) | _for_server(presented)
        if opening.path and path is None:
            arguments["path"] = opening.path[:2000]  # recorded as it was asked; no rule has it, so the check denies it
        key = _Key(principal.run, canonical_bytes(arguments))
        if self._asks_too_much(principal.run):
            return NotAdmitted(code=RuleClass.TOO_FAST)
        async with self._turns.of(key):
            way = self._newest.get(key)
            if way is not None and self._clock.monotonic() < way.until and self.lives(way):
                return _used(way)
            if sum(each.key.run == principal.run for each in self._ways.values()) >= MOST_OPEN:
                return NotAdmitted(code=RuleClass.TOO_FAST)
            lasting = known is None and rules.unlisted is Unlisted.ASK
            granted: asyncio.Future[_Way] = asyncio.get_running_loop().create_future()
            by, is_listed = self._catalogue.rules, known is not None
            asked = _Asked(rule, path, principal, presented.server, by, is_listed, lasting, granted)
            found = await self._decided(presented, key, asked, arguments)
        if isinstance(found, NotAdmitted):
            self._denied.setdefault(principal.run, deque(maxlen=MOST_DENIED)).append(self._clock.monotonic())
        return found

    def _asks_too_much(self, run: RunId) -> bool:
        """Denials have an entry each; a box that does nothing but collect them would fill the log."""
        denied = self._denied.get(run)
        return denied is not None and len(denied) == MOST_DENIED and self._clock.monotonic() - denied[0] < 60

    def lives(self, admitted: Admitted) -> bool:
        """Whether it may still be used: no await, so that nothing stops it between the look and the byte (I6)."""
        if not isinstance(admitted, _Way) or admitted.is_over or self._is_spent(admitted):
            return False
        if not self._is_still_allowed(admitted):
            admitted.close("the configuration does not have it any more")
            return False
        try:
            return not any(self._store.stops_on(reach) for reach in admitted.reaches)
        except UnavailableError:
            return False

    def _is_still_allowed(self, way: _Way) -> bool:
        """Whether the rules of now have it. Looked at once for each configuration."""
        if way.by is not self._catalogue.rules:
            rules = self._rules(way.agent)
            known = rules.of(way.rule.host, way.rule.port)
            if known is None and (way.is_listed or rules.unlisted is not Unlisted.ASK):
                return False
            if known is not None and not is_within(known, json.loads(way.key.arguments)):
                return False
            way.rule = known or way.rule  # its budget and its clearance are those of now
            way.by = self._catalogue.rules
        return True

    def moved(self, admitted: Admitted, up: int, down: int) -> bool:
        """Count bytes. False: the run has given to, or had from, this host all that it may."""
        if not isinstance(admitted, _Way):
            return False
        admitted.up += up
        admitted.down += down
        total = self._carried.setdefault(_place(admitted), [0, 0])
        total[0] += up
        total[1] += down
        return not admitted.is_over and not self._is_spent(admitted)

    async def secret(self, admitted: Admitted) -> str | None:
        """What goes into the rule's header, looked up now; None: nothing does. Raises UnavailableError."""
        rule = admitted.rule
        return f"{rule.prefix}{(await self.read_secret(rule.credential)).reveal()}" if rule.credential else None

    async def replaced(self) -> None:
        """The configuration is another one: close what it would not let a run open any more, or only with a person."""
        for way in list(self._ways.values()):
            await self._look_again(way)

    async def _look_again(self, way: _Way) -> None:
        assert self._reconsider is not None  # INVARIANT: `use` comes first
        if not self.lives(way):
            return
        try:
            verdict = await self._reconsider(way.principal, way.agent, json.loads(way.key.arguments))
        except UnavailableError:
            way.close("nobody could say whether the changed configuration still has it")
            return
        if verdict.level > Level.ASK or not set(verdict.gates) <= way.approved:
            way.close("the changed configuration does not let it be opened like this")

    async def risen(self, run: RunId) -> None:
        """A run was given something: close what it, and the runs below it, would have to ask a person for from now on.

        A way that was opened before is not a way for what came after. Nor is one that is being decided about: its decision did
        not know.
        """
        for asked in self._asked.values():
            asked.risen.add(run)
        for way in [way for way in self._ways.values() if run in way.reaches[0].runs]:
            if self._has_to_ask(way, await self._label(way)):
                way.close("the run was given data that goes there only with a person's word")

    async def _label(self, way: _Way) -> Label:
        """Of its run, with those above it."""
        chain = [await self._store.run(each) for each in way.reaches[0].runs]
        return join_all(each.label for each in chain if each is not None)

    def _has_to_ask(self, way: _Way, label: Label) -> bool:
        view = self._catalogue.view(way.agent)
        rules = view.rule.provenance if view is not None else None
        if rules is None:
            return False
        if (clearance := way.rule.clearance) is not None:
            return not at_least(clearance, label.confidentiality)
        is_own = Own(rules.hosts).has(canonical_host(way.rule.host))
        return rules.rule_of_two is not Level.ALLOW and holds_two(label) and not is_own

    async def ended(self, admitted: Admitted) -> None:
        """One use less. What nobody uses is closed when its minute is over."""
        if isinstance(admitted, _Way):
            admitted.users -= 1

    async def refused(self, presented: Presented, opening: Opening, refusal: Refusal) -> str:
        """Record that the proxy itself said no. Empty where nobody is known, or refusals come too fast for an entry each."""
        now = self._clock.monotonic()
        while self._refusals and now - self._refusals[0][0] >= 60:
            self._refusals.popleft()
        of_box = sum(key == presented.key for _, key in self._refusals)
        if self._refuse is None or of_box >= MOST_REFUSALS or len(self._refusals) == ALL_REFUSALS:
            if not self._is_silent:  # a box decides how often this happens: it is said once
                logger.warning("refused on the way to %s without an entry, like what follows: %s", opening.host, refusal.why)
            self._is_silent = True
            return ""
        self._is_silent = False
        self._refusals.append((now, presented.key))
        arguments = {
            "host": opening.host[:253],
            "port": opening.port,
            "path": opening.path[:2000],
            "method": opening.method[:32],
            **_for_server(presented),
        }
        refused = await self._refuse(presented, arguments, f"{refusal.code}: {refusal.why}")
        return refused.entry or ""

    async def close(self) -> None:
        """Close every way out; each has its outcome recorded."""
        for way in list(self._ways.values()):
            way.close("the gateway is stopping")
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def close_run(self, run: RunId, why: str) -> None:
        """Close what a run has open."""
        for way in [way for way in self._ways.values() if way.key.run == run]:
            way.close(why)
        for place in [place for place in self._carried if place[0] == run]:
            del self._carried[place]
        self._denied.pop(run, None)

    # --- deciding

    async def _decided(
        self, presented: Presented, key: _Key, asked: _Asked, arguments: Mapping[str, Any]
    ) -> Admitted | NotAdmitted:
        until = self._clock.monotonic() + HOLD_S
        while True:
            outcome = await self._enforced(presented, key, asked, arguments)
            if isinstance(outcome, _Way):
                return _used(outcome)
            left = until - self._clock.monotonic()
            if asked.is_late and left > 0:
                continue
            if not isinstance(outcome, Waiting):
                return _refusal(outcome)
            ticket = await self._approvals.wait(outcome.ticket.id, left) if left > 0 else outcome.ticket
            if ticket is not None:
                asked.approved = frozenset(ticket.gates)
                asked.lasting = asked.lasting or {gate.code for gate in ticket.gates} <= _FOR_THE_RUN
            if ticket is None or ticket.state is TicketState.PENDING:
                return NotAdmitted(
                    code=RuleClass.HOST, entry=outcome.entry, why_public="a person has not decided about this host yet"
                )

    async def _enforced(self, presented: Presented, key: _Key, asked: _Asked, arguments: Mapping[str, Any]) -> _Way | Outcome:
        """Send it through the enforcer; the answer is a way out as soon as one is open, else what the call came to.

        If who waits is cancelled, the box's process went away: what was decided stands, and is closed when its minute is over.
        """
        assert self._connect is not None  # INVARIANT: `use` comes first
        asked.risen.clear()
        asked.is_late = False
        asked.by = self._catalogue.rules
        self._asked[key] = asked
        begun = _BEGUN.set(asked)
        try:
            task = asyncio.ensure_future(self._connect(presented, arguments))
        finally:
            _BEGUN.reset(begun)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait({task, asked.granted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._asked.pop(key, None)
        return asked.granted.result() if asked.granted.done() else task.result()

    def _rules(self, agent: AgentId) -> EgressRules:
        view = self._catalogue.view(agent)
        return view.agent.egress if view is not None else EgressRules()

    def _is_spent(self, way: _Way) -> bool:
        up, down = self._carried.get(_place(way), (0, 0))
        return up > way.rule.up_mib * MIB or down > way.rule.down_mib * MIB

    # --- the upstream of `egress`

    async def call(self, sending: Sending) -> Reply:
        """Open a way out, and answer when it is closed."""
        run = RunId(sending.principal.removeprefix("run:"))
        asked = self._asked.get(_Key(run, sending.arguments))
        above = await self._store.run(run)
        if asked is None or asked is not _BEGUN.get() or above is None or asked.granted.done():
            return NotSent("nobody waits for this way out")
        reach = await reach_of(self._store, above, EGRESS, CONNECT)
        key = _Key(run, sending.arguments)
        way = _Way(
            rule=asked.rule,
            path=asked.path,
            entry=sending.entry,
            until=math.inf if asked.lasting else self._clock.monotonic() + GRANT_S,
            key=key,
            reaches=(reach,) if asked.server is None else (reach, replace(reach, server=asked.server)),
            server=asked.server,
            principal=asked.principal,
            approved=asked.approved,
            by=asked.by,
            is_listed=asked.is_listed,
        )
        self._ways[sending.call] = way  # from here on `risen` and `replaced` see it
        try:
            if not asked.risen.isdisjoint(reach.runs):
                asked.is_late = self._has_to_ask(way, await self._label(way))
            if asked.by is not self._catalogue.rules:
                await self._look_again(way)
                asked.is_late = asked.is_late or way.is_over
            if asked.is_late or way.is_over:
                return NotSent("the run was given something meanwhile, or the configuration is another one")
            if not sending.may_send():
                return NotSent("it was stopped before anything left")
            self._newest[key] = way
            asked.granted.set_result(way)
            while not way.is_over and (self._clock.monotonic() < way.until or way.users > 0):
                await settled([way.end.wait()], self._clock, LOOK_S)
        finally:
            way.is_over = True
            del self._ways[sending.call]
            if self._newest.get(key) is way:
                del self._newest[key]
        carried = {"uses": way.uses, "up": way.up, "down": way.down, **({"why": way.why} if way.why else {})}
        return Answered({"content": [], "structuredContent": carried})

    @property
    def under_way(self) -> int:
        return len(self._ways)

    async def forget(self, principal: str) -> None:
        self.close_run(RunId(principal.removeprefix("run:")), "its run has ended")


def _act(rule: EgressRule, opening: Opening, path: PathRule | None) -> Act:
    if opening.method == OPENING and not opening.path:
        return Act.OPEN if rule.mode is EgressMode.TERMINATE else Act.TUNNEL
    return act_of(opening.method, path)


def _for_server(presented: Presented) -> dict[str, str]:
    return {FOR_SERVER: presented.server} if presented.server is not None else {}


def _place(way: _Way) -> _Place:
    return way.key.run, way.server, way.rule.host, way.rule.port


def _used(way: _Way) -> Admitted:
    way.users += 1
    way.uses += 1
    return way


def _refusal(outcome: Outcome) -> NotAdmitted:
    if isinstance(outcome, Refused):
        return NotAdmitted(code=class_of(outcome.code), entry=outcome.entry)
    return NotAdmitted(code=RuleClass.NOT_RECORDED)
