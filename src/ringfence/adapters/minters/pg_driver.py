"""The few things that are asked of asyncpg, which is installed only where something is minted in Postgres."""

from __future__ import annotations

import importlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, cast

from ringfence.errors import UnavailableError
from ringfence.ports.secrets import Secret

CONNECT_S = 5.0
STATEMENT_S = 10.0


class Connection(Protocol):
    """As much of `asyncpg.Connection` as is used."""

    async def execute(self, query: str) -> str: ...
    async def fetch(self, query: str, *values: Any) -> Sequence[Sequence[Any]]: ...
    async def fetchval(self, query: str, *values: Any) -> Any: ...
    def transaction(self) -> AbstractAsyncContextManager[None]: ...
    async def close(self, *, timeout: float) -> None: ...
    def terminate(self) -> None: ...


@asynccontextmanager
async def connected(dsn: Secret) -> AsyncGenerator[Connection]:
    """One connection. Whatever goes wrong on it is an UnavailableError that quotes no value, not even a statement."""
    try:
        driver = importlib.import_module("asyncpg")
    except ImportError as error:
        raise UnavailableError(
            "Postgres credentials need asyncpg, which is not installed", remedy="pip install 'ringfence[postgres]'"
        ) from error
    faults = cast("tuple[type[Exception], ...]", (driver.PostgresError, driver.InterfaceError))
    connection: Connection | None = None
    try:
        connection = cast(Connection, await driver.connect(dsn.reveal(), timeout=CONNECT_S, command_timeout=STATEMENT_S))
        yield connection
        await connection.close(timeout=CONNECT_S)
        connection = None
    except faults as error:
        said = str(getattr(error, "sqlstate", "") or type(error).__name__)
        raise UnavailableError(f"Postgres refuses: {said} {_message(error)}".rstrip()) from None
    except (TimeoutError, OSError, ValueError) as error:
        raise UnavailableError(f"Postgres cannot be reached: {type(error).__name__}") from None
    finally:
        if connection is not None:
            connection.terminate()


def _message(error: Exception) -> str:
    """The server's words about a refused right; other messages may quote what was sent."""
    return str(error)[:200] if str(getattr(error, "sqlstate", "")).startswith("42") else ""
