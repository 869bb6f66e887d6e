"""What `ringfence__delegate` opens, and what it answers."""

from __future__ import annotations

import json
from typing import Any

from ringfence.core.model.binding import with_key
from ringfence.core.model.call import Call
from ringfence.core.model.grant import Grant
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.narrowing.grants import narrow
from ringfence.core.own_tools.delegation import delegation_in
from ringfence.engine.catalogue.catalogue import AgentView
from ringfence.engine.identity.identify import Principal
from ringfence.engine.runs.runs import NotDone, Opened, Opening, Runs


async def opening_for(call: Call, now: Millis, principal: Principal, view: AgentView | None, runs: Runs) -> Opening | NotDone:
    """The child that a call asks for. Its credential is bound to whom its parent's, or the token behind it, is.

    A key that the call names comes to that; of two keys a sender could prove one only, so it takes the place of the parent's.
    Below a token or certificate the child ends with it: who stole one must not turn it into what can be renewed.
    """
    asked = delegation_in(call.value, view.by_wire_name if view is not None else {}, now)
    if asked.unknown:
        shown_names = ", ".join(name[:80] for name in asked.unknown[:5])
        return NotDone(f"bounds on what is no tool of yours: {shown_names}", code=ReasonCode.ARGUMENTS)
    return await runs.prepare(
        call.agent,
        asked.task,
        by=f"agent:{call.agent}",
        trusted=False,
        parent=call.run,
        binding=with_key(principal.binding, asked.key) if asked.key else principal.binding,
        asked=asked.grant if principal.until is None else narrow(Grant(until=principal.until), asked.grant),
        result_schema=asked.result_schema,
    )


def shown(opened: Opened) -> dict[str, Any]:
    """The tool result, the only showing of the child's credential."""
    found = {
        "run": opened.run.id,
        "credential": opened.credential,
        "expires_at": opened.run.expires_at,
        "dropped": list(opened.dropped),
    }
    return {"content": [{"type": "text", "text": json.dumps(found)}], "structuredContent": found, "isError": False}
