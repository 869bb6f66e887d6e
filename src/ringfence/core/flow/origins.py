"""Where every value of a call comes from that decides who or what is acted on, or how much. Pure.

A value is derived where a trusted source gives it: people's own words, the configuration, a trusted lookup, a record that the
words name, or the gateway itself. What tools returned otherwise derives nothing; it only says to people where a value was seen.
"""

from __future__ import annotations

from typing import Final

from ringfence.core.flow.asked import Asked, nouns_of
from ringfence.core.flow.authority import TOO_MANY, Leaf, authorities_of, leaves_of
from ringfence.core.flow.giving.saying import is_nothing
from ringfence.core.flow.near import nearest
from ringfence.core.flow.sources.believed import Believed, Source
from ringfence.core.flow.web.outside import names_outside, names_own_thing
from ringfence.core.flow.whereabouts import NOWHERE, whereabouts
from ringfence.core.flow.words.unasked import unasked
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.profile import Effect, Role
from ringfence.core.model.provenance import Flow, Origin, SourceKind
from ringfence.core.model.tool import Tool

MOST_UNDERIVED: Final = 50
"""Values of one call that nothing speaks for: with so many it is asked about, and the rest is not looked at."""
_MOST_EXPLAINED: Final = 20
"""Values of one call whose whereabouts are looked for."""


def origins(call: Call, facts: Facts) -> tuple[Origin, ...]:
    """One origin for each value of the call that carries authority, in order; empty where nobody looks, and for a call that
    neither changes anything nor reaches outside. Of a read that is declared to stay inside, the web addresses outside.

    Before them one for the call as a whole where the run is untrusted and nobody has asked for what its tool does.

    Arguments that are declared to carry authority are looked at in every run, inferred ones once the run is untrusted.
    """
    flow, tool = facts.flow, facts.tool
    if flow is None or tool is None:
        return ()
    if "origins" not in flow.memo:
        profile = tool.profile_for(call.value)
        flow.memo["origins"] = (*unasked(facts, flow, profile), *_origins(call, facts, flow, tool))
    return flow.memo["origins"]


def underived(call: Call, facts: Facts) -> tuple[Origin, ...]:
    """Those that nothing speaks for."""
    return tuple(origin for origin in origins(call, facts) if not origin.is_derived)


def _origins(call: Call, facts: Facts, flow: Flow, tool: Tool) -> tuple[Origin, ...]:
    profile = tool.profile_for(call.value)
    inside = profile.effect is Effect.READ and not profile.outbound
    authorities = authorities_of(tool, profile, untrusted=facts.label.is_untrusted)
    if inside:
        # It reaches outside all the same where it is told to go there: what it asks for is told to whoever runs the host.
        authorities = tuple(one for one in authorities if one.role is Role.TARGET)
    if not authorities:
        return ()
    believed = Believed(flow, call.server, is_outside=profile.outbound)
    found: list[Origin] = []
    explained = underived = 0
    known: dict[tuple[object, ...], Source | None] = {}
    for leaf in leaves_of(call, tool, authorities):
        if inside and not _leads_outside(leaf, flow):
            continue
        if leaf.pointer == TOO_MANY:
            found.append(Origin("", leaf.authority, SourceKind.NOWHERE, "more values than are looked at"))
            continue
        if leaf.pointer.split("/", 2)[1:2] and _is_fixed(leaf.pointer, tool):
            found.append(Origin(leaf.pointer, leaf.authority, SourceKind.FIXED, "filled in by the gateway, as configured"))
            continue
        # By type as well: `1` and `true` are equal, and not the same.
        same = (type(leaf.value), str(leaf.value), leaf.authority.role, leaf.name)
        source = known[same] if same in known else known.setdefault(same, _source(leaf, call, believed))
        if source is None:
            continue
        underived += source is NOWHERE
        if underived > MOST_UNDERIVED:
            found.append(Origin("", leaf.authority, SourceKind.NOWHERE, "more values than are looked at"))
            break
        near = ""
        if source is NOWHERE and explained < _MOST_EXPLAINED:
            explained += 1
            near = nearest(_text(leaf), flow)
            source = whereabouts(_text(leaf), flow.heard, quote=not _is_secret(leaf.pointer, profile.secret))
        found.append(Origin(leaf.pointer, leaf.authority, source.kind, source.where, source.entry, source.quoted, near))
    return tuple(found)


def _leads_outside(leaf: Leaf, flow: Flow) -> bool:
    """Whether the value is a web address of a host that is not the operator's own."""
    if not isinstance(leaf.value, str) or names_own_thing(leaf.value):
        return False
    return any(one.form == "url" for one in names_outside({"": leaf.value}, flow.rules.hosts))


def _source(leaf: Leaf, call: Call, believed: Believed) -> Source | None:
    """What gives a value: `NOWHERE` if nothing does, None if the value decides nothing."""
    if isinstance(leaf.value, dict | list):
        return NOWHERE if leaf.authority.role in (Role.SELECTOR, Role.COMMAND) else None
    asked = Asked(leaf.value, leaf.authority.role, leaf.name, nouns_of(leaf.name, call.tool))
    if is_nothing(asked):
        return None
    return believed.gives(asked) or NOWHERE


def _text(leaf: Leaf) -> str:
    if isinstance(leaf.value, bool | dict | list):
        return ""
    return str(leaf.value)


def _is_fixed(pointer: str, tool: Tool) -> bool:
    return pointer.split("/", 2)[1].replace("~1", "/").replace("~0", "~") in tool.fixed


def _is_secret(pointer: str, secret: tuple[str, ...]) -> bool:
    return any(pointer == one or pointer.startswith(f"{one}/") for one in secret)
