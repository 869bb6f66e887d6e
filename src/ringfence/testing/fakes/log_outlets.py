"""Witnesses, anchors, forwarders and bookmarks in memory, which can be told to fail."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringfence.core.audit.checkpoint import Checkpoint
from ringfence.core.audit.cosignature import cosign
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import COSIGNATURE, ED25519
from ringfence.core.audit.witnessing import Seen, Verdict, judge, parse_request, render_request
from ringfence.errors import UnavailableError
from ringfence.ports.audit import Record
from ringfence.ports.signer import Signer
from ringfence.ports.witness import Cosigned, Refused, Stale


class FakeWitness:
    """Judges as a real one does, without HTTP. `down`: it does not answer."""

    def __init__(self, name: str, log: Signer, seed: int = 1) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.key = VerifierKey(name, COSIGNATURE, self._private.public_key().public_bytes_raw())
        self._log = VerifierKey(log.name, ED25519, log.public_key)
        self.seen = Seen()
        self.down = False
        self.asked = 0

    @property
    def name(self) -> str:
        return self.key.name

    async def add_checkpoint(self, old_size: int, proof: Sequence[bytes], note: str) -> Cosigned | Stale | Refused:
        self.asked += 1
        if self.down:
            raise UnavailableError(f"the witness {self.name} does not answer")
        asked = parse_request(render_request(old_size, proof, note))
        verdict = judge(asked, self._log, self.seen)
        if verdict is Verdict.STALE:
            return Stale(self.seen.size)
        if verdict is not Verdict.COSIGN:
            return Refused(verdict.name, is_split=verdict is Verdict.INCONSISTENT)
        self.seen = Seen(asked.checkpoint.size, asked.checkpoint.root)
        return Cosigned((cosign(asked.text, self.key, 1_800_000_000, self._private.sign),))

    async def close(self) -> None: ...


class FakeAnchor:
    """Remembers what it keeps."""

    def __init__(self, name: str = "memory") -> None:
        self._name = name
        self.kept: list[str] = []
        self.down = False

    @property
    def name(self) -> str:
        return self._name

    async def keep(self, note: str, checkpoint: Checkpoint) -> None:
        if self.down:
            raise UnavailableError(f"{self._name} is down")
        self.kept.append(note)

    async def close(self) -> None: ...


class FakeForwarder:
    """Remembers what it was sent."""

    def __init__(self, name: str = "siem") -> None:
        self._name = name
        self.sent: list[int] = []
        self.down = False

    @property
    def name(self) -> str:
        return self._name

    async def send(self, records: Sequence[Record]) -> None:
        if self.down:
            raise UnavailableError(f"{self._name} is down")
        self.sent += [record.seq for record in records]

    async def close(self) -> None: ...


class FakeBookmarks:
    """Positions in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, int] = {}

    async def read(self, name: str) -> int:
        return self.kept.get(name, 0)

    async def write(self, name: str, number: int) -> None:
        self.kept[name] = number
