"""What stops see of a run and those above it."""

from __future__ import annotations

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import ServerId, ToolId
from ringfence.core.model.run import Run
from ringfence.core.model.stop import Reach
from ringfence.ports.store import Store

_NO_SERVER, _NO_TOOL = ServerId(""), ToolId("")


async def reach_of(store: Store, run: Run, server: ServerId = _NO_SERVER, tool: ToolId = _NO_TOOL) -> Reach:
    """Of a run that calls a tool, or, without one, of the run itself."""
    above = [await store.run(ancestor) for ancestor in run.ancestors]
    agents = tuple(link.agent for link in above if link is not None)
    return Reach(run.agent, (run.id, *run.ancestors), server, tool, agents)


def reach_in(call: Call, facts: Facts) -> Reach:
    """Of a call that is being decided."""
    above = tuple(link.run.agent for link in facts.chain[1:])
    return Reach(call.agent, tuple(link.run.id for link in facts.chain), call.server, call.tool, above)
