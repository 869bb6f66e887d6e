"""What exists for one run: what exists for its agent, less what the run and those above it were not given.

A courtesy of the lists; the check at call time is the control.
"""

from __future__ import annotations

from dataclasses import replace

from ringfence.core.model.identifiers import Millis, RunId, ToolId
from ringfence.core.model.run import RunState
from ringfence.core.model.stop import StopMode
from ringfence.core.own_tools.handoff import HANDOFF
from ringfence.engine.catalogue.catalogue import AgentView, Catalogue
from ringfence.engine.identity.identify import Principal
from ringfence.engine.identity.reaching import reach_of
from ringfence.ports.store import Store


class Given:
    """Looks up the grants of a run."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    async def tools(self, run_id: RunId) -> frozenset[ToolId] | None:
        """The tools that a run may at most see; None: every tool of its agent, and no others."""
        run = await self._store.run(run_id)
        if run is None:
            return None
        found = run.grant.tools
        for ancestor in run.ancestors:
            above = await self._store.run(ancestor)
            if above is None or above.agent == run.agent:
                continue  # narrowed already when the child was opened
            view = self._catalogue.view(above.agent)
            theirs = view.agent.tools if view is not None else frozenset[ToolId]()
            found = theirs if found is None else found & theirs
        if (run.ancestors and run.result_schema) or await self._store.expects(run_id):
            own = self._catalogue.view(run.agent)
            found = own.agent.tools if found is None and own is not None else found
            return (found or frozenset()) | {HANDOFF}
        return found

    async def lives(self, principal: Principal, now: Millis) -> bool:
        """Whether a run and every run above it is open, has not expired, and is not killed."""
        run = await self._store.run(principal.run)
        if run is None:
            return False
        for link in (run, *[await self._store.run(ancestor) for ancestor in run.ancestors]):
            if link is None or link.state is not RunState.OPEN or (link.expires_at is not None and now >= link.expires_at):
                return False
        reach = await reach_of(self._store, run)
        return not any(stop.mode is StopMode.KILL for stop in self._store.stops_on(reach))

    async def view(self, principal: Principal) -> AgentView | None:
        """What exists for a run; None where its agent is not configured."""
        return narrowed(self._catalogue.view(principal.agent), await self.tools(principal.run))


def narrowed(view: AgentView | None, tools: frozenset[ToolId] | None) -> AgentView | None:
    """A view with no other tools than these. None stands for all that its agent was given."""
    if view is None or tools is None:
        return view
    of_run = frozenset({HANDOFF}) & tools & view.tools.keys()
    return replace(view, agent=replace(view.agent, tools=(view.agent.tools & tools) | of_run))
