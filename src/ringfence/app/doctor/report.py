"""A diagnosis for people and for scripts. Whatever it says is cleaned first, so no secret value leaves, from wherever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from ringfence.app.doctor.doctor import Diagnosis
from ringfence.app.doctor.findings import Finding, Severity
from ringfence.app.posture import MEANS, posture_because, stated_posture
from ringfence.core.explaining.plain_text import plain

Cleaned = Callable[[Any], Any]
"""A value without secrets."""
_MOST_SHOWN: Final = 5
_LONGEST: Final = 400


def as_json(diagnosis: Diagnosis, cleaned: Cleaned) -> dict[str, Any]:
    """Plain values: `ok`, `posture`, `looked_at`, `counts` and `findings`."""
    facts = diagnosis.facts
    counts = Counter(finding.severity for finding in diagnosis.findings)
    answer: dict[str, Any] = {
        "ok": not diagnosis.is_serious,
        "looked_at": {
            "config": str(facts.loaded.path) if facts.loaded is not None else None,
            "state": str(facts.state) if facts.state is not None else None,
            "gateway": _running(facts.is_running),
        },
        "posture": None,
        "counts": {severity.value: counts[severity] for severity in Severity},
        "findings": [
            {
                "code": finding.code.value,
                "severity": finding.severity.value,
                "what": finding.what,
                "where": list(finding.where),
                "remedy": finding.remedy,
            }
            for finding in diagnosis.findings
        ],
    }
    if facts.loaded is not None:
        agents = facts.loaded.rules.agents.values()
        posture, _ = stated_posture(agents, facts.gateway_uid)
        because = list(posture_because(agents, facts.gateway_uid))
        answer["posture"] = {"is": posture.value, "means": MEANS[posture], "because": because}
    return cleaned(answer)


def as_lines(diagnosis: Diagnosis, cleaned: Cleaned) -> Iterator[tuple[str, str]]:
    """Lines, each with the style that a terminal may give it."""
    for style, line in _lines(diagnosis):
        yield style, plain(cleaned(line), _LONGEST)


def _lines(diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    facts = diagnosis.facts
    if facts.loaded is not None:
        agents = facts.loaded.rules.agents.values()
        posture, sharing = stated_posture(agents, facts.gateway_uid)
        yield "bold red" if sharing else "green", f"posture {posture.value}: {MEANS[posture]}"
        yield from (("dim", f"  {why}") for why in posture_because(agents, facts.gateway_uid))
    if facts.state is not None:
        yield "dim", f"state {facts.state}: the gateway is {_running(facts.is_running)}"
    for finding in diagnosis.findings:
        yield "", ""
        yield from _finding(finding)
    yield "", ""
    counts = Counter(finding.severity for finding in diagnosis.findings)
    said = ", ".join(f"{counts[severity]} {_words(severity, counts[severity])}" for severity in Severity if counts[severity])
    yield "bold red" if diagnosis.is_serious else "green", said or "nothing found"


def _finding(finding: Finding) -> Iterator[tuple[str, str]]:
    yield _STYLES[finding.severity], f"{finding.severity.value}: {finding.what} [{finding.code.value}]"
    yield from (("", f"    {place}") for place in finding.where[:_MOST_SHOWN])
    if len(finding.where) > _MOST_SHOWN:
        yield "", f"    and {len(finding.where) - _MOST_SHOWN} more (--json has all)"
    yield "dim", f"  > {finding.remedy}"


def _running(is_running: bool | None) -> str:
    return {True: "running", False: "not running", None: "not known to run"}[is_running]


_STYLES: Final = {Severity.SERIOUS: "bold red", Severity.WARNING: "yellow", Severity.NOTICE: ""}


def _words(severity: Severity, count: int) -> str:
    return severity.value if count == 1 or severity is Severity.SERIOUS else f"{severity.value}s"
