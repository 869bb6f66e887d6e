"""Telling people what the scan has found: once per run, tool and rule."""

from __future__ import annotations

from collections.abc import Sequence

from ringfence.core.model.call import Call
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import Finding
from ringfence.engine.alerting.alerts import Alerts

_MOST_TOLD = 10_000
_WHAT = {Kind.SECRET: "a credential", Kind.PERSONAL: "personal data"}


class Suspicions:
    """What was told. The oldest are forgotten first."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts
        self._told: dict[str, None] = {}

    def tell(self, call: Call, findings: Sequence[Finding], entry: str) -> None:
        """Tell what a server's words hold that was not told yet. `entry` has the places."""
        for finding in findings:
            key = f"{call.run}:{call.tool}:{finding.rule}"
            if key in self._told:
                continue
            self._told[key] = None
            if len(self._told) > _MOST_TOLD:
                del self._told[next(iter(self._told))]
            what = _WHAT.get(finding.kind, "text that reads as orders to a model")
            text = f"what {call.tool} sent to agent {call.agent} held {what} ({finding.rule})"
            self._alerts.suspicious(call, text, entry, key=key)
