"""Verifier keys in the text form of C2SP signed-note ("Verifier keys"): `NAME+KEY-ID+BASE64(TYPE || PUBLIC-KEY)`.

A log's key signs notes (type 1), a witness's key cosigns checkpoints (type 4); both are Ed25519. Pure.
"""

import re
from dataclasses import dataclass

from ringfence.core.audit.note import COSIGNATURE, ED25519, KEY_BYTES, check_key_name, decode_base64, encode_base64, key_id
from ringfence.errors import RequestError

_KINDS = {ED25519: "a log", COSIGNATURE: "a witness"}
_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key, 32 bytes, with the name that its signature lines carry."""

    name: str
    kind: int
    public_key: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if self.kind not in _KINDS:
            raise RequestError(f"a key of type {self.kind}: this program knows Ed25519 of logs (1) and witnesses (4)")
        if len(self.public_key) != KEY_BYTES:
            raise RequestError(f"an Ed25519 public key has {KEY_BYTES} bytes")

    @property
    def id(self) -> bytes:
        """The 4 bytes that lead a reader from a signature line to its key."""
        return key_id(self.name, self.public_key, self.kind)

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode_base64(bytes([self.kind]) + self.public_key)}"


def parse_key(text: str, kind: int) -> VerifierKey:
    """A verifier key of one type. Raises: RequestError for anything else, or where the key id is not the key's."""
    name, _, rest = text.partition("+")
    claimed, plus, encoded = rest.partition("+")
    if not plus or not _ID.fullmatch(claimed):
        raise RequestError("not a verifier key: NAME+ID+KEY")
    raw = decode_base64(encoded)
    if not raw:
        raise RequestError("a verifier key without a key")
    key = VerifierKey(name, raw[0], raw[1:])
    if key.id.hex() != claimed:
        raise RequestError("a verifier key whose id is not the key's: part of it was changed")
    if key.kind != kind:
        raise RequestError(f"the key of {_KINDS[key.kind]}, where the key of {_KINDS[kind]} is needed")
    return key
