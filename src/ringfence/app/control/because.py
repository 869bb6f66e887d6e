"""What a decision knew of where things came from: gathered from the log for `explain`."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.leaves import entry_view, every
from ringfence.app.control.services import ControlServices
from ringfence.core.lineage.because import FLOW, Because, because
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.provenance import SourceKind
from ringfence.ports.audit import AuditLog, AuditQuery

_MOST_ENTRIES = 500
"""Of one run and kind. Only entries that changed a label are asked for, and each raises it to what it was not yet."""
_MOST_NAMED = 10
_CHANGES = (("decision", '"brings":'), ("outcome", '"failed":true'), ("control", '"label_after":'), ("observed", '"brings":'))


async def why(services: ControlServices, decision: dict[str, Any]) -> Because | None:
    """None where the decision turned on something else."""
    if not FLOW & {str(reason.get("code")) for reason in decision["body"].get("reasons", [])}:
        return None
    run = await services.store.run(RunId(str(decision["run"] or "")))
    above = run.ancestors if run is not None else ()
    found: dict[int, dict[str, Any]] = {}
    for member in (str(decision["run"] or ""), *above):
        for kind, text in _CHANGES:
            query = AuditQuery(run=member, kind=kind, text=text)
            found |= {entry["seq"]: entry async for entry in every(services.log, query, _MOST_ENTRIES)}
    return because(decision, [entry for _, entry in sorted(found.items())])


async def in_words(log: AuditLog, found: Because) -> list[str]:
    """The sentences, with the names of the tools that arguments came from."""
    tools: dict[str, str] = {}
    for argument in found.arguments:
        name = argument.entry
        if name not in tools and len(tools) < _MOST_NAMED and name[:1] == "e" and name[1:].isascii() and name[1:].isdigit():
            record = await log.record_at(int(name[1:]))
            tools[name] = str(entry_view(record).get("tool") or "") if record is not None else ""
    return found.sentences(tools)


def underived(decision: dict[str, Any]) -> tuple[str, ...]:
    """Pointers of the arguments that no trusted source spoke for."""
    known = because(decision, ())
    if known is None:
        return ()
    return tuple(one.pointer or "/" for one in known.arguments if not one.is_derived and one.source != SourceKind.UNASKED)


def is_unasked(decision: dict[str, Any]) -> bool:
    """Whether nobody had asked for what the call does."""
    known = because(decision, ())
    return known is not None and any(one.source == SourceKind.UNASKED for one in known.arguments)
