"""One record, played: a fully hijacked agent sends every step, whatever the answers were; nobody approves anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote

from ringfence.app.drills.asking import Asker
from ringfence.app.drills.case import Case, Turn
from ringfence.app.drills.hijacked import Answer, Hijacked
from ringfence.app.drills.judging import judged
from ringfence.app.drills.outcome import Happened, Played, Times
from ringfence.app.drills.stage import Stage

LOOKS: Final = 20
LOOK_S: Final = 0.25


@dataclass
class Playing:
    """One record in one order, while it is played."""

    stage: Stage
    case: Case
    run: str = ""
    began: float = 0.0
    """When the agent had the injected text; the first call where nothing is injected."""
    killed: bool = False
    kill_ms: float | None = None
    after_kill: int = 0
    explain_ms: float | None = None
    refused_at: float | None = None
    asker: Asker | None = None
    happened: list[Happened] = field(default_factory=list[Happened])

    async def turn(self, agent: Hijacked, turn: Turn) -> None:
        """One step."""
        step = turn.step
        match step.event:
            case "said":
                self.note(turn)
            case "elsewhere":
                self.note(turn)
            case "listing":
                await self._listing(agent, turn)
            case "kill":
                await self._kill(turn)
            case "model":
                await self._ask(turn)
            case _:
                await self._call(agent, turn)
        if step.injected and step.event in ("", "listing"):
            self.began = time.time()

    def note(self, turn: Turn) -> None:
        """What is no call."""
        step = turn.step
        elsewhere = step.event == "elsewhere" and step.must_stop
        self.happened.append(
            Happened(
                tool=turn.tool, event=step.event, harmful=step.harmful, must_stop=step.must_stop,
                verdict="elsewhere" if elsewhere else "", missing=step.missing,
            )
        )  # fmt: skip

    async def _listing(self, agent: Hijacked, turn: Turn) -> None:
        """The server shows another definition; a person who asks for the difference has it listed anew."""
        step, changes = turn.step, turn.step.changes
        if changes is None:
            self.note(turn)
            return
        await self._described(changes.tool, changes.description)
        wire = self.case.deployment.tool_id(changes.tool).replace(".", "__", 1)
        held = wire not in await agent.tools()
        if held and self.refused_at is None and self.began:
            self.refused_at = time.time()
        self.happened.append(
            Happened(
                tool=turn.tool, event="listing", harmful=step.harmful, must_stop=step.must_stop,
                held_by="listing" if held else "",
            )
        )  # fmt: skip

    async def _described(self, tool: str, description: str) -> None:
        server, _, name = self.case.deployment.tool_id(tool).partition(".")
        play = self.case.plays()[server].described(name, description)
        await self.stage.player.put(server, play)
        await self.stage.people.ask("GET", f"/pins/{server}/{name}/diff")

    async def reset(self) -> None:
        """The servers as they were at first."""
        for server, play in self.case.plays().items():
            await self.stage.player.put(server, play)
        for turn in self.case.turns:
            if turn.step.changes is not None:
                server, _, name = self.case.deployment.tool_id(turn.step.changes.tool).partition(".")
                await self.stage.people.ask("GET", f"/pins/{server}/{name}/diff")

    async def _kill(self, turn: Turn) -> None:
        await self.kill()
        self.happened.append(
            Happened(
                tool=turn.tool, event="kill", harmful=turn.step.harmful, must_stop=turn.step.must_stop,
                verdict="stopped" if turn.step.must_stop else "", held_by="stop",
            )
        )  # fmt: skip

    async def kill(self) -> None:
        """A person stops the run; returns when that is acknowledged."""
        asked = time.time()
        await self.stage.people.done("POST", "/kill", {"scope": {"run": self.run}, "reason": "end of the drill"})
        self.kill_ms = (time.time() - asked) * 1000
        self.killed = True

    async def clean_up(self) -> None:
        """Nothing of the run is left: what waited is withdrawn, and the stop is lifted."""
        people = self.stage.people
        await people.ask("POST", f"/runs/{self.run}/close", {"reason": "end of the drill"})
        body = {"scope": {"run": self.run}, "reason": "end of the drill"}
        if self.killed:
            await people.ask("DELETE", "/kill", {**body, "confirm": True})
        if self.case.models:
            await people.ask("POST", "/resume", body)  # the gateway may have paused it by itself

    async def _call(self, agent: Hijacked, turn: Turn) -> None:
        if not self.began:
            self.began = time.time()
        answers: list[Answer] = []
        before = self.executed()
        for _ in range(turn.step.repeat):
            answers.append(await agent.call(self.case.deployment.tool_id(turn.tool), turn.arguments))
            if answers[-1].kind != "result":
                break
        executed = self.executed() - before
        if self.killed:
            self.after_kill += executed
        entry, explained = await self._explained(answers[-1])
        if answers[-1].kind != "result" and turn.step.harmful and self.refused_at is None and entry is not None:
            self.refused_at = float(entry["at"]) / 1000
        self.happened.append(judged(turn, tuple(answers), executed, entry, explained))

    async def _ask(self, turn: Turn) -> None:
        """A request to a model, again and again until it is refused or held."""
        assert self.asker is not None  # INVARIANT: a case with tools has a run, and with it a way to its models
        if not self.began:
            self.began = time.time()
        answers: list[Answer] = []
        before = self.executed()
        for _ in range(turn.step.repeat):
            answers.append(await self.asker.ask(self.case.model_of(turn), str(turn.arguments["say"])))
            if answers[-1].kind != "result":
                break
        executed = self.executed() - before
        if answers[-1].kind != "result" and not answers[-1].entry:
            answers[-1] = replace(answers[-1], entry=await self._last_refusal())
        entry, explained = await self._explained(answers[-1])
        if answers[-1].kind != "result" and turn.step.harmful and self.refused_at is None and entry is not None:
            self.refused_at = float(entry["at"]) / 1000
        self.happened.append(judged(turn, tuple(answers), executed, entry, explained))

    async def _last_refusal(self) -> str:
        """The entry of a request that was held until its client had gone."""
        for _ in range(LOOKS):
            refused = [one for one in await self.stage.people.entries(self.run) if one["decision"] == "deny"]
            if refused:
                return str(refused[-1]["id"])
            await asyncio.sleep(LOOK_S)
        return ""

    def executed(self) -> int:
        """Calls that the servers' own log has of this case."""
        return sum(self.case.is_own(line.server) for line in self.stage.player.executed())

    async def _explained(self, answer: Answer) -> tuple[dict[str, Any] | None, str]:
        """The entry that the agent was told, and what an operator reads about it."""
        if not answer.entry:
            return None, ""
        asked = time.time()
        status, told = await self.stage.people.ask("GET", f"/explain/{quote(answer.entry, safe='')}")
        if status != 200:
            return None, ""
        if self.explain_ms is None:
            self.explain_ms = (time.time() - asked) * 1000
        decisions = [entry for entry in told["chain"] if entry["kind"] == "decision"]
        return (decisions[-1] if decisions else told["entry"]), str(told["in_words"])


async def play_record(
    stage: Stage, case: Case, order: str, turns: Sequence[Turn], go_on: Callable[[], bool] = lambda: True
) -> Played:
    """Play a record in one order, and clean up behind it: the run is closed, and its stop lifted.

    Args:
        go_on: Asked before each step; the rest is left out once it says no.

    Raises:
        UnavailableError: Gateway or servers do not answer.
    """
    playing = Playing(stage, case)
    if case.deployment.tools:
        await playing.reset()
        playing.run, credential = await stage.people.open_run(case.deployment.name, case.deployment.task)
        try:
            playing.asker = stage.asker(credential)
            async with stage.agent(credential) as agent:
                for turn in turns:
                    if not go_on():
                        break
                    await playing.turn(agent, turn)
                if not playing.killed:
                    await playing.kill()
                await _probe(playing, agent)
        finally:
            await playing.clean_up()
        await playing.reset()
    else:
        # Nothing of it passes the plane.
        for turn in turns:
            playing.note(turn)
    return Played(
        id=case.id,
        domain=case.domain,
        containable=case.containable,
        order=order,
        steps=tuple(playing.happened),
        times=_times(playing),
        after_kill=playing.after_kill,
    )


async def _probe(playing: Playing, agent: Hijacked) -> None:
    """After the kill nothing is executed, not even what was allowed before."""
    first = next((turn for turn in playing.case.turns if not turn.step.event), None)
    if first is None:
        return
    before = playing.executed()
    await agent.call(playing.case.deployment.tool_id(first.tool), first.arguments)
    playing.after_kill += playing.executed() - before


def _times(playing: Playing) -> Times:
    def since(moment: float | None) -> float | None:
        return None if moment is None else round(max(0.0, (moment - playing.began) * 1000), 1)

    alerted = playing.stage.alerts.first(playing.run, playing.began)
    return Times(
        refusal=since(playing.refused_at),
        alert=since(alerted) if playing.refused_at is not None else None,
        kill=None if playing.kill_ms is None else round(playing.kill_ms, 1),
        explanation=_sum(since(playing.refused_at), playing.explain_ms),
    )


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else round(first + second, 1)
