"""git of the host, with nothing of the host's configuration, under bounds of time, output, memory and disk.

It runs in the operator's own repository and in quarantines that we make, never in a clone that a box has written to.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfence.errors import UnavailableError

GIT: Final = "/usr/bin/git"
SHELL: Final = "/bin/sh"
WITHIN_S: Final = 60.0
MOST_OUTPUT: Final = 8 << 20
MOST_SAID: Final = 2_000
"""Bytes of what git complains of that are kept."""
_MEMORY_KIB: Final = 2 << 20
_CPU_S: Final = 60
_FILE_BLOCKS: Final = (256 << 20) // 512
HELD: Final = f'ulimit -v {_MEMORY_KIB}; ulimit -t {_CPU_S}; ulimit -f {_FILE_BLOCKS}; exec "$@"'
"""A bundle of a megabyte can hold files of gigabytes: who unpacks it is bounded."""
FIXED: Final[tuple[str, ...]] = tuple(
    part
    for setting in (
        "protocol.allow=never",
        "protocol.file.allow=always",
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "core.attributesFile=/dev/null",
        "core.excludesFile=/dev/null",
        "core.protectHFS=true",
        "core.protectNTFS=true",
        "core.bigFileThreshold=4m",
        "core.packedGitLimit=512m",
        "core.packedGitWindowSize=32m",
        "pack.threads=1",
        "core.alternateRefsCommand=true",
        "fetch.fsckObjects=true",
        "transfer.fsckObjects=true",
        "receive.fsckObjects=true",
        "fetch.recurseSubmodules=false",
        "fetch.writeCommitGraph=false",
        "submodule.recurse=false",
        "gc.auto=0",
        "maintenance.auto=false",
        "credential.helper=",
    )
    for part in ("-c", setting)
)
"""Given on the command line, which no file of a repository overrules. Packs and threads: so that the bound on memory holds."""


def environment(*, transports: bool = False) -> dict[str, str]:
    """`transports`: it reads another repository, of this machine. Without, git has no way to any.

    What a repository says that it has left elsewhere is never fetched: its configuration names the program that would bring it.
    """
    return {
        "PATH": os.defpath,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "file" if transports else "",
    }


@dataclass(frozen=True, slots=True)
class Said:
    """What one git said."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Runs git as one user."""

    user: int | None = None
    """The uid, and with it the gid, to become; None: ours."""
    group: int | None = None

    async def run(
        self,
        *arguments: str,
        given: bytes = b"",
        bounded: bool = False,
        transports: bool = False,
        within_s: float = WITHIN_S,
        most: int = MOST_OUTPUT,
    ) -> Said:
        """Raises UnavailableError for what takes too long or says too much.

        `bounded`: it reads what a box wrote. `transports`: see `environment`.
        """
        command = [GIT, *FIXED, *arguments]
        try:
            process = await asyncio.create_subprocess_exec(
                *([SHELL, "-c", HELD, "sh", *command] if bounded else command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment(transports=transports),
                cwd="/",
                user=self.user,
                group=self.group,
                extra_groups=[] if self.user is not None else None,
                start_new_session=True,
            )
        except OSError as error:
            raise UnavailableError(f"git cannot be executed: {error}", remedy="apt-get install git") from error
        try:
            async with asyncio.timeout(within_s):
                out, err, _ = await asyncio.gather(
                    _all(process.stdout, most), _some(process.stderr, MOST_SAID), _fed(process.stdin, given)
                )
                return Said(await process.wait(), out, err.decode("utf-8", "replace"))
        except TimeoutError as error:
            raise UnavailableError(f"git took longer than {within_s:g} s: {arguments[0]}") from error
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


async def _all(stream: asyncio.StreamReader | None, most: int) -> bytes:
    """To its end. Raises UnavailableError for more than that."""
    assert stream is not None  # INVARIANT: it was asked for as a pipe
    held = bytearray()
    while piece := await stream.read(65_536):
        held += piece
        if len(held) > most:
            raise UnavailableError(f"git says more than {most} bytes")
    return bytes(held)


async def _some(stream: asyncio.StreamReader | None, most: int) -> bytes:
    """To its end, of which the end is kept."""
    assert stream is not None  # INVARIANT: it was asked for as a pipe
    held = b""
    while piece := await stream.read(65_536):
        held = (held + piece)[-most:]
    return held


async def _fed(stream: asyncio.StreamWriter | None, given: bytes) -> None:
    assert stream is not None  # INVARIANT: it was asked for as a pipe
    with suppress(ConnectionError):
        stream.write(given)
        await stream.drain()
    stream.close()
    with suppress(ConnectionError):
        await stream.wait_closed()


def as_owner(repository: Path) -> Git:
    """git as whoever owns the repository: it is their git that reads what arrives there."""
    if os.geteuid() != 0:
        return Git()
    found = repository.stat()
    return Git() if found.st_uid == 0 else Git(user=found.st_uid, group=found.st_gid)


def failed(what: str, said: Said) -> UnavailableError:
    return UnavailableError(f"{what}: {_last(said.err) or f'git ended with {said.code}'}")


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def lines_of(said: Said) -> Sequence[str]:
    return said.out.decode("ascii", "replace").splitlines()
