"""Asks podman or docker, within bounds of time and size."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ringfence.errors import UnavailableError

WITHIN_S = 60.0
LARGEST = 1_000_000
PASSED_ON = ("PATH", "HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "CONTAINER_HOST", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
"""What the client needs to find its engine. None of it reaches the container."""


def client_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


async def asked(*command: str) -> str:
    """What it printed. Raises UnavailableError where it does not end with 0."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=client_environment(),
            cwd="/",
        )
    except OSError as error:
        raise UnavailableError(
            f"{command[0]} cannot be executed: {error.strerror}", remedy="apt-get install podman, or docker"
        ) from error
    try:
        async with asyncio.timeout(WITHIN_S):
            out, said = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        lines = said[-2000:].decode(errors="replace").strip().splitlines()
        raise UnavailableError(
            f"{os.path.basename(command[0])} {command[1]}: {lines[-1] if lines else 'it failed'}",
            remedy="see that the engine runs and that the image is there",
        )
    return out[:LARGEST].decode(errors="replace")


async def about(program: str) -> Mapping[str, Any]:
    """What `info` says, as podman or docker writes it."""
    try:
        said = json.loads(await asked(program, "info", "--format", "{{json .}}"))
    except ValueError as error:
        raise UnavailableError(f"{program} info is no JSON") from error
    return said if isinstance(said, dict) else {}


def controllers(info: Mapping[str, Any]) -> frozenset[str]:
    """The controllers that it puts a container under. Rootless podman without delegation has none: it ignores limits."""
    host = info.get("host")
    if isinstance(host, dict):
        return frozenset(str(name) for name in _list(host.get("cgroupControllers")))
    flags = {"memory": "MemoryLimit", "pids": "PidsLimit", "cpu": "CpuCfsQuota"}
    return frozenset(name for name, flag in flags.items() if info.get(flag) is True)


def filters(info: Mapping[str, Any]) -> bool:
    """Whether its containers are under a seccomp filter."""
    host = info.get("host")
    if isinstance(host, dict):
        security = host.get("security")
        return isinstance(security, dict) and security.get("seccompEnabled") is True
    return any("seccomp" in str(option) and "unconfined" not in str(option) for option in _list(info.get("SecurityOptions")))


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
