"""A gateway with a coding agent: its hook endpoint over an engine on fakes, and a client that asks it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from ringfence.adapters.pep.hook.app import HookEndpoint
from ringfence.adapters.pep.hook.settings import HookLimits
from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.app.gateway import Gateway
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.local import Judgement, Kind, LocalAct, PathUse, Place, Tracked, Use
from ringfence.core.model.local_rules import LocalRules
from ringfence.core.model.profile import OWN_PROFILE, Trust
from ringfence.core.model.run import Posture
from ringfence.core.rules import AgentRule, Rules
from ringfence.core.scan.redactor import Redactor
from ringfence.core.shell.written import Written
from ringfence.engine.identity.identify import Presented
from ringfence.engine.local.judged import Judges
from ringfence.engine.runs.runs import Opened
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditLog
from ringfence.ports.files import Found, Outgoing
from ringfence.ports.model_upstream import ModelUpstream
from ringfence.ports.store import Store
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.scenario import READ, SMALL_WRITE, SUPPORT, shop_rules
from ringfence.testing.world import World

HOST = "127.0.0.1:7410"
CWD = "/home/ada/project"
KEY = "AKIA" + "IOSFODNN7QXAMPLZ"
"""Looks like a cloud key."""
QUIET = replace(READ, trust=Trust.TRUSTED, authority=())
RISKY = replace(OWN_PROFILE, reversible=False)


@dataclass(slots=True)
class ScriptedJudges:
    """`cat` reads, `touch` and `Write` write, `rm` cannot be undone; `boom` breaks, `late` is never judged, `slow` waits."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[tuple[str, Mapping[str, Any], Place]] = field(default_factory=list[tuple[str, Mapping[str, Any], Place]])
    written: list[Written] = field(default_factory=list[Written])

    async def judge(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        place: Place,
        *,
        written: Callable[[str], Written],
        secret_scan: bool = True,
        guarded: Callable[[str], bool] | None = None,
    ) -> Judgement:
        self.seen.append((tool, arguments, place))
        self.begun.set()
        text = str(arguments.get("command") or arguments.get("file_path") or "")
        verb, _, rest = text.partition(" ")
        if verb == "boom":
            raise ZeroDivisionError("the judge broke")
        if verb == "late":
            raise UnavailableError("the parser did not answer")
        if verb == "slow":
            await self.go.wait()
        if verb == "sh":
            self.written.append(written(f"{place.cwd}/{rest}"))
        writes = verb == "touch" or tool == "Write"
        path = f"{place.cwd}/{rest}" if verb == "touch" else text
        act = LocalAct(
            kind=Kind.COMMAND if tool == "Bash" else Kind.FILE,
            text=text,
            words=tuple(text.split()),
            tool=tool,
            profile=RISKY if verb == "rm" else SMALL_WRITE if writes else QUIET,
            paths=(PathUse(use=Use.WRITE, path=path, real=path),) if writes else (),
        )
        return Judgement(place=place, acts=(act,), profile=act.profile)

    async def close(self) -> None:
        self.go.set()


@dataclass(slots=True)
class JudgesBy:
    """What a function says of a tool, its arguments and the place."""

    says: Callable[[str, Mapping[str, Any], Place], Judgement]

    async def judge(self, tool: str, arguments: Mapping[str, Any], place: Place, **more: Any) -> Judgement:
        return self.says(tool, arguments, place)

    async def close(self) -> None:
        pass


class NoFiles:
    """A file system on which every path is what it says."""

    async def look(self, paths: Sequence[str]) -> Sequence[Found]:
        return [Found(path=path, real=path, is_there=True, is_folder=True) for path in paths]

    async def fitting(self, pattern: str, most: int) -> Sequence[str] | None:
        return []

    async def below(self, folder: str, most: int) -> Sequence[str] | None:
        return []

    async def text(self, path: str, most: int) -> str | None:
        return None

    async def outgoing(self, folder: str, revisions: Sequence[str] | None, remote: str, most: int) -> Sequence[Outgoing] | None:
        return []

    async def digest(self, path: str, most: int) -> str | None:
        return None

    async def tracked(self, path: str) -> Tracked:
        return Tracked.UNKNOWN

    async def uncommitted(self, folder: str, most: int) -> Sequence[str] | None:
        return []


def coder(**changes: Any) -> AgentRule:
    rules = LocalRules(roots=(CWD,), hold_s=30.0)
    return AgentRule(id=SUPPORT, purpose="writes code", tools=("orders.*",), local=replace(rules, **changes))


@dataclass(slots=True)
class HookWorld:
    """One gateway, one run, one client."""

    world: World
    app: HookEndpoint
    judges: ScriptedJudges
    run: Opened
    ids: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    async def open(
        cls,
        *,
        agent: AgentRule | None = None,
        store: tuple[Store, AuditLog] | None = None,
        posture: Posture = Posture.SEPARATE,
        limits: HookLimits | None = None,
        rules: Rules | None = None,
        redactor: Redactor | None = None,
        judges: Judges | None = None,
        models: Mapping[str, ModelUpstream] | None = None,
    ) -> HookWorld:
        scripted = ScriptedJudges()
        world = await World.build(
            rules=rules or shop_rules(agents=(agent or coder(),)),
            store=store,
            redactor=redactor,
            judges=lambda scanner: judges or scripted,
            files=NoFiles(),
            models=models,
        )
        app = endpoint(world, posture, limits)
        return cls(world, app, scripted, await world.open_run(str(SUPPORT)))

    async def started_again(self, store: MemoryStore) -> HookWorld:
        """Another gateway on the same store, a second later; the client goes on."""
        clock, scripted = FakeClock(Millis(self.world.clock.now() + 1000)), ScriptedJudges()
        world = await World.build(
            rules=self.world.catalogue.rules, store=(store, store), clock=clock, judges=lambda _: scripted, files=NoFiles()
        )
        return HookWorld(world, endpoint(world), scripted, self.run, self.ids)

    # --- the client

    async def post(self, event: Mapping[str, Any] | bytes, *, path: str = "/hook", **headers: str | None) -> dict[str, Any]:
        """What one event is answered."""
        exchange = await self.begin(event, path=path, **headers).done()
        assert exchange.status == 200, exchange.status
        assert exchange.header("content-length") == str(len(exchange.body))
        return exchange.json

    def begin(self, event: Mapping[str, Any] | bytes, *, path: str = "/hook", **headers: str | None) -> Exchange:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        named: dict[str, str | None] = {
            "host": HOST,
            "content-type": "application/json",
            "authorization": f"Bearer {self.run.credential}",
        }
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        return start(self.app, "POST", path, {name: value for name, value in named.items() if value is not None}, body)

    def event(self, name: str, **members: Any) -> dict[str, Any]:
        return {"session_id": "s1", "cwd": CWD, "hook_event_name": name, "permission_mode": "default", **members}

    def bash(self, command: str, use: str = "", **members: Any) -> dict[str, Any]:
        return self.before("Bash", {"command": command}, use, **members)

    def before(self, tool: str, given: Mapping[str, Any], use: str = "", **members: Any) -> dict[str, Any]:
        use = use or f"toolu_{next(self.ids)}"
        return self.event("PreToolUse", tool_name=tool, tool_input=given, tool_use_id=use, **members)

    async def ask(self, command: str, use: str = "", **members: Any) -> dict[str, Any]:
        return decision_of(await self.post(self.bash(command, use, **members)))

    async def after(self, command: str, use: str, stdout: str = "done\n", **members: Any) -> dict[str, Any]:
        response = {"stdout": stdout, "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}
        event = self.event(
            "PostToolUse", tool_name="Bash", tool_input={"command": command}, tool_use_id=use, tool_response=response, **members
        )
        return await self.post(event)

    async def failed(self, command: str, use: str, error: str) -> dict[str, Any]:
        event = self.event(
            "PostToolUseFailure", tool_name="Bash", tool_input={"command": command}, tool_use_id=use, error=error
        )
        return await self.post(event)

    # --- people's side

    async def entries(self, kind: str = "") -> list[dict[str, Any]]:
        return [entry for entry in await self.world.entries() if not kind or entry["kind"] == kind]

    async def outcomes(self) -> list[str]:
        return [entry["decision"] for entry in await self.entries("outcome")]


def endpoint(world: World, posture: Posture = Posture.SEPARATE, limits: HookLimits | None = None) -> HookEndpoint:
    def who(scope: Mapping[str, Any], credential: str) -> tuple[Presented, ...]:
        del scope
        return (Presented(credential, posture),) if credential else ()

    gateway = cast("Gateway", world)
    return HookEndpoint(
        hooks=gateway.hooks,
        enforcer=gateway.enforcer,
        catalogue=gateway.catalogue,
        store=gateway.store,
        clock=gateway.clock,
        who=who,
        allowed_hosts=(HOST,),
        limits=limits,
    )


def decision_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What a use of a tool was answered."""
    said = answer["hookSpecificOutput"]
    assert said["hookEventName"] == "PreToolUse"
    return {**said, **{name: answer[name] for name in ("continue", "stopReason") if name in answer}}
