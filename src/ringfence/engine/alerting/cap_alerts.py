"""Telling people of caps before agents are refused for them: steps, what the next request would need, the pace, and refusals.

What is held is no measure: a request to a model holds its worst case. So steps and paces go by what was spent, where the price
is known afterwards, and by what was reserved where it is known before. docs/alerts.md has the rules for people.

A step follows from what was used before and after, so a restart neither forgets one nor tells it again. What else was told is
remembered in memory, and a receiver knows it again by its id.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ringfence.core.ledger.moves import is_of_run, refusal, reserve, run_of, used_of
from ringfence.core.ledger.pace import MINUTE, Pace, ends_in, noted
from ringfence.core.ledger.raising import CALLS, WALL_CLOCK
from ringfence.core.ledger.running_out import RanOut
from ringfence.core.ledger.shortfall import CAP_CODES, in_units
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts, Link
from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.meter import AT_ONCE, MeterKind
from ringfence.core.model.verdict import Reason, ReasonCode
from ringfence.core.rules import Rules
from ringfence.engine.alerting.nearing import Near, age_of, near_of, tightest, tightest_links
from ringfence.engine.alerting.telling import Telling, acts_on
from ringfence.engine.alerting.told import Owned, Told
from ringfence.ports.notifier import AlertKind

LEAST_USED: Final = 20
"""Percent of a cap that has to be used before its pace says anything."""
_BEFORE: Final = frozenset(
    {MeterKind.SUM, MeterKind.DISTINCT, MeterKind.LEAVING, MeterKind.ACTIONS, MeterKind.FILES, MeterKind.LINES}
)
"""What one call takes of these is known before it is sent."""
_PASSING: Final = AT_ONCE | {MeterKind.RATE}
"""What is refused for these may be asked for again in a moment: nobody is told."""
_REFUSALS: Final = frozenset({ReasonCode.WALL_CLOCK, *CAP_CODES.values()})


class CapAlerts:
    """What of caps people are told, each once."""

    def __init__(self, telling: Telling, began: Millis) -> None:
        self._telling = telling
        self._began = began
        self._told = Told()

    def reserved(self, facts: Facts, rules: Rules, *, counts: bool = True) -> None:
        """A call was just allowed. `counts`: it is one of the runs' calls."""
        for link in tightest_links(facts.chain, lambda link: link.limits.calls_per_run) if counts else ():
            used, cap = link.calls_used, (link.limits.calls_per_run or 0) + link.calls_added
            near = Near(meter=f"{CALLS}:run/{link.run.id}:all", before=used, after=used + 1, cap=cap,
                        agent=link.run.agent, run=link.run.id)  # fmt: skip
            self.used(near, rules, facts.now)
        for link in tightest_links(facts.chain, lambda link: link.limits.wall_clock_s):
            self._aged(link, rules, facts.now)
        run = facts.chain[0].run
        for charge, meter in tightest(facts.charges, facts.meters):
            if charge.kind in _BEFORE:
                before = used_of(meter, facts.now) if meter is not None else 0
                held, _ = reserve(meter, charge, facts.now)
                after = used_of(held, facts.now)
                self.used(near_of(charge, before, after, held, run.agent, run.id, rules, facts.now), rules, facts.now)

    def used(self, near: Near, rules: Rules, now: Millis) -> None:
        """Tell the highest step between before and after, that what is left is too little, and that the pace is too high."""
        owned, window = self._told.of(near.meter), now // near.span if near.span else 0
        passed = [percent for percent in rules.cap_alerts if near.before * 100 < near.cap * percent <= near.after * 100]
        is_too_little = bool(rules.cap_alerts) and near.after < near.cap < near.after + near.asked
        step = f"{near.meter}:{passed[-1]}:{near.cap}:{window}" if passed else ""
        if step and not owned.is_news(step, near.meter):
            step = ""
        left = ""
        short = f"{near.meter}:left:{near.cap}:{window}"
        if is_too_little and owned.is_news(short, "" if step else near.meter):
            left = f"what is left is less than the last request held ({in_units(near.meter, near.asked)})"
        if step:
            self._tell(f"{passed[-1]} % of a cap: {_used(near)}{f', and {left}' if left else ''}", step, near)
        elif left:
            self._tell(f"{left}: {_used(near)}", short, near)
        self._burned(near, owned, rules, now, window)

    def refused(self, facts: Facts, call: Call, entry: str, reasons: Iterable[Reason]) -> None:
        """A call was refused: tell it where a cap did not bear it, unless its last step was told."""
        if not any(reason.code in _REFUSALS for reason in reasons):
            return
        for charge, meter in tightest(facts.charges, facts.meters):
            if charge.kind in _PASSING or (short := refusal(meter, charge, facts.now)) is None:
                continue
            window = facts.now // charge.span if charge.span else 0
            if f"{charge.meter}:100:{short.cap}:{window}" not in self._told.of(charge.meter).told:
                self._out(charge.meter, short.cap, window, call, entry, f"agent {call.agent} asks for")
        for link in tightest_links(facts.chain, lambda link: link.limits.wall_clock_s):
            seconds = link.limits.wall_clock_s
            if seconds is not None and age_of(link, facts.now) >= seconds:
                self._out(f"{WALL_CLOCK}:run/{link.run.id}:all", seconds, 0, call, entry, f"agent {call.agent} asks for")

    def ran_out(self, out: RanOut, call: Call, entry: str, now: Millis) -> None:
        """A cap on models does not bear a request, which was refused."""
        if out.kind not in _PASSING:
            window = now // out.window_ms if out.window_ms else 0
            self._out(out.meter, out.cap, window, call, entry, f"agent {call.agent} asks of models")

    def grown(self, parent: RunId, agent: AgentId, children: int, root: RunId, tree: int, caps: SpawnCaps, rules: Rules,
              now: Millis) -> None:  # fmt: skip
        """A child run was opened: how many are open below its parent, and in its tree with the root."""
        for meter, used, cap, run in (
            (f"children:run/{parent}:all", children, caps.children, parent),
            (f"tree:run/{root}:all", tree, caps.tree, root),
        ):
            self.used(Near(meter=meter, before=used - 1, after=used, cap=cap, agent=agent, run=run), rules, now)

    def raised(self, meter: str) -> None:
        """An operator has added to a cap."""
        owned = self._told.of(meter)
        over = [told for told, about in owned.told.items() if about == meter]
        self._over(owned, over, "the cap was raised")

    def forget(self, run: RunId) -> None:
        """A run has ended."""
        if (owned := self._told.forget(f"run/{run}")) is not None:
            self._over(owned, list(owned.told), f"run {run} has ended")

    def _aged(self, link: Link, rules: Rules, now: Millis) -> None:
        """The wall clock passes by itself, so it is looked at whenever the run does something."""
        seconds = link.limits.wall_clock_s
        if seconds is None:
            return
        age, meter = age_of(link, now), f"{WALL_CLOCK}:run/{link.run.id}:all"
        owned = self._told.of(meter)
        # What an earlier process was there for is taken as told: a restart is to repeat nothing.
        before = owned.age if owned.age is not None else max(0, self._began - link.run.opened_at) // 1000
        owned.age = age
        passed = [percent for percent in rules.cap_alerts if before * 100 < seconds * percent <= age * 100]
        if passed and owned.is_news(told := f"{meter}:{passed[-1]}:{seconds}:0", meter):
            near = Near(meter=meter, before=before, after=age, cap=seconds, agent=link.run.agent, run=link.run.id)
            self._tell(f"{passed[-1]} % of a cap: {meter} is {age} of {seconds} s", told, near)

    def _burned(self, near: Near, owned: Owned, rules: Rules, now: Millis, window: int) -> None:
        within = rules.burn_within_ms
        if not within or (near.span and near.span <= within):
            return
        pace = noted(owned.paces.get(near.meter, Pace()), max(0, near.after - near.before), now)
        owned.paces[near.meter] = pace
        if near.after * 100 < near.cap * LEAST_USED or near.after >= near.cap:
            return
        ends = ends_in(pace, near.cap - near.after + near.freed, now)
        if ends is None or ends > within or not owned.is_news(told := f"{near.meter}:pace:{near.cap}:{window}", near.meter):
            return
        self._tell(f"a cap ends in about {max(1, ends // MINUTE)} min at the present pace: {_used(near)}", told, near)

    def _out(self, meter: str, cap: int, window: int, call: Call, entry: str, what: str) -> None:
        told = f"{meter}:{cap}:out:{window}"
        if self._told.of(meter).is_news(told, meter):
            text = f"a cap does not bear what {what}: {meter} of {in_units(meter, cap)}"
            acts = acts_on(_run_of(meter, call.run), meter)
            kind, path = AlertKind.CAP_NEAR, f"/audit/{entry}"
            self._telling.tell(kind, text, path, key=told, agent=call.agent, run=call.run, acts=acts, grave=True)

    def _tell(self, text: str, told: str, near: Near) -> None:
        acts, grave = acts_on(_run_of(near.meter, near.run), near.meter), near.after >= near.cap
        kind, path = AlertKind.CAP_NEAR, f"/runs/{near.run}"
        self._telling.tell(kind, text, path, key=told, agent=near.agent, run=near.run, acts=acts, grave=grave)

    def _over(self, owned: Owned, over: Iterable[str], why: str) -> None:
        for told in over:
            if not (meter := owned.told.pop(told)):
                continue
            path = f"/runs/{run_of(meter)}" if is_of_run(meter) else "/status"
            self._telling.over(AlertKind.CAP_NEAR, told, f"{meter}: {why}", path)


def _used(near: Near) -> str:
    return f"{near.meter} has used {in_units(near.meter, near.after)} of {in_units(near.meter, near.cap)}"


def _run_of(meter: str, otherwise: RunId) -> str:
    """Whom a kill would have to end: the run whose meter it is, else the one that uses it."""
    return run_of(meter) if is_of_run(meter) else otherwise
