"""What STS answers, read without trust: no document type, hence no entities; bounded; only the few elements that count."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from xml.parsers import expat

from ringfence.core.model.identifiers import Millis
from ringfence.errors import UnavailableError

ANSWER_MOST: Final = 64 * 1024
_DEEPEST: Final = 16
_MOST_ELEMENTS: Final = 200
_CREDENTIALS: Final = ("AssumeRoleResponse", "AssumeRoleResult", "Credentials")
_KEY_ID: Final = re.compile(r"[A-Z0-9]{16,128}")
_SECRET: Final = re.compile(r"[A-Za-z0-9/+=]{16,256}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9/+=_-]{1,16384}")
_CODE: Final = re.compile(r"[A-Za-z0-9.]{1,60}")
_QUOTED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "MalformedPolicyDocument", "PackedPolicyTooLarge", "RegionDisabledException"}
)
"""Errors whose message holds nothing of the request's credential, and helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """The credential of a role."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    expires_at: Millis
    expiration: str
    """The same, as STS wrote it."""


def assumed(body: bytes) -> Assumed:
    """The credential in an answer. Raises UnavailableError, which quotes nothing of it."""
    texts = _texts(body)
    key_id, secret, token, expiration = (
        texts.get((*_CREDENTIALS, name), "") for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    )
    if _KEY_ID.fullmatch(key_id) is None or _SECRET.fullmatch(secret) is None or _TOKEN.fullmatch(token) is None:
        raise UnavailableError("STS answered without a credential")
    try:
        moment = datetime.fromisoformat(expiration)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or len(expiration) > 40:
        raise UnavailableError("STS did not say when the credential expires")
    return Assumed(key_id=key_id, secret=secret, token=token, expires_at=int(moment.timestamp() * 1000), expiration=expiration)


def refusal(status: int, body: bytes) -> str:
    """Why nothing was given, for operators."""
    try:
        texts = _texts(body)
    except UnavailableError:
        return f"STS answered with HTTP status {status}"
    code = _of_error(texts, "Code")
    if _CODE.fullmatch(code) is None:
        return f"STS answered with HTTP status {status}"
    said = _of_error(texts, "Message") if code in _QUOTED else ""
    said = "".join(sign if sign.isprintable() else " " for sign in said[:300])
    return f"STS refuses: {code}" + (f": {said}" if said else "")


def _of_error(texts: Mapping[tuple[str, ...], str], name: str) -> str:
    return next((text for path, text in texts.items() if path[-2:] == ("Error", name)), "")


def _texts(body: bytes) -> Mapping[tuple[str, ...], str]:
    """The text of each element by its path, names without their namespace. Raises UnavailableError."""
    path: list[str] = []
    texts: dict[tuple[str, ...], str] = {}
    count = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        del attributes
        count += 1
        path.append(name.rpartition(" ")[2])
        if len(path) > _DEEPEST or count > _MOST_ELEMENTS or tuple(path) in texts:
            raise UnavailableError("STS answered with something else than it does")
        texts[tuple(path)] = ""

    def end(name: str) -> None:
        del name
        path.pop()

    def text(part: str) -> None:
        texts[tuple(path)] += part

    def doctype(*_: object) -> None:
        raise UnavailableError("STS answered with a document type")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    if len(body) > ANSWER_MOST:
        raise UnavailableError(f"STS answered with more than {ANSWER_MOST} bytes")
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise UnavailableError("STS answered with something that is no XML") from None
    return {key: value.strip() for key, value in texts.items()}
