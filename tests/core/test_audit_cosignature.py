"""Verifier keys and witness cosignatures, exactly as C2SP writes them."""

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringfence.core.audit.checkpoint import Checkpoint, checkpoint_text
from ringfence.core.audit.cosignature import cosign, cosigned_at, trusted_lines, with_cosignatures
from ringfence.core.audit.keys import VerifierKey, parse_key
from ringfence.core.audit.note import COSIGNATURE, ED25519, Note, parse_note, render_note, render_signature, seal
from ringfence.errors import IntegrityError, RequestError

LOG = Ed25519PrivateKey.from_private_bytes(bytes(32))
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
TEXT = checkpoint_text(Checkpoint("ringfence.example/log", 5, bytes(32)))
NOTE = parse_note(seal(TEXT, "ringfence.example/log", LOG.public_key().public_bytes_raw(), LOG.sign(TEXT.encode())))
KEY = VerifierKey("witness.example", COSIGNATURE, WITNESS.public_key().public_bytes_raw())


def cosigned(seconds: int = 1_700_000_000) -> Note:
    return with_cosignatures(NOTE, [cosign(TEXT, KEY, seconds, WITNESS.sign)])


def test_a_verifier_key_is_read_back_and_its_id_follows_the_specification() -> None:
    text = str(KEY)
    raw = bytes([4]) + KEY.public_key
    hint = sha256(b"witness.example\n" + raw).hexdigest()[:8]
    assert text == f"witness.example+{hint}+{base64.b64encode(raw).decode()}"
    assert parse_key(text, COSIGNATURE) == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "witness.example",
        str(KEY).replace("witness", "Witness"),
        str(KEY) + "A",
        str(KEY).upper(),
        str(VerifierKey("witness.example", ED25519, KEY.public_key)),
        "witness.example+00000000+",
        " " + str(KEY),
        str(KEY) + "\n",
    ],
)
def test_what_is_not_exactly_the_key_of_a_witness_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        parse_key(text, COSIGNATURE)


def test_a_key_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(RequestError, match="type 6"):
        VerifierKey("w", 6, bytes(32))


def test_a_cosignature_carries_its_time_and_leaves_the_logs_own_signature_alone() -> None:
    note = parse_note(render_note(cosigned(1_700_000_001)))
    assert cosigned_at(note, KEY) == 1_700_000_001
    assert note.signatures[0] == NOTE.signatures[0]
    signed = note.signatures[1].signature
    WITNESS.public_key().verify(signed[8:], b"cosignature/v1\ntime 1700000001\n" + TEXT.encode())


def test_of_one_witness_the_last_line_counts() -> None:
    note = with_cosignatures(cosigned(1), [cosign(TEXT, KEY, 2, WITNESS.sign)])
    assert len(note.signatures) == 2
    assert cosigned_at(note, KEY) == 2


def test_a_note_without_this_witness_is_not_cosigned() -> None:
    assert cosigned_at(NOTE, KEY) is None


@pytest.mark.requirement("I12")
@pytest.mark.parametrize("place", [0, 7, 8, 71])
def test_a_changed_time_or_signature_does_not_verify(place: int) -> None:
    note = cosigned()
    line = note.signatures[1]
    changed = bytearray(line.signature)
    changed[place] ^= 1
    forged = Note(note.text, (note.signatures[0], type(line)(line.name, line.key_id, bytes(changed))))
    with pytest.raises(IntegrityError, match=r"witness\.example"):
        cosigned_at(forged, KEY)


@pytest.mark.requirement("I12")
def test_a_cosignature_over_another_checkpoint_does_not_verify() -> None:
    other = checkpoint_text(Checkpoint("ringfence.example/log", 5, bytes([9]) * 32))
    with pytest.raises(IntegrityError):
        cosigned_at(with_cosignatures(NOTE, [cosign(other, KEY, 1, WITNESS.sign)]), KEY)


def test_a_cosignature_of_the_wrong_length_does_not_verify() -> None:
    line = cosigned().signatures[1]
    short = type(line)(line.name, line.key_id, line.signature[:-1])
    with pytest.raises(IntegrityError, match="71 bytes"):
        cosigned_at(Note(TEXT, (NOTE.signatures[0], short)), KEY)


def test_of_a_witness_answer_only_lines_of_known_keys_are_taken() -> None:
    own = cosign(TEXT, KEY, 5, WITNESS.sign)
    stranger = cosign(TEXT, VerifierKey("stranger", COSIGNATURE, LOG.public_key().public_bytes_raw()), 5, LOG.sign)
    answer = render_signature(own) + render_signature(stranger)
    assert trusted_lines(answer, TEXT, [KEY]) == (own,)
    assert trusted_lines(render_signature(stranger), TEXT, [KEY]) == ()


@pytest.mark.parametrize("answer", ["", "\n", "ok\n", "— witness.example AAAA", "— witness.example !\n"])
def test_an_answer_that_is_no_signature_lines_is_refused(answer: str) -> None:
    with pytest.raises(RequestError):
        trusted_lines(answer, TEXT, [KEY])


def test_a_time_out_of_range_is_not_signed() -> None:
    for seconds in (0, -1, 1 << 63):
        with pytest.raises(RequestError):
            cosign(TEXT, KEY, seconds, WITNESS.sign)
