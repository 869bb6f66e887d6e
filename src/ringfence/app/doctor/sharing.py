"""Judges credentials that serve tools which read and tools which write alike: whoever misuses the reader can write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from ringfence.app.config.secret_values import looks_like_credential
from ringfence.app.config.settings import Loaded, ServerConnection
from ringfence.app.doctor.facts import Facts
from ringfence.app.doctor.findings import Code, Finding, Severity
from ringfence.core.model.profile import Effect
from ringfence.core.rules import ToolRule
from ringfence.ports.secrets import SecretRef

_BOTH = frozenset(Effect)
_MOST_NAMED = 3


@dataclass(slots=True)
class _Use:
    """Who uses one secret."""

    label: str
    places: list[str] = field(default_factory=list[str])
    effects: set[Effect] = field(default_factory=set[Effect])


def one_for_a_server(facts: Facts) -> Iterator[Finding]:
    """A server's own credential where tools of different effect have none of their own."""
    if facts.loaded is None:
        return
    for server in facts.loaded.servers.values():
        credentials = tuple(place for place, _ in _of_server(server))
        bare = _bare_tools(facts.loaded, server)
        if credentials and {tool.profile.effect for tool in bare} >= _BOTH:
            reads = [tool.id for tool in bare if tool.profile.effect is Effect.READ]
            writes = [tool.id for tool in bare if tool.profile.effect is Effect.WRITE]
            yield Finding(
                code=Code.MIXED_CREDENTIAL,
                severity=Severity.WARNING,
                what=f"Tools that read ({_named(reads)}) and tools that write ({_named(writes)}) use one credential.",
                where=credentials,
                remedy="give the tools that write a `credential` of their own, or mint one for each call "
                "(docs/tool-credentials.md), and let the server's only read",
            )


def one_in_several_places(facts: Facts) -> Iterator[Finding]:
    """One secret that several servers or tools use, of which some read and some write."""
    if facts.loaded is None:
        return
    uses: dict[tuple[str, str], _Use] = {}
    for server in facts.loaded.servers.values():
        effects = {tool.profile.effect for tool in _bare_tools(facts.loaded, server)}
        for place, value in _of_server(server):
            if isinstance(value, SecretRef):
                _note(uses, _key(value), value.source, place, effects)
            else:
                _note(uses, ("literal", value), "a secret written into the configuration", place, effects)
    for tool in facts.loaded.rules.tools.values():
        own = tool.credential
        if own is not None and own.reference:
            ref = SecretRef(own.reference, own.folder)
            section = "derived" if tool.derived else "tools"
            _note(uses, _key(ref), ref.source, f"{section}.{tool.id}.credential", {tool.profile.effect})
    for use in uses.values():
        if len(use.places) > 1 and use.effects >= _BOTH:
            yield Finding(
                code=Code.SHARED_CREDENTIAL,
                severity=Severity.WARNING,
                what=f"One secret (`{use.label}`) is used where tools read and where tools write.",
                where=tuple(use.places),
                remedy="make a second one that can only read, and refer to it where tools read",
            )


def _note(uses: dict[tuple[str, str], _Use], key: tuple[str, str], label: str, place: str, effects: set[Effect]) -> None:
    use = uses.setdefault(key, _Use(label))
    use.places.append(place)
    use.effects |= effects


def _key(ref: SecretRef) -> tuple[str, str]:
    """Two references to one secret have one key: a folder matters for files and commands only."""
    return ref.source, ref.folder if ref.kind in ("file", "exec") else ""


def _bare_tools(loaded: Loaded, server: ServerConnection) -> list[ToolRule]:
    """Tools of a server that go with the server's credential."""
    return [tool for tool in loaded.rules.tools.values() if tool.server == server.id and tool.credential is None]


def _of_server(server: ServerConnection) -> Iterator[tuple[str, str | SecretRef]]:
    """Where a server's configuration has a credential, and what stands there."""
    named = chain((("env", item) for item in server.env.items()), (("headers", item) for item in server.headers.items()))
    for section, (name, value) in named:
        if isinstance(value, SecretRef) or looks_like_credential(name, value):
            yield f"servers.{server.id}.{section}.{name}", value


def _named(tools: Sequence[str]) -> str:
    more = f" and {len(tools) - _MOST_NAMED} more" if len(tools) > _MOST_NAMED else ""
    return ", ".join(sorted(tools)[:_MOST_NAMED]) + more
