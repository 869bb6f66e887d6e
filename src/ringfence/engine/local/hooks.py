"""What hooks of an agent's client are told: one question, one answer, for every event of every client.

    answer = await hooks.heard(presented, event)

Uses of the client's own tools go to `calls`, and so through the enforcer. Tools of MCP servers belong to the gateway: what is
called there is decided where it arrives, and here it only has to be one of its own. Everything else is recorded where it says
something, and refused where the run may not go on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol, assert_never

from ringfence.core.mcp.client_meta import ClientMeta
from ringfence.core.model.identifiers import OWN_SERVER, RunId
from ringfence.core.model.local_rules import LocalRules
from ringfence.core.model.local_rules import Outcome as Follows
from ringfence.core.model.verdict import Level, ReasonCode
from ringfence.core.own_tools.local_calls import CHANGE, OTHER, arguments_of
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.identity.identify import Presented, Principal, identify
from ringfence.engine.local.asked import NOTHING, Answer, Event, Happening, Say, ToolUse
from ringfence.engine.local.calls import LocalCalls
from ringfence.engine.local.conversations import Conversations
from ringfence.engine.local.holding import Holding
from ringfence.engine.local.noting import Noting, named, word
from ringfence.engine.local.outcomes import KILLED, OVER, PAUSED, UNKNOWN, refusal, stranger
from ringfence.engine.local.prompts import ClientPrompts
from ringfence.engine.local.shown import Shown
from ringfence.engine.local.standing import Standing, standing_of
from ringfence.engine.outcome import Refused
from ringfence.engine.people.approvals import Approvals
from ringfence.engine.runs.runs import Runs
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

_OWN_TOOLS: Final = f"{OWN_SERVER}__"
_OWN: Final = "policy_settings"
"""Settings of whoever administers the machine: their change cannot be held up, and is nobody's attempt to disarm anything."""

logger = logging.getLogger(__name__)


class Refuse(Protocol):
    """The enforcer's way for what is refused whatever the rules say."""

    async def __call__(
        self,
        presented: Presented,
        name: str,
        arguments: Mapping[str, Any],
        level: Level,
        code: ReasonCode,
        why: str,
        meta: ClientMeta = ...,
    ) -> Refused: ...


class Hooks:
    """Of one gateway."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        runs: Runs,
        approvals: Approvals,
        local: LocalCalls,
        refuse: Refuse,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._local = local
        self._refuse = refuse
        self._holding = Holding(store=store, clock=clock, catalogue=catalogue, approvals=approvals, runs=runs, local=local)
        self._shown = Shown()
        self._noting = Noting(store, clock)
        self._prompts = ClientPrompts(store=store, clock=clock, runs=runs, noting=self._noting)
        self._conversations = Conversations(store=store, clock=clock, runs=runs, approvals=approvals)

    async def heard(self, presented: Presented, event: Event) -> Answer:
        """What the client is told. Raises UnavailableError where it cannot be decided."""
        principal = await identify(self._store, self._clock, presented)
        if not isinstance(principal, Principal):
            logger.warning("a hook was refused: %s", principal.reason.detail)
            return stranger(principal)
        rule = self._catalogue.rules.agents.get(principal.agent)
        local = rule.local if rule is not None else None
        if event.happening is not Happening.END:
            self._conversations.heard(principal.run, event.session)
        if event.happening is Happening.BEFORE and event.use is not None:
            return await self._before(presented, principal, local, event, event.use)
        if local is None:
            logger.warning("a hook of run %s was refused: agent %s has no `local` rules", principal.run, principal.agent)
            return UNKNOWN
        standing = await standing_of(self._store, self._clock, principal.run)
        answer = await self._other(presented, principal, local, event, standing)
        # Whatever else there is to say: of a run that was killed nothing goes on, and its model is given nothing more.
        return KILLED if standing is Standing.KILLED else answer

    def close_run(self, run: RunId) -> None:
        """It has ended."""
        self._conversations.forget(run)

    async def close(self) -> None:
        """The gateway is stopping."""
        await self._conversations.close()

    # --- a tool is about to be used

    async def _before(
        self, presented: Presented, principal: Principal, local: LocalRules | None, event: Event, use: ToolUse
    ) -> Answer:
        if not use.server or local is None:
            return await self._holding.ask(presented, principal, use, event)
        if self._is_own(principal, local, use) or (use.server not in local.mcp.gateway and local.mcp.others is Follows.ALLOW):
            standing = await standing_of(self._store, self._clock, principal.run)
            if standing is not Standing.OPEN:
                return _STANDING[standing]
            what = use.client_tool if use.server in local.mcp.gateway else "a tool of another MCP server"
            await self._noting.note(principal, event, f"is about to call {what}", named(use))
            return Answer(say=Say.ALLOW)
        if local.mcp.others is Follows.ASK and use.server not in local.mcp.gateway:
            return await self._holding.ask(presented, principal, use, event)
        arguments = arguments_of(OTHER, use.client_tool, use.input, event.cwd)
        why = "it is no tool of the gateway, and tools of other MCP servers are not used"
        return refusal(
            await self._refuse(
                presented, OTHER, arguments, Level.DENY, ReasonCode.NOT_EXPOSED, why, ClientMeta(said=event.said)
            )
        )

    def _is_own(self, principal: Principal, local: LocalRules, use: ToolUse) -> bool:
        """Whether it is a tool that the gateway has. Another server's name may begin like the gateway's."""
        if use.server not in local.mcp.gateway:
            return False
        view = self._catalogue.view(principal.agent)
        name = use.client_tool.removeprefix(f"mcp__{use.server}__")
        known = view is not None and (name in view.by_wire_name or any(tool == name for _, tool in view.by_server_name))
        return known or name.startswith(_OWN_TOOLS)

    # --- everything else

    async def _other(
        self, presented: Presented, principal: Principal, local: LocalRules, event: Event, standing: Standing
    ) -> Answer:
        match event.happening:
            case Happening.AFTER | Happening.FAILED:
                return await self._after(principal, local, event)
            case Happening.BATCH:
                return await self._batch(principal, local, event)
            case Happening.PERMISSION:
                return _STANDING.get(standing) or self._permission(principal, local, event)
            case Happening.PROMPT:
                if standing in _STANDING:
                    return _STANDING[standing]
                is_at_work = self._local.is_at_work(principal.run)
                await self._prompts.heard(presented, principal, local, event, is_at_work=is_at_work)
            case Happening.CONFIG:
                return await self._config(presented, principal, event)
            case Happening.BEGIN:
                self._local.began(principal.run, event.cwd)
                await self._noting.note(principal, event, f"its client begins ({word(event.source, 'startup')})")
            case Happening.END:
                self._local.end_of(principal.run, "its client has ended", conversation=event.session)
                await self._noting.note(principal, event, f"its client has ended ({word(event.source, 'other')})")
                await self._conversations.ended(presented, principal, event)
            case Happening.STOP:
                self._local.end_of(principal.run, "the turn of its model has ended", conversation=event.session, agent="")
            case Happening.AGENT_BEGIN:
                await self._noting.note(principal, event, f"began a subagent ({word(event.source)})")
            case Happening.AGENT_END:
                if event.agent:
                    why = "the subagent has ended"
                    self._local.end_of(principal.run, why, conversation=event.session, agent=event.agent)
                await self._noting.note(principal, event, f"a subagent has ended ({word(event.source)})")
            case Happening.BEFORE | Happening.OTHER:
                pass
            case _:
                assert_never(event.happening)
        return NOTHING

    async def _after(self, principal: Principal, local: LocalRules, event: Event) -> Answer:
        use = event.use
        if use is None:
            return NOTHING
        if use.server in local.mcp.gateway:
            return NOTHING  # the gateway itself has given it
        failed = event.happening is Happening.FAILED
        result = event.error if failed else use.result
        again = self._shown.tells_again(principal.run, use.use, event.happening)
        answer = await self._local.told(principal, use, result, failed=failed)
        if answer is None:
            if again or self._shown.of(principal.run, use.use) is None:
                # Told of twice: whoever else holds the credential may have told of it first, and of something else.
                what = "of which it has told before" if again else "which nobody has let through"
                await self._noting.note(principal, event, f"tells of {word(use.client_tool)}, {what}", named(use))
            answer = self._local.looked_at(principal, use, result)
        self._shown.looked_at(principal.run, use.use, answer, in_time=not failed)
        return answer

    async def _batch(self, principal: Principal, local: LocalRules, event: Event) -> Answer:
        """The last moment before the model is given the results: what must not be seen, and could not be replaced, ends it."""
        shown: list[str] = []
        for use in event.uses:
            if use.server not in local.mcp.gateway and await self._shows(principal, use):
                shown.append(use.client_tool)
        if not shown:
            return NOTHING
        by = ", ".join(dict.fromkeys(word(name) for name in shown))[:100]
        await self._noting.note(principal, event, f"was shown by {by} what it may not have; its turn was ended")
        why = "ringfence: a result holds what may not go to the model, and it could not be taken out"
        return Answer(say=Say.HALT, why=why)

    async def _shows(self, principal: Principal, use: ToolUse) -> bool:
        # A use that no hook has told of is told of here.
        answer = await self._local.told(principal, use, use.result, failed=False)
        known = self._shown.of(principal.run, use.use)
        if answer is None and known is not None:
            return known
        answer = answer or self._local.looked_at(principal, use, use.result)
        return self._shown.looked_at(principal.run, use.use, answer, in_time=False)

    def _permission(self, principal: Principal, local: LocalRules, event: Event) -> Answer:
        use = event.use
        if use is not None and self._is_own(principal, local, use):
            return Answer(say=Say.ALLOW)
        if use is not None and self._local.is_let_through(principal.run, use.client_tool, use.input):
            return Answer(say=Say.ALLOW)
        return Answer(say=Say.REFUSE, why="ringfence: refused: people decide at the gateway, and nobody has let this through")

    async def _config(self, presented: Presented, principal: Principal, event: Event) -> Answer:
        if event.source == _OWN:
            await self._noting.note(
                principal, event, "the machine's own settings of its client have changed", {"file": event.path[:500]}
            )
            return NOTHING
        arguments = arguments_of(CHANGE, CHANGE, {"source": event.source[:100], "file_path": event.path[:4000]}, event.cwd)
        why = f"the settings that hold its client ({word(event.source)}) were changed while it was at work"
        level = Level.DENY if event.source == "skills" else Level.HALT
        refused = await self._refuse(
            presented, CHANGE, arguments, level, ReasonCode.GUARD_RAIL, why, ClientMeta(said=event.said)
        )
        return refusal(refused)


_STANDING: Final = {Standing.KILLED: KILLED, Standing.OVER: OVER, Standing.PAUSED: PAUSED}
