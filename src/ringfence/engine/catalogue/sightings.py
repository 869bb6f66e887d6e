"""Which definitions of a server count, and what is left of its description without those that do not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ringfence.core.definitions.pins import PinKind, Sighting, sighting
from ringfence.core.definitions.suspicion import hidden_in
from ringfence.core.explaining.plain_text import plain
from ringfence.core.mcp.methods import COMPLETE, GET_PROMPT, READ_RESOURCE, is_method
from ringfence.core.model.identifiers import Digest, ServerId
from ringfence.core.rules import Rules
from ringfence.core.strict_json.canonical import digest_of
from ringfence.core.strict_json.confusable import folded
from ringfence.ports.upstream import Described

Place = tuple[PinKind, str]
Quarantine = Callable[[PinKind, str], str]
"""Why a definition may not be used; empty: it may."""


_WHOLES = (
    (PinKind.PROMPT, "prompts", frozenset({GET_PROMPT, COMPLETE})),
    (PinKind.RESOURCE_TEMPLATE, "resources", frozenset({READ_RESOURCE, COMPLETE})),
)
"""Lists that the operator names as a whole: their capability, and the methods that name them."""


def sightings_of(server: ServerId, raw: Described, rules: Rules) -> Iterator[Sighting]:
    """Every definition that the operator's configuration names, as the server has just listed it.

    One that reads differently to a client which declares more comes twice, each beside its own capabilities. The marks that
    prompts and templates as a whole have been seen come last: they are recorded after what they stand for.
    """
    named = frozenset(rule.upstream_name for rule in rules.tools.values() if rule.server == server)
    if not named:
        return
    plain_sight = list(_definitions_of(server, raw, named))
    yield from plain_sight
    if raw.richer is not None:
        known = {(one.kind, one.name): (one.digest, one.fault) for one in plain_sight}
        for one in _definitions_of(server, raw.richer, named):
            if known.get((one.kind, one.name)) != (one.digest, one.fault):
                yield one
    for kind, capability, methods in _WHOLES:
        if named & methods and capability in raw.capabilities:
            yield sighting(server, kind, "", {}, era="", capabilities=Digest(""))


def _definitions_of(server: ServerId, raw: Described, named: frozenset[str]) -> Iterator[Sighting]:
    beside: dict[str, Any] = dict(raw.capabilities)
    era, capabilities = raw.era, digest_of({"client": dict(raw.declared), "server": beside} if raw.declared else beside)

    def seen(kind: PinKind, name: str, definition: Mapping[str, Any], fault: str = "") -> Sighting:
        return sighting(server, kind, name, definition, era=era, capabilities=capabilities, fault=fault)

    faults = _faults([str(tool.get("name", "")) for tool in raw.tools])
    for name, tool in _by_name(raw.tools, "name").items():
        if name in named and not is_method(name):
            yield seen(PinKind.TOOL, name, tool, faults.get(name, ""))
    if raw.instructions:
        yield seen(PinKind.INSTRUCTIONS, "", {"instructions": raw.instructions})
    listings = {PinKind.PROMPT: (raw.prompts, "name"), PinKind.RESOURCE_TEMPLATE: (raw.templates, "uriTemplate")}
    for kind, capability, methods in _WHOLES:
        if not named & methods or capability not in raw.capabilities:
            continue
        listed, key = listings[kind]
        faults = _faults([str(item.get(key, "")) for item in listed])
        for name, item in _by_name(listed, key).items():
            if name:
                yield seen(kind, name, item, faults.get(name, ""))


def with_richer(raw: Described, richer: Described) -> Described:
    """A description beside the one for a client that declares more; alone where both say the same."""
    left_out = tuple(dict.fromkeys((*raw.left_out, *richer.left_out)))
    if replace(richer, declared=raw.declared, left_out=raw.left_out) == raw:
        return replace(raw, left_out=left_out)
    return replace(raw, left_out=left_out, richer=richer)


def united(raw: Described) -> Described:
    """The lists with what only a client that declares more is shown. What both are shown stands as the one that declares less
    sees it."""
    richer = raw.richer
    if richer is None:
        return raw
    return replace(
        raw,
        richer=None,
        tools=_with_more(raw.tools, richer.tools, "name"),
        resources=_with_more(raw.resources, richer.resources, "uri"),
        templates=_with_more(raw.templates, richer.templates, "uriTemplate"),
        prompts=_with_more(raw.prompts, richer.prompts, "name"),
    )


def _with_more(
    listed: Sequence[Mapping[str, Any]], more: Sequence[Mapping[str, Any]], key: str
) -> tuple[Mapping[str, Any], ...]:
    known = {item.get(key) for item in listed}
    return (*listed, *(item for item in more if item.get(key) not in known))


def cleared(raw: Described, quarantine: Quarantine) -> Described:
    """A server's description without what is quarantined. Resources come and go: those with hidden characters are left out."""
    raw = united(raw)
    return replace(
        raw,
        instructions="" if quarantine(PinKind.INSTRUCTIONS, "") else raw.instructions,
        tools=tuple(t for t in raw.tools if not quarantine(PinKind.TOOL, str(t.get("name", "")))),
        resources=tuple(resource for resource in raw.resources if not hidden_in(resource)),
        templates=tuple(
            t for t in raw.templates if not quarantine(PinKind.RESOURCE_TEMPLATE, str(t.get("uriTemplate", "")) or "/")
        ),
        prompts=tuple(p for p in raw.prompts if not quarantine(PinKind.PROMPT, str(p.get("name", "")) or "/")),
    )


def configured_pins(rules: Rules, server: ServerId) -> dict[Place, frozenset[Digest]]:
    """The digests that the operator's file names for the tools of a server."""
    found: dict[Place, frozenset[Digest]] = {}
    for rule in rules.tools.values():
        if rule.pin is not None and rule.server == server:
            place = (PinKind.TOOL, rule.upstream_name)
            found[place] = found.get(place, frozenset()) | {rule.pin}
    return found


def _by_name(listed: Sequence[Mapping[str, Any]], key: str) -> dict[str, Mapping[str, Any]]:
    return {str(item.get(key, "")): item for item in listed}


def _faults(names: Sequence[str]) -> dict[str, str]:
    """Names that a server lists twice, or beside one that a reader would take for it."""
    found: dict[str, str] = {}
    first: dict[str, str] = {}
    for name, count in Counter(names).items():
        if count > 1:
            found[name] = "its server lists it twice"
        other = first.setdefault(folded(name), name)
        if other != name:
            found[name] = f"its server also lists `{plain(other)}`, which a reader would take for it"
            found[other] = f"its server also lists `{plain(name)}`, which a reader would take for it"
    return found
