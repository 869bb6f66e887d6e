"""Credentials of AWS that do what one call needs: AssumeRole of the Security Token Service, narrowed by a session policy.

What STS gave cannot be taken back: it ends at its expiration. So the policy is the call's own, the life is short, and what was
given is handed out again only to calls of the same run that need exactly the same; with session tags, to none.
Source: AWS STS API reference, AssumeRole (2011-06-15).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit

from ringfence.adapters.minters.aws_answer import ANSWER_MOST, Assumed, assumed, refusal
from ringfence.adapters.minters.aws_signature import Signer
from ringfence.adapters.web.client import WebAnswer, WebClient
from ringfence.core.model.identifiers import AgentId, CallId, RunId
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.minter import Minted, Need
from ringfence.ports.secrets import Secret

ANSWER_S: Final = 8.0
KEPT_MOST: Final = 1000
"""Credentials that may be handed out again; the oldest goes first."""
AT_ONCE: Final = 8
LATE_MS: Final = 60_000
"""How much longer than asked for a credential may live: the clock of STS is not ours."""
_FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"

LateCredential = Callable[[], Awaitable[tuple[Secret, Secret, Secret | None]]]
"""Access key id, secret access key and, of a temporary credential, its token. Raises UnavailableError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StsOptions:
    """One account as roles are assumed from."""

    region: str
    endpoint: str
    credential: LateCredential = field(repr=False)
    source_identity: bool = False
    tags: bool = False


class StsMinter:
    """Implements `ringfence.ports.minter.Minter`. Use inside one running loop."""

    def __init__(self, options: StsOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._kept: dict[tuple[object, ...], Minted] = {}
        self._asking: dict[tuple[object, ...], asyncio.Lock] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._client = WebClient("STS", ANSWER_S, keeps_connections=False)

    async def mint(self, need: Need, run: RunId, call: CallId) -> Minted:
        if not need.role or not need.policy:
            raise UnavailableError("this minter assumes roles, and none is named")
        key = (run, need.agent, need.role, need.policy, need.lifetime_s, call if self._options.tags else "")
        lock = self._asking.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                known = self._kept.get(key)
                if known is None or known.expires_at - self._clock.now() < need.margin_s * 1000:
                    known = await self._assume(need, run, call)
                    self._keep(key, known)
                return known
        finally:
            if not lock.locked():
                self._asking.pop(key, None)

    async def revoke(self, minted: str) -> None:
        """Nothing can be: it may be handed out again until it expires."""

    async def sweep(self) -> tuple[str, ...]:
        """Forget what has expired. Nothing that an earlier process was given can be ended."""
        now = self._clock.now()
        for key in [key for key, minted in self._kept.items() if minted.expires_at <= now]:
            del self._kept[key]
        return ()

    async def close(self) -> None:
        self._kept.clear()
        await self._client.close()

    @property
    def held(self) -> int:
        """How many credentials may be handed out again."""
        return len(self._kept)

    def _keep(self, key: tuple[object, ...], minted: Minted) -> None:
        self._kept.pop(key, None)
        if self._options.tags:
            return
        while len(self._kept) >= KEPT_MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = minted

    async def _assume(self, need: Need, run: RunId, call: CallId) -> Minted:
        name = session_name(run)
        asked = self._clock.now()
        form = {
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": need.role,
            "RoleSessionName": name,
            "DurationSeconds": str(int(need.lifetime_s)),
            "Policy": need.policy,
            **self._attribution(need.agent, run, call),
        }
        async with self._room:
            answer = await self._post(urlencode(form).encode())
        if answer.status != 200:
            raise UnavailableError(f"{need.role} cannot be assumed: {refusal(answer.status, answer.body)}")
        given = assumed(answer.body)
        if not need.margin_s * 1000 <= given.expires_at - asked <= need.lifetime_s * 1000 + LATE_MS:
            raise UnavailableError("STS gave a credential with another life than was asked for: is the clock right?")
        # The session's ARN as CloudTrail has it. The access key id would say more, but is masked like the rest of it.
        digest = hashlib.sha256(need.policy.encode()).hexdigest()[:12]
        return Minted(
            id=f"{need.role} as {name}, policy {digest}, until {given.expiration}",
            values=_values(given),
            expires_at=min(given.expires_at, asked + int(need.lifetime_s * 1000)),
        )

    def _attribution(self, agent: AgentId, run: RunId, call: CallId) -> dict[str, str]:
        told: dict[str, str] = {}
        if self._options.source_identity:
            told["SourceIdentity"] = session_name(agent)
        if self._options.tags:
            tags = {"ringfence-agent": agent, "ringfence-run": run, "ringfence-call": call}
            for number, (key, value) in enumerate(tags.items(), 1):
                told |= {f"Tags.member.{number}.Key": key, f"Tags.member.{number}.Value": session_name(value)}
        return told

    async def _post(self, body: bytes) -> WebAnswer:
        options = self._options
        key_id, secret, token = await options.credential()
        parts = urlsplit(options.endpoint)
        signer = Signer(key_id=key_id, secret=secret, token=token, region=options.region, service="sts")
        headers = signer.headers(parts.netloc, "/", {"content-type": _FORM}, body, self._clock.now())
        if any(not value.isascii() or not value.isprintable() for value in headers.values()):
            raise UnavailableError("the minter's own credential is none of AWS")
        return await self._client.post(f"{parts.scheme}://{parts.netloc}/", headers, body, most=ANSWER_MOST)


def session_name(text: str) -> str:
    """As `RoleSessionName`, `SourceIdentity` and the values of tags may be written: 2 to 64 of these characters."""
    return re.sub(r"[^A-Za-z0-9_+=,.@-]", "-", text)[:64].ljust(2, "-")


def _values(given: Assumed) -> Mapping[str, Secret]:
    """`json` is what `credential_process` prints, which every SDK of AWS reads."""
    written = {
        "Version": 1,
        "AccessKeyId": given.key_id,
        "SecretAccessKey": given.secret,
        "SessionToken": given.token,
        "Expiration": given.expiration,
    }
    return {
        "access_key_id": Secret(given.key_id),
        "secret_access_key": Secret(given.secret),
        "session_token": Secret(given.token),
        "json": Secret(json.dumps(written, separators=(",", ":"))),
    }
