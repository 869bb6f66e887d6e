"""The log: search, one entry with its proof, the signed head, and everything for offline verification."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from typing import Any

from ringfence.app.control.answer import Answer, Asked, Lines, Problem, ProblemCode, Reply, not_found
from ringfence.app.control.leaves import entry_view, full_view
from ringfence.app.control.routes import Route
from ringfence.app.control.services import ControlServices
from ringfence.app.control.shape import Field, Kind
from ringfence.app.control.times import read_time
from ringfence.core.audit.checkpoint import Checkpoint, open_checkpoint
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import ED25519
from ringfence.core.model.operator import Role
from ringfence.core.records.entry import EntryKind
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.log.proofs import LogProofs
from ringfence.errors import IntegrityError, RequestError
from ringfence.ports.audit import AuditQuery, Record

WITNESSED_S = 5.0
"""How long a head that is asked for waits for its cosignatures."""
_ENTRY = re.compile(r"e(0|[1-9][0-9]{0,14})", re.ASCII)
_DECISIONS = "allow, ask, deny, halt; returned, failed_not_sent, ambiguous; approved, denied, ..."


async def search(asked: Asked) -> Answer:
    """Newest first. `next` is the cursor of the following page."""
    given = asked.query
    limit = max(1, given.get("limit", 100))
    records = await asked.services.log.query(
        AuditQuery(
            agent=given.get("agent"),
            run=given.get("run"),
            tool=given.get("tool"),
            call=given.get("call"),
            kind=given.get("kind"),
            decision=given.get("decision"),
            since=read_time(given["from"], "from") if "from" in given else None,
            until=read_time(given["to"], "to") if "to" in given else None,
            text=given.get("q"),
            before=_cursor(given.get("cursor")),
            limit=limit,
            oldest_first=given.get("order") == "oldest",
        )
    )
    more = len(records) == limit
    return Reply({"entries": [entry_view(record) for record in records], "next": str(records[-1].seq) if more else None})


async def show(asked: Asked) -> Answer:
    record = await record_named(asked.services, asked.path["id"])
    if record is None:
        return no_entry(asked.path["id"])
    return Reply({**full_view(record), "proof": await _proof(asked.services, record)})


async def newest_checkpoint(asked: Asked) -> Answer:
    note = await asked.services.log.checkpoint()
    if note is None:
        return not_found("the log has not been signed yet", "`POST /api/v1/audit/checkpoint` signs it now")
    return Reply(_checkpoint_view(asked.services, note))


async def sign_now(asked: Asked) -> Answer:
    """Sign the head, so that everything written up to here is vouched for."""
    services = asked.services
    note = await services.checkpointer.checkpoint() or await services.log.checkpoint()
    if note is None:
        return Problem(ProblemCode.REFUSED, "there is nothing to sign yet")
    await services.log_care.heads.shown(note, WITNESSED_S)
    note = await services.log.checkpoint() or note
    return Reply(_checkpoint_view(services, note))


async def export(asked: Asked) -> Answer:
    """Every leaf as it was hashed, one a line; the last line holds the checkpoint and the key that signed it."""
    return Lines(_export(asked.services, int(asked.query.get("start", 0))))


async def _export(services: ControlServices, start: int) -> AsyncIterator[bytes]:
    # The note before the head: whatever is written meanwhile, the leaves reach as far as the checkpoint says.
    note = await services.log.checkpoint()
    head = await services.log.head()
    async for record in services.log.leaves(start, head.size):
        yield record.leaf
    key = VerifierKey(services.signer.name, ED25519, services.signer.public_key)
    yield canonical_bytes({"checkpoint": note, "key": str(key), "name": key.name, "public_key": _key(services)})


async def record_named(services: ControlServices, name: str) -> Record | None:
    """The entry `e1042`."""
    match = _ENTRY.fullmatch(name)
    return await services.log.record_at(int(match[1])) if match else None


def no_entry(name: str) -> Problem:
    return not_found(f"there is no entry `{name[:40]}`", "entries are named like `e1042`")


async def _proof(services: ControlServices, record: Record) -> dict[str, Any] | None:
    """An inclusion proof against the newest checkpoint; None where none can be given, with no claim made."""
    note = await services.log.checkpoint()
    if note is None:
        return None
    checkpoint = _opened(services, note)
    if record.seq >= checkpoint.size:
        return None
    path = await LogProofs(services.log).inclusion(record.seq, checkpoint.size)
    return {
        "index": record.seq,
        "tree_size": checkpoint.size,
        "root": base64.b64encode(checkpoint.root).decode(),
        "path": [base64.b64encode(node).decode() for node in path],
        "checkpoint": note,
    }


def _checkpoint_view(services: ControlServices, note: str) -> dict[str, Any]:
    checkpoint = _opened(services, note)
    return {
        "note": note,
        "size": checkpoint.size,
        "root": base64.b64encode(checkpoint.root).decode(),
        "name": services.signer.name,
        "public_key": _key(services),
        "key": str(VerifierKey(services.signer.name, ED25519, services.signer.public_key)),
    }


def _opened(services: ControlServices, note: str) -> Checkpoint:
    try:
        return open_checkpoint(note, services.signer.name, services.signer.public_key)
    except RequestError as error:
        raise IntegrityError(f"the stored checkpoint is none: {error}") from error


def _key(services: ControlServices) -> str:
    return base64.b64encode(services.signer.public_key).decode()


def _cursor(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise RequestError("`cursor` is not one that an earlier page gave")
    return int(text)


SEARCH = (
    Field("agent", "Entries of this agent.", most=200),
    Field("tool", "Entries of this tool, `server.tool`.", most=200),
    Field("run", "Entries of this run.", most=80),
    Field("decision", _DECISIONS, most=40),
    Field("kind", "The kind of entry.", choices=tuple(kind.value for kind in EntryKind)),
    Field("call", "Entries of one call.", most=80),
    Field("from", "Not before this: ISO 8601 or milliseconds.", most=40),
    Field("to", "Before this.", most=40),
    Field("q", "Text that occurs in the entry, whatever its case.", most=200),
    Field("cursor", "`next` of the page before.", most=20),
    Field("limit", "Entries on a page, 1 to 1000; 100 where absent.", Kind.INTEGER, most=1000),
    Field("order", "`newest` first where absent.", choices=("newest", "oldest")),
)

ROUTES = (
    Route(
        method="GET",
        path="/audit",
        handler=search,
        summary="Search the log.",
        query=SEARCH,
        answer="`entries`, and `next` or null.",
    ),
    Route(
        method="GET",
        path="/audit/checkpoint",
        handler=newest_checkpoint,
        summary="The newest signed head (C2SP tlog-checkpoint).",
        answer="`note`, `size`, `root`, `name`, `public_key`, and both of the latter as a verifier key: `key`.",
    ),
    Route(
        method="POST",
        path="/audit/checkpoint",
        handler=sign_now,
        role=Role.VIEWER,
        summary="Sign the head now.",
        body=(),
        answer="As for GET.",
    ),
    Route(
        method="GET",
        path="/audit/export",
        handler=export,
        summary="Every leaf, one a line, then the checkpoint with its key.",
        query=(Field("start", "Begin with the entry of this number.", Kind.INTEGER, most=2**53 - 1),),
        answer="application/x-ndjson",
    ),
    Route(
        method="GET",
        path="/audit/{id}",
        handler=show,
        summary="One entry, its leaf, its hash and its inclusion proof.",
        answer="`entry`, `leaf`, `leaf_hash`, `proof` or null.",
    ),
)
