"""Reading a request to a model: what it asks for, and what becomes of secrets in it. Large ones beside the event loop.

A body is parsed once; both look at the same value. Whoever waits for a place waits for one of few threads; a thread cannot be
stopped, so a request that is cancelled leaves its reading behind, and the place is free when that ends.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ringfence.core.metering.request import ModelRequest, Unreadable, read_count, read_request
from ringfence.core.metering.rules import ModelRules, SecretsAction
from ringfence.core.observing.secrets import CLEAN, Handled, Memory, SecretFinder
from ringfence.core.own_tools.modelling import Act, models_of
from ringfence.core.scan.redactor import RULE as OWN
from ringfence.core.scan.redactor import Redactor
from ringfence.core.scan.scanner import ScanError
from ringfence.core.scan.secret_rules import SECRET_RULES

LARGE: Final = 64 << 10
"""Bytes: about a millisecond of reading, ten times what a thread costs."""
MANY: Final = 2000
"""Objects, which cost far more to look at than their bytes."""
AT_ONCE: Final = 2
_PUBLISHED: Final = frozenset(rule.id for rule in SECRET_RULES)
NOBODY_KNOWN: Final[Container[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Read:
    """A request that can be counted."""

    request: ModelRequest
    body: bytes
    """What is sent: as it came, but for masks."""
    secrets: Handled | None = None
    """What became of secrets in it; None: there were none."""


Found = Read | Unreadable


class RequestReader:
    """Reads bodies for one gateway."""

    def __init__(self, redactor: Redactor, at_once: int = AT_ONCE) -> None:
        self._redactor = redactor
        self._memory = Memory()
        self._here = SecretFinder(redactor, self._memory)
        self._apart: list[SecretFinder] = []
        self._free = asyncio.Semaphore(at_once)
        self._under_way: set[asyncio.Task[Found]] = set()

    async def read(self, act: Act, data: bytes, rules: ModelRules, known: Container[str] = NOBODY_KNOWN) -> Found:
        """What a body of these bytes asks for. `known`: ids of tool uses and results that were noted before."""
        reading = partial(_read, act, data, rules, known, looks=self._looks(rules))
        if len(data) <= LARGE and data.count(b"{") <= MANY:
            return reading(self._here)
        await self._free.acquire()
        task = asyncio.ensure_future(self._beside(reading))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _looks(self, rules: ModelRules) -> bool:
        """Whether anything is looked for at all."""
        return bool(self._redactor) or any(one.secrets is not SecretsAction.OFF for one in rules.upstreams)

    async def _beside(self, reading: Callable[[SecretFinder], Found]) -> Found:
        finder = self._apart.pop() if self._apart else SecretFinder(self._redactor, self._memory)
        found = await asyncio.to_thread(reading, finder)
        self._apart.append(finder)
        return found

    def _ended(self, task: asyncio.Task[Found]) -> None:
        self._under_way.discard(task)
        self._free.release()
        if not task.cancelled():
            # Where nobody waits any more, nobody else would fetch what it raised.
            task.exception()


def _read(act: Act, data: bytes, rules: ModelRules, known: Container[str], finder: SecretFinder, *, looks: bool) -> Found:
    looked, why = CLEAN, ""

    def look(body: Any) -> None:
        nonlocal looked, why
        try:
            looked = finder.look(body, rules.allow_secrets)
        except ScanError as error:
            why = str(error)

    request = _facts(act, data, known, look if looks else None)
    if isinstance(request, Unreadable) or not (looked.found or why):
        return request if isinstance(request, Unreadable) else Read(request, data)
    upstream = rules.upstream_of(models_of(request))
    action = upstream.secrets if upstream is not None else SecretsAction.MASK
    if why:
        # What was not looked through may hold anything.
        return Read(request, data, Handled(action=SecretsAction.REFUSE, why=why))
    own = any(one.rule == OWN for one in looked.found)
    told = looked.found if action is not SecretsAction.OFF else tuple(one for one in looked.found if one.rule == OWN)
    if action is SecretsAction.REFUSE:
        return Read(request, data, Handled(action=action, found=told))
    if action is not SecretsAction.MASK and not own:
        return Read(request, data, Handled(action=SecretsAction.FLAG, found=told) if told else None)
    left = rules.allow_secrets if action is SecretsAction.MASK else _PUBLISHED
    return _masked(act, data, known, finder, left, told)


def _masked(
    act: Act, data: bytes, known: Container[str], finder: SecretFinder, left: Container[str], told: tuple[Any, ...]
) -> Found:
    try:
        body = finder.masked(data, tuple(rule for rule in _PUBLISHED if rule in left))
    except ScanError as error:
        request = _facts(act, data, known, None)
        why = Handled(action=SecretsAction.REFUSE, found=told, why=str(error))
        return request if isinstance(request, Unreadable) else Read(request, data, why)
    request = _facts(act, body, known, None)
    if isinstance(request, Unreadable):
        return request
    return Read(request, body, Handled(action=SecretsAction.MASK, found=told, came=hashlib.sha256(data).hexdigest()))


def _facts(act: Act, data: bytes, known: Container[str], look: Callable[[Any], None] | None) -> ModelRequest | Unreadable:
    return read_count(data, known, look=look) if act is Act.COUNT else read_request(data, known, look=look)
