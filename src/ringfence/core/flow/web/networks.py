"""Single addresses of the internet: one address, and the network of that one address. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

_LONGEST: Final = 50


def single_of(value: str) -> str | None:
    """The address that a text is, or that is alone in the network that it is (RFC 4632); None for anything else.

    A wider network is never an address: `10.0.0.0/24` holds 256 of them.
    """
    bare, slash, length = value.partition("/")
    if len(value) > _LONGEST or not ("." in bare or ":" in bare) or "%" in bare:
        return None
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return str(address) if not slash or length == str(address.max_prefixlen) else None


def singles_in(tokens: Iterable[str]) -> frozenset[str]:
    """Every single address among words."""
    return frozenset(
        found
        for token in tokens
        if token[-1:].isalnum() and token[:1].isalnum() | (token[:1] == ":") and (found := single_of(token))
    )
