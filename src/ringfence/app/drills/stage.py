"""Where drills are played: a gateway process of its own, played servers, people, and a receiver of alerts."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from ringfence.app.drills.asking import Asker
from ringfence.app.drills.deployment import KNOWN_VARIABLE
from ringfence.app.drills.hijacked import Hijacked, connected
from ringfence.app.drills.people import People, at_desk
from ringfence.app.drills.play import READY, Play, as_json
from ringfence.app.drills.processes import running
from ringfence.app.drills.receiver import Receiver, receiving
from ringfence.app.wiring.automata import keep_automata
from ringfence.errors import UnavailableError

PROGRAM: Final = (sys.executable, "-m", "ringfence")
SOCKET: Final = "control.sock"
_PORT: Final = re.compile(r"127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True)
class Executed:
    """One line of the servers' own log."""

    at: float
    server: str
    tool: str
    arguments: dict[str, Any]


class Player:
    """The played servers, from outside."""

    def __init__(self, http: aiohttp.ClientSession, url: str, log: Path) -> None:
        self._http = http
        self._log = log
        self._read = 0
        self._executed: list[Executed] = []
        self.url = url

    async def put(self, server: str, play: Play) -> None:
        """Say what a server shows and answers from now on. Raises: UnavailableError."""
        async with self._http.put(f"{self.url}/play/{server}", json=as_json(play)) as response:
            if response.status != 204:
                raise UnavailableError(f"the played server {server} answered {response.status}")

    async def put_answers(self, answers: Mapping[str, str]) -> None:
        """Say what each model answers. Raises: UnavailableError."""
        async with self._http.put(f"{self.url}/answers", json=dict(answers)) as response:
            if response.status != 204:
                raise UnavailableError(f"the played models answered {response.status}")

    def executed(self) -> list[Executed]:
        """All that any server executed, oldest first."""
        if self._log.exists():
            with self._log.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            self._executed += [Executed(**json.loads(line)) for line in whole.splitlines()]
        return self._executed[:]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that takes part."""

    directory: Path
    agents_url: str
    player: Player
    people: People
    others: People
    """A second approver, where two are needed."""
    alerts: Receiver

    def asker(self, credential: str) -> Asker:
        """A run's way to its models."""
        return Asker(self.agents_url, credential)

    @asynccontextmanager
    async def agent(self, credential: str) -> AsyncGenerator[Hijacked]:
        """A client of the gateway for the length of the block."""
        async with connected(self.agents_url, credential) as agent:
            yield agent


@asynccontextmanager
async def stage(
    directory: Path,
    configure: Callable[[str, str], dict[str, Any]],
    plays: Mapping[str, Play],
    secret: str = "",
    models: Mapping[str, str] | None = None,
) -> AsyncGenerator[Stage]:
    """A gateway whose servers are already played.

    Args:
        directory: Exists and is empty; state, logs and configuration go there.
        configure: Its configuration, from where the servers are played and where alerts are posted.
        plays: What each server shows first, by its id.
        secret: The credential that the gateway finds in its environment.
        models: What each model answers, by its name.

    Raises:
        UnavailableError: A process did not start, with what it said.
    """
    async with AsyncExitStack() as stack:
        alerts = await stack.enter_async_context(receiving())
        log = directory / "executed.jsonl"
        command = [sys.executable, "-m", "ringfence.app.drills.play_server", str(log)]
        _, line = await stack.enter_async_context(running(command, READY, directory / "player.log"))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        player = Player(http, f"http://127.0.0.1:{int(line.split()[1])}", log)
        for server, play in plays.items():
            await player.put(server, play)
        await player.put_answers(models or {})
        config = directory / "ringfence.yaml"
        document = configure(player.url, alerts.url)
        config.write_text(json.dumps(document, ensure_ascii=False, indent=1), "utf-8")
        state = directory / "state"
        state.mkdir(mode=0o711)
        keep_automata(state)  # compiled once for all stages of a drill, and not by each gateway
        up = [*PROGRAM, "up", "--config", str(config), "--state", str(state), "--port", "0", "--unsafe-same-user"]
        environment = {KNOWN_VARIABLE: secret} if secret else None
        _, line = await stack.enter_async_context(running(up, "ready", directory / "gateway.log", environment))
        found = _PORT.search(line)
        if found is None:
            raise UnavailableError(f"the gateway said `{line.strip()}` and no port")
        async with at_desk(state / SOCKET) as first:
            credential = (await first.done("POST", "/operators", {"name": "drill", "role": "admin"}))["credential"]
            second = (await first.done("POST", "/operators", {"name": "second", "role": "approver"}))["credential"]
        people = await stack.enter_async_context(at_desk(state / SOCKET, credential))
        others = await stack.enter_async_context(at_desk(state / SOCKET, second))
        yield Stage(directory, f"http://127.0.0.1:{found[1]}", player, people, others, alerts)
