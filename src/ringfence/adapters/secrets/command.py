"""Secrets that a command prints: `exec:COMMAND ARGUMENTS`.

The command runs without a shell, in the configuration's folder, with an environment built from nothing. What it writes to
stderr is thrown away: programs quote what they were given.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Mapping

from ringfence.adapters.secrets.text import secret_of
from ringfence.errors import UnavailableError
from ringfence.ports.secrets import MAX_SECRET_BYTES, Secret, SecretRef

ANSWER_S = 10.0


class CommandSecrets:
    """Implements `ports.secrets.SecretSource`. `environment` is all that a command gets (PATH and HOME, as a rule)."""

    def __init__(self, environment: Mapping[str, str], *, answer_s: float = ANSWER_S) -> None:
        self._environment = dict(environment)
        self._answer_s = answer_s

    async def read(self, ref: SecretRef) -> Secret:
        try:
            words = shlex.split(ref.name)
        except ValueError as error:
            raise UnavailableError(f"the command of the secret {ref} cannot be read: {error}") from None
        if not words:
            raise UnavailableError(f"the secret {ref} names no command")
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=ref.folder or None,
                env=self._environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "not a command"
            raise UnavailableError(f"the command of the secret {ref} does not start: {why}") from None
        try:
            async with asyncio.timeout(self._answer_s):
                data = await _printed(process)
                code = await process.wait()
        except TimeoutError:
            raise UnavailableError(f"the command of the secret {ref} did not end within {self._answer_s:g} s") from None
        finally:
            await _end(process)
        if code != 0 and len(data) <= MAX_SECRET_BYTES:
            raise UnavailableError(f"the command of the secret {ref} ended with exit code {code}")
        return secret_of(ref, data)

    async def close(self) -> None:
        pass


async def _printed(process: asyncio.subprocess.Process) -> bytes:
    """What it prints, up to one byte more than a secret may have."""
    assert process.stdout is not None  # INVARIANT: it was asked for
    data = b""
    while len(data) <= MAX_SECRET_BYTES and (chunk := await process.stdout.read(MAX_SECRET_BYTES)):
        data += chunk
    if len(data) > MAX_SECRET_BYTES:
        _kill(process)
    return data


def _kill(process: asyncio.subprocess.Process) -> None:
    # The whole group: what the command started must not outlive it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _end(process: asyncio.subprocess.Process) -> None:
    # Also where the command itself has ended: what it left behind may still hold its output.
    _kill(process)
    await process.wait()
