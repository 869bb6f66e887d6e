"""Entries as events of the Open Cybersecurity Schema Framework 1.6.0: class API Activity (6003), profile Security Control.

    metadata.uid            the entry, `e1042`; metadata.log_name and sequence: the log's origin and the place
    actor.user              who acted: the agent, an operator or the gateway; actor.session.uid: the run
    api.operation           the tool, `server.tool`, or the kind of entry where no tool is concerned
    api.request.uid         the call; metadata.correlation_uid as well
    action_id, disposition  allowed, denied, or other where a person has to decide
    status_id               how a call ended, on outcome entries

Whatever of the entry has no place there is under `unmapped`, the body only where it is asked for. Pure.
"""

from collections.abc import Mapping
from typing import Any

from ringfence.core.audit.stem import entry_hash

VERSION = "1.6.0"
CLASS = 6003
_READ, _OTHER = 2, 99
_ACTIVITIES = {_READ: "Read", _OTHER: "Other"}
_ALLOWED, _DENIED = 1, 2
_BLOCKED = 2
_DECIDED: Mapping[str, tuple[int, int, int]] = {
    # action, disposition, severity
    "allow": (_ALLOWED, 1, 1),
    "ask": (_OTHER, _OTHER, 2),
    "deny": (_DENIED, _BLOCKED, 3),
    "halt": (_DENIED, _BLOCKED, 4),
    "approved": (_ALLOWED, 1, 1),
    "denied": (_DENIED, _BLOCKED, 2),
}
_ENDED: Mapping[str, tuple[int, int]] = {
    # status, severity
    "returned": (1, 1),
    "failed_not_sent": (2, 2),
    "ambiguous": (_OTHER, 4),
}
_SEVERITY = {1: "Informational", 2: "Low", 3: "Medium", 4: "High"}
_USER, _SYSTEM = 1, 3


def ocsf_event(entry: Mapping[str, Any], leaf: bytes, origin: str, *, bodies: bool = False) -> dict[str, Any]:
    """One event. `entry` is the parsed leaf."""
    decision = str(entry.get("decision") or "")
    body: Mapping[str, Any] = entry.get("body") or {}
    activity = _READ if _effect(body) == "read" else _OTHER
    action, disposition, severity = _DECIDED.get(decision, (0, 0, 1))
    status, ended = _ENDED.get(decision, (0, 1))
    severity = max(severity, ended, 4 if entry.get("kind") == "control" else 1)
    event: dict[str, Any] = {
        "class_uid": CLASS,
        "class_name": "API Activity",
        "category_uid": 6,
        "category_name": "Application Activity",
        "activity_id": activity,
        "activity_name": _ACTIVITIES[activity],
        "type_uid": CLASS * 100 + activity,
        "time": entry["at"],
        "severity_id": severity,
        "severity": _SEVERITY[severity],
        "status_id": status,
        "message": entry["summary"],
        "metadata": {
            "version": VERSION,
            "uid": f"e{entry['seq']}",
            "sequence": entry["seq"],
            "log_name": origin,
            "event_code": entry["kind"],
            "profiles": ["security_control"],
            "product": {"name": "Ringfence", "vendor_name": "Ringfence"},
        },
        "actor": _actor(entry),
        "api": _api(entry),
        "src_endpoint": {"name": entry.get("agent") or "ringfence"},
        "action_id": action,
        "disposition_id": disposition,
        "unmapped": {"decision": entry.get("decision"), "by": entry.get("by", ""), "leaf_hash": entry_hash(leaf).hex()},
    }
    if entry.get("call"):
        event["metadata"]["correlation_uid"] = entry["call"]
    if reasons := [reason["code"] for reason in body.get("reasons", []) if isinstance(reason, dict) and "code" in reason]:
        event["unmapped"]["reasons"] = reasons
        event["status_detail"] = ", ".join(map(str, reasons))
    if bodies:
        event["unmapped"]["body"] = dict(body)
    return event


def _actor(entry: Mapping[str, Any]) -> dict[str, Any]:
    kind, _, name = str(entry.get("by", "")).partition(":")
    user = {"name": name or kind or "gateway", "type_id": _USER if kind == "operator" else _SYSTEM}
    return {"app_name": "ringfence", "user": user, **({"session": {"uid": entry["run"]}} if entry.get("run") else {})}


def _api(entry: Mapping[str, Any]) -> dict[str, Any]:
    tool = entry.get("tool")
    api: dict[str, Any] = {"operation": tool or entry["kind"]}
    if tool:
        api["service"] = {"name": str(tool).partition(".")[0]}
    if entry.get("call"):
        api["request"] = {"uid": entry["call"]}
    return api


def _effect(body: Mapping[str, Any]) -> object:
    profile = body.get("profile")
    return profile.get("effect") if isinstance(profile, dict) else None
