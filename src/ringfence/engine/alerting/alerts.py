"""What people are told without asking. A sentence and a link, never arguments."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ringfence.core.model.call import Call
from ringfence.core.model.guards import Guard, Sign
from ringfence.core.model.identifiers import AgentId, RunId, TicketId
from ringfence.core.model.stop import ScopeKind, Stop
from ringfence.core.model.ticket import Ticket
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.alerting.cap_alerts import CapAlerts
from ringfence.engine.alerting.telling import Telling, acts_on
from ringfence.engine.ids import Ids
from ringfence.engine.outcome import Refused
from ringfence.ports.clock import Clock
from ringfence.ports.notifier import AlertKind, Notifier, Receiver, Tried

HOUR = 3_600_000
NOW = "now"
"""The one condition of its kind: it is there, or it is over."""


class Alerts:
    """Builds alerts and hands them to the notifier."""

    def __init__(self, notifier: Notifier, ids: Ids, clock: Clock, redactor: Redactor | None = None) -> None:
        self._telling = Telling(notifier, ids, clock, redactor)
        self.caps = CapAlerts(self._telling, clock.now())
        """Of what is limited."""
        self._is_rejected = False

    def receivers(self) -> Sequence[Receiver]:
        """Who is told, and how that went."""
        return self._telling.receivers()

    async def trial(self, by: str) -> Sequence[Tried]:
        """What every receiver answers to a test."""
        return await self._telling.trial(by)

    def approval_waiting(self, ticket: Ticket) -> None:
        text = f"agent {ticket.agent} waits for a person: {ticket.tool}"
        self._telling.tell(
            AlertKind.APPROVAL_WAITING,
            text,
            f"/approvals/{ticket.id}",
            key=ticket.id,
            agent=ticket.agent,
            run=ticket.run,
            tool=ticket.tool,
            acts=acts_on(ticket.run),
        )

    def approval_over(self, ticket: TicketId, how: str) -> None:
        """Nobody has to decide it any more."""
        self._telling.over(AlertKind.APPROVAL_WAITING, ticket, f"approval {ticket}: {how}", f"/approvals/{ticket}")

    def large_action_blocked(self, call: Call, refused: Refused) -> None:
        text = f"a large action of agent {call.agent} was blocked: {call.tool} ({refused.code.value})"
        kind, path, acts = AlertKind.LARGE_ACTION_BLOCKED, f"/audit/{refused.entry}", acts_on(call.run)
        # An agent that tries for ever is not to bury what else people have to hear of: the log has every one.
        key = f"{call.run}:{call.tool}:{refused.code.value}"
        self._telling.tell(kind, text, path, key=key, every_ms=HOUR, agent=call.agent, run=call.run, tool=call.tool, acts=acts)

    def stopped(self, stop: Stop) -> None:
        text, run = f"{stop.mode.value} of {stop.scope} by {stop.by}", ""
        if not stop.by.startswith("operator:") and stop.scope.kind is ScopeKind.RUN:
            # Nobody who is told of it has done it, so it says why.
            text, run = f"{text}: {stop.reason}", stop.scope.target
        self._telling.tell(AlertKind.KILL, text, f"/stops/{stop.id}", key=stop.id, run=run)

    def lifted(self, stop: Stop, by: str) -> None:
        """What was stopped may go on."""
        text = f"{stop.mode.value} of {stop.scope} was lifted by {by}"
        self._telling.over(AlertKind.KILL, stop.id, text, f"/stops/{stop.id}")

    def guarded(self, sign: Sign, *, agent: str, run: str) -> None:
        """A run goes in circles, or its tree spends far faster than before. More of it pauses the run."""
        kind = AlertKind.BURN_RATE if sign.guard is Guard.BURN else AlertKind.LOOPING
        text = f"run {run} of agent {agent} may be paused soon ({sign.guard.value}): {sign.why}"
        self._telling.tell(kind, text, f"/runs/{run}", agent=agent, run=run, acts=acts_on(run))

    def drift(self, server: str, what: Sequence[str], *, key: str) -> None:
        """Something of a server is quarantined. `what` has names in words; the same `key` is the same alert."""
        more = f" and {len(what) - 5} more" if len(what) > 5 else ""
        text = f"quarantined until an admin has looked: {', '.join(what[:5])}{more}"
        self._telling.tell(AlertKind.DRIFT, text, f"/servers/{server}", key=key, about=server)

    def drift_over(self, server: str) -> None:
        """Nothing of a server is quarantined any more."""
        self._telling.over(AlertKind.DRIFT, server, f"nothing of server {server} is quarantined", f"/servers/{server}")

    def left_out(self, server: str, what: Sequence[str]) -> None:
        """Some of a server's lists is missing, because it cannot be shown. Nothing of the server's own words is in it."""
        text = f"server {server} lists what cannot be shown, so that is left out ({len(what)} kinds); its other tools work"
        key = f"{server}:{hashlib.sha256(chr(10).join(what).encode()).hexdigest()[:16]}"
        self._telling.tell(AlertKind.DRIFT, text, f"/servers/{server}", key=key)

    def suspicious(self, call: Call, text: str, entry: str, *, key: str) -> None:
        """The scan has found something in what a server said. `text` has no words of it."""
        kind, path = AlertKind.SUSPICIOUS_RESULT, f"/audit/{entry}"
        acts = acts_on(call.run)
        self._telling.tell(kind, text, path, key=key, agent=call.agent, run=call.run, tool=call.tool, acts=acts)

    def secret_in_request(self, rule: str, done: str, entry: str, *, agent: AgentId, run: RunId) -> None:
        """What an agent sent towards a model held a credential. `done`: what became of it."""
        text = f"agent {agent} sent a secret towards a model ({rule}); {done}"
        kind, key, acts = AlertKind.SECRET_IN_REQUEST, f"{run}:{rule}:{done}", acts_on(run)
        self._telling.tell(kind, text, f"/audit/{entry}", key=key, agent=agent, run=run, acts=acts)

    def prompt_changed(self, what: str, entry: str, is_tools: bool, agent: AgentId, run: RunId) -> None:
        """An agent says something else of itself to its model than in its earlier runs. `what` has no words of it."""
        kind, acts = AlertKind.TOOLS_CHANGED if is_tools else AlertKind.PROMPT_CHANGED, acts_on(run)
        self._telling.tell(kind, f"agent {agent}: {what}", f"/audit/{entry}", key=entry, agent=agent, run=run, acts=acts)

    def label_lowered(self, what: str, by: str, entry: str, *, agent: str, run: str) -> None:
        """An operator answers for what a run or a place was given."""
        self._telling.tell(AlertKind.LABEL_LOWERED, f"{what} by {by}", f"/audit/{entry}", key=entry, agent=agent, run=run)

    def handoff_refused(self, call: Call, refused: Refused) -> None:
        """A run tried to hand over, or to take, what it may not. Why is in the entry."""
        text = f"a handoff of run {call.run} of agent {call.agent} was refused"
        kind, path, key = AlertKind.HANDOFF_REFUSED, f"/audit/{refused.entry}", f"{call.run}:{call.digest}"
        acts = acts_on(call.run)
        self._telling.tell(kind, text, path, key=key, agent=call.agent, run=call.run, tool=call.tool, acts=acts)

    def store_degraded(self, why: str) -> None:
        text = f"nothing can be recorded, so sends are denied: {why}"
        self._telling.tell(AlertKind.STORE_DEGRADED, text, "/status", about=NOW)

    def store_recovered(self) -> None:
        self._telling.over(AlertKind.STORE_DEGRADED, NOW, "recording works again", "/status")

    def config_rejected(self, why: str) -> None:
        first = why.splitlines()[0] if why else "unreadable"
        text = f"the changed configuration was refused, the last good one stays: {first}"
        self._is_rejected = True
        self._telling.tell(AlertKind.CONFIG_REJECTED, text, "/status", about=NOW)

    def config_accepted(self) -> None:
        """A changed configuration is in force."""
        if self._is_rejected:
            self._is_rejected = False
            self._telling.over(AlertKind.CONFIG_REJECTED, NOW, "a changed configuration is in force", "/status")

    def log_disputed(self, why: str) -> None:
        self._telling.tell(AlertKind.LOG_DISPUTED, f"the audit log is disputed: {why}", "/status")
