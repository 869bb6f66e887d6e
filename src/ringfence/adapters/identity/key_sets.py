"""The public keys of an issuer: from a file, or from the one URL that the operator configured.

Source: RFC 7517 (JWK sets); RFC 8725, section 3.10 (fetch from nowhere that a token names).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast

from ringfence.adapters.identity.jose import PublicKey, Signed, algorithms_of, public_key
from ringfence.adapters.web.client import WebClient
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import CredentialError, RequestError, UnavailableError
from ringfence.ports.clock import Clock

logger = logging.getLogger(__name__)

SET_MOST: Final = 256 * 1024
"""Bytes of a set."""
KEYS_MOST: Final = 100
KID_MOST: Final = 300
FRESH_S: Final = 300.0
"""How long a fetched set is used without asking again: a key that is taken away counts no longer than that."""
STALE_S: Final = 3600.0
"""How long it is used while the issuer does not answer."""
AGAIN_S: Final = 60.0
"""Between two fetches, whatever tokens name."""
_FETCH_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Key:
    """One key, with the only algorithms that it verifies."""

    public: PublicKey
    algorithms: frozenset[str]


KeySet = Mapping[str, Key]
"""By `kid`; a key without one stands under the empty text."""
_NO_KEYS: Final[KeySet] = {}


class Keys(Protocol):
    """Where an issuer's keys are found."""

    async def find(self, kid: str) -> KeySet:
        """The keys as they are known now, fetched anew where they are old or lack this one. Empty: none can be had."""
        ...

    async def close(self) -> None: ...


async def key_of(keys: Keys, signed: Signed) -> Key:
    """The one key that a token has to be signed with, its algorithm among those of the key. Raises: CredentialError."""
    kid = signed.header.get("kid", "")
    if not isinstance(kid, str):
        raise CredentialError("its kid is not text")
    known = await keys.find(kid)
    # Without a kid there is no choice to be made: a set of one key, or nothing.
    key = known.get(kid) or (next(iter(known.values())) if not kid and len(known) == 1 else None)
    if key is None:
        raise CredentialError("its issuer has no such key" if known else "its issuer's keys cannot be had")
    if signed.algorithm not in key.algorithms:
        raise CredentialError(f"{signed.algorithm[:20]!r} is not the algorithm of its key")
    return key


def read_set(data: bytes) -> KeySet:
    """The usable public keys of a JWK set. Others are left out: a set may hold what is for somebody else.

    Raises: RequestError.
    """
    value = parse_strict(data)
    listed = cast("dict[str, Any]", value).get("keys") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise RequestError("not a JWK set")
    found = cast("list[Any]", listed)
    if len(found) > KEYS_MOST:
        raise RequestError(f"a JWK set of {len(found)} keys")
    keys: dict[str, Key] = {}
    for jwk in found:
        if not isinstance(jwk, dict):
            raise RequestError("a key is not an object")
        member = cast("dict[str, Any]", jwk)
        kid = member.get("kid", "")
        if not isinstance(kid, str) or len(kid) > KID_MOST:
            continue
        if kid in keys:
            raise RequestError("two keys have the same kid")
        if (key := _usable(member)) is not None:
            keys[kid] = key
    return keys


def _usable(jwk: Mapping[str, Any]) -> Key | None:
    uses = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(uses, list) or "verify" not in cast("list[Any]", uses):
        return None
    try:
        public = public_key(jwk)
    except CredentialError:
        return None
    algorithms = algorithms_of(public)
    if "alg" in jwk:
        algorithms &= {jwk["alg"]} if isinstance(jwk["alg"], str) else set[str]()
    return Key(public, algorithms) if algorithms else None


class FileKeys:
    """A file with a JWK set, read again whenever it is another one. One that cannot be read gives no key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: KeySet = _NO_KEYS

    async def find(self, kid: str) -> KeySet:
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                with self._path.open("rb") as file:
                    data = file.read(SET_MOST + 1)
                if len(data) > SET_MOST:
                    raise RequestError(f"larger than {SET_MOST} bytes")
                self._keys, self._seen = read_set(data), seen
        except (OSError, RequestError) as error:
            logger.error("no keys from %s: %s", self._path, error)
            self._keys, self._seen = _NO_KEYS, None
        return self._keys

    async def close(self) -> None:
        return None


class RemoteKeys:
    """A JWK set behind a URL. No redirect is followed, no proxy asked, and tokens cannot make it fetch often."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._keys: KeySet = _NO_KEYS
        self._fetched: float | None = None
        self._tried: float | None = None
        self._fetching = asyncio.Lock()
        self._client = WebClient("its server", _FETCH_S, quotes_errors=True)

    async def find(self, kid: str) -> KeySet:
        fetching = self._fetching.locked()
        will_do = kid in self._keys and self._age() < (STALE_S if fetching else FRESH_S)
        if not will_do and (fetching or self._is_due(kid)):
            async with self._fetching:
                if self._is_due(kid):
                    await self._fetch()
        return self._keys if self._age() < STALE_S else _NO_KEYS

    async def close(self) -> None:
        await self._client.close()

    def _age(self) -> float:
        return float("inf") if self._fetched is None else self._clock.monotonic() - self._fetched

    def _is_due(self, kid: str) -> bool:
        if self._age() < FRESH_S and kid in self._keys:
            return False
        return self._tried is None or self._clock.monotonic() - self._tried >= AGAIN_S

    async def _fetch(self) -> None:
        self._tried = self._clock.monotonic()
        try:
            self._keys = read_set(await self._body())
            self._fetched = self._clock.monotonic()
        except (UnavailableError, RequestError) as error:
            logger.error("no keys from %s: %s", self._url, str(error)[:300])

    async def _body(self) -> bytes:
        answer = await self._client.get(self._url, {"accept": "application/json"}, most=SET_MOST)
        if answer.status != 200:
            raise RequestError(f"status {answer.status}")
        return answer.body
