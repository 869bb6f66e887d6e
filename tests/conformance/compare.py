"""Comparing two runs of the suite, check by check, with the differences that are meant. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.conformance.suite import Findings, Scenario, count

PASS, FAIL, ABSENT = "SUCCESS", "FAILURE", "ABSENT"
BEYOND_REFERENCE = "tasks-"
"""Scenarios of an extension that the reference server does not have."""


@dataclass(frozen=True, order=True)
class Difference:
    """One check that ended differently behind the gateway."""

    revision: str
    scenario: str
    check: str
    direct: str
    gateway: str

    def __str__(self) -> str:
        return f"{self.scenario}: {self.check}: {self.direct} -> {self.gateway}"


@dataclass(frozen=True)
class Approved:
    """A difference that is meant, and why."""

    difference: Difference
    reason: str


def differences(revision: str, direct: Findings, gateway: Findings) -> list[Difference]:
    """Every check whose status is not the same in both, those included that only one of them has."""
    found: list[Difference] = []
    for scenario in sorted(direct.keys() | gateway.keys()):
        before, after = direct.get(scenario, {}), gateway.get(scenario, {})
        for check in sorted(before.keys() | after.keys()):
            statuses = before.get(check, ABSENT), after.get(check, ABSENT)
            if statuses[0] != statuses[1]:
                found.append(Difference(revision, scenario, check, *statuses))
    return found


def approved(entries: Iterable[Mapping[str, Any]]) -> list[Approved]:
    """The entries of a file of approved differences. Raises ValueError for one without a reason."""
    found: list[Approved] = []
    for entry in entries:
        reason = str(entry["reason"]).strip()
        if not reason:
            raise ValueError(f"no reason is given for {entry}")
        fields = ("revision", "scenario", "check", "direct", "gateway")
        found.append(Approved(Difference(*(str(entry[field]) for field in fields)), reason))
    return found


def unmet(found: Iterable[Difference], expected: Iterable[Approved]) -> tuple[list[Difference], list[Difference]]:
    """(differences that nobody approved, approved ones that are no more)."""
    seen, meant = set(found), {entry.difference for entry in expected}
    return sorted(seen - meant), sorted(meant - seen)


def broken_reference(direct: Findings) -> list[str]:
    """Checks that the reference server itself fails although it should not: then the comparison proves nothing."""
    return [
        f"{scenario}: {check}: {status}"
        for scenario, checks in direct.items()
        for check, status in checks.items()
        if status == FAIL and not scenario.startswith(BEYOND_REFERENCE)
    ]


def table(direct: Findings, gateway: Findings) -> list[str]:
    """One line per scenario: pass and fail of both, marked where they differ."""
    lines = [f"  {'scenario':<48} {'direct':>9} {'gateway':>9}"]
    for scenario in sorted(direct.keys() | gateway.keys()):
        before, after = direct.get(scenario, {}), gateway.get(scenario, {})
        mark = "" if before == after else "  differs"
        lines.append(f"  {scenario:<48} {_score(before):>9} {_score(after):>9}{mark}")
    return lines


def result(found: Mapping[str, Sequence[Difference]], direct: Mapping[str, Findings], gateway: Mapping[str, Findings]) -> Any:
    """The figures, per revision."""
    return {
        "direct_pass": {revision: count(findings, PASS) for revision, findings in direct.items()},
        "direct_fail": {revision: count(findings, FAIL) for revision, findings in direct.items()},
        "gateway_pass": {revision: count(findings, PASS) for revision, findings in gateway.items()},
        "gateway_fail": {revision: count(findings, FAIL) for revision, findings in gateway.items()},
        "different": {revision: [str(difference) for difference in differing] for revision, differing in found.items()},
    }


def _score(checks: Scenario) -> str:
    statuses = list(checks.values())
    return f"{statuses.count(PASS)}/{statuses.count(FAIL)}" if statuses else "-"
