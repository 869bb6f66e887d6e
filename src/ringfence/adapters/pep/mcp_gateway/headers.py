"""Reading the raw header lines of one request. Pure.

Source: MCP 2026-07-28, transports (routing headers); RFC 9110, section 5.5 (white space around values).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.wire.mcp_names import HEADER_MISMATCH, INVALID_REQUEST

_MCP_PREFIX: Final = "mcp-"
_ONCE: Final = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "content-encoding",
        "transfer-encoding",
        "authorization",
        "dpop",
        "origin",
    }
)
_CREDENTIAL_LIMIT = 8192
"""Characters. Ours have 47; an issuer's token may say much about its subject."""


class Scheme(StrEnum):
    """How a credential is presented."""

    BEARER = "bearer"
    """RFC 6750, section 2.1."""
    DPOP = "dpop"
    """RFC 9449, section 7.1."""


def read_headers(lines: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str] | Rejection:
    """The lines as a mapping: names in lower case, values without spaces and tabs around them.

    A line that two readers could take differently because it stands twice is refused; other repeated lines are joined.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in lines:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip(" \t")
        if name not in headers:
            headers[name] = value
        elif name.startswith(_MCP_PREFIX):
            return Rejection(status=400, code=HEADER_MISMATCH, message=f"{name} header appears more than once", close=True)
        elif name in _ONCE:
            return Rejection(status=400, code=INVALID_REQUEST, message=f"{name} header appears more than once", close=True)
        else:
            headers[name] = f"{headers[name]}, {value}"
    return headers


def credential_in(headers: Mapping[str, str]) -> tuple[str, Scheme]:
    """The credential, empty where there is none that could be known, and how it is presented."""
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    credential = credential.strip(" ")
    shown = Scheme.DPOP if scheme.lower() == Scheme.DPOP else Scheme.BEARER
    if scheme.lower() != shown or len(credential) > _CREDENTIAL_LIMIT or not credential.isascii():
        return "", shown
    return credential, shown


def bearer(headers: Mapping[str, str]) -> str:
    """The bearer credential; empty where there is none."""
    credential, scheme = credential_in(headers)
    return credential if scheme is Scheme.BEARER else ""


def is_json(content_type: str) -> bool:
    """Whether a content type is JSON in UTF-8, and nothing that merely begins like it."""
    if content_type == "application/json":
        return True
    kind, _, rest = content_type.partition(";")
    if kind.strip(" \t").lower() != "application/json":
        return False
    parameters = [part.strip(" \t").lower() for part in rest.split(";")] if rest else []
    return all(part in ("", "charset=utf-8", 'charset="utf-8"') for part in parameters)


def accepts(accept: str, wanted: str) -> bool:
    """Whether an `Accept` value names a media type, or a range that covers it (RFC 9110, section 12.5.1)."""
    family = wanted.partition("/")[0]
    for item in accept.split(","):
        kind, _, parameters = item.partition(";")
        if kind.strip(" \t").lower() not in (wanted, f"{family}/*", "*/*"):
            continue
        weight = next((p.partition("=")[2] for p in parameters.replace(" ", "").split(";") if p.lower().startswith("q=")), "1")
        return weight.strip("0.") != ""
    return False


def bearer_in(lines: Iterable[tuple[bytes, bytes]]) -> str:
    """The bearer credential among raw lines; empty where there is not exactly one `Authorization` line."""
    values = [value for name, value in lines if name.lower() == b"authorization"]
    return bearer({"authorization": values[0].decode("latin-1").strip(" \t")}) if len(values) == 1 else ""
