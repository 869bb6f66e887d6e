"""A small HTTP client for the control socket. Answers values; a refusal is a value too."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.errors import UnavailableError

API = "/api/v1"
ANSWER_S = 60.0
"""A kill waits for calls under way to end; nothing takes longer."""
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """The gateway said no."""

    status: int
    code: str
    message: str
    remedy: str


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("ringfence", timeout=ANSWER_S)
        self._path = path

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            sock.connect(str(self._path))
        except OSError:
            sock.close()
            raise
        self.sock = sock


class NotRunningError(UnavailableError):
    """Nobody listens on the control socket."""


class ControlClient:
    """Speaks to one gateway."""

    def __init__(self, path: Path, credential: str | None) -> None:
        self._path = path
        self._credential = credential

    def ask(self, method: str, path: str, body: Any = None) -> Any | Refusal:
        """One request to the API. Raises: NotRunningError, UnavailableError."""
        with _closing(self._send(method, path, body)) as answer:
            return read(answer.status, answer.read())

    def is_running(self) -> bool:
        """Whether anybody listens."""
        probe = _UnixConnection(self._path)
        try:
            probe.connect()
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True  # Somebody is there; asking will say what is wrong.
        finally:
            probe.close()
        return True

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines of a long answer. Raises: NotRunningError, UnavailableError."""
        with _closing(self._send("GET", path, None)) as answer:
            if answer.status != 200:
                refusal = read(answer.status, answer.read())
                raise UnavailableError(refusal.message if isinstance(refusal, Refusal) else "no export")
            while line := answer.readline(_LONGEST_LINE):
                yield line.rstrip(b"\n")

    def _send(self, method: str, path: str, body: Any) -> http.client.HTTPResponse:
        headers = {"Accept": "application/json", "Connection": "close"}
        if self._credential is not None:
            headers["Authorization"] = f"Bearer {self._credential}"
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body, ensure_ascii=False).encode()
        connection = _UnixConnection(self._path)
        try:
            connection.request(method, API + path, data, headers)
            return connection.getresponse()
        except (FileNotFoundError, ConnectionRefusedError) as error:
            connection.close()
            raise NotRunningError(
                f"no gateway runs on {self._path.parent}", remedy="`ringfence up --config ringfence.yaml` starts one"
            ) from error
        except PermissionError as error:
            connection.close()
            raise UnavailableError(
                f"{self._path} belongs to another user", remedy="run this as the gateway's user, or use its TCP control port"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise UnavailableError(f"the gateway on {self._path.parent} does not answer: {error}") from error


class _closing:
    """An answer that is closed with the block; what breaks inside is unavailable."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer

    def __enter__(self) -> http.client.HTTPResponse:
        return self._answer

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._answer.close()
        if isinstance(error, OSError | http.client.HTTPException):
            raise UnavailableError(f"the gateway broke off: {error}") from error


def read(status: int, data: bytes) -> Any | Refusal:
    """An answer's value, or its refusal. Raises: UnavailableError for what is neither."""
    try:
        value = json.loads(data)
        if status < 400:
            return value
        error = value["error"]
        return Refusal(status, error["code"], error["message"], error["remedy"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnavailableError(f"the gateway answered {status} with what is no answer") from error
