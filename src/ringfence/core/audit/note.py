"""Signed notes: text with signature lines, in the format of C2SP signed-note.

    text, ending in a newline
                                      (a blank line)
    — KEY-NAME BASE64(KEY-ID || SIGNATURE)

The grammar is parsed exactly: `render_note(parse_note(x)) == x` for everything accepted, so no two texts stand for one note.
Only Ed25519 (signature type 1) is verified; lines of other keys are kept and ignored, as the format asks. Pure.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringfence.errors import IntegrityError, RequestError

ED25519 = 1
"""The signature type byte of Ed25519 (C2SP signed-note, "Signature types")."""
COSIGNATURE = 4
"""The signature type byte of timestamped Ed25519 cosignatures (C2SP tlog-cosignature)."""
KEY_BYTES = 32
MOST_SIGNATURES = 100
"""The format demands that 16 are accepted; more than this is no checkpoint of ours or its witnesses."""
LARGEST_NOTE = 1 << 20
"""Characters."""
_KEY_ID_BYTES = 4
_DASH = "\u2014 "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
"""Every control character below U+0020 but the newline."""


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line. `key_id` is 4 bytes; `signature` is whatever its type says, 64 bytes for Ed25519."""

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.key_id) != _KEY_ID_BYTES or not self.signature:
            raise RequestError("a signature line without key id and signature")


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, in order. Nothing is verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        _check_text(self.text)
        if not self.text.endswith("\n"):
            raise RequestError("a note whose text does not end in a newline")
        if not 1 <= len(self.signatures) <= MOST_SIGNATURES:
            raise RequestError(f"a note with {len(self.signatures)} signatures")


def check_key_name(name: str) -> None:
    """Raises: RequestError for a key name that is empty or holds a space, a plus sign or a control character."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise RequestError("a key name that is empty or holds spaces or plus signs")
    _check_text(name)


def key_id(name: str, public_key: bytes, kind: int = ED25519) -> bytes:
    """The 4 bytes that tell a reader which Ed25519 key to try. A hint, not a commitment. Raises: RequestError."""
    check_key_name(name)
    _check_key(public_key)
    return sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:_KEY_ID_BYTES]


def seal(text: str, name: str, public_key: bytes, signature: bytes) -> str:
    """The note of a text with one Ed25519 signature over `text.encode()`. Raises: RequestError."""
    return render_note(Note(text, (NoteSignature(name, key_id(name, public_key), signature),)))


def parse_note(data: str) -> Note:
    """Raises: RequestError for whatever is not exactly a signed note."""
    if len(data) > LARGEST_NOTE:
        raise RequestError(f"a note longer than {LARGEST_NOTE} characters")
    # The text may hold blank lines itself; the last one ends it.
    blank = data.rfind("\n\n")
    if blank < 0 or not data.endswith("\n"):
        raise RequestError("a note without signature lines")
    return Note(data[: blank + 1], parse_signatures(data[blank + 2 :]))


def parse_signatures(data: str) -> tuple[NoteSignature, ...]:
    """Signature lines, each with its newline. Raises: RequestError for anything else."""
    if len(data) > LARGEST_NOTE or not data.endswith("\n"):
        raise RequestError("signature lines that do not end in a newline, or too many of them")
    return tuple(_parse_line(line) for line in data[:-1].split("\n", MOST_SIGNATURES))


def render_note(note: Note) -> str:
    """The note's exact text."""
    return f"{note.text}\n{''.join(map(render_signature, note.signatures))}"


def render_signature(signature: NoteSignature) -> str:
    """One line, with its newline."""
    return f"{_DASH}{signature.name} {encode_base64(signature.key_id + signature.signature)}\n"


def open_note(note: Note, name: str, public_key: bytes) -> str:
    """The text of a note that this key has signed.

    Raises: IntegrityError where no line is of this key, or one is and does not verify; RequestError for an impossible key.
    """
    wanted = (name, key_id(name, public_key))
    found = [signature for signature in note.signatures if (signature.name, signature.key_id) == wanted]
    if not found:
        raise IntegrityError(f"the note carries no signature of the key `{name}`")
    key = Ed25519PublicKey.from_public_bytes(public_key)
    for signature in found:
        try:
            key.verify(signature.signature, note.text.encode())
        except InvalidSignature as error:
            raise IntegrityError(f"the signature of the key `{name}` does not verify") from error
    return note.text


def _parse_line(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise RequestError("a line that is no signature line")
    raw = decode_base64(encoded)
    return NoteSignature(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def decode_base64(text: str) -> bytes:
    """Standard base64 (RFC 4648 section 4) that has exactly one spelling. Raises: RequestError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError("not base64") from error
    # `validate` still passes stray bits in the last character.
    if base64.b64encode(raw).decode() != text:
        raise RequestError("not canonical base64")
    return raw


def encode_base64(raw: bytes) -> str:
    """Standard base64 (RFC 4648 section 4)."""
    return base64.b64encode(raw).decode()


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RequestError("a note that is not valid Unicode") from error
    if _CONTROL.search(text):
        raise RequestError("a note with control characters")


def _check_key(public_key: bytes) -> None:
    if len(public_key) != KEY_BYTES:
        raise RequestError(f"an Ed25519 public key has {KEY_BYTES} bytes")
