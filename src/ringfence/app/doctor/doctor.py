"""`doctor`: gathers, judges, and puts what was found into order. A new check is one function and its line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from ringfence.app.doctor import credentials, expiry, files, leaving, reach, sharing
from ringfence.app.doctor.facts import Facts
from ringfence.app.doctor.findings import Finding, Severity, in_order
from ringfence.app.doctor.gather import Surroundings, gather
from ringfence.app.doctor.gather_texts import Texts

Check = Callable[[Facts], Iterator[Finding]]
"""Pure: facts to findings."""

CHECKS: Final[tuple[Check, ...]] = (
    reach.unusable,
    reach.posture,
    reach.control_plane,
    reach.anonymous,
    reach.unbound,
    credentials.in_the_environment,
    credentials.in_files,
    credentials.of_operators,
    files.wide_modes,
    files.other_owners,
    sharing.one_for_a_server,
    sharing.one_in_several_places,
    expiry.about_to_end,
    expiry.too_long,
    leaving.provenance_off,
    leaving.uncleared,
    leaving.shared,
    reach.unseen,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was looked at, and what was found."""

    facts: Facts
    findings: tuple[Finding, ...]
    """In the order of their severity."""

    @property
    def is_serious(self) -> bool:
        return any(finding.severity is Severity.SERIOUS for finding in self.findings)


def judge(facts: Facts) -> tuple[Finding, ...]:
    """What every check says of these facts. Pure."""
    return in_order(chain.from_iterable(check(facts) for check in CHECKS))


def examine(around: Surroundings, texts: Texts) -> Diagnosis:
    """Looks and judges. What `texts` learns is what no report may show."""
    facts = gather(around, texts)
    return Diagnosis(facts=facts, findings=judge(facts))
