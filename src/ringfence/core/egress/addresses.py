"""Which addresses a name may stand for. Pure: whoever resolved it says what it got.

`ipaddress` alone does not know what matters here: metadata services on public addresses, addresses inside addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from ringfence.core.egress.opening import Refusal

MOST: Final = 64
"""Addresses of one name."""
_PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_UNIQUE_LOCAL: Final = IPv6Network("fc00::/7")
_METADATA: Final = frozenset(
    map(ip_address, ("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254"))
)
_NEVER_4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
"""IANA's registry of special-purpose IPv4 addresses, without RFC 1918."""
_GLOBAL_6: Final = IPv6Network("2000::/3")
"""All that IANA has given out of IPv6 as global unicast. Mapped, NAT64, link-local, site-local and multicast lie outside."""
_NEVER_6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")))
"""What of that is special: Teredo, ORCHID and benchmarks; documentation; 6to4; AS112."""


def judged(answers: Sequence[str], *, private: bool = False) -> tuple[str, ...] | Refusal:
    """The addresses in order, written in one way. One that is not allowed refuses the whole name: a name with a public and a
    private address is a rebinding in one answer. `private`: RFC 1918 and unique-local addresses too. Loopback: never."""
    if not answers:
        return Refusal("unresolved", 502, "the name has no address")
    if len(answers) > MOST:
        return Refusal("address", 403, f"the name has more than {MOST} addresses")
    written: list[str] = []
    for answer in answers:
        try:
            address = ip_address(answer)
        except ValueError:
            return Refusal("address", 403, "an answer that is no address")
        if not _is_allowed(address, private):
            return Refusal("address", 403, f"the name stands for {address}")
        written.append(str(address))
    return tuple(dict.fromkeys(written))


def pinned(addresses: Sequence[str]) -> tuple[str, ...] | Refusal:
    """Addresses that an operator wrote down. What hands out credentials to whoever asks is refused even then."""
    written: list[str] = []
    for text in addresses:
        try:
            address = ip_address(text)
        except ValueError:
            return Refusal("address", 403, f"`{text[:60]}` is no address")
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        if mapped is not None:
            return Refusal("address", 403, f"{address} hides an IPv4 address: write {mapped}")
        if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
            return Refusal("address", 403, f"{address} is never dialled")
        written.append(str(address))
    return tuple(dict.fromkeys(written))


def _is_allowed(address: IPv4Address | IPv6Address, private: bool) -> bool:
    if address in _METADATA:
        return False
    if isinstance(address, IPv4Address):
        if any(address in network for network in _PRIVATE):
            return private
        return address.is_global and not any(address in network for network in _NEVER_4)
    if address.scope_id is not None:
        return False
    if address in _UNIQUE_LOCAL:
        return private
    return address in _GLOBAL_6 and address.is_global and not any(address in network for network in _NEVER_6)
