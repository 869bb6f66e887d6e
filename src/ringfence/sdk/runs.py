"""Open a run for the length of a block, as an operator's program does."""

from __future__ import annotations

import asyncio
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
_DONE: Final = 200
_RENEWED_EVERY_S: Final = 60.0
"""Well below the shortest time in which a run of nothing ends."""


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
    """A run of a configured agent, opened on the control socket below `state`, kept open and closed with the block.

    `operator` is an operator's credential, by default `RINGFENCE_OPERATOR_CREDENTIAL`; without one, being this local user has
    to do. Do not let the agent's own tools reach it or the socket. Raises: UnavailableError, with what the gateway said, or
    where nothing at `gateway` knows the run: before anything of the agent's has begun.
    """
    credential = operator or os.environ.get("RINGFENCE_OPERATOR_CREDENTIAL")
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    asked = {"agent": agent, "task": task, "kept": True, **({"parent": parent} if parent else {})}
    opened = await _ask(Path(state), headers, "/runs", asked)
    run = Run(opened["run"], opened["credential"], gateway)
    try:
        if (status := await _renewed(run)) != _DONE:
            raise _unavailable(
                f"the gateway at {gateway} does not take the run opened on {Path(state) / _SOCKET}: it answers {status}",
                "`gateway` is the address that `ringfence up` of this very gateway names after `ready agents`",
            )
        keeping = asyncio.create_task(_keep(run))
        try:
            yield run
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
    finally:
        # What happened inside the block is what its caller has to hear; a run that is not closed ends by itself.
        with suppress(UnavailableError):
            await _ask(Path(state), headers, f"/runs/{quote(opened['run'], safe='')}/close", {"reason": "its program ended"})


async def _keep(run: Run) -> None:
    """Renew it, because it ends with a quarter of an hour of nothing: a long command, a person who thinks."""
    status = _DONE
    while status == _DONE:
        await asyncio.sleep(_RENEWED_EVERY_S)
        # A gateway that is started again goes on with the run.
        with suppress(UnavailableError):
            status = await _renewed(run)


async def _renewed(run: Run) -> int:
    """What the gateway answers. Raises: UnavailableError."""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
    headers = {"Authorization": f"Bearer {run.credential}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as asking,
            asking.post(f"{run.gateway.rstrip('/')}/runs/renew", headers=headers, allow_redirects=False) as response,
        ):
            return response.status
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        remedy = "`ringfence up` starts a gateway, and names its address after `ready agents`"
        raise _unavailable(f"no gateway answers at {run.gateway}", remedy) from error


def _unavailable(message: str, remedy: str) -> UnavailableError:
    """With the remedy where a program that does not look for it shows it too."""
    error = UnavailableError(message, remedy=remedy)
    if remedy:
        error.add_note(remedy)
    return error


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
        raise _unavailable(f"no gateway answers on {state / _SOCKET}", remedy) from error
    if refused:
        said = answer.get("error") or {}
        raise _unavailable(str(said.get("message") or "refused"), str(said.get("remedy") or ""))
    return answer
