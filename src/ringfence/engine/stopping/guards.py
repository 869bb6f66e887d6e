"""The gateway pauses a run by itself: one that goes in circles, one that spends far too fast, one that meets a condition of its
agent's `stop_when`.

A pause is a stop like a person's: in force before anything else happens, recorded, lifted by `ringfence resume`. What is known
of runs is in memory; a run that is let go on begins anew, and so does every run after a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ringfence.core.guards.watching import TreeWatch, Watch, tree_watched, watched
from ringfence.core.model.call import Call
from ringfence.core.model.deed import Deed, DeedKind
from ringfence.core.model.guards import NO_GUARDS, GuardRules, Sign, SignStep
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.profile import ToolProfile
from ringfence.core.model.stop import Reach, Scope, ScopeKind, StopMode
from ringfence.core.model.stop_when import NEVER, Condition, StopWhen
from ringfence.core.model.verdict import Reason, ReasonCode
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.deeds import deed_of, refusal_of
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.stopping.stops import Stops
from ringfence.errors import UnavailableError
from ringfence.ports.store import Store

logger = logging.getLogger(__name__)

MOST_RUNS: Final = 5_000
"""The runs that were heard of least lately are forgotten first. A run takes up to 15 kB."""
KEPT_MS: Final = 3600 * 1000
"""What a run did before it was quiet for so long says nothing of it any more."""


class Guards:
    """What every run did lately, and the pauses that follow from it."""

    def __init__(self, *, store: Store, catalogue: Catalogue, stops: Stops, alerts: Alerts) -> None:
        self._store = store
        self._catalogue = catalogue
        self._stops = stops
        self._alerts = alerts
        self._runs: dict[RunId, Watch] = {}
        self._trees: dict[RunId, TreeWatch] = {}
        self._pausing: dict[RunId, tuple[asyncio.Task[None], tuple[RunId, ...]]] = {}
        """With the run whose deed led to it, and those above."""
        self._risen: dict[RunId, None] = {}
        """Runs that were given what strangers may have written, and have been paused for it where their agents say so."""

    # --- what happened

    def made(
        self, call: Call, reach: Reach, profile: ToolProfile, body: Mapping[str, Any], ended: str, began: Millis, now: Millis
    ) -> None:
        """A call was made. `body` and `ended` are those of its outcome's entry."""
        if not self._rules(reach.agent).is_off and (deed := deed_of(call, profile, body, ended, began, now)) is not None:
            self._watch(deed, call, reach)

    def refused(self, call: Call, reach: Reach, profile: ToolProfile | None, reasons: tuple[Reason, ...], now: Millis) -> None:
        """A call was refused."""
        if not self._rules(reach.agent).is_off and (deed := refusal_of(call, profile, reasons, now)) is not None:
            self._watch(deed, call, reach)

    def met(self, condition: Condition, reach: Reach, why: str) -> None:
        """What an agent's `stop_when` speaks of has happened: its run is paused, if it does speak of it."""
        said = self._stop_when(reach.agent)
        if condition is Condition.UNTRUSTED:
            self._risen[reach.runs[0]] = None
            if len(self._risen) > MOST_RUNS:
                del self._risen[next(iter(self._risen))]
        if (condition is Condition.SUSPICIOUS and said.suspicious) or (condition is Condition.UNTRUSTED and said.untrusted):
            self._pause(reach.runs[0], reach, f"stop_when:{condition.value}", why)

    async def risen(self, run: RunId) -> None:
        """The label of a run has risen by what came beside the gateway."""
        found = await self._store.run(run)
        if found is None or not found.label.is_untrusted or run in self._risen:
            return
        why = "a tool beside the gateway gave it what strangers may have written"
        self.met(Condition.UNTRUSTED, await reach_of(self._store, found), why)
        await self.settled(run)

    def halted(self, run: RunId, reach: Reach, reasons: tuple[Reason, ...]) -> None:
        """A decision has halted a run: that of the call, or one above it."""
        rails = [reason.detail for reason in reasons if reason.code is ReasonCode.GUARD_RAIL]
        met = [reason.detail for reason in reasons if reason.code is ReasonCode.STOP_CONDITION]
        self._pause(run, reach, "guard_rails" if rails else "stop_when", "; ".join((*rails, *met))[:500])

    async def settled(self, run: RunId) -> None:
        """Wait until the pauses that are being placed on a run, or on its tree, are in force."""
        for task, runs in list(self._pausing.values()):
            if run in runs:
                await asyncio.shield(task)

    def warnings(self, run: RunId) -> tuple[str, ...]:
        """Which guards have something to say of a run, or of the tree that it is the root of."""
        own, tree = self._runs.get(run), self._trees.get(run)
        found = {*(own.warned if own is not None else ()), *(tree.warned if tree is not None else ())}
        return tuple(sorted(guard.value for guard in found))

    def forget(self, run: RunId) -> None:
        """A run has ended."""
        self._risen.pop(run, None)
        self._begin_anew(run)

    # --- what follows

    def _watch(self, deed: Deed, call: Call, reach: Reach) -> None:
        if self._is_stopped(reach):
            return  # it was under way when the pause came
        run, root = reach.runs[0], reach.runs[-1]
        rule = self._catalogue.rules.tools.get(call.tool)
        if rule is not None and rule.limits.polling and not deed.failed:
            deed = replace(deed, waits=True)
        watch, signs = watched(self._runs.pop(run, Watch()), deed, self._rules(reach.agent))
        self._runs[run] = watch
        of_tree = self._rules(reach.above[-1] if reach.above else reach.agent)
        if deed.kind is not DeedKind.TOOL:
            tree, more = tree_watched(self._trees.pop(root, TreeWatch()), deed, of_tree)
            self._trees[root] = tree
            self._follow(root, reach, more)
        self._follow(run, reach, signs)
        _forget_oldest(self._runs, deed.ended)
        _forget_oldest(self._trees, deed.ended)

    def _follow(self, target: RunId, reach: Reach, signs: tuple[Sign, ...]) -> None:
        for sign in signs:
            if sign.step is SignStep.PAUSE:
                self._pause(target, reach, f"guard:{sign.guard.value}", sign.why)
                return
        for sign in signs:
            self._alerts.guarded(sign, agent=reach.agent, run=target)

    def _pause(self, target: RunId, reach: Reach, by: str, why: str) -> None:
        """Pause a run. What is known of it is forgotten at once, so that it begins anew when it is let go on."""
        if target in self._pausing or self._is_stopped(reach):
            return
        for run in {target, reach.runs[0]}:
            self._begin_anew(run)
        task = asyncio.get_running_loop().create_task(self._placed(target, by, why))
        self._pausing[target] = task, reach.runs

    def _begin_anew(self, run: RunId) -> None:
        self._runs.pop(run, None)
        self._trees.pop(run, None)

    async def _placed(self, target: RunId, by: str, why: str) -> None:
        try:
            await self._stops.stop(StopMode.PAUSE, Scope(ScopeKind.RUN, target), reason=why, by=by)
        except UnavailableError as error:
            logger.error("run %s could not be paused (%s): %s", target, by, error)
        finally:
            del self._pausing[target]

    def _is_stopped(self, reach: Reach) -> bool:
        try:
            return bool(self._store.stops_on(reach))
        except UnavailableError:
            return True

    def _rules(self, agent: str) -> GuardRules:
        rules = self._catalogue.rules
        known = rules.agents.get(AgentId(agent))
        own = known.limits.guards if known is not None else None
        return own or rules.guards or NO_GUARDS

    def _stop_when(self, agent: str) -> StopWhen:
        known = self._catalogue.rules.agents.get(AgentId(agent))
        return known.limits.stop_when if known is not None else NEVER


def _forget_oldest(table: dict[RunId, Watch] | dict[RunId, TreeWatch], now: Millis) -> None:
    while table and (len(table) > MOST_RUNS or next(iter(table.values())).calm.until + KEPT_MS < now):
        del table[next(iter(table))]
