"""Witness cosignatures over checkpoints: C2SP tlog-cosignature, Ed25519 (signature type 4).

A cosignature says: at this time I saw this checkpoint, and it contains everything that I cosigned before. Its bytes in a
signature line are the time, 8 bytes big-endian in seconds, and an Ed25519 signature over

    cosignature/v1
    time SECONDS
    (the checkpoint's text)

Pure.
"""

from collections.abc import Callable, Iterable, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import MOST_SIGNATURES, Note, NoteSignature, parse_signatures
from ringfence.errors import IntegrityError, RequestError

_TIME_BYTES = 8
_SIGNATURE_BYTES = 64
_LATEST = 1 << 63


def cosign(text: str, key: VerifierKey, seconds: int, sign: Callable[[bytes], bytes]) -> NoteSignature:
    """The line of a witness over a checkpoint's text. `sign` gives 64 bytes of Ed25519."""
    if not 0 < seconds < _LATEST:
        raise RequestError("a time out of range")
    return NoteSignature(key.name, key.id, seconds.to_bytes(_TIME_BYTES, "big") + sign(_message(text, seconds)))


def cosigned_at(note: Note, key: VerifierKey) -> int | None:
    """When this witness cosigned a note, in seconds; None where it carries no line of this key.

    Raises: IntegrityError where a line of this key does not verify.
    """
    lines = [line for line in note.signatures if (line.name, line.key_id) == (key.name, key.id)]
    times = [_verified(line.signature, note.text, key) for line in lines]
    return max(times, default=None)


def with_cosignatures(note: Note, lines: Iterable[NoteSignature]) -> Note:
    """The note with these lines after its own; of one key the last line counts."""
    fresh = {(line.name, line.key_id): line for line in lines}
    kept = [line for line in note.signatures if (line.name, line.key_id) not in fresh]
    return Note(note.text, tuple([*kept, *fresh.values()][:MOST_SIGNATURES]))


def trusted_lines(answer: str, text: str, keys: Sequence[VerifierKey]) -> tuple[NoteSignature, ...]:
    """The lines of a witness's answer that are of these keys and verify over this checkpoint; other lines are left out.

    Raises: RequestError for what is no sequence of signature lines, IntegrityError where a line of a known key does not verify.
    """
    lines = parse_signatures(answer)
    known = {(key.name, key.id): key for key in keys}
    trusted = [line for line in lines if (line.name, line.key_id) in known]
    for line in trusted:
        _verified(line.signature, text, known[line.name, line.key_id])
    return tuple(trusted)


def _verified(signature: bytes, text: str, key: VerifierKey) -> int:
    if len(signature) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise IntegrityError(f"the cosignature of `{key.name}` has {len(signature)} bytes")
    seconds = int.from_bytes(signature[:_TIME_BYTES], "big")
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature[_TIME_BYTES:], _message(text, seconds))
    except (InvalidSignature, ValueError) as error:
        raise IntegrityError(f"the cosignature of `{key.name}` does not verify") from error
    return seconds


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
