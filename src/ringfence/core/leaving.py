"""Whether a call leaves the organisation, by which way, and how much goes with it. Pure.

A call leaves when its tool reaches outside, or when the agent's own arguments name a host that is not the operator's: a link
that is rendered and a name that is looked up send their text to whoever runs the host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

from ringfence.core.definitions.roles import role_at
from ringfence.core.definitions.wording import words
from ringfence.core.flow.asked import Asked, nouns_of
from ringfence.core.flow.sources.believed import Believed
from ringfence.core.flow.web.outside import UNREAD, Outside, names_outside, names_own_thing
from ringfence.core.flow.words.quoting import own_words
from ringfence.core.mcp.methods import READ_RESOURCE
from ringfence.core.model.call import Call
from ringfence.core.model.condition import at_pointer
from ringfence.core.model.identifiers import OWN_SERVER
from ringfence.core.model.label import Label, at_least
from ringfence.core.model.limits import Leaving
from ringfence.core.model.local import LOCAL
from ringfence.core.model.model_use import MODEL
from ringfence.core.model.profile import Effect, Role, Sensitivity, ToolProfile
from ringfence.core.model.provenance import Flow
from ringfence.core.model.tool import Tool
from ringfence.core.model.words import Words
from ringfence.core.own_tools.connecting import CONNECT
from ringfence.core.own_tools.exporting import WORKSPACE

_STAYS: Final = frozenset({OWN_SERVER, WORKSPACE, MODEL, LOCAL})
"""The gateway's own: a child run carries its parent's label, a branch stays in the operator's repository, and of a request to a
model the arguments are the gateway's own words. Of a tool of the client's own it is read what it reaches: addresses that merely
stand in a source file lead nobody anywhere."""
_MEMO: Final = "outside"
_RENDERED: Final = frozenset({"url", "link", "image"})
"""What a reader's program may fetch by itself."""
_LINE: Final = re.compile(r"[\r\n\x0b\x0c\x85\u2028\u2029]+")
_LONGEST_TARGET: Final = 320
_DEEPEST: Final = 3
"""How often JSON within a text is read."""


def ways_outside(call: Call, flow: Flow | None) -> tuple[Outside, ...]:
    """The hosts outside that the agent's own arguments name; none where nobody looks."""
    if flow is None or call.server in _STAYS:
        return ()
    if _MEMO not in flow.memo:
        flow.memo[_MEMO] = _ways(call, flow)
    return cast("tuple[Outside, ...]", flow.memo[_MEMO])


def leaves(call: Call, tool: Tool, flow: Flow | None) -> bool:
    """Whether the call leaves. A box's way out to an own host does not."""
    if call.tool == CONNECT and flow is not None:
        return bool(ways_outside(call, flow))
    return tool.profile_for(call.value).outbound or bool(ways_outside(call, flow))


def holds_two(label: Label) -> bool:
    """Whether a run may be steered by somebody else, and holds what is not for them."""
    return label.is_untrusted and at_least(label.confidentiality, Sensitivity.CONFIDENTIAL)


def is_sink(call: Call, profile: ToolProfile, flow: Flow | None) -> bool:
    """Whether it may bring what the run knows somewhere: it writes, reaches outside, or names a host there."""
    return profile.effect is Effect.WRITE or profile.outbound or bool(ways_outside(call, flow))


def beside(call: Call, tool: Tool, flow: Flow | None) -> tuple[Outside, ...]:
    """The hosts that the readers of a tool with a clearance could be led to: what its content would have a program fetch.

    A clearance speaks of the tool's own readers, and of the target that an authority argument names. A link in the text that
    they are sent is another way. A box's way out has no text: its host is the target.
    """
    if call.tool == CONNECT:
        return ()
    authorities = tool.profile_for(call.value).authority
    pointers = [one.pointer for one in (authorities if authorities is not None else tool.inferred)]
    return tuple(
        one
        for one in ways_outside(call, flow)
        if one.form in _RENDERED and not any(_is_below(one.pointer, pointer) for pointer in pointers)
    )


def weight_of(call: Call) -> Leaving:
    """How much a call takes along: its canonical arguments in bytes, and the records in them.

    A record is an item of any array, or a line of a text that has several; JSON within a text counts as what it is. A call is
    one at least.
    """
    return Leaving(len(call.arguments), max(1, _records(call.value)))


def _ways(call: Call, flow: Flow) -> tuple[Outside, ...]:
    own = (*flow.rules.hosts, *(host for words in flow.words for host in _named(words)))
    # A box's host is one, whatever its name looks like.
    arguments = {"host": f"//{call.shown.get('host')}/"} if call.tool == CONNECT else call.shown
    if call.upstream_name == READ_RESOURCE and names_own_thing(str(call.shown.get("uri", ""))):
        return ()
    found = names_outside(arguments, own)
    if not found or call.tool == CONNECT:
        return found
    believed = Believed(flow, call.server, is_outside=True)
    return tuple(one for one in found if not _is_chosen(call, one, believed))


def _is_chosen(call: Call, way: Outside, believed: Believed) -> bool:
    """Whether somebody who is trusted chose the whole value, of an argument that is by its name a target.

    Not of a text that may hold more than its target, and not of a key.
    """
    value = at_pointer(call.shown, way.pointer)
    if not isinstance(value, str) or len(value) > _LONGEST_TARGET or value.split() != [value]:
        return False
    if role_at(way.pointer) is not Role.TARGET or way.host not in value.lower() or way.host in way.pointer.lower():
        return False
    name = words(way.pointer.rsplit("/", 1)[-1])
    return believed.gives(Asked(value, Role.TARGET, name, nouns_of(name, call.tool))) is not None


@lru_cache(maxsize=128)
def _named(words: Words) -> tuple[str, ...]:
    """The hosts that somebody who is trusted names themselves. Not those of addresses: many are at one host."""
    return tuple(
        {one.host for one in names_outside({"": own_words(words.text)}, ()) if one.form != "address" and one.host != UNREAD}
    )


def _is_below(pointer: str, authority: str) -> bool:
    """Whether a leaf belongs to an argument that carries authority; `*` stands for any item.

    The whole of the arguments is none: somebody has to have told target from content.
    """
    if not authority:
        return False
    parts, wanted = pointer.split("/"), authority.split("/")
    return len(parts) >= len(wanted) and all(want in ("*", part) for part, want in zip(parts, wanted, strict=False))


def _records(arguments: Any) -> int:
    found = 0
    stack: list[tuple[Any, int]] = [(arguments, 0)]
    while stack:
        value, decoded = stack.pop()
        if isinstance(value, Mapping):
            stack.extend((inner, decoded) for inner in cast("Mapping[str, Any]", value).values())
        elif isinstance(value, list):
            items = cast("list[Any]", value)
            found += len(items)
            stack.extend((inner, decoded) for inner in items)
        elif isinstance(value, str):
            if decoded < _DEEPEST and value.lstrip()[:1] in ("[", "{") and (inner := _json_in(value)) is not None:
                stack.append((inner, decoded + 1))
            elif (lines := sum(1 for line in _LINE.split(value) if line.strip())) > 1:
                found += lines
    return found


def _json_in(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
