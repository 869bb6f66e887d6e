"""The rounds of a call whose modern server wants more before it answers.

Source: MCP 2026-07-28, multi-round-trip requests: the same request again under a new id, with the answers to what was asked and
the server's state byte for byte.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ringfence.adapters.upstream.answers import InputRequired
from ringfence.adapters.upstream.asked import NOT_OFFERED, is_declared
from ringfence.adapters.wire.mcp_names import INTERNAL_ERROR
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import RequestError
from ringfence.ports.upstream import ClientAnswer, Failed, Granted, NotSent, Reply, Sending, ServerRequest, Unknown

MAX_ROUNDS = 10
LONGEST_PAUSE_S = 1.0
_DECLINE = {"action": "decline"}

Again = Callable[[bytes], Awaitable[Reply | InputRequired]]
"""Sends the call once more, with these further members of its params."""


async def in_rounds(sending: Sending, first: InputRequired, again: Again, *, deadline: float, pause_s: float) -> Reply:
    """Give the server what it wants until it answers, at most ten times. `deadline` is in loop time.

    A result that asks for nothing is repeated after `pause_s`, then after twice as long, and so on up to one second.
    """
    wanted = first
    for _ in range(MAX_ROUNDS):
        try:
            async with asyncio.timeout_at(deadline):
                if wanted.requests:
                    more = await _answers(sending, wanted.requests)
                else:
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                    more = b""
        except TimeoutError:
            return Unknown("the deadline passed while the server waited for more")
        if isinstance(more, Failed):
            return more
        if wanted.state is not None:
            more += b',"requestState":' + canonical_bytes(wanted.state)
        reply = await again(more)
        if isinstance(reply, NotSent):
            # An earlier round left, and what the server did with that one is its secret.
            return Unknown(f"{reply.why}, after the server had asked for more")
        if not isinstance(reply, InputRequired):
            return reply
        wanted = reply
    return Failed(INTERNAL_ERROR, f"the server asked for more than {MAX_ROUNDS} times")


async def _answers(sending: Sending, requests: Mapping[str, ServerRequest]) -> bytes | Failed:
    answers: dict[str, ClientAnswer] = {}
    passed = {key: asked for key, asked in requests.items() if is_declared(asked, sending.capabilities)}
    if passed and sending.on_requests is not None:
        answers |= await sending.on_requests(passed)
    responses: dict[str, Any] = {}
    for key, asked in requests.items():
        answer = answers.get(key, NOT_OFFERED)
        if isinstance(answer, Granted):
            responses[key] = dict(answer.result)
        elif asked.method == "elicitation/create":
            responses[key] = _DECLINE
        else:
            return Failed(answer.code, f"{asked.method} was declined: {answer.message}")
    try:
        return b',"inputResponses":' + canonical_bytes(responses)
    except RequestError as error:
        return Failed(INTERNAL_ERROR, f"the client's answer cannot be written: {error}")
