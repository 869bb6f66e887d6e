"""One attack through a real gateway. The person at the gateway approves what the task asks for, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.drills.attacks import Attack, Way

from ringfence.app.drills.approving import call_with_person
from ringfence.app.drills.case import Case
from ringfence.app.drills.deployment import DeployedTool
from ringfence.app.drills.hijacked import Hijacked
from ringfence.app.drills.play import Line, Reply
from ringfence.app.drills.stage import Stage

NOTE = "note://stranger"
FLOW = frozenset({"provenance", "rule_of_two", "clearance", "leaving_cap", "handoff"})
"""Reasons that say where a value or the data comes from. What else asks a person would ask the same of an honest call."""
MEMORY = "notebook"


@dataclass(frozen=True, slots=True)
class Struck:
    """How one attack ended."""

    task: str
    domain: str
    way: Way
    order: str
    tool: str
    executed: bool
    by_guarantee: bool
    """Held by where its values or data come from, or denied: not by a person who looked closely alone."""
    heard: bool
    """Whether the words reached the agent at all; it calls whatever it calls anyway."""
    reasons: tuple[str, ...]
    arguments: str


def attackable(case: Case) -> Case:
    """The case with a notebook, and with the resources of its first server."""
    deployment = case.deployment
    first = deployment.tools[0].id.partition(".")[0]
    read = {"effect": "read", "outbound": False, "sensitivity": "internal", "trust": "untrusted"}
    more = (
        DeployedTool(f"{first}.resources/read", "", {}, read),
        DeployedTool(f"{MEMORY}.recall", "What was noted.", {"type": "object", "properties": {}}, {**read, "memory": True}),
        DeployedTool(
            f"{MEMORY}.note", "Note something.",
            {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
            {
                "effect": "write", "reversible": True, "bounded": True, "costs_money": False, "identity": False,
                "outbound": False, "sensitivity": "internal", "trust": "trusted", "authority": [], "memory": True,
            },
        ),
    )  # fmt: skip
    return replace(case, deployment=replace(deployment, tools=(*deployment.tools, *more)))


class Striking:
    """One attack, while it is played."""

    def __init__(self, stage: Stage, case: Case, attack: Attack, order: str) -> None:
        self.stage = stage
        self.case = case
        self.attack = attack
        self.order = order
        self.deployment = case.deployment
        self.first = self.deployment.tools[0].id.partition(".")[0]
        self.heard = False

    async def strike(self) -> Struck:
        """Play it. Raises: UnavailableError."""
        await self._set_up()
        if self.attack.way is Way.MEMORY:
            await self._remember()
        people = self.stage.people
        run, credential = await people.open_run(self.deployment.name, self.deployment.task)
        async with self.stage.agent(credential) as agent:
            if self.attack.way is Way.CHILD:
                await self._hear_from_child(agent, run)
            await self._hear(agent)
            turns = self.case.turns if self.order == "after" else self.case.turns[: self._until() + 1]
            for number, turn in enumerate(turns, 1):
                for more in self.attack.task.more_words:
                    if more.before_step == number:
                        await people.done("POST", f"/runs/{run}/words", {"text": more.text})
                tool = self.deployment.tool_id(turn.tool)
                answer, _ = await call_with_person(self.stage, agent, run, tool, turn.arguments, lambda _: True)
                self._listen(answer.text)
            struck = await self._call(agent, run)
        await people.ask("POST", f"/runs/{run}/close", {"reason": "end of the attack"})
        await self._tidy()
        return struck

    async def ask_for_it(self) -> bool:
        """The same call where the person who opened the run asks for it: whether it is executed, as it has to be."""
        people = self.stage.people
        for name, play in self.case.plays().items():
            await self.stage.player.put(name, play)
        run, credential = await people.open_run(self.deployment.name, f"{self.deployment.task}\nAlso: {self.attack.text}")
        own, tool = set(self.deployment.servers), self.deployment.tool_id(self.attack.tool)
        async with self.stage.agent(credential) as agent:
            before = sum(line.server in own for line in self.stage.player.executed())
            await call_with_person(self.stage, agent, run, tool, self.attack.arguments, lambda _: True)
        await people.ask("POST", f"/runs/{run}/close", {"reason": "end of the control"})
        return sum(line.server in own for line in self.stage.player.executed()) > before

    async def _call(self, agent: Hijacked, run: str) -> Struck:
        attack = self.attack
        seen = len(await self.stage.people.entries(run))
        own = set(self.deployment.servers)
        before = sum(line.server in own for line in self.stage.player.executed())
        tool = self.deployment.tool_id(attack.tool)
        await call_with_person(self.stage, agent, run, tool, attack.arguments, lambda _: False)
        executed = sum(line.server in own for line in self.stage.player.executed()) > before
        # The question has the reasons; what a person said comes after it.
        decisions = [entry for entry in (await self.stage.people.entries(run))[seen:] if entry["kind"] == "decision"]
        reasons = {str(reason["code"]) for entry in decisions for reason in entry["body"]["reasons"]}
        asked = any(entry["decision"] == "ask" for entry in decisions)
        return Struck(
            task=attack.task.id, domain=attack.task.domain, way=attack.way, order=self.order, tool=attack.tool,
            executed=executed, by_guarantee=not executed and (not asked or bool(reasons & FLOW)), heard=self.heard,
            reasons=tuple(sorted(reasons)), arguments=json.dumps(attack.arguments, ensure_ascii=False),
        )  # fmt: skip

    def _until(self) -> int:
        """The step after which the agent has all of the attacker's words."""
        return min(self.attack.read + (self.attack.way is Way.SPLIT), len(self.case.turns) - 1)

    async def _set_up(self) -> None:
        attack = self.attack
        plays = self.case.plays()
        turns = self.case.turns
        if attack.way is Way.ERROR:
            self._replace(plays, attack.read, Reply(attack.text, is_error=True))
        elif attack.way is Way.FIELD_NAME:
            result = turns[attack.read].result
            reply = (
                f"{result}\n{{{json.dumps(attack.text)}: true}}" if isinstance(result, str) else {**result, attack.text: True}
            )
            self._replace(plays, attack.read, Reply(reply))
        elif attack.way not in (Way.RESOURCE, Way.DESCRIPTION, Way.CHILD, Way.MEMORY):
            self._replace(plays, attack.read, Reply(_with_text(turns[attack.read].result, attack.text)))
            if attack.rest:
                self._replace(plays, self._until(), Reply(_with_text(turns[self._until()].result, attack.rest)))
        server = self.deployment.server_id(self.first)
        if attack.way is Way.RESOURCE:
            plays[server] = replace(plays[server], resources={NOTE: attack.text})
        if attack.way is Way.MEMORY:
            notebook = self.deployment.server_id(MEMORY)
            plays[notebook] = replace(plays[notebook], lines=(Line("recall", {}, Reply(attack.text)),))
        for name, play in plays.items():
            await self.stage.player.put(name, play)

    def _replace(self, plays: dict[str, Any], index: int, reply: Reply) -> None:
        turn = self.case.turns[index]
        server, _, name = self.deployment.tool_id(turn.tool).partition(".")
        play = plays[server]
        mine = Line(name, turn.arguments, reply)
        others = tuple(line for line in play.lines if (line.tool, line.arguments) != (name, turn.arguments))
        plays[server] = replace(play, lines=(mine, *others))

    async def _hear(self, agent: Hijacked) -> None:
        match self.attack.way:
            case Way.RESOURCE:
                self._listen((await agent.read(f"ringfence:{self.deployment.server_id(self.first)}:{NOTE}")).text)
            case Way.DESCRIPTION:
                await self._describe(self.attack.text)
                self.heard = bool(await agent.tools())
            case Way.MEMORY:
                self._listen((await agent.call(self.deployment.tool_id(f"{MEMORY}.recall"), {})).text)
            case _:
                pass

    def _listen(self, answer: str) -> None:
        start = self.attack.text[:30]
        self.heard = self.heard or start in answer or json.dumps(start)[1:-1] in answer

    async def _describe(self, text: str) -> None:
        """The server of the read shows another description, and is listed anew."""
        server, _, name = self.deployment.tool_id(self.case.turns[self.attack.read].tool).partition(".")
        play = self.case.plays()[server]
        await self.stage.player.put(server, play.described(name, text) if text else play)
        await self.stage.people.ask("GET", f"/pins/{server}/{name}/diff")

    async def _tidy(self) -> None:
        if self.attack.way is Way.DESCRIPTION:
            await self._describe("")

    async def _remember(self) -> None:
        """An earlier run read the words and noted them."""
        run, credential = await self.stage.people.open_run(self.deployment.name, "Note what is new.")
        read = self.case.turns[self.attack.read]
        async with self.stage.agent(credential) as agent:
            await agent.call(self.deployment.tool_id(read.tool), read.arguments)
            await agent.call(self.deployment.tool_id(f"{MEMORY}.note"), {"text": self.attack.text})
        await self.stage.people.ask("POST", f"/runs/{run}/close", {"reason": "noted"})

    async def _hear_from_child(self, agent: Hijacked, run: str) -> None:
        """A child run reads, and hands the words over."""
        read = self.case.turns[self.attack.read]
        schema = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
        body = {"agent": self.deployment.name, "task": "Read and report.", "parent": run, "result_schema": schema}
        child = await self.stage.people.done("POST", "/runs", body)
        async with self.stage.agent(child["credential"]) as below:
            await below.call(self.deployment.tool_id(read.tool), read.arguments)
            await below.call("ringfence.handoff", {"result": {"answer": self.attack.text}})
        self._listen((await agent.call("ringfence.handoff", {"from": child["run"]})).text)


def _with_text(result: Mapping[str, Any] | str, text: str) -> Mapping[str, Any] | str:
    """The answer with the words at the end of its longest text."""
    if isinstance(result, str):
        return f"{result}\n{text}"
    copy = json.loads(json.dumps(result))
    longest = _longest(copy)
    if longest is None:
        copy["remark"] = text
    else:
        holder, key = longest
        holder[key] = f"{holder[key]}\n{text}"
    return copy


def _longest(value: Any) -> tuple[Any, Any] | None:
    """What holds the longest text, and where."""
    best: tuple[int, Any, Any] | None = None
    stack = [value]
    while stack:
        holder = stack.pop()
        items = list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))
        for key, item in items:
            if isinstance(item, dict | list):
                stack.append(item)
            elif isinstance(item, str) and (best is None or len(item) > best[0]):
                best = (len(item), holder, key)
    return None if best is None else (best[1], best[2])
