"""The one place where a tool's credential meets its call: behind the decision, right before the call is sent.

Until here a call holds a placeholder that names the credential. That is what was decided, approved and recorded; where the
configuration names another credential by now, nothing is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

from ringfence.core.model.call import Call
from ringfence.core.model.credential import Minting, Place, ToolCredential
from ringfence.core.model.identifiers import ToolId
from ringfence.core.narrowing.session_policy import PolicyFault, session_policy
from ringfence.core.rules import ToolRule
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.errors import UnavailableError
from ringfence.ports.minter import Minted, Minter, MinterPlace, Need
from ringfence.ports.secrets import Secret, SecretRef

logger = logging.getLogger(__name__)

NO_SETTINGS: Mapping[str, MinterPlace] = MappingProxyType({})
MINT_S = 20.0
"""How long making a credential may take, and ending it."""
HELD_BACK = "the credential of this tool is not to be had"
"""What the agent hears; the reason is the operators'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """What is sent in the place of what was decided on: the same, with the value where the placeholder was."""

    arguments: bytes = field(repr=False)
    headers: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    env: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    lane: str = ""
    """Added to the principal: a process with this credential serves no other tool, and no other credential."""
    is_single: bool = False
    """The lane is this call's alone, and is over with it."""
    used: str = ""
    """The id of what was minted, or the reference."""


class Injection:
    """Reads, mints and revokes. `minters` by the names that the configuration gives them."""

    def __init__(
        self,
        secrets: SecretBook,
        minters: Callable[[Mapping[str, MinterPlace]], Mapping[str, Minter]] = lambda _: {},
        settings: Mapping[str, MinterPlace] = NO_SETTINGS,
        learn: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`minters` makes those of a configuration, and answers known ones with what they know. `learn` is told every minted
        secret before it is used, so that it is masked wherever it turns up."""
        self._learn = learn
        self._secrets = secrets
        self._make = minters
        self._minters = minters(settings)
        self._known: dict[ToolId, tuple[Secret, int]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def replace(self, settings: Mapping[str, MinterPlace]) -> None:
        """The minters of another configuration from now on. An earlier one still ends what it has made."""
        self._minters = self._make(settings)

    @asynccontextmanager
    async def injected(
        self, call: Call, rule: ToolRule | None, forget: Callable[[str], Awaitable[None]]
    ) -> AsyncGenerator[Injected]:
        """What to send for one call; afterwards what was minted for it is ended, also when it was cancelled.

        `forget` ends the process of a lane that is this call's alone.

        Raises UnavailableError, for operators only: nothing may be sent.
        """
        credential = rule.credential if rule is not None else None
        if credential is None:
            yield Injected(arguments=call.arguments)
        elif credential.minting is None:
            secret = await self._secrets.read(SecretRef(credential.reference, credential.folder))
            yield self._placed(call, credential, {credential.name: secret}, credential.reference)
        else:
            async with self._minted(call, credential, credential.minting, forget) as placed:
                yield placed

    async def sweep(self) -> None:
        """End whatever was minted for calls that are over. One system that does not answer delays no other."""
        await asyncio.gather(*(self._sweep(name, minter) for name, minter in self._minters.items()))

    async def close(self) -> None:
        """Wait for what is being ended, and let go of the minters."""
        if self._ending:
            await asyncio.wait(self._ending, timeout=MINT_S)
        await asyncio.gather(*(minter.close() for minter in self._minters.values()), return_exceptions=True)

    @asynccontextmanager
    async def _minted(
        self, call: Call, credential: ToolCredential, minting: Minting, forget: Callable[[str], Awaitable[None]]
    ) -> AsyncGenerator[Injected]:
        minter = self._minters.get(minting.minter)
        if minter is None:
            raise UnavailableError(f"there is no minter `{minting.minter}`")
        _check(call, credential)
        try:
            async with asyncio.timeout(MINT_S):
                minted = await minter.mint(_need(call, minting), call.run, call.id)
        except TimeoutError as error:
            raise UnavailableError(f"minter `{minting.minter}` does not answer") from error
        lane, is_cancelled = "", False
        try:
            for secret in _secrets_of(minted):
                self._learn(secret.reveal())
            placed = self._placed(call, credential, _handed_over(minted, minting, credential.name), minted.id)
            lane = placed.lane
            yield placed
        except asyncio.CancelledError:
            is_cancelled = True
            raise
        finally:
            ending = asyncio.create_task(self._end(minter, minted.id, lane, forget))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            if not is_cancelled:  # a stop is not kept waiting
                await asyncio.shield(ending)

    async def _end(self, minter: Minter, minted: str, lane: str, forget: Callable[[str], Awaitable[None]]) -> None:
        if lane:
            await forget(lane)
        try:
            async with asyncio.timeout(MINT_S):
                await minter.revoke(minted)
        except (UnavailableError, TimeoutError) as error:
            logger.error("%s could not be ended, the next sweep tries again: %s", minted, error or "no answer in time")

    async def _sweep(self, name: str, minter: Minter) -> None:
        try:
            async with asyncio.timeout(MINT_S):
                ended = await minter.sweep()
        except (UnavailableError, TimeoutError) as error:
            logger.error("minter `%s` could not be swept: %s", name, error or "no answer in time")
        else:
            if ended:
                logger.warning("minter `%s`: ended %s, whose calls are over", name, ", ".join(ended[:20]))

    def _placed(self, call: Call, credential: ToolCredential, values: Mapping[str, Secret], used: str) -> Injected:
        """`values` by the names of variables; else one, by the credential's name."""
        name = credential.name
        match credential.place:
            case Place.ARGUMENT:
                _check(call, credential)
                arguments = canonical_bytes({**call.value, name: values[name].reveal()})
                return Injected(arguments=arguments, used=used)
            case Place.HEADER:
                if not values[name].reveal().isprintable():
                    raise UnavailableError(f"the value for the header `{name}` does not fit on one line")
                return Injected(arguments=call.arguments, headers=values, used=used)
            case Place.ENV:
                for variable, value in values.items():
                    if "\0" in value.reveal():
                        raise UnavailableError(f"the value for the variable `{variable}` holds a NUL character")
                single = credential.minting is not None
                lane = f"|{call.tool}|{call.id if single else self._turn(call.tool, values[name])}"
                return Injected(arguments=call.arguments, env=values, lane=lane, is_single=single, used=used)

    def _turn(self, tool: ToolId, value: Secret) -> int:
        """Another number whenever the value is another, so that no process goes on with what was rotated."""
        known = self._known.get(tool)
        if known is None or known[0] != value:
            known = self._known[tool] = (value, known[1] + 1 if known is not None else 0)
        return known[1]


def _check(call: Call, credential: ToolCredential) -> None:
    """The placeholder stands where it stood when the call was decided, and names this credential. Raises UnavailableError."""
    if credential.place is Place.ARGUMENT and call.value.get(credential.name) != credential.placeholder:
        raise UnavailableError(f"the credential of {call.tool} is not the one that the call was decided with")


def _secrets_of(minted: Minted) -> list[Secret]:
    """A user's name is no secret, the log names it; `json` is made of the others, and what is remembered is bounded."""
    return [value for name, value in minted.values.items() if name != "json" and value.reveal() != minted.id]


def _need(call: Call, minting: Minting) -> Need:
    """What the call has to be able to do. Raises UnavailableError."""
    policy: str | PolicyFault = session_policy(minting.role, call.value) if minting.role is not None else ""
    if isinstance(policy, PolicyFault):
        raise UnavailableError(policy.why)
    return Need(
        grants=minting.grants,
        statement_s=minting.statement_s,
        role=minting.role.arn if minting.role is not None else "",
        policy=policy,
        lifetime_s=minting.lifetime_s,
        margin_s=minting.margin_s,
        agent=call.agent,
    )


def _handed_over(minted: Minted, minting: Minting, name: str) -> Mapping[str, Secret]:
    """By the name of each variable, or by the credential's. Raises UnavailableError."""
    wanted = minting.variables or ((name, minting.value),)
    if missing := [value for _, value in wanted if value not in minted.values]:
        raise UnavailableError(f"minter `{minting.minter}` makes no `{missing[0]}`")
    return {variable: minted.values[value] for variable, value in wanted}
