"""Open a run for the length of a block, as an operator's program does."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from ringfence.errors import UnavailableError

GATEWAY: Final = "http://127.0.0.1:7410"
"""Where `ringfence up` serves agents unless told otherwise."""
_SOCKET: Final = "control.sock"
_ANSWER_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of work. Its credential is worth nothing after the block, nor anywhere but at this gateway."""

    id: str
    credential: str = field(repr=False)
    gateway: str = GATEWAY


@asynccontextmanager
async def open_run(
    agent: str,
    task: str,
    *,
    state: Path | str = ".ringfence",
    gateway: str = GATEWAY,
    operator: str | None = None,
    parent: str | None = None,
) -> AsyncGenerator[Run]:
    """A run of a configured agent, opened on the control socket below `state` and closed with the block.

    `operator` is an operator's credential, by default `RINGFENCE_OPERATOR_CREDENTIAL`; without one, being this local user has
    to do. Do not let the agent's own tools reach it or the socket. Raises: UnavailableError, with what the gateway said.
    """
    credential = operator or os.environ.get("RINGFENCE_OPERATOR_CREDENTIAL")
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    asked = {"agent": agent, "task": task, **({"parent": parent} if parent else {})}
    opened = await _ask(Path(state), headers, "/runs", asked)
    try:
        yield Run(opened["run"], opened["credential"], gateway)
    finally:
        # What happened inside the block is what its caller has to hear; a run that is not closed ends by itself.
        with suppress(UnavailableError):
            await _ask(Path(state), headers, f"/runs/{quote(opened['run'], safe='')}/close", {"reason": "its program ended"})


async def _ask(state: Path, headers: Mapping[str, str], path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """One request to the control API. Raises: UnavailableError."""
    connector = aiohttp.UnixConnector(path=str(state / _SOCKET))
    timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
    try:
        async with (
            aiohttp.ClientSession("http://localhost", connector=connector, timeout=timeout) as asking,
            asking.post(f"/api/v1{path}", json=dict(body), headers=dict(headers)) as response,
        ):
            answer: dict[str, Any] = await response.json()
            refused = response.status >= 300
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        remedy = "`ringfence up` starts a gateway; `state` is its state directory"
        raise UnavailableError(f"no gateway answers on {state / _SOCKET}", remedy=remedy) from error
    if refused:
        said = answer.get("error") or {}
        raise UnavailableError(str(said.get("message") or "refused"), remedy=str(said.get("remedy") or ""))
    return answer
