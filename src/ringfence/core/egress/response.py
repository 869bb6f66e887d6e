"""The head of an answer from outside. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.egress.body import NO_BODY, UNTIL_END, Framing, framing_of
from ringfence.core.egress.head import Fields, Head, head_of
from ringfence.core.egress.opening import Refusal

_STATUS = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: (.*))?")
_PHRASE = re.compile(r"[\t\x20-\x7e]*")


class Coding(StrEnum):
    """How the content was packed, though it was asked for as it is."""

    NONE = "identity"
    GZIP = "gzip"
    DEFLATE = "deflate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    status: int
    phrase: str
    fields: Fields
    framing: Framing
    coding: Coding
    closes: bool
    """The connection is of no use afterwards."""
    bodiless: bool
    """There is never a body, whatever the fields say."""


def response_of(data: bytes, method: str) -> Response | Refusal:
    """What a whole head says in answer to this method."""
    head = head_of(data)
    if isinstance(head, Refusal):
        return Refusal("upstream", 502, head.why)
    found = _STATUS.fullmatch(head.first)
    if found is None:
        return Refusal("upstream", 502, "no status line")
    minor, status, phrase = found[1], int(found[2]), found[3] or ""
    bodiless = method == "HEAD" or status in (204, 304) or status < 200
    framing = NO_BODY if bodiless else _framing(head)
    coding = _coding(head)
    if isinstance(framing, Refusal):
        return framing
    if isinstance(coding, Refusal):
        return coding
    options = {option.strip().lower() for value in head.all("connection") for option in value.split(",")}
    return Response(
        status=status,
        phrase=phrase if _PHRASE.fullmatch(phrase) else "",
        fields=head.fields,
        framing=framing,
        coding=coding,
        closes=minor == "0" or "close" in options or framing == UNTIL_END,
        bodiless=bodiless,
    )


def _framing(head: Head) -> Framing | Refusal:
    framing = framing_of(head)
    if isinstance(framing, Refusal):
        return Refusal("upstream", 502, framing.why)
    if framing == NO_BODY and not head.all("content-length"):
        return UNTIL_END
    return framing


def _coding(head: Head) -> Coding | Refusal:
    codings = [coding.strip().lower() for value in head.all("content-encoding") for coding in value.split(",")]
    match [coding for coding in codings if coding not in ("", "identity")]:
        case []:
            return Coding.NONE
        case ["gzip" | "x-gzip"]:
            return Coding.GZIP
        case ["deflate"]:
            return Coding.DEFLATE
        case _:
            return Refusal("upstream", 502, "a coding of the content that cannot be looked into")
