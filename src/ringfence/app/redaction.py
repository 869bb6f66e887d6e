"""Which literals of a configuration are secrets, and how the process log is kept free of all of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import cast
from urllib.parse import parse_qsl, unquote, urlsplit

from ringfence.app.config.secret_values import looks_like_credential
from ringfence.app.config.settings import Loaded, Value
from ringfence.core.scan.redactor import Redactor
from ringfence.ports.secrets import SecretRef


class RedactedFormatter(logging.Formatter):
    """The lines of another formatter, tracebacks included, with every known secret masked."""

    def __init__(self, inner: logging.Formatter, redactor: Redactor) -> None:
        super().__init__()
        self._inner = inner
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(self._inner.format(record))


def redact_logs(redactor: Redactor) -> None:
    """From now on no line of the process log holds a known secret."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(RedactedFormatter(handler.formatter or logging.Formatter(), redactor))


def references(loaded: Loaded) -> set[SecretRef]:
    """Every secret that a configuration refers to."""
    found: set[SecretRef] = set()
    stack: list[object] = [loaded]
    while stack:
        item = stack.pop()
        if isinstance(item, SecretRef):
            found.add(item)
        elif isinstance(item, Mapping):
            stack.extend(cast("Mapping[object, object]", item).values())
        elif isinstance(item, list | tuple | set | frozenset):
            stack.extend(cast("list[object]", item))
        elif is_dataclass(item) and not isinstance(item, type):
            stack.extend(getattr(item, part.name) for part in fields(item))
    return found


def literal_secrets(loaded: Loaded) -> Iterator[str]:
    """What is written into the file itself and looks like a credential."""
    for server in loaded.servers.values():
        yield from _of_values(server.env)
        yield from _of_values(server.headers)
        yield from _of_url(server.url)
        for part in server.command[1:]:
            name, _, value = part.partition("=")
            if looks_like_credential(name if value else "", value or part):
                yield value or part
    for upstream in loaded.models.values():
        yield from _of_values(upstream.headers)
    for webhook in loaded.alerts.webhooks:
        # Whoever knows where it is posted can post there (Slack's are like that).
        yield urlsplit(webhook.url).path.strip("/")
        yield from _of_url(webhook.url)
    if loaded.otlp is not None:
        yield from _of_values(loaded.otlp.headers)
        yield from _of_url(loaded.otlp.endpoint)
    for anchor in loaded.log.anchors:
        yield from _of_url(anchor.webhook)
    for forward in loaded.log.forward:
        yield from _of_values(forward.headers)
        yield from _of_url(forward.ocsf)


def _of_values(values: Mapping[str, Value]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, str) and (looks_like_credential(name, value) or name.lower().endswith("key")):
            yield value


def _of_url(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    if parts.password:
        yield unquote(parts.password)
    for name, value in parse_qsl(parts.query):
        if looks_like_credential(name, value):
            yield value
