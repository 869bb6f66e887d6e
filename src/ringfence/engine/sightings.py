"""Which definitions of a server count, and what is left of its description without those that do not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ringfence.core.canonical import digest_of
from ringfence.core.confusable import folded
from ringfence.core.methods import COMPLETE, GET_PROMPT, READ_RESOURCE, is_method
from ringfence.core.model.identifiers import Digest, ServerId
from ringfence.core.pins import PinKind, Sighting, sighting
from ringfence.core.plain_text import plain
from ringfence.core.rules import Rules
from ringfence.core.suspicion import hidden_in
from ringfence.ports.upstream import Described

Place = tuple[PinKind, str]
Quarantine = Callable[[PinKind, str], str]
"""Why a definition may not be used; empty: it may."""


def sightings_of(server: ServerId, raw: Described, rules: Rules) -> Iterator[Sighting]:
    """Every definition that the operator's configuration names, as the server has just listed it.

    The marks that prompts and templates as a whole have been seen come last: they are recorded after what they stand for.
    """
    named = {rule.upstream_name for rule in rules.tools.values() if rule.server == server}
    if not named:
        return
    era, capabilities = raw.era, digest_of(dict(raw.capabilities))

    def seen(kind: PinKind, name: str, definition: Mapping[str, Any], fault: str = "") -> Sighting:
        return sighting(server, kind, name, definition, era=era, capabilities=capabilities, fault=fault)

    faults = _faults([str(tool.get("name", "")) for tool in raw.tools])
    for name, tool in _by_name(raw.tools, "name").items():
        if name in named and not is_method(name):
            yield seen(PinKind.TOOL, name, tool, faults.get(name, ""))
    if raw.instructions:
        yield seen(PinKind.INSTRUCTIONS, "", {"instructions": raw.instructions})
    lists = (
        (PinKind.PROMPT, raw.prompts, "name", "prompts", named & {GET_PROMPT, COMPLETE}),
        (PinKind.RESOURCE_TEMPLATE, raw.templates, "uriTemplate", "resources", named & {READ_RESOURCE, COMPLETE}),
    )
    for kind, listed, key, capability, wanted in lists:
        if not wanted or capability not in raw.capabilities:
            continue
        faults = _faults([str(item.get(key, "")) for item in listed])
        for name, item in _by_name(listed, key).items():
            if name:
                yield seen(kind, name, item, faults.get(name, ""))
        yield sighting(server, kind, "", {}, era="", capabilities=Digest(""))


def cleared(raw: Described, quarantine: Quarantine) -> Described:
    """A server's description without what is quarantined. Resources come and go: those with hidden characters are left out."""
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
