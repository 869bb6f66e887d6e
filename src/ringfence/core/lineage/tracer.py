"""Following one run through the log, entry by entry, in the order of the log.

    tracer = Tracer("r_1")
    for entry in entries:
        tracer.add(entry)
    tracer.timeline()

Entries of other runs may be among them: they are passed over, so that a whole export can be read. What is kept is bounded:
where a run has more than can be shown, reads that decided nothing go first, and what did not fit is counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from ringfence.core.lineage.acts import acts_of
from ringfence.core.lineage.events import GIVING, Argument, Edge, Event, EventKind, Timeline
from ringfence.core.lineage.seen import Seen, items, label, mapping, seen, text
from ringfence.core.model.label import CLEAN

MOST_EVENTS: Final = 5_000
MOST_RUNS: Final = 500
"""Runs below the one that is followed."""
_MOST_PARENTS: Final = 100_000
_MOST_TOOLS: Final = 1_000
_FLOW_REASONS: Final = frozenset({"provenance", "rule_of_two", "clearance", "leaving_cap"})
_HANDOFF: Final = "ringfence.handoff"
_MODEL: Final = "model.messages"
_MOST_NAMED: Final = 5


class Tracer:
    """Follows one run, and those below it where asked to."""

    def __init__(self, run: str, *, subtree: bool = True) -> None:
        self._run = run
        self._subtree = subtree
        self._runs: dict[str, None] = {run: None}
        self._parents: dict[str, str] = {}
        self._agent = self._task = self._task_by = ""
        self._events: dict[str, Event] = {}
        self._by_call: dict[str, str] = {}
        self._tools: set[str] = set()
        self._spare: deque[str] = deque()
        self._left_out = 0
        self._last = -1
        self._closed = False
        self.found = 0
        """Entries that belonged to it."""

    def add(self, entry: object) -> None:
        """The next entry of the log, parsed. One that was seen already, or that is none, is passed over."""
        read = seen(entry)
        if read is None or read.seq <= self._last:
            return
        self._last = read.seq
        if read.kind == "run":
            self._opened(read)
        if read.run not in self._runs and not self._is_stop(read):
            return
        self.found += 1
        if read.kind == "outcome":
            self._ended(read)
        else:
            self._keep(event_of(read))
            if read.tool and len(self._tools) < _MOST_TOOLS:
                self._tools.add(read.tool)
            if read.kind == "decision" and read.decision == "allow" and read.call:
                self._by_call[read.call] = read.id

    def timeline(self) -> Timeline:
        """The story so far."""
        events = tuple(self._events.values())
        calls = [event for event in events if event.kind in GIVING]
        inherited = calls[0].label if calls else CLEAN
        untrusted = next((event.entry for event in calls if event.raises_integrity), None)
        confidential = next((event.entry for event in calls if event.raises_confidentiality), None)
        return Timeline(
            run=self._run,
            runs=tuple(self._runs),
            agent=self._agent,
            task=self._task,
            task_by=self._task_by,
            events=events,
            edges=_edges(events),
            acts=acts_of(events),
            first_untrusted=untrusted,
            first_confidential=confidential,
            inherited=inherited,
            left_out=self._left_out,
        )

    def _opened(self, read: Seen) -> None:
        parent = text(read.body.get("parent"))
        if "task" in read.body and read.run and read.run not in self._parents:
            if len(self._parents) >= _MOST_PARENTS:
                del self._parents[next(iter(self._parents))]
            self._parents[read.run] = parent
            if read.run == self._run:
                self._agent, self._task = read.agent, text(read.body.get("task"), 400)
                self._task_by = read.by if read.body.get("task_trusted") is True else ""
        elif read.run == self._run and "why" in read.body:
            self._closed = True
        if self._subtree and parent in self._runs and read.run and len(self._runs) < MOST_RUNS:
            self._runs.setdefault(read.run)

    def _is_stop(self, read: Seen) -> bool:
        """Whether an entry of no run is a stop that reached one of these, or what lifted it."""
        if read.kind != "control" or read.run:
            return False
        if read.decision == "lift":
            stop = text(read.body.get("stop"))
            return bool(stop) and any(event.ticket == stop for event in self._events.values() if event.kind is EventKind.STOP)
        scope = mapping(read.body.get("scope"))
        kind, target, agent = text(scope.get("kind")), text(scope.get("target")), text(scope.get("agent"))
        if not self.found or self._closed or (agent and agent != self._agent):
            return False
        if kind in ("server", "tool"):
            return any(target in (tool, tool.partition(".")[0]) for tool in self._tools)
        if kind == "run":
            return target in self._runs or target in self._above()
        return kind == "everything" or (kind == "agent" and target == self._agent)

    def _above(self) -> set[str]:
        above: set[str] = set()
        parent = self._parents.get(self._run, "")
        while parent and parent not in above:
            above.add(parent)
            parent = self._parents.get(parent, "")
        return above

    def _ended(self, read: Seen) -> None:
        decided = self._events.get(self._by_call.pop(read.call, ""))
        if decided is None:
            return
        self._events[decided.entry] = with_outcome(decided, read)

    def _keep(self, event: Event) -> None:
        if len(self._events) >= MOST_EVENTS:
            self._left_out += 1
            if not self._made_room():
                return
        self._events[event.entry] = event
        if _is_spare(event):
            self._spare.append(event.entry)

    def _made_room(self) -> bool:
        """Whether one could be done without: the oldest of those that nothing is lost without."""
        while self._spare:
            entry = self._spare.popleft()
            # By now its outcome may have made it matter.
            if _is_spare(self._events[entry]):
                del self._events[entry]
                return True
        return False


def trace(entries: Iterable[object], run: str, *, subtree: bool = True) -> Timeline:
    """The timeline of a run from entries in the order of the log."""
    tracer = Tracer(run, subtree=subtree)
    for entry in entries:
        tracer.add(entry)
    return tracer.timeline()


def _is_spare(event: Event) -> bool:
    """Whether nothing of the story is lost without it."""
    if event.kind is EventKind.SEEN:
        return event.brings is None
    is_quiet = event.kind in (EventKind.READ, EventKind.MODEL) and event.level == "allow"
    return is_quiet and event.brings is None and not event.findings


def with_outcome(decided: Event, read: Seen) -> Event:
    """A call with what its outcome's entry says of it."""
    answer = label(read.body.get("label"))
    raised = answer if read.body.get("failed") is True and answer is not None else None
    brings = raised if decided.brings is None else decided.brings if raised is None else decided.brings.joined(raised)
    return replace(decided, outcome=read.id, ended=read.decision, answer=answer, brings=brings, findings=_findings(read.body))


def event_of(read: Seen) -> Event:
    """What one entry says by itself."""
    if read.kind == "decision":
        return _decided(read)
    if read.kind == "observed":
        return _seen(read)
    kind = {"run": EventKind.RUN, "approval": EventKind.PERSON}.get(read.kind, EventKind.OTHER)
    after = label(read.body.get("label_after"))
    if after is not None:
        kind = EventKind.LABEL
    elif read.kind == "control" and ("scope" in read.body or read.decision == "lift"):
        kind = EventKind.STOP
    ticket = text(read.body.get("stop" if kind is EventKind.STOP else "ticket"))
    return Event(
        entry=read.id,
        seq=read.seq,
        at=read.at,
        run=read.run,
        kind=kind,
        what=read.summary or read.kind,
        level=read.decision,
        by=read.by,
        label=after or CLEAN,
        ticket=ticket,
    )


def _decided(read: Seen) -> Event:
    body = read.body
    profile = mapping(body.get("profile"))
    reasons = tuple(dict.fromkeys(text(reason.get("code"), 40) for reason in items(body.get("reasons"))))
    traced = isinstance(body.get("origins"), list)
    is_effect = profile.get("effect", "write") != "read" or profile.get("outbound") is True
    kind = EventKind.EFFECT if is_effect or traced or _FLOW_REASONS & set(reasons) else EventKind.READ
    takes_from = ""
    if read.tool == _MODEL:
        kind = EventKind.MODEL
    if read.tool == _HANDOFF:
        kind = EventKind.HANDOFF
        takes_from = text(mapping(body.get("arguments")).get("from"))
    return Event(
        entry=read.id,
        seq=read.seq,
        at=read.at,
        run=read.run,
        kind=kind,
        what=read.tool,
        level=read.decision,
        by=read.by,
        label=label(body.get("label")) or CLEAN,
        brings=label(body.get("brings")),
        reasons=reasons,
        arguments=tuple(_argument(origin) for origin in items(body.get("origins"))),
        traced=traced,
        ticket=text(body.get("ticket")),
        takes_from=takes_from,
    )


def _seen(read: Seen) -> Event:
    """What was observed of tools beside the gateway. A result of a call of the gateway's own is told of with that call."""
    beside = [result for result in items(read.body.get("results")) if "call" not in result]
    told = beside or items(read.body.get("uses"))
    names = list(dict.fromkeys(text(one.get("name"), 60) or "unnamed" for one in told))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    verb = "answered beside the gateway" if beside else "asked for by a model"
    what = f"{', '.join(names[:_MOST_NAMED])}{more}: {verb}" if names else "results of calls above came back"
    if text(read.body.get("hook")):
        what = read.summary  # told of by a hook of its client
    return Event(
        entry=read.id,
        seq=read.seq,
        at=read.at,
        run=read.run,
        kind=EventKind.SEEN,
        what=what,
        by=read.by,
        label=label(read.body.get("label")) or CLEAN,
        brings=label(read.body.get("brings")),
    )


def _argument(origin: Mapping[str, Any]) -> Argument:
    return Argument(
        pointer=text(origin.get("pointer")),
        role=text(origin.get("role"), 20),
        source=text(origin.get("from"), 20),
        entry=text(origin.get("entry"), 20),
        where=text(origin.get("where")),
    )


def _findings(body: Mapping[str, Any]) -> tuple[str, ...]:
    found = tuple(f"{text(one.get('rule'), 60)} at {text(one.get('at'), 80) or '/'}" for one in items(body.get("findings")))
    return (*found, f"withheld: {text(body['withheld'], 40)}") if "withheld" in body else found


def _edges(events: Iterable[Event]) -> tuple[Edge, ...]:
    """From answers to the arguments that stand in them, and from what a child handed over to where its parent took it."""
    found: list[Edge] = []
    handed: dict[str, str] = {}
    for event in events:
        found += [Edge(one.entry, event.entry, one.pointer, one.is_derived) for one in event.arguments if one.entry]
        if event.kind is EventKind.HANDOFF and event.level == "allow":
            if not event.takes_from:
                handed.setdefault(event.run, event.entry)
            elif event.takes_from in handed:
                found.append(Edge(handed[event.takes_from], event.entry, "/from", False))
    return tuple(found)
