"""Judges what ends: certificates, keys and tokens that soon do, and credentials that live too long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from ringfence.app.doctor.facts import Facts
from ringfence.app.doctor.findings import Code, Finding, Severity
from ringfence.core.model.identifiers import Millis

_DAY_MS: Final = 86_400_000
SOON_DAYS: Final = 30
NOW_DAYS: Final = 7
LONGEST_RUN_TTL_S: Final = 86_400
LONGEST_MINTED_S: Final = 3600


def about_to_end(facts: Facts) -> Iterator[Finding]:
    """Certificates, keys and tokens that have ended, not begun, or end soon."""
    for ending in facts.endings:
        left = ending.until - facts.now
        if left <= 0 or ending.since > facts.now:
            said = f"has ended on {_day(ending.until)}" if left <= 0 else f"is not good before {_day(ending.since)}"
            yield Finding(
                code=Code.EXPIRED,
                severity=Severity.SERIOUS,
                what=f"{ending.what} {said}: what needs it is refused.",
                where=(ending.where,),
                remedy=_RENEW,
            )
        elif left <= SOON_DAYS * _DAY_MS:
            days = left // _DAY_MS
            yield Finding(
                code=Code.EXPIRES_SOON,
                severity=Severity.SERIOUS if left <= NOW_DAYS * _DAY_MS else Severity.WARNING,
                what=f"{ending.what} ends on {_day(ending.until)}, in {days} {'day' if days == 1 else 'days'}.",
                where=(ending.where,),
                remedy=_RENEW,
            )


_RENEW = "renew it and put it into the same place; what stands under `listen` counts from the next start on"


def too_long(facts: Facts) -> Iterator[Finding]:
    """Credentials that live much longer than one piece of work."""
    if facts.loaded is not None:
        for agent in facts.loaded.rules.agents.values():
            if agent.run_ttl_s > LONGEST_RUN_TTL_S:
                yield _lives_long(
                    f"Run credentials of {agent.id} live {_hours(agent.run_ttl_s)} without being used.",
                    f"agents.{agent.id}.run_ttl",
                    "leave `run_ttl` out: 15 minutes are renewed by use",
                )
        for tool in facts.loaded.rules.tools.values():
            minting = tool.credential.minting if tool.credential is not None else None
            if minting is not None and minting.lifetime_s > LONGEST_MINTED_S:
                yield _lives_long(
                    f"What is minted for {tool.id} lives {_hours(minting.lifetime_s)}, though it is made for one call.",
                    f"tools.{tool.id}.credential.mint.lifetime",
                    "make `lifetime` a little longer than the server's `deadline`",
                )
    for run in facts.runs:
        if run.is_unbound and not run.has_end:
            yield _lives_long(
                f"A credential of {run.agent} has no end and is bound to nobody.",
                f"run {run.id}",
                f"`ringfence agent credential {run.agent} --bind ...` makes a bound one; better, use `ringfence connect`",
            )


def _lives_long(what: str, where: str, remedy: str) -> Finding:
    return Finding(code=Code.LONG_LIVED, severity=Severity.WARNING, what=what, where=(where,), remedy=remedy)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:g} hours"


def _day(moment: Millis) -> str:
    try:
        return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        return "a day far away"
