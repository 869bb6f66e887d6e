"""What protects people's browsers: which hosts are served, which pages may post, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def is_served(host: str, public_url: str) -> bool:
    """Whether a Host header names this control plane over TCP: loopback, or the configured public host (DNS rebinding)."""
    name = _hostname(f"//{host}")
    return name is not None and (
        name in _LOOPBACK or (bool(public_url) and host.lower() == urlsplit(public_url).netloc.lower())
    )


def is_own_page(headers: Mapping[str, str]) -> bool:
    """Whether an unsafe request with a cookie comes from a page of ours.

    Fetch metadata first (https://www.w3.org/TR/fetch-metadata/), and Origin against Host. A browser that says neither is
    refused.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if origin is not None:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc.lower() == headers.get("host", "").lower()
    return site == "same-origin"


def is_secure(host: str, scheme: str, public_url: str) -> bool:
    """Whether the cookie may be marked Secure: the browser came over https, itself or through the public address."""
    public = urlsplit(public_url)
    return scheme == "https" or (public.scheme == "https" and host.lower() == public.netloc.lower())


def _hostname(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return None if "@" in parts.netloc or parts.path or parts.query else parts.hostname
