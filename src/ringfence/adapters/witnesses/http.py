"""A witness over HTTP: C2SP tlog-witness, `POST PREFIX/add-checkpoint`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ringfence.adapters.web.client import WebClient
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
        self._client = WebClient(f"the witness {key.name}", ANSWER_S)

    @property
    def name(self) -> str:
        return self._key.name

    async def add_checkpoint(self, old_size: int, proof: Sequence[bytes], note: str) -> Cosigned | Stale | Refused:
        # An answer that is too long is cut, and so worth nothing; its status still says what it says.
        request = render_request(old_size, proof, note)
        answer = await self._client.post(self._url, {}, request, most=_LARGEST_ANSWER, cut=True)
        status, media_type, body = answer.status, answer.media_type, answer.body
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
        await self._client.close()

    def _cosigned(self, body: bytes, note: str) -> Cosigned:
        try:
            lines = trusted_lines(body.decode("utf-8"), parse_note(note).text, [self._key])
        except (UnicodeDecodeError, RequestError, IntegrityError) as error:
            raise UnavailableError(f"the witness {self.name} answered with what is no cosignature of it: {error}") from error
        if not lines:
            raise UnavailableError(f"what answers for the witness {self.name} has another key")
        return Cosigned(lines)


def _printable(body: bytes) -> str:
    return "".join(character for character in body[:200].decode("ascii", "replace") if character.isprintable())
