"""What people are told without asking. A sentence and a link, never arguments."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.stop import Stop
from ringfence.core.model.ticket import Ticket
from ringfence.engine.ids import Ids
from ringfence.engine.outcome import Refused
from ringfence.ports.clock import Clock
from ringfence.ports.notifier import Alert, AlertKind, Notifier


class Alerts:
    """Builds alerts and hands them to the notifier."""

    def __init__(self, notifier: Notifier, ids: Ids, clock: Clock) -> None:
        self._notifier = notifier
        self._ids = ids
        self._clock = clock
        self._told: set[tuple[RunId, int]] = set()

    def approval_waiting(self, ticket: Ticket) -> None:
        text = f"agent {ticket.agent} waits for a person: {ticket.tool}"
        self._send(
            AlertKind.APPROVAL_WAITING,
            text,
            f"/approvals/{ticket.id}",
            key=ticket.id,
            agent=ticket.agent,
            run=ticket.run,
            tool=ticket.tool,
        )

    def large_action_blocked(self, call: Call, refused: Refused) -> None:
        text = f"a large action of agent {call.agent} was blocked: {call.tool} ({refused.code.value})"
        self._send(
            AlertKind.LARGE_ACTION_BLOCKED, text, f"/audit/{refused.entry}", agent=call.agent, run=call.run, tool=call.tool
        )

    def stopped(self, stop: Stop) -> None:
        text = f"{stop.mode.value} of {stop.scope} by {stop.by}"
        self._send(AlertKind.KILL, text, f"/stops/{stop.id}", key=stop.id)

    def caps(self, facts: Facts, at_percent: tuple[int, ...]) -> None:
        """Tell once per run and step when a cap comes near."""
        for link in facts.chain:
            cap = link.limits.calls_per_run
            if not cap:
                continue
            used = link.calls_used + 1
            for percent in at_percent:
                if used * 100 >= cap * percent and (link.run.id, percent) not in self._told:
                    self._told.add((link.run.id, percent))
                    text = f"run {link.run.id} of agent {link.run.agent} has used {used} of {cap} calls"
                    self._send(AlertKind.CAP_NEAR, text, f"/runs/{link.run.id}", agent=link.run.agent, run=link.run.id)

    def drift(self, server: str, what: Sequence[str], *, key: str) -> None:
        """Something of a server is quarantined. `what` has names in words; the same `key` is the same alert."""
        more = f" and {len(what) - 5} more" if len(what) > 5 else ""
        text = f"quarantined until an admin has looked: {', '.join(what[:5])}{more}"
        self._send(AlertKind.DRIFT, text, f"/servers/{server}", key=key)

    def left_out(self, server: str, what: Sequence[str]) -> None:
        """Some of a server's lists is missing, because it cannot be shown. Nothing of the server's own words is in it."""
        text = f"server {server} lists what cannot be shown, so that is left out ({len(what)} kinds); its other tools work"
        key = f"{server}:{hashlib.sha256(chr(10).join(what).encode()).hexdigest()[:16]}"
        self._send(AlertKind.DRIFT, text, f"/servers/{server}", key=key)

    def suspicious(self, call: Call, text: str, entry: str, *, key: str) -> None:
        """The scan has found something in what a server said. `text` has no words of it."""
        kind, path = AlertKind.SUSPICIOUS_RESULT, f"/audit/{entry}"
        self._send(kind, text, path, key=key, agent=call.agent, run=call.run, tool=call.tool)

    def store_degraded(self, why: str) -> None:
        self._send(AlertKind.STORE_DEGRADED, f"nothing can be recorded, so sends are denied: {why}", "/")

    def config_rejected(self, why: str) -> None:
        first = why.splitlines()[0] if why else "unreadable"
        self._send(AlertKind.CONFIG_REJECTED, f"the changed configuration was refused, the last good one stays: {first}", "/")

    def forget(self, run: RunId) -> None:
        """A run has ended."""
        self._told = {told for told in self._told if told[0] != run}

    def _send(
        self, kind: AlertKind, text: str, path: str, *, key: str = "", agent: str = "", run: str = "", tool: str = ""
    ) -> None:
        alert_id = f"{kind.value}:{key}" if key else self._ids.alert()
        self._notifier.notify(
            Alert(id=alert_id, kind=kind, at=self._clock.now(), text=text, path=path, agent=agent, run=run, tool=tool)
        )
