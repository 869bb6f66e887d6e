"""The names of one endpoint: a server's own at `/mcp/{server}`, carrying their server at `/mcp`. Pure.

Both mappings at `/mcp` are injective, since a server id holds neither `_` nor `:`. The URI mapping only adds a prefix, so that
what a client expands from a mapped template is the mapped form of what it would have expanded from the template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from ringfence.core.mcp.methods import GET_PROMPT, READ_RESOURCE
from ringfence.core.model.identifiers import ServerId
from ringfence.ports.upstream import ServerRequest

URI_SCHEME: Final = "ringfence"
SAMPLE: Final = "sampling/createMessage"
_URI = re.compile(rf"{URI_SCHEME}:([a-z0-9-]{{1,24}}):(.+)", re.DOTALL)
_NAME = re.compile(r"([a-z0-9-]{1,24})__(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`/mcp/{server}`, or `/mcp` where the server is None."""

    server: str | None

    def shown_uri(self, server: str, uri: str) -> str:
        """A server's URI as clients of this endpoint know it."""
        return uri if self.server is not None else f"{URI_SCHEME}:{server}:{uri}"

    def own_uri(self, shown: str) -> tuple[ServerId, str] | None:
        """The server and its own URI; None for what this endpoint never showed."""
        return (ServerId(self.server), shown) if self.server is not None else _split(_URI, shown)

    def shown_prompt(self, server: str, name: str) -> str:
        """A server's prompt name as clients of this endpoint know it."""
        return name if self.server is not None else f"{server}__{name}"

    def own_prompt(self, shown: str) -> tuple[ServerId, str] | None:
        """The server and its own prompt name; None for what this endpoint never showed."""
        return (ServerId(self.server), shown) if self.server is not None else _split(_NAME, shown)

    def shown_result(self, result: Mapping[str, Any], server: str | None, method: str) -> Mapping[str, Any]:
        """A server's result with the URIs of its links and embedded resources as this endpoint shows them.

        What else looks like a URI is left as it is: text is the model's, and `structuredContent` has the shape that its output
        schema says, which does not tell what is the URI of a resource and what is a web address.
        """
        if self.server is not None or server is None:
            return result
        if method == READ_RESOURCE:
            return _mapped_list(result, "contents", lambda item: self._with_uri(item, server))
        if method == GET_PROMPT:
            return _mapped_list(result, "messages", lambda item: self._message(item, server))
        blocks: Any = result.get("content")
        if not isinstance(blocks, list) or not any(_names_resource(block) for block in cast("list[Any]", blocks)):
            return result
        return _mapped_list(result, "content", lambda item: self._block(item, server))

    def shown_request(self, request: ServerRequest) -> dict[str, Any]:
        """The params of what a server asks, with the URIs of embedded resources as this endpoint shows them."""
        params = dict(request.params)
        if self.server is not None or not request.origin or request.method != SAMPLE:
            return params
        return dict(_mapped_list(params, "messages", lambda item: self._sampled(item, request.origin)))

    def _sampled(self, message: dict[str, Any], server: str) -> dict[str, Any]:
        """A message of a sampling request has one block or several; one that tells a tool's result holds more."""
        if isinstance(message.get("content"), list):
            return dict(_mapped_list(message, "content", lambda block: self._told(block, server)))
        content = message.get("content")
        return {**message, "content": self._told(_object(content), server)} if isinstance(content, dict) else message

    def _told(self, block: dict[str, Any], server: str) -> dict[str, Any]:
        if block.get("type") != "tool_result":
            return self._block(block, server)
        return dict(_mapped_list(block, "content", lambda item: self._block(item, server)))

    def _message(self, message: dict[str, Any], server: str) -> dict[str, Any]:
        content = message.get("content")
        return {**message, "content": self._block(_object(content), server)} if isinstance(content, dict) else message

    def _block(self, block: dict[str, Any], server: str) -> dict[str, Any]:
        if block.get("type") == "resource_link":
            return self._with_uri(block, server)
        if block.get("type") == "resource" and isinstance(block.get("resource"), dict):
            return {**block, "resource": self._with_uri(_object(block["resource"]), server)}
        return block

    def _with_uri(self, item: dict[str, Any], server: str) -> dict[str, Any]:
        uri = item.get("uri")
        return {**item, "uri": self.shown_uri(server, uri)} if isinstance(uri, str) else item


def _names_resource(block: Any) -> bool:
    return isinstance(block, dict) and _object(block).get("type") in ("resource_link", "resource")


def _split(pattern: re.Pattern[str], shown: str) -> tuple[ServerId, str] | None:
    found = pattern.fullmatch(shown)
    return None if found is None else (ServerId(found[1]), found[2])


def _mapped_list(result: Mapping[str, Any], key: str, mapped: Any) -> Mapping[str, Any]:
    items = result.get(key)
    if not isinstance(items, list):
        return result
    found = cast("list[Any]", items)
    return {**result, key: [mapped(_object(item)) if isinstance(item, dict) else item for item in found]}


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value)
