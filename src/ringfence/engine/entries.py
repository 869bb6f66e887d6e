"""The entries of a call, built in one place so that nothing secret finds another way into the log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ringfence.core.explaining.plain_text import plain
from ringfence.core.flow.origins import origins
from ringfence.core.framing import masked, recorded_arguments
from ringfence.core.mcp.client_meta import NO_META, ClientMeta
from ringfence.core.model.call import Call
from ringfence.core.model.condition import at_pointer, is_absent
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.local import Judgement
from ringfence.core.model.profile import WORST_PROFILE, Effect
from ringfence.core.model.provenance import Origin
from ringfence.core.model.ticket import Ticket
from ringfence.core.model.verdict import Decision, Gate, Level
from ringfence.core.own_tools.connecting import CONNECT
from ringfence.core.own_tools.exporting import EXPORT
from ringfence.core.own_tools.modelling import MESSAGES
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.scan.scanner import Finding
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.outcome import Ambiguous, NotSent, Outcome, Returned, ServerFailed, Withheld

_SUMMARY_LIMIT = 240
MOST_ORIGINS = 16
"""Arguments of one call whose origin its entry tells. With the places below they leave room for the arguments themselves."""
_PLACE_LIMIT = 120
MOST_ACTS = 20
"""Commands of one call of a client's shell that its entry tells, and files."""
_ACT_LIMIT = 300


def decision_entry(
    call: Call,
    facts: Facts,
    decision: Decision,
    rules_digest: str,
    ticket: Ticket | None,
    meta: ClientMeta = NO_META,
    brings: Label = CLEAN,
) -> Entry:
    """What was decided, on what grounds, before anything happens.

    `brings` is what the run's label is joined with by this decision; `CLEAN`: it stays as it is. A label that is clean is not
    written down, so that the entries of runs that nothing has touched stay as small as they were.
    """
    profile = facts.tool.profile_for(call.value) if facts.tool is not None else WORST_PROFILE
    body: dict[str, Any] = {
        "digest": call.digest,
        "pin": call.pin,
        "server": call.server,
        "upstream_name": call.upstream_name,
        "arguments": recorded_arguments(call, profile.secret),
        "reasons": [{"code": r.code.value, "check": r.check, "detail": r.detail[:500]} for r in decision.reasons],
        "profile": {
            "effect": profile.effect.value,
            "reversible": profile.reversible,
            "inverse": profile.inverse,
            "sensitivity": profile.sensitivity.value,
            "outbound": profile.outbound,
        },
        "objects": objects_of(masked(call.value, profile.secret), profile.objects),
        "rules": rules_digest,
        "posture": facts.posture.value,
    }
    if facts.tool is not None and (credential := facts.tool.credential) is not None:
        body["credential"] = {"as": f"{credential.place.value} {credential.name}", "from": credential.label[:1000]}
    if facts.label != CLEAN:
        body["label"] = facts.label.view()
    if brings != CLEAN:
        body["brings"] = brings.view()
    if facts.flow is not None and facts.tool is not None and (profile.effect is Effect.WRITE or profile.outbound):
        body |= origin_facts(origins(call, facts))
    if meta.trace_id:
        body["trace"], body["span"] = meta.trace_id, meta.span_id
    if meta.tool_use:
        body["tool_use"] = meta.tool_use
    if meta.vendor:
        written = canonical_bytes(dict(meta.vendor))
        body["client_meta"] = {"sha256": hashlib.sha256(written).hexdigest(), "bytes": len(written)}
    if meta.said:
        body["said"] = {name: plain(text, _PLACE_LIMIT) for name, text in sorted(meta.said.items())[:8]}
    if facts.local is not None:
        body["local"] = local_view(facts.local)
    if facts.policy is not None:
        body["policy"] = facts.policy.digest
    if decision.consumes is not None:
        body["ticket"] = decision.consumes
    if ticket is not None:
        body["ticket"] = ticket.id
        body["gates"] = [gate_view(gate) for gate in ticket.gates]
        body["expires_at"] = ticket.expires_at
    return Entry(
        kind=EntryKind.DECISION,
        at=facts.now,
        summary=_summary(call, decision),
        run=call.run,
        agent=call.agent,
        tool=call.tool,
        call=call.id,
        decision=decision.level.name.lower(),
        by=f"agent:{call.agent}",
        body=body,
    )


def origin_facts(found: Sequence[Origin]) -> dict[str, Any]:
    """Where the arguments that decide something come from. Places, never values: those stand in `arguments`.

    Bounded; what no trusted source speaks for comes before what one does where not all of them fit.
    """
    kept = found if len(found) <= MOST_ORIGINS else sorted(found, key=lambda origin: origin.is_derived)[:MOST_ORIGINS]
    left = len(found) - len(kept)
    return {"origins": [_origin_view(origin) for origin in kept], **({"origins_left_out": left} if left else {})}


def _origin_view(origin: Origin) -> dict[str, Any]:
    said = {"pointer": plain(origin.pointer, _PLACE_LIMIT), "role": origin.authority.role.value, "from": origin.kind.value}
    if origin.entry:
        said["entry"] = origin.entry
    if origin.where:
        said["where"] = plain(origin.where, _PLACE_LIMIT)
    return said


def local_view(judgement: Judgement) -> dict[str, Any]:
    """What a call of the client's own tools was read as. Bounded; of secrets only which rule found them and where."""
    acts = [
        {
            "text": plain(act.text, _ACT_LIMIT),
            **({"via": [plain(each, 40) for each in act.via[:8]]} if act.via else {}),
            **({"doubts": sorted({doubt.kind.value for doubt in act.doubts})} if act.doubts else {}),
        }
        for act in judgement.acts[:MOST_ACTS]
    ]
    left = len(judgement.acts) - len(acts)
    return {
        "acts": acts,
        **({"acts_left_out": left} if left else {}),
        **({"doubts": sorted({doubt.kind.value for doubt in judgement.doubts})} if judgement.doubts else {}),
        **({"files": [plain(path, _ACT_LIMIT) for path in judgement.files[:MOST_ACTS]]} if judgement.files else {}),
        **({"secrets": [plain(one, _ACT_LIMIT) for one in judgement.secrets[:MOST_ACTS]]} if judgement.secrets else {}),
    }


def gate_view(gate: Gate) -> dict[str, Any]:
    """A gate as the log has it."""
    named = {"code": gate.code.value, "quorum": gate.quorum}
    return {**named, "group": gate.group} if gate.group else named


def _summary(call: Call, decision: Decision) -> str:
    verb = {Level.ALLOW: "allowed", Level.ASK: "asked a person about", Level.DENY: "denied", Level.HALT: "halted on"}
    why = ", ".join(dict.fromkeys(reason.code.value for reason in decision.reasons))
    return f"{verb[decision.level]} {call.tool}{f' ({why})' if why else ''}"[:_SUMMARY_LIMIT]


def outcome_entry(
    call: Call,
    at: Millis,
    outcome: Outcome,
    stopped: bool,
    findings: Sequence[Finding] = (),
    credential: str = "",
    facts: Mapping[str, Any] | None = None,
    label: Label = CLEAN,
    failed: bool = False,
) -> Entry:
    """What came of a call that was allowed, and what the scan found in what its server said.

    `facts` are those of the result, where they are known already. `label` is that of what the agent is given; `failed`: it is
    the text of an error, which raised the run's label.
    """
    body: dict[str, Any] = {"digest": call.digest}
    match outcome:
        case Returned(result=result):
            state = "returned"
            body |= facts if facts is not None else result_facts(result)
            if call.tool == CONNECT:
                body["carried"] = result.get("structuredContent")
            if call.tool == EXPORT:
                body["workspace"] = result.get("structuredContent")
            if call.tool == MESSAGES:
                body["model"] = result.get("structuredContent")
        case ServerFailed(code=code, message=message):
            state = "returned"
            body |= error_facts(code, message)
            if outcome.withheld:
                body["error"]["withheld"] = outcome.withheld[:300]
        case Withheld(why=why, facts=facts):
            state = "returned"
            body |= {**facts, "withheld": why.value}
        case NotSent(why=why):
            state = "failed_not_sent"
            body["why"] = why[:300]
        case Ambiguous(why=why):
            state = "ambiguous"
            body["why"] = why[:300]
        case _:
            raise AssertionError(f"a {type(outcome).__name__} was never sent")
    if label != CLEAN and isinstance(outcome, Returned | ServerFailed):
        body["label"] = label.view()
    if failed:
        body["failed"] = True
    if credential:
        body["credential"] = credential
    if findings:
        body["findings"] = [
            {"class": f.kind.value, "rule": f.rule, "at": f.at, "count": f.count, **({"at_least": True} if f.is_least else {})}
            for f in findings
        ]
    if stopped:
        body["stopped"] = True
    return Entry(
        kind=EntryKind.OUTCOME,
        at=at,
        summary=f"{call.tool}: {state.replace('_', ' ')}{_remarks(outcome, stopped, findings)}"[:_SUMMARY_LIMIT],
        run=call.run,
        agent=call.agent,
        tool=call.tool,
        call=call.id,
        decision=state,
        by="gateway",
        body=body,
    )


def _remarks(outcome: Outcome, stopped: bool, findings: Sequence[Finding]) -> str:
    found = ", ".join(dict.fromkeys(finding.rule for finding in findings))
    held = f", withheld ({outcome.why.value})" if isinstance(outcome, Withheld) else ""
    return f"{' after a stop' if stopped else ''}{held}{f', found {found}' if found else ''}"


def error_facts(code: int, message: str) -> dict[str, Any]:
    """What the log keeps of an error: its code and the digest of its message."""
    return {"error": {"code": code, "message_sha256": hashlib.sha256(message.encode()).hexdigest()}}


def result_facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the log keeps of a result: its digest and size, never its content."""
    encoded = canonical_bytes(dict(result))
    return {
        "result_sha256": hashlib.sha256(encoded).hexdigest(),
        "result_bytes": len(encoded),
        "is_error": result.get("isError") is True,
    }


def objects_of(arguments: Mapping[str, Any], pointers: tuple[str, ...]) -> list[str]:
    """The objects that (masked) arguments name, for `audit touched`: `pointer=value`."""
    found: list[str] = []
    for pointer in pointers:
        value = at_pointer(arguments, pointer)
        if not is_absent(value):
            text = value if isinstance(value, str) else canonical_bytes(value).decode()
            found.append(f"{pointer}={text}"[:200])
    return found
