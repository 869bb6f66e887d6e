"""Tools that ran beside the gateway, as a request to a model tells of them: what is new in it, and what is recorded. Pure.

An agent's process wrote the request. So this is no evidence that a tool ran, or of what it returned: it is what the run says
that it was given, recorded so that its history has no holes, with the label of what such tools bring. Names, ids, digests and
sizes; never a word of what went in or came out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ringfence.core.explaining.plain_text import plain
from ringfence.core.metering.local_tools import OF_OTHERS, UNKNOWN, LocalTool, label_of
from ringfence.core.metering.observed import ToolResult, ToolUse
from ringfence.core.model.identifiers import AgentId, Digest, Millis, RunId
from ringfence.core.model.label import CLEAN, Label, join_all
from ringfence.core.records.entry import Entry, EntryKind

MOST_IN_ENTRY: Final = 40
"""Uses and results of one entry: more begin another."""
_NAMED: Final = 5
LONGEST_SHOWN: Final = 100
"""Characters of a tool's name."""
_OWN_KIND: Final = "tool_use"


@dataclass(frozen=True, slots=True)
class Given:
    """A result that a run was given beside the gateway, or by it."""

    result: ToolResult
    name: str
    """Of the tool; empty: the request does not say what was asked for."""
    call: str = ""
    """The gateway's own call that it is the result of; empty: it is of no such call."""
    label: Label = CLEAN
    """What it brings; that of a call of the gateway's own is brought by that call."""


@dataclass(frozen=True, slots=True)
class OwnCall:
    """A call that came in by the gateway's own way."""

    id: str
    tool: str
    """`server.tool`."""
    upstream_name: str
    use: str = ""
    """The tool use that its client says it is."""

    def is_for(self, use: ToolUse) -> bool:
        """Whether a tool's name in the client is that of this call's tool: clients put names of servers before it."""
        return any(
            name and (use.name == name or use.name.endswith(f"__{name}"))
            for name in (self.upstream_name, self.tool.partition(".")[2], self.tool)
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What one entry tells of uses and results."""

    uses: tuple[ToolUse, ...] = ()
    results: tuple[str, ...] = ()
    call: OwnCall | None = None


def told_in(leaf: Any) -> Told:
    """Of a decision on a tool, the outcome of a request to a model, or what was observed. What is odd tells nothing."""
    entry = _mapping(leaf)
    body = _mapping(entry.get("body"))
    call = None
    if isinstance(use := body.get("tool_use"), str) and use:
        call = OwnCall(_text(entry, "call"), _text(entry, "tool"), _text(body, "upstream_name"), use)
    views = [*_items(body.get("uses")), *_items(_mapping(body.get("model")).get("tool_uses"))]
    uses = tuple(
        ToolUse(
            id=_text(view, "id"),
            name=_text(view, "name"),
            kind=_text(view, "kind") or _OWN_KIND,
            arguments=Digest(_text(view, "arguments")) or None,
        )
        for view in views
    )
    return Told(uses, tuple(_text(view, "id") for view in _items(body.get("results"))), call)


def given(
    results: Iterable[ToolResult],
    use_of: Callable[[str], ToolUse | None],
    call_of: Callable[[ToolUse], str],
    known: Sequence[LocalTool],
) -> list[Given]:
    """What new results are, with what they bring. `call_of`: the gateway's own call that a use became, or an empty text."""
    found: list[Given] = []
    for result in results:
        use = use_of(result.id)
        call = call_of(use) if use is not None else ""
        name = use.name if use is not None else ""
        found.append(Given(result, name, call, CLEAN if call else _label(result, use, name, known)))
    return found


def _label(result: ToolResult, use: ToolUse | None, name: str, known: Sequence[LocalTool]) -> Label:
    is_vendors = result.kind != "tool_result" or (use is not None and use.kind != _OWN_KIND)
    label = OF_OTHERS if is_vendors else label_of(name, known)
    return label.joined(OF_OTHERS) if result.is_error else label


def beyond(known: Sequence[LocalTool]) -> Label:
    """Of results that were not looked at, because there were too many at once: any tool's."""
    return join_all([UNKNOWN, *(one.label for one in known)])


def observed_entries(
    *,
    at: Millis,
    run: RunId,
    agent: AgentId,
    request: str,
    before: Label,
    uses: Sequence[ToolUse],
    results: Sequence[Given],
    beyond: Label = CLEAN,
) -> tuple[tuple[Entry, ...], Label]:
    """What is recorded of a request, and what the run's label is joined with.

    `request`: SHA-256 of its body; `before`: the label that counted at the run's calls until now; `beyond`: of what the request
    tells besides.
    """
    entries: list[Entry] = []
    brings = join_all(one.label for one in results).joined(beyond)
    items: list[tuple[str, Mapping[str, Any], Label]] = [
        *(("uses", _use_view(use), CLEAN) for use in uses),
        *(("results", _result_view(one), one.label) for one in results),
    ]
    chunks = [items[start : start + MOST_IN_ENTRY] for start in range(0, len(items), MOST_IN_ENTRY)]
    if not chunks and not before.covers(beyond):
        chunks = [[]]
    for some in chunks:
        brought = join_all(label for _, _, label in some)
        body: dict[str, Any] = {"request": request}
        if some is chunks[-1] and beyond != CLEAN:
            brought = brought.joined(beyond)
            body["beyond"] = True
        for kind in ("uses", "results"):
            if views := [view for name, view, _ in some if name == kind]:
                body[kind] = views
        if before != CLEAN:
            body["label"] = before.view()
        if not before.covers(brought):
            body["brings"] = brought.view()
            before = before.joined(brought)
        entries.append(
            Entry(
                kind=EntryKind.OBSERVED,
                at=at,
                summary=_summary(body),
                run=run,
                agent=agent,
                by=f"agent:{agent}",
                body=body,
            )
        )
    return tuple(entries), brings


def _use_view(use: ToolUse) -> dict[str, Any]:
    view = {"id": use.id, "name": plain(use.name, LONGEST_SHOWN), "arguments": use.arguments or "", "bytes": use.size}
    if use.kind != _OWN_KIND:
        view["kind"] = plain(use.kind, 40)
    return view


def _result_view(given: Given) -> dict[str, Any]:
    result = given.result
    view: dict[str, Any] = {
        "id": result.id,
        "name": plain(given.name, LONGEST_SHOWN),
        "content": result.content or "",
        "bytes": result.size,
    }
    if result.kind != "tool_result":
        view["kind"] = plain(result.kind, 40)
    if result.is_error:
        view["is_error"] = True
    if given.call:
        view["call"] = given.call
    else:
        view["label"] = given.label.view()
    return view


def _summary(body: Mapping[str, Any]) -> str:
    results: list[dict[str, Any]] = [one for one in body.get("results", ()) if "call" not in one]
    names = list(dict.fromkeys(one["name"] or "unnamed" for one in (results or body.get("uses", ()))))
    named = f"{', '.join(names[:_NAMED])}{f' and {len(names) - _NAMED} more' if len(names) > _NAMED else ''}"
    if results:
        return f"was given {_counted(len(results), 'result')} by tools beside the gateway: {named}"[:240]
    if body.get("uses"):
        return f"tells of {_counted(len(body['uses']), 'use')} of tools: {named}"[:240]
    if body.get("beyond"):
        return "was given more results of tools than are looked at"
    return f"was given {_counted(len(body.get('results', ())), 'result')} of the gateway's own calls"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [_mapping(item) for item in value] if isinstance(value, list) else []


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""
