"""The whole chain of one call in one answer, why it was decided so, and what would have changed the answer."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.answer import Answer, Asked, Reply
from ringfence.app.control.approvals import ticket_view
from ringfence.app.control.audit import no_entry, record_named
from ringfence.app.control.because import in_words as because_in_words
from ringfence.app.control.because import is_unasked, underived, why
from ringfence.app.control.leaves import entry_view, every
from ringfence.app.control.routes import Route
from ringfence.app.control.touched import is_error
from ringfence.core.explaining.changes import Subject, smallest_change
from ringfence.core.explaining.meanings import meaning
from ringfence.core.model.identifiers import TicketId, ToolId
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.scan.meanings import MEANINGS
from ringfence.ports.audit import AuditQuery

MOST_ENTRIES = 1000


async def explain(asked: Asked) -> Answer:
    """Joined by call id: what asked, what was decided, who approved, what came of it."""
    record = await record_named(asked.services, asked.path["id"])
    if record is None:
        return no_entry(asked.path["id"])
    entry = entry_view(record)
    chain = await _chain(asked, entry)
    ticket = await _ticket(asked, chain)
    decision = _decision(entry, chain)
    turned_on = await why(asked.services, decision) if decision is not None else None
    words = [_in_words(entry, decision, chain), *(await because_in_words(asked.services.log, turned_on) if turned_on else ())]
    return Reply(
        {
            "entry": entry,
            "in_words": " ".join(words),
            "provenance": turned_on.view() if turned_on is not None else None,
            "reasons": _reasons(asked, decision),
            "chain": chain,
            "approval": ticket,
        }
    )


async def _chain(asked: Asked, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Every entry of the call, of the call that first asked for its ticket, and of the calls that the ticket let through."""
    calls = [entry["call"]] if entry["call"] else []
    found = [e async for e in every(asked.services.log, AuditQuery(call=calls[0]), MOST_ENTRIES)] if calls else [entry]
    tickets = {e["body"]["ticket"] for e in found if isinstance(e["body"].get("ticket"), str)}
    for ticket in sorted(tickets):
        query = AuditQuery(run=entry["run"], text=ticket)
        found += [e async for e in every(asked.services.log, query, MOST_ENTRIES) if e["body"].get("ticket") == ticket]
    for call in sorted({e["call"] for e in found if e["call"]} - set(calls)):
        found += [e async for e in every(asked.services.log, AuditQuery(call=call, kind="outcome"), MOST_ENTRIES)]
    return sorted({e["seq"]: e for e in found}.values(), key=lambda e: e["seq"])


async def _ticket(asked: Asked, chain: list[dict[str, Any]]) -> dict[str, Any] | None:
    named = next((e["body"]["ticket"] for e in reversed(chain) if isinstance(e["body"].get("ticket"), str)), None)
    ticket = await asked.services.store.ticket(TicketId(named)) if named is not None else None
    return ticket_view(ticket, asked.services.clock.now()) if ticket is not None else None


def _decision(entry: dict[str, Any], chain: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The decision that the entry belongs to: itself, or the newest of its call up to it."""
    if entry["kind"] == "decision":
        return entry
    mine = [e for e in chain if e["kind"] == "decision" and e["call"] == entry["call"]]
    return mine[-1] if mine else None


def _reasons(asked: Asked, decision: dict[str, Any] | None) -> list[dict[str, Any]]:
    if decision is None:
        return []
    tool = str(decision["tool"] or "")
    rule = asked.services.catalogue.rules.tools.get(ToolId(tool))
    subject = Subject(
        agent=str(decision["agent"] or ""),
        tool=tool,
        run=str(decision["run"] or ""),
        ticket=str(decision["body"].get("ticket", "")),
        underived=underived(decision),
        is_unasked=is_unasked(decision),
        derived=rule is not None and rule.derived,
    )
    reasons: list[dict[str, Any]] = []
    for reason in decision["body"].get("reasons", []):
        code = ReasonCode(reason["code"])
        change = smallest_change(code, subject)
        reasons.append(
            {
                "code": code.value,
                "check": reason["check"],
                "detail": reason["detail"],
                "meaning": meaning(code),
                "smallest_change": {"lever": change.lever.value, "text": change.text, "path": change.path},
            }
        )
    return reasons


_VERBS = {"allow": "was allowed", "ask": "had to wait for a person", "deny": "was denied", "halt": "halted the run"}
_ENDS = {
    "returned": "it was executed and the server answered",
    "failed_not_sent": "nothing was sent",
    "ambiguous": "it was sent, and nobody can know whether it took effect",
}


_HELD = {
    "instructions": "it reads as instructions to a model",
    "secret": "it holds a credential",
    "personal": "it holds personal data",
    "unreadable": "it could not be scanned",
    "untyped": "it is not what the output schema of its tool says",
}


def _in_words(entry: dict[str, Any], decision: dict[str, Any] | None, chain: list[dict[str, Any]]) -> str:
    """Two or three sentences without arguments."""
    if decision is None:
        return _act_in_words(entry) if entry["summary"] else ""
    codes = [ReasonCode(reason["code"]) for reason in decision["body"].get("reasons", [])]
    why = "; ".join(dict.fromkeys(meaning(code) for code in codes)) or "no check had anything against it"
    sentences = [f"The call of {decision['tool']} by {decision['agent']} {_VERBS.get(decision['decision'], '')}: {why}."]
    votes = [e for e in chain if e["kind"] == "approval" and e["decision"] in ("approved", "denied")]
    if votes:
        sentences.append(
            "On its approval: " + ", ".join(f"{v['by'].removeprefix('operator:')} {v['decision']}" for v in votes) + "."
        )
    ends = [e for e in chain if e["kind"] == "outcome"]
    if ends:
        failed = " with an error" if is_error(ends[-1]) else ""
        sentences.append(f"In the end {_ENDS.get(ends[-1]['decision'], ends[-1]['decision'])}{failed} ({ends[-1]['id']}).")
        sentences += scanned_in_words(ends[-1]["body"])
    elif decision["decision"] == "allow":
        sentences.append("Its outcome is not recorded yet.")
    return " ".join(sentences)


def _act_in_words(entry: dict[str, Any]) -> str:
    """What somebody, or the gateway itself, did: with who and why, where the entry says so."""
    if entry["kind"] != "control" or "stop" not in entry["body"]:
        return f"{entry['summary']}."
    reason = str(entry["body"].get("reason") or "")
    return f"{entry['summary']} by {entry['by']}{f': {reason}' if reason else ''}."


def scanned_in_words(body: dict[str, Any]) -> list[str]:
    """What the scan of the answer came to. Places, never texts."""
    said: list[str] = []
    if "withheld" in body:
        said.append(f"The agent did not get the answer: {_HELD.get(body['withheld'], body['withheld'])}.")
    found = [
        f"{finding['rule']} at {finding['at']} ({'at least ' if finding.get('at_least') else ''}{finding['count']})"
        for finding in body.get("findings", [])
    ]
    if found:
        said.append(f"In what the server said the scan found {', '.join(found)}.")
        said += [MEANINGS[rule] for rule in dict.fromkeys(finding["rule"] for finding in body["findings"]) if rule in MEANINGS]
    return said


ROUTES = (
    Route(
        method="GET",
        path="/explain/{id}",
        handler=explain,
        summary="Why an entry says what it says, and the smallest change that would have changed it.",
        answer=(
            "`in_words`, `reasons` with a `smallest_change` each, `provenance` where it turned on where things came from, the"
            " `chain` of entries, the `approval`."
        ),
    ),
)
