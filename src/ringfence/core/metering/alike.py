"""What makes a request, or an answer, one that came before: digests without what differs each time.

Bytes of a client's and of a model's making; nothing is decided by what they say, only by that they say it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ringfence.core.strict_json.canonical import canonical_bytes, digest_of
from ringfence.errors import RequestError

DIGITS: Final = b"0123456789"
_OPENING: Final = 2
"""Messages of a conversation that has only begun."""
_MADE_UP: Final = frozenset({"id", "tool_use_id", "cache_control"})
_USES: Final = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})


def given_in(messages: Sequence[Any], system: Any = None) -> str:
    """A digest of what a request newly gives its model: its last message, without the ids that a client makes up anew; and whom
    it speaks to, since a generator and its verifier may hear the same words. Clients write the time into a system prompt, so
    digits in that count for nothing.

    In a conversation that goes on, digits in what is said count for nothing: "check answer 7" gives no more than "check answer
    6". In the results of tools they count: a percentage that rises is news.
    """
    if not messages or not isinstance(messages[-1], Mapping):
        return ""
    try:
        heard = digest_of(_bare(messages[-1].get("content"), goes_on=len(messages) > _OPENING))
        if system is None:
            return heard
        spoken_to = canonical_bytes(_bare(system, goes_on=False)).translate(None, DIGITS)
        return hashlib.sha256(heard.encode() + spoken_to).hexdigest()
    except RequestError:
        return ""


def answer_in(blocks: Iterable[Mapping[str, Any]]) -> str:
    """A digest of the texts and tool uses of a whole answer, without the digits in them."""
    said: list[Any] = []
    for block in blocks:
        if block.get("type") == "text":
            said.append(block.get("text"))
        elif block.get("type") in _USES:
            said.append([block.get("name"), block.get("input")])
    try:
        return hashlib.sha256(canonical_bytes(said).translate(None, DIGITS)).hexdigest()
    except RequestError:
        return ""


def _bare(content: Any, *, goes_on: bool) -> Any:
    if isinstance(content, str):
        # Of bytes, because a message may be long: a regular expression takes twenty times as long.
        return (
            content.encode("utf-8", "surrogatepass").translate(None, DIGITS).decode("utf-8", "surrogatepass")
            if goes_on
            else content
        )
    if not isinstance(content, list):
        return content
    blocks = [
        {key: each[key] for key in each if key not in _MADE_UP} if isinstance(each, Mapping) else each for each in content
    ]
    return [{**each, "text": _bare(each["text"], goes_on=goes_on)} if _is_text(each) else each for each in blocks]


def _is_text(block: Any) -> bool:
    return isinstance(block, Mapping) and block.get("type") == "text" and isinstance(block.get("text"), str)
