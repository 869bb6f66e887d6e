"""The operators' side of a drill: the control API over its unix socket."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from ringfence.errors import UnavailableError

API: Final = "/api/v1"
PAGE: Final = 1000
"""Entries asked for at once."""
ANSWER_S: Final = 120.0


class People:
    """One operator. Without a credential, whoever the socket's peer is."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Status and answer. Raises: UnavailableError."""
        try:
            async with self._http.request(method, API + path, json=body) as response:
                return response.status, json.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnavailableError(f"the gateway does not answer: {error}") from error

    async def done(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """An answer that has to be a success. Raises: UnavailableError."""
        status, answer = await self.ask(method, path, body)
        if status >= 300:
            raise UnavailableError(f"{method} {path}: {status} {answer.get('error', {}).get('message', '')}")
        return answer

    async def open_run(self, agent: str, task: str) -> tuple[str, str]:
        """Run and credential."""
        opened = await self.done("POST", "/runs", {"agent": agent, "task": task})
        return opened["run"], opened["credential"]

    async def waiting(self, run: str) -> list[dict[str, Any]]:
        """The approvals of a run that wait for a person."""
        found = (await self.done("GET", "/approvals"))["approvals"]
        return [ticket for ticket in found if ticket["run"] == run]

    async def decide(self, ticket: Mapping[str, Any], decision: str, reason: str) -> int:
        """The status of the answer."""
        body = {"decision": decision, "digest": ticket["digest"], "reason": reason}
        return (await self.ask("POST", f"/approvals/{ticket['id']}/decision", body))[0]

    async def entries(self, run: str) -> list[dict[str, Any]]:
        """All entries of a run, oldest first."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = await self.done("GET", f"/audit?run={run}&order=oldest&limit={PAGE}{cursor}")
            found += page["entries"]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"


@asynccontextmanager
async def at_desk(socket: Path, credential: str | None = None) -> AsyncGenerator[People]:
    """An operator for the length of the block."""
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    connector = aiohttp.UnixConnector(path=str(socket), limit=0)
    patience = aiohttp.ClientTimeout(total=ANSWER_S)
    async with aiohttp.ClientSession("http://localhost", connector=connector, headers=headers, timeout=patience) as http:
        yield People(http)
