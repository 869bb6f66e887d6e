"""Reading what a decision about one call will ask for: where it is long, somewhere else than in the decision's place. Pure.

What is found is kept where the decision looks for it: in the memory of parsed words, with each result, and in `Flow.memo`.
"""

from __future__ import annotations

from ringfence.core.flow.origins import origins
from ringfence.core.flow.words.spoken import spoken_of
from ringfence.core.leaving import holds_two, ways_outside
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.label import Label
from ringfence.core.model.provenance import Flow
from ringfence.core.model.tool import Tool


def read_beforehand(call: Call, tool: Tool, flow: Flow, label: Label, *, weighed: bool = False) -> None:
    """Find where the values of a call come from, and which hosts it names where that counts. `flow` is this call's own.

    `weighed`: somebody has capped what leaves.
    """
    for words in flow.words:
        spoken_of(words).read()
    origins(call, Facts(now=0, chain=(), agent=None, tool=tool, flow=flow, label=label))
    if weighed or holds_two(label) or tool.profile_for(call.value).clearance is not None:
        ways_outside(call, flow)
