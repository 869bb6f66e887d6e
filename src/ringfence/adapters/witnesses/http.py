"""A witness over HTTP: C2SP tlog-witness, `POST PREFIX/add-checkpoint`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import aiohttp

from ringfence.core.audit.cosignature import trusted_lines
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import parse_note
from ringfence.core.audit.witnessing import SIZE_TYPE, Verdict, render_request
from ringfence.errors import IntegrityError, RequestError, UnavailableError
from ringfence.ports.witness import Cosigned, Refused, Stale

ANSWER_S = 10.0
_LARGEST_ANSWER = 1 << 16
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class HttpWitness:
    """Implements `ports.witness.Witness`. Use inside one running loop."""

    def __init__(self, url: str, key: VerifierKey) -> None:
        self._url = f"{url.rstrip('/')}/add-checkpoint"
        self._key = key
        self._connection: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        return self._key.name

    async def add_checkpoint(self, old_size: int, proof: Sequence[bytes], note: str) -> Cosigned | Stale | Refused:
        status, media_type, body = await self._post(render_request(old_size, proof, note))
        if status == Verdict.COSIGN.value:
            return self._cosigned(body, note)
        if status == Verdict.STALE.value and media_type == SIZE_TYPE and (size := _SIZE.fullmatch(body)):
            return Stale(int(size[1]))
        if status in (Verdict.MALFORMED.value, Verdict.UNTRUSTED.value, Verdict.UNKNOWN_LOG.value):
            return Refused(f"{self.name} answered {status}: {_printable(body)}")
        if status == Verdict.INCONSISTENT.value:
            return Refused(f"{self.name} says that the log did not only grow", is_split=True)
        raise UnavailableError(f"the witness {self.name} answered {status}")

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    def _cosigned(self, body: bytes, note: str) -> Cosigned:
        try:
            lines = trusted_lines(body.decode("utf-8"), parse_note(note).text, [self._key])
        except (UnicodeDecodeError, RequestError, IntegrityError) as error:
            raise UnavailableError(f"the witness {self.name} answered with what is no cosignature of it: {error}") from error
        if not lines:
            raise UnavailableError(f"what answers for the witness {self.name} has another key")
        return Cosigned(lines)

    async def _post(self, body: bytes) -> tuple[int, str, bytes]:
        if self._connection is None:
            self._connection = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=ANSWER_S),
                connector=aiohttp.TCPConnector(limit=1),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"user-agent": "ringfence"},
            )
        try:
            async with self._connection.post(self._url, data=body, allow_redirects=False) as answer:
                return answer.status, answer.content_type, await _bounded(answer.content)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise UnavailableError(f"the witness {self.name} does not answer: {type(error).__name__}") from error


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    """The answer to its end, however many pieces the network makes of it. One that is too long is cut, and so worth nothing."""
    body = bytearray()
    while len(body) < _LARGEST_ANSWER and (piece := await content.read(_LARGEST_ANSWER - len(body))):
        body += piece
    return bytes(body)


def _printable(body: bytes) -> str:
    return "".join(character for character in body[:200].decode("ascii", "replace") if character.isprintable())
