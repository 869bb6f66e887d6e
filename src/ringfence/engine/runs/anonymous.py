"""The one agent that needs no credential from this machine, where the operator accepts that (`unsafe_anonymous`).

It gets a credential all the same, which never leaves this process: what an enforcement point presents in a client's stead is
judged like any other, so kills, caps and resets hold without a second way through the engine.
"""

from __future__ import annotations

import asyncio

from ringfence.core.model.identifiers import AgentId, RunId
from ringfence.core.model.run import Run, RunState
from ringfence.core.rules import AgentRule
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.runs.runs import NotDone, Opened, Runs
from ringfence.errors import UnavailableError
from ringfence.ports.store import Store

TASK = "whatever clients without a credential ask for"


class Anonymous:
    """Holds the credential of the anonymous agent's standing run."""

    def __init__(self, *, runs: Runs, store: Store, catalogue: Catalogue) -> None:
        self._runs = runs
        self._store = store
        self._catalogue = catalogue
        self._agent: AgentId | None = None
        self._run: RunId | None = None
        self._credential = ""
        self._one_at_a_time = asyncio.Lock()

    async def prepare(self) -> AgentId | None:
        """Open the standing run where the configuration asks for one and none is open: at start, and after a reload.

        Requests never open it: a run that an operator has ended would be back with the next one. Raises UnavailableError.
        """
        rule = self._catalogue.rules.anonymous
        if rule is None:
            self._agent, self._run, self._credential = None, None, ""
            return None
        async with self._one_at_a_time:
            if not await self._follow(rule):
                opened = await self._runs.open(rule.id, TASK, by="gateway", trusted=False, standing=True)
                if isinstance(opened, NotDone):
                    raise UnavailableError(f"no run could be opened for the anonymous agent: {opened.why}")
                self._hold(opened)
        return rule.id

    async def credential(self, uid: int | None) -> str:
        """What stands in for the credential of a client of this machine; empty: it is nobody. `uid` is its local user."""
        rule = self._catalogue.rules.anonymous
        if rule is None or (rule.uids and uid not in rule.uids):
            return ""
        if self._agent == rule.id and await self._is_open():
            return self._credential
        async with self._one_at_a_time:
            return self._credential if await self._follow(rule) else ""

    async def _is_open(self) -> bool:
        run = await self._store.run(self._run) if self._run is not None else None
        return run is not None and run.state is RunState.OPEN

    async def _follow(self, rule: AgentRule) -> bool:
        """Take over the agent's open standing run; whether there is one."""
        if self._agent == rule.id and await self._is_open():
            return True
        self._agent, self._run, self._credential = None, None, ""
        found = next((run for run in await self._store.runs() if run.agent == rule.id and run.standing), None)
        if found is None:
            return False
        added = await self._runs.add_credential(found.id)
        if isinstance(added, NotDone):
            return False
        self._hold(Opened(found, added))
        return True

    def _hold(self, opened: Opened) -> None:
        run: Run = opened.run
        self._agent, self._run, self._credential = run.agent, run.id, opened.credential
