"""Whether every request that reached the reference server has its decision in the log."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.servers.event_log import records

from ringfence.core.mcp.methods import is_method

DECIDED = ("tools/call", "resources/read", "prompts/get", "completion/complete")

Request = tuple[str, str]
"""Method, and the name or URI that it is about (empty for completion)."""


def executed(log: Path) -> Counter[Request]:
    """What the server was asked to do, by its own count. Rounds that go on with a call belong to its decision."""
    lines = records(log)
    return Counter((line["method"], line["name"] or "") for line in lines if line["method"] in DECIDED and not line["goes_on"])


def decided(entries: Iterable[Mapping[str, Any]]) -> Counter[Request]:
    """What the gateway allowed and sent, by its log."""
    found: Counter[Request] = Counter()
    for entry in entries:
        if entry["kind"] != "decision" or entry["decision"] != "allow":
            continue
        body = entry["body"]
        name = body["upstream_name"]
        if is_method(name):
            found[(name, str(body["arguments"].get("uri") or body["arguments"].get("name") or ""))] += 1
        else:
            found[("tools/call", name)] += 1
    return found


def unaccounted(before: Counter[Request], after: Counter[Request], entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Where the server's count between two moments and the log of the gateway differ; nothing at all proves nothing."""
    reached, allowed = after - before, decided(entries)
    if unseen := set(DECIDED) - {method for method, _ in reached}:
        return [f"no {method} reached the server" for method in sorted(unseen)]
    return [
        f"{method} {name}: reached the server {reached[method, name]} times, allowed {allowed[method, name]} times"
        for method, name in sorted(reached.keys() | allowed.keys())
        if reached[method, name] != allowed[method, name]
    ]
