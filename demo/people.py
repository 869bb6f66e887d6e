"""People: operators who act through the command line, and what they look up on the control socket."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from demo.gateway import PROGRAM, Listening, environment
from demo.processes import DemoFault
from demo.world import World


@dataclass(frozen=True)
class Person:
    """One operator with a credential."""

    name: str
    credential: str | None
    world: World

    async def ringfence(self, *arguments: str) -> dict[str, Any]:
        """Run `ringfence ARGUMENTS --json` as this person; what it prints. Raises: DemoFault where it fails."""
        status, printed, errors = await self._run(*arguments, "--json")
        if status != 0:
            raise DemoFault(f"`ringfence {' '.join(arguments)}` ended with status {status}: {errors or printed}")
        return json.loads(printed)

    async def printed(self, *arguments: str) -> tuple[int, str]:
        """Run `ringfence ARGUMENTS` as this person; its exit status and what a person reads."""
        status, printed, errors = await self._run(*arguments)
        return status, (printed or errors).rstrip()

    async def shown(self, *arguments: str) -> None:
        """Run `ringfence ARGUMENTS` as this person, in their own terminal."""
        command = [str(PROGRAM), *arguments]
        process = await asyncio.create_subprocess_exec(*command, env=environment(self.world, self.credential))
        await process.wait()

    async def _run(self, *arguments: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            str(PROGRAM), *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=PIPE,
            env=environment(self.world, self.credential),
        )  # fmt: skip
        try:
            printed, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode or 0, printed.decode(), errors.decode().strip()

    async def add_operator(self, name: str, role: str) -> "Person":
        """Somebody else who may decide."""
        added = await self.ringfence("operator", "add", name, "--role", role)
        return Person(name, added["credential"], self.world)


@dataclass(frozen=True)
class Desk:
    """What an operator looks up: approvals that wait, and the log."""

    http: aiohttp.ClientSession
    logs: Path

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """One answer of the control API. Raises: DemoFault."""
        try:
            async with self.http.get(f"http://localhost/api/v1/{path}", params=query) as response:
                if response.status != 200:
                    raise DemoFault(f"GET {path}: {response.status} {await response.text()}")
                return await response.json()
        except aiohttp.ClientError as error:
            raise DemoFault(f"the gateway does not answer ({error}); see {self.logs}") from error

    async def waiting(self, run: str) -> list[dict[str, Any]]:
        """The approvals of a run that wait for a person."""
        return [ticket for ticket in (await self.get("approvals"))["approvals"] if ticket["run"] == run]

    async def decisions(self, run: str, after: int) -> list[dict[str, Any]]:
        """The decisions on a run's calls that were recorded after an entry, oldest first."""
        query = {"run": run, "kind": "decision", "order": "oldest", "limit": "1000"}
        found = await self.get("audit", **query, **({"cursor": str(after)} if after >= 0 else {}))
        return found["entries"]

    async def entries(self, **query: str) -> list[dict[str, Any]]:
        """Entries of the log, oldest first; all that match, up to a thousand."""
        return (await self.get("audit", order="oldest", limit="1000", **query))["entries"]


@asynccontextmanager
async def at_desk(listening: Listening, person: Person) -> AsyncGenerator[Desk]:
    """A person with the control socket open for the length of the block."""
    connector = aiohttp.UnixConnector(str(listening.control))
    headers = {"Authorization": f"Bearer {person.credential}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as http:
        yield Desk(http, person.world.logs)
