"""What a timeline says of one event, in a few words and with how grave it is. The same words on terminals and pages."""

from __future__ import annotations

from collections.abc import Set
from datetime import UTC, datetime
from typing import Any, Final

_ENDED: Final = {
    "returned": "answered",
    "failed_not_sent": "not sent",
    "ambiguous": "sent; nobody can know whether it took effect",
}
GRAVE, WARN, FINE, PERSON = "bold red", "bold yellow", "green", "cyan"
MOST_NOTES: Final = 8
_LATEST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""


def began(document: dict[str, Any]) -> str:
    """When the first of its events was; empty where there is none."""
    at = document["began"]
    if at is None:
        return ""
    return f"{datetime.fromtimestamp(max(0, min(at, _LATEST_MS)) // 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def state_of(event: dict[str, Any]) -> str:
    """What its run held after it: `clean`, `untrusted`, `confidential`, `both`."""
    after = event["after"]
    untrusted = after["integrity"] == "untrusted"
    confidential = after["confidentiality"] in ("confidential", "regulated")
    return "both" if untrusted and confidential else "untrusted" if untrusted else "confidential" if confidential else "clean"


def happened(event: dict[str, Any]) -> tuple[str, str]:
    """One line, and a style."""
    level, what = event["level"] or "", event["what"]
    if event["kind"] in ("read", "effect", "handoff", "model"):
        return _call(event, level, what)
    if event["kind"] == "person":
        return what, GRAVE if level == "denied" else PERSON
    if event["kind"] == "label":
        return what, WARN
    if event["kind"] == "stop":
        return what, PERSON if level == "lift" else GRAVE
    return what, "dim" if event["kind"] == "other" else ""


def _call(event: dict[str, Any], level: str, what: str) -> tuple[str, str]:
    why = f" ({', '.join(event['reasons'])})" if event["reasons"] else ""
    if level == "ask":
        return f"{what}: asked a person{why}", WARN
    if level in ("deny", "halt"):
        return f"{what}: {'denied' if level == 'deny' else 'halted'}{why}", GRAVE
    effect = event["kind"] == "effect"
    ended = _ENDED.get(event["ended"] or "", "no outcome recorded")
    done = "executed" if effect and event["ended"] == "returned" else ended
    grave = effect and bool(event["told"])
    return f"{what}: {done}", GRAVE if event["ended"] == "ambiguous" or grave else FINE if effect else ""


def notes(event: dict[str, Any], undrawn: Set[str] = frozenset()) -> list[str]:
    """What else is worth a line: what it raised, what the scan found, which arguments nobody trusted speaks for."""
    said: list[str] = []
    if "integrity" in event["raises"]:
        said.append("UNTRUSTED from here on")
    if "confidentiality" in event["raises"]:
        said.append(f"{event['brings']['confidentiality'].upper()} data from here on")
    if event["kind"] == "handoff":
        said.append(f"takes what {event['takes_from']} handed over" if event["takes_from"] else f"from {event['run']}")
    if event["findings"]:
        said.append(f"the scan found {', '.join(event['findings'][:3])}")
    roles = {argument["pointer"]: argument["role"] for argument in event["arguments"]}
    held = [one for one in event["arguments"] if not one["trusted"]]
    for argument, told in zip(held, event["told"], strict=False):
        said.append(f"{told} [{roles[argument['pointer']]}]")
    good = len(event["arguments"]) - len(held)
    if good:
        counted = "1 deciding argument" if good == 1 else f"{good} deciding arguments"
        said.append(f"{counted} from trusted sources")
    lost = sorted({one["entry"] for one in event["arguments"] if one["entry"] in undrawn})
    if lost:
        said.append(f"also from {', '.join(lost)}")
    return said if len(said) <= MOST_NOTES else [*said[: MOST_NOTES - 1], f"and {len(said) - MOST_NOTES + 1} more"]
