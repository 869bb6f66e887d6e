"""What every telemetry keeps. Subclass it in a test file and say how to make one."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ringfence.core.explaining.rule_class import RuleClass
from ringfence.core.model.identifiers import CallId, RunId, TicketId
from ringfence.core.model.stop import ScopeKind, StopMode
from ringfence.core.telemetry.events import (
    Decided,
    Ended,
    Ending,
    Event,
    ModelAsked,
    ModelUsed,
    Recorded,
    Remote,
    RunBegan,
    RunEnded,
    StopLifted,
    StopSet,
    Waited,
)
from ringfence.ports.telemetry import Telemetry

RUN = RunId("r_1")


def decision(level: str = "allow", *, asked: ModelAsked | None = None, remote: Remote | None = None) -> Decided:
    """A call's decision."""
    return Decided(
        at=1000,
        entry="e1",
        call=CallId("c_1"),
        run=RUN,
        root=RUN,
        agent="support",
        tool="model.messages" if asked is not None else "orders.get",
        method="" if asked is not None else "tools/call",
        level=level,
        code="" if level == "allow" else "killed",
        rule=None if level == "allow" else RuleClass.STOPPED,
        ticket=TicketId("t_1") if level == "ask" else None,
        remote=remote,
        asked=asked,
    )


def end(ending: Ending, before: Decided | None, used: ModelUsed | None = None) -> Ended:
    """A call's end."""
    code = -32603 if ending is Ending.FAILED else None
    return Ended(
        at=2000,
        entry="e2",
        call=CallId("c_1"),
        agent="support",
        tool="orders.get",
        ending=ending,
        decided=before,
        code=code,
        used=used,
    )


def every_event() -> list[Event]:
    """One of each kind, in each of its forms."""
    asked = ModelAsked(act="messages", model="claude-opus-4-5", upstream="main", max_tokens=10, stream=True)
    used = ModelUsed(
        model="claude-opus-4-5", end="complete", status=200, micro=7, tokens_in=3, tokens_out=2, kinds={"plain": 3, "output": 2}
    )
    remote = Remote("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    return [
        Recorded("decision"),
        *(decision(level) for level in ("allow", "ask", "deny", "halt")),
        decision(remote=remote),
        *(end(ending, decision()) for ending in Ending),
        end(Ending.RETURNED, None),
        end(Ending.RETURNED, decision(asked=asked), used),
        end(Ending.AMBIGUOUS, decision(asked=asked)),
        *(
            Waited(
                at=3000,
                since=1000,
                ticket=TicketId("t_1"),
                call=CallId("c_1"),
                run=RUN,
                root=RUN,
                agent="support",
                tool="orders.get",
                state=state,
                decided=None,
            )
            for state in ("approved", "denied", "expired", "withdrawn")
        ),
        RunBegan(at=1000, run=RUN, agent="support"),
        RunEnded(at=4000, since=1000, run=RUN, root=RUN, parent=None, agent="support"),
        *(
            StopSet(at=1, stop="s_1", mode=mode, scope=scope, target="x", root=RUN if scope is ScopeKind.RUN else None)
            for mode in StopMode
            for scope in ScopeKind
        ),
        StopLifted(at=2, stop="s_1"),
    ]


class TelemetryContract(ABC):
    """The promises of `ringfence.ports.telemetry.Telemetry`."""

    @abstractmethod
    def telemetry(self) -> Telemetry:
        """One that nobody has told anything yet."""

    async def test_every_kind_of_event_can_be_told_again_and_again(self) -> None:
        under_test = self.telemetry()
        for _ in range(3):
            for event in every_event():
                under_test.tell(event)
        await under_test.close()

    async def test_a_clock_that_was_set_back_hinders_nobody(self) -> None:
        under_test = self.telemetry()
        late = decision()
        under_test.tell(Ended(at=5, entry="e2", call=late.call, agent="a", tool="t", ending=Ending.RETURNED, decided=late))
        under_test.tell(RunEnded(at=5, since=1000, run=RUN, root=RUN, parent=None, agent="support"))
        await under_test.close()

    async def test_one_that_was_told_nothing_can_be_closed(self) -> None:
        await self.telemetry().close()

    async def test_after_closing_it_takes_events_without_a_word(self) -> None:
        under_test = self.telemetry()
        await under_test.close()
        for event in every_event():
            under_test.tell(event)
        await under_test.close()
