"""Pause on signal: a named event from outside, and the agents whose `stop_when` listens to it."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.core.model.identifiers import AgentId, RunId
from ringfence.core.model.operator import Operator
from ringfence.core.model.run import RunState
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.runs.runs import NotDone
from ringfence.engine.stopping.stops import Stopped, Stops
from ringfence.ports.store import Store


@dataclass(frozen=True, slots=True)
class Sent:
    """What a signal has paused."""

    stopped: tuple[Stopped, ...]


class Signals:
    """Takes signals. One that nobody listens to is refused: it would look like containment and be none."""

    def __init__(self, *, store: Store, catalogue: Catalogue, stops: Stops) -> None:
        self._store = store
        self._catalogue = catalogue
        self._stops = stops

    async def send(
        self, name: str, sender: Operator, *, run: str | None = None, agent: str | None = None, reason: str = ""
    ) -> Sent | NotDone:
        """Pause one run, all runs of one agent, or all runs of every agent that listens."""
        listening = self._listening(name)
        if run is not None:
            found = await self._store.run(RunId(run))
            if found is None or found.state is not RunState.OPEN:
                return NotDone(f"no run `{run[:60]}` is open", "`ringfence run list` shows the open ones")
            if found.agent not in listening:
                return self._nobody(name, f"agent {found.agent}")
            scopes = [Scope(ScopeKind.RUN, found.id)]
        elif agent is not None:
            if agent not in listening:
                return self._nobody(name, f"agent {agent[:60]}")
            scopes = [Scope(ScopeKind.AGENT, agent)]
        else:
            if not listening:
                return self._nobody(name, "any agent")
            scopes = [Scope(ScopeKind.AGENT, one) for one in listening]
        why = f"signal {name}: {reason}" if reason else f"signal {name}"
        placed = [await self._stops.stop(StopMode.PAUSE, scope, reason=why, by=f"operator:{sender.name}") for scope in scopes]
        done = tuple(stopped for stopped in placed if isinstance(stopped, Stopped))
        return Sent(done) if done else next(refusal for refusal in placed if isinstance(refusal, NotDone))

    def _listening(self, name: str) -> list[AgentId]:
        agents = self._catalogue.rules.agents
        return sorted(id for id, rule in agents.items() if name in rule.limits.stop_when.signals)

    def _nobody(self, name: str, who: str) -> NotDone:
        return NotDone(f"no `stop_when.signals` of {who} names `{name[:60]}`", "`ringfence pause` holds whatever is named")
