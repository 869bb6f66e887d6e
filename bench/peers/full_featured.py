"""ContextForge, a gateway with accounts, roles, a registry and an audit of its own, in front of the echo server.

Its defaults stand, but for what a bench needs: no web interface, servers on loopback allowed, no rate limit
(it allows 100 calls a minute), one account, SQLite.
"""

import asyncio
import secrets
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any

import aiohttp

from bench.peers.peer import Front
from bench.processes import NotStarted
from bench.upstream import READ

_ACCOUNT = "bench@example.com"
_START_S = 60


class ContextForge:
    """One installation with fresh secrets and an empty database."""

    def __init__(self, root: Path) -> None:
        password = f"Aa1-{secrets.token_urlsafe(24)}"
        self.environment = {
            "JWT_SECRET_KEY": secrets.token_hex(32),
            "AUTH_ENCRYPTION_SECRET": secrets.token_hex(32),
            "DATABASE_URL": f"sqlite:///{root.resolve()}/contextforge.db",
            "PLATFORM_ADMIN_EMAIL": _ACCOUNT,
            "PLATFORM_ADMIN_PASSWORD": password,
            "DEFAULT_USER_PASSWORD": password,
            "MCPGATEWAY_UI_ENABLED": "false",
            "SSRF_ALLOW_LOCALHOST": "true",
            "SSRF_ALLOW_PRIVATE_NETWORKS": "true",
            "RATE_LIMITING_ENABLED": "false",
            "LOG_LEVEL": "ERROR",
        }

    async def register(self, own: Path, upstream: str, port: int) -> Front:
        """Register the echo server and put its read behind a virtual server. Raises: NotStarted."""
        headers = {"authorization": f"Bearer {await self._token(own)}"}
        try:
            async with asyncio.timeout(_START_S), aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:

                async def ask(path: str, body: dict[str, Any] | None = None) -> Any:
                    async with session.request("POST" if body else "GET", path, json=body) as response:
                        response.raise_for_status()
                        return await response.json()

                await ask("/gateways", {"name": "echo", "url": upstream, "transport": "STREAMABLEHTTP"})
                tool = next(tool for tool in await ask("/tools") if tool["originalName"] == READ)
                server = await ask("/servers", {"server": {"name": "bench", "associated_tools": [tool["id"]]}})
        except (aiohttp.ClientError, TimeoutError, StopIteration) as error:
            raise NotStarted(f"it could not be set up: {type(error).__name__} {error}"[:300]) from error
        return Front(f"/servers/{server['id']}/mcp", str(tool["name"]), headers)

    async def _token(self, own: Path) -> str:
        command = [str(own / "python"), "-m", "mcpgateway.utils.create_jwt_token"]
        options = ["--username", _ACCOUNT, "--exp", "600", "--secret", self.environment["JWT_SECRET_KEY"], "--admin"]
        process = await asyncio.create_subprocess_exec(
            *command, *options, stdout=PIPE, stderr=DEVNULL, env={"PATH": "", **self.environment}
        )
        said, _ = await process.communicate()
        lines = said.decode().split()
        if process.returncode != 0 or not lines:
            raise NotStarted("it made no token")
        return lines[-1]
