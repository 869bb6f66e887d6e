"""Names of hosts that may be asked for: RFC 1123 names with a dot, never an address in any notation. Pure.

No decoding, no folding but of ASCII case, no trimming: the text that is checked is the one that is resolved and logged.
"""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.egress.opening import Refusal

LONGEST: Final = 253
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
"""A name that ends in one is an address to many a resolver (WHATWG URL, "ends in a number checker")."""


def host_of(text: str) -> str | Refusal:
    """The name in lower case, or why it is none."""
    if not text.isascii():
        return Refusal("host_name", 400, "the name is not ASCII")
    host = text.lower()
    if _is_address(host):
        return Refusal("address_literal", 403, "an address, not a name")
    if len(host) > LONGEST:
        return Refusal("host_name", 400, f"the name is longer than {LONGEST} characters")
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return Refusal("host_name", 400, "the name is not made of letters, digits, hyphens and dots")
    if len(labels) == 1:
        return Refusal("host_name", 403, "the name has no dot")
    return host


def _is_address(host: str) -> bool:
    """IPv4 in decimal, octal, hexadecimal, of one to four parts, with a dot behind it; IPv6, with brackets and zone too."""
    last = host.removesuffix(".").rpartition(".")[2]
    return ":" in host or "[" in host or "]" in host or _NUMBER.fullmatch(last) is not None
