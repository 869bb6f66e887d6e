"""Our own small witness: it cosigns checkpoints of logs that it knows, as long as they only grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.core.audit.cosignature import cosign
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import COSIGNATURE, render_signature
from ringfence.core.audit.witnessing import SIZE_TYPE, Seen, Verdict, judge, parse_request
from ringfence.errors import RequestError
from ringfence.ports.clock import Clock
from ringfence.ports.seen_heads import SeenHeads
from ringfence.ports.signer import Signer

_WHY = {
    Verdict.UNTRUSTED: "no signature of the log's key verifies",
    Verdict.UNKNOWN_LOG: "this witness does not know the log",
    Verdict.MALFORMED: "the old size is larger than the checkpoint's",
    Verdict.INCONSISTENT: "the proof does not show that the log has only grown",
}


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """An HTTP answer as values."""

    status: int
    body: str
    media_type: str = "text/plain; charset=utf-8"


class LogWitness:
    """Remembers before it answers: whoever has a cosignature knows that no smaller or other tree will ever get one."""

    def __init__(self, *, logs: Mapping[str, VerifierKey], heads: SeenHeads, signer: Signer, clock: Clock) -> None:
        self._logs = logs
        self._heads = heads
        self._signer = signer
        self._clock = clock
        self.key = VerifierKey(signer.name, COSIGNATURE, signer.public_key)

    async def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """The answer to one `add-checkpoint` request. Raises: UnavailableError where the head cannot be kept."""
        try:
            asked = parse_request(body)
        except RequestError as error:
            return WitnessAnswer(Verdict.MALFORMED.value, f"{error}\n")
        origin = asked.checkpoint.origin
        seen = await self._heads.seen(origin) if origin in self._logs else Seen()
        verdict = judge(asked, self._logs.get(origin), seen)
        if verdict is Verdict.STALE:
            return _stale(seen)
        if verdict is not Verdict.COSIGN:
            return WitnessAnswer(verdict.value, f"{_WHY[verdict]}\n")
        fresh = Seen(asked.checkpoint.size, asked.checkpoint.root)
        if not await self._heads.swap(origin, seen, fresh):
            return _stale(await self._heads.seen(origin))
        line = cosign(asked.text, self.key, self._clock.now() // 1000, self._signer.sign)
        return WitnessAnswer(Verdict.COSIGN.value, render_signature(line))


def _stale(seen: Seen) -> WitnessAnswer:
    return WitnessAnswer(Verdict.STALE.value, f"{seen.size}\n", SIZE_TYPE)
