"""Wires `ringfence witness`: its key, the logs that it knows, what it has seen, and its HTTP face."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from socket import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ringfence.adapters.signers.file_key import open_file_key
from ringfence.adapters.stores.sqlite.lock import StateLock
from ringfence.adapters.system.clock import SystemClock
from ringfence.adapters.witnesses.seen_heads import FolderHeads
from ringfence.app.control.server import ControlProtocol
from ringfence.core.audit.keys import VerifierKey, parse_key
from ringfence.core.audit.note import COSIGNATURE, ED25519
from ringfence.core.audit.witnessing import LARGEST_REQUEST
from ringfence.engine.upkeep.witness import LogWitness, WitnessAnswer
from ringfence.errors import ConfigError, RequestError, UnavailableError
from ringfence.ports.clock import Clock

logger = logging.getLogger(__name__)

KEY, NAME, LOGS, HEADS = "witness.key", "name", "logs", "heads"
BODY_S = 10.0


def init_witness(folder: Path, name: str, logs: Sequence[str]) -> VerifierKey:
    """Make a witness's folder with a new key. Raises: ConfigError, also where there is one already."""
    keys = [_log_key(text) for text in logs]
    if (folder / KEY).exists():
        raise ConfigError(f"{folder} is a witness's already", remedy="`ringfence witness trust` adds a log")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / HEADS).mkdir(mode=0o700, exist_ok=True)
        (folder / NAME).write_text(f"{name}\n", "utf-8")
        (folder / LOGS).write_text("".join(f"{key}\n" for key in keys), "utf-8")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {error.strerror}") from error
    signer = open_file_key(folder / KEY, name, create=True)
    return VerifierKey(signer.name, COSIGNATURE, signer.public_key)


def trust_log(folder: Path, log: str) -> VerifierKey:
    """Add a log to those that are cosigned from the next start on. Raises: ConfigError."""
    key = _log_key(log)
    known = _logs(folder)
    if key.name in known and known[key.name] != key:
        raise ConfigError(f"another key is trusted for `{key.name}`", remedy=f"look at {folder / LOGS} first")
    if key.name not in known:
        try:
            with (folder / LOGS).open("a", encoding="utf-8") as file:
                file.write(f"{key}\n")
        except OSError as error:
            raise ConfigError(f"{folder / LOGS} cannot be written: {error.strerror}") from error
    return key


def open_witness(folder: Path, clock: Clock) -> LogWitness:
    """The witness of a folder that `init_witness` made. Raises: ConfigError."""
    try:
        name = (folder / NAME).read_text("utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{folder} is no witness's folder", remedy="`ringfence witness init` makes one") from error
    signer = open_file_key(folder / KEY, name)
    return LogWitness(logs=_logs(folder), heads=FolderHeads(folder / HEADS), signer=signer, clock=clock)


def witness_key(folder: Path) -> VerifierKey:
    """The public key of a witness's folder. Raises: ConfigError."""
    return open_witness(folder, SystemClock()).key


def witness_app(witness: LogWitness) -> Starlette:
    """The HTTP face: `POST /add-checkpoint`, and nothing else."""

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_S):
                async for part in request.stream():
                    body += part
                    if len(body) > LARGEST_REQUEST:
                        return Response("too large\n", 413)
            answer = await witness.add_checkpoint(bytes(body))
        except TimeoutError:
            return Response("too slow\n", 408)
        except UnavailableError as error:
            logger.error("%s", error)
            answer = WitnessAnswer(503, "the head cannot be kept\n")
        logger.info("add-checkpoint: %d", answer.status)
        return Response(answer.body, answer.status, headers={"content-type": answer.media_type})

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])


def serve_witness(folder: Path, host: str, port: int) -> None:
    """Serve until a signal; prints a line that begins with `ready`. Raises: ConfigError, UnavailableError."""
    with StateLock(folder):
        witness = open_witness(folder, SystemClock())
        config = uvicorn.Config(
            witness_app(witness),
            host=host,
            port=port,
            http=ControlProtocol,  # for its bounds on headers, which uvicorn has none of
            ws="none",
            log_level="warning",
            access_log=False,
            limit_concurrency=64,
        )
        server = _Announcing(config, witness)
        try:
            server.run()
        except SystemExit as error:
            raise UnavailableError(f"cannot listen on {host}:{port}") from error


class _Announcing(uvicorn.Server):
    """Says on stdout when it accepts."""

    def __init__(self, config: uvicorn.Config, witness: LogWitness) -> None:
        super().__init__(config)
        self._witness = witness

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            where = self.servers[0].sockets[0].getsockname()
            print(f"ready witness http://{where[0]}:{where[1]} key {self._witness.key}", flush=True)  # noqa: T201


def _logs(folder: Path) -> dict[str, VerifierKey]:
    try:
        lines = (folder / LOGS).read_text("utf-8").split("\n")
    except OSError as error:
        raise ConfigError(f"{folder / LOGS} cannot be read: {error.strerror}") from error
    keys = [_log_key(line.strip()) for line in lines if line.strip()]
    return {key.name: key for key in keys}


def _log_key(text: str) -> VerifierKey:
    try:
        return parse_key(text, ED25519)
    except RequestError as error:
        raise ConfigError(
            f"`{text[:80]}` is not the key of a log: {error}", remedy="`ringfence audit key` prints it"
        ) from error
