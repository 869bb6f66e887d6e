"""What an issuer says of itself: where people log in, where codes are redeemed, where its keys are.

Source: OpenID Connect Discovery 1.0, sections 3 and 4; RFC 8414; RFC 8628, section 4; RFC 9207, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, cast
from urllib.parse import urlsplit

from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import RequestError

PATH: Final = "/.well-known/openid-configuration"
DOCUMENT_MOST: Final = 256 * 1024
"""Bytes."""
_URL_MOST: Final = 2000
_BASIC, _POST = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The part of the document that is used."""

    authorization: str
    token: str
    keys: str
    device: str
    """Empty: no device grant."""
    algorithms: frozenset[str] | None
    """Of ID tokens; None: it does not say."""
    secret_in_body: bool
    """The client secret goes into the form, because the issuer reads no `Authorization` header."""
    names_itself: bool
    """Its answers carry `iss`, so that one without it is not its own."""


def discovery_url(issuer: str) -> str:
    return issuer.rstrip("/") + PATH


def read_discovery(data: bytes, issuer: str) -> Endpoints:
    """The document of exactly this issuer. Raises: RequestError."""
    value = parse_strict(data)
    if not isinstance(value, dict):
        raise RequestError("not an object")
    document = cast("dict[str, Any]", value)
    if document.get("issuer") != issuer:
        raise RequestError("it is the document of another issuer")
    challenges = _texts(document, "code_challenge_methods_supported")
    if challenges is not None and "S256" not in challenges:
        raise RequestError("the issuer does not offer PKCE with S256")
    methods = _texts(document, "token_endpoint_auth_methods_supported")
    return Endpoints(
        authorization=_endpoint(document, "authorization_endpoint", issuer),
        token=_endpoint(document, "token_endpoint", issuer),
        keys=_endpoint(document, "jwks_uri", issuer),
        device=_endpoint(document, "device_authorization_endpoint", issuer, optional=True),
        algorithms=_texts(document, "id_token_signing_alg_values_supported"),
        secret_in_body=methods is not None and _BASIC not in methods and _POST in methods,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def is_safe_url(url: str, issuer: str) -> bool:
    """Whether a URL that an issuer names may be used: https; plain http only where the issuer itself is on this machine."""
    if not 0 < len(url) <= _URL_MOST or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts, own = urlsplit(url), urlsplit(issuer)
        _ = parts.port
    except ValueError:
        return False
    if not parts.hostname or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (
        parts.scheme == own.scheme == "http" and is_this_machine(parts.hostname) and is_this_machine(own.hostname or "")
    )


def is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _endpoint(document: Mapping[str, Any], name: str, issuer: str, *, optional: bool = False) -> str:
    url = document.get(name)
    if url is None and optional:
        return ""
    if not isinstance(url, str) or not is_safe_url(url, issuer):
        raise RequestError(f"its {name} is missing, or no https URL")
    return url


def _texts(document: Mapping[str, Any], name: str) -> frozenset[str] | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, list):
        raise RequestError(f"its {name} is not a list")
    return frozenset(item for item in cast("list[Any]", value) if isinstance(item, str))
