"""Asking an issuer over HTTP: bounded in size and time, no redirect, no proxy, no cookie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

from ringfence.errors import UnavailableError

_TOTAL_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    body: bytes


class Web:
    """One client for one issuer."""

    def __init__(self) -> None:
        self._client: aiohttp.ClientSession | None = None

    async def get(self, url: str, most: int) -> Answered:
        """Raises: UnavailableError where nothing whole comes back in time, or more than `most` bytes."""
        return await self._ask("GET", url, most, None, {})

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str], most: int) -> Answered:
        """As `get`, with a form."""
        return await self._ask("POST", url, most, form, headers)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _ask(
        self, method: str, url: str, most: int, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Answered:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_TOTAL_S), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        told = {"accept": "application/json", "accept-encoding": "identity", **headers}
        try:
            async with self._client.request(method, url, data=form, headers=told, allow_redirects=False) as response:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > most:
                        raise UnavailableError(f"the issuer's answer is larger than {most} bytes")
                return Answered(response.status, bytes(body))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise UnavailableError(f"the issuer does not answer: {str(error)[:200] or type(error).__name__}") from error
