"""What a server says of itself, read in the same way from every transport and era."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from ringfence.adapters.upstream.listing import PROMPTS, RESOURCES, TEMPLATES, TOOLS, Listing, all_items
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Result
from ringfence.adapters.wire.mcp import Era
from ringfence.adapters.wire.mcp_names import METHOD_NOT_FOUND
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import Described

logger = logging.getLogger(__name__)

MAX_INSTRUCTIONS = 65_536
MAX_LEFT_OUT = 20
"""Complaints about the lists of one server."""

Ask = Callable[[str, dict[str, Any]], Awaitable[Result | ErrorAnswer]]
"""One request that is no call, with these params. Raises UnavailableError where no answer comes."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What an `initialize` or a `server/discover` brought."""

    capabilities: Mapping[str, Any]
    instructions: str


def declared_in(result: Mapping[str, Any]) -> Declared:
    """Raises UnavailableError where the capabilities cannot be read."""
    capabilities, instructions = result.get("capabilities", {}), result.get("instructions")
    if not isinstance(capabilities, dict):
        raise UnavailableError("the server declares capabilities that are not an object")
    text = instructions[:MAX_INSTRUCTIONS] if isinstance(instructions, str) else ""
    return Declared(cast("dict[str, Any]", capabilities), text)


async def discovered(ask: Ask) -> Declared:
    """What a modern server declares now. Raises UnavailableError."""
    answer = await ask("server/discover", {})
    if isinstance(answer, ErrorAnswer):
        raise UnavailableError("the server refuses to say what it is")
    return declared_in(answer.result)


async def described(ask: Ask, era: Era, declared: Declared) -> Described:
    """Every list whose capability is declared. Raises UnavailableError where one of them breaks off, or the tools are unusable.

    A server that answers with an error to a list other than that of its tools has none of these: one that cannot reach its
    database may well list its tools, and its tools say then what is wrong.
    """

    left_out: dict[str, None] = {}

    def leave_out(why: str) -> None:
        if len(left_out) < MAX_LEFT_OUT:
            left_out[why] = None

    async def listed(listing: Listing) -> tuple[Mapping[str, Any], ...]:
        return await items_of(ask, listing, leave_out) if listing.capability in declared.capabilities else ()

    said = Described(
        era=str(era),
        capabilities=declared.capabilities,
        instructions=declared.instructions,
        tools=await listed(TOOLS),
        resources=await listed(RESOURCES),
        templates=await listed(TEMPLATES),
        prompts=await listed(PROMPTS),
    )
    return replace(said, left_out=tuple(left_out))


async def items_of(ask: Ask, listing: Listing, left_out: Callable[[str], None] | None = None) -> tuple[Mapping[str, Any], ...]:
    """All pages of one list; none where the server does not have the method, or refuses it. Raises UnavailableError."""

    async def page(cursor: str | None) -> Mapping[str, Any] | None:
        answer = await ask(listing.method, {} if cursor is None else {"cursor": cursor})
        if isinstance(answer, Result):
            return answer.result
        if answer.code == METHOD_NOT_FOUND and cursor is None:
            return None
        if listing is not TOOLS and cursor is None:
            logger.warning("the server refuses to list its %s (%d)", listing.what, answer.code)
            return None
        raise UnavailableError(f"the server refuses to list its {listing.what}")

    return await all_items(listing, page, left_out)
