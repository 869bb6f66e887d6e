"""People's side where no gateway runs: the same checks on the same state, without a socket."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from ringfence.app.cli.client import API, Refusal, read
from ringfence.app.control.app import build_control
from ringfence.app.control.inprocess import ask
from ringfence.app.wiring.compose import offline


def ask_offline(state: Path, credential: str | None, method: str, path: str, body: Any = None) -> Any | Refusal:
    """One request as this local user. Raises: UnavailableError where the state is in use or cannot be opened."""

    async def once() -> Any | Refusal:
        async with offline(state) as services:
            headers = {"authorization": f"Bearer {credential}"} if credential is not None else {}
            data = b"" if body is None else json.dumps(body).encode()
            answer = await ask(build_control(services), method, API + path, body=data, headers=headers, peer_uid=os.getuid())
            return read(answer.status, answer.body)

    return asyncio.run(once())
