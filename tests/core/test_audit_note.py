"""Signed notes: the exact grammar, and signatures that others made."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.audit.note import Note, NoteSignature, key_id, open_note, parse_note, render_note, seal
from ringfence.errors import IntegrityError, RequestError

# From the documentation of golang.org/x/mod/sumdb/note, where the format comes from.
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NAME = "PeterNeumann"
PUBLIC = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
OTHER_LINE = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
NOTE = f"{TEXT}\n{LINE}"
# From C2SP signed-note: a text with an empty line in it.
QUASIMODO = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OURS = KEY.public_key().public_bytes_raw()


@pytest.mark.requirement("I12")
def test_a_note_that_another_implementation_signed_verifies() -> None:
    assert key_id(NAME, PUBLIC).hex() == "c74f20a3"
    assert open_note(parse_note(NOTE), NAME, PUBLIC) == TEXT
    assert open_note(parse_note(NOTE + OTHER_LINE), NAME, PUBLIC) == TEXT


def test_the_last_empty_line_ends_the_text() -> None:
    note = parse_note(QUASIMODO)
    assert note.text.endswith("sole:\n\ned è subito sera.\n")
    assert [signature.name for signature in note.signatures] == ["quasimodo.example/salvatore"]
    assert render_note(note) == QUASIMODO


def test_a_note_that_was_sealed_opens_again() -> None:
    assert open_note(parse_note(seal("a\n", "log.example", OURS, KEY.sign(b"a\n"))), "log.example", OURS) == "a\n"


BAD = {
    "nothing": "",
    "no signatures": "a\n\n",
    "no blank line": f"a\n{LINE}",
    "no text": f"\n{LINE}",
    "no last newline": NOTE[:-1],
    "something after the signatures": f"{NOTE}x",
    "an empty line after the signatures": f"{NOTE}\n",
    "a hyphen for the dash": NOTE.replace("— ", "- "),
    "an en dash for the dash": NOTE.replace("— ", "– "),
    "a dash without a space": NOTE.replace("— ", "—"),
    "two spaces": NOTE.replace("— ", "—  "),
    "two spaces before the signature": NOTE.replace("PeterNeumann ", "PeterNeumann  "),
    "a space at the end of a line": NOTE[:-1] + " \n",
    "a plus sign in the name": NOTE.replace("Peter", "Peter+"),
    "a no-break space in the name": NOTE.replace("Peter", "Peter\u00a0"),
    "an ideographic space in the name": NOTE.replace("Peter", "Peter\u3000"),
    "no name": NOTE.replace("PeterNeumann", ""),
    "a tab in the text": f"a\tb\n\n{LINE}",
    "a carriage return": NOTE.replace("\n", "\r\n"),
    "a NUL in the text": f"a\0\n\n{LINE}",
    "an escape character in the name": NOTE.replace("Peter", "\x1bPeter"),
    "a lone surrogate": f"\ud800\n\n{LINE}",
    "a character outside base64": NOTE.replace("x08go/", "x08go!/"),
    "URL-safe base64": NOTE.replace("x08go/", "x08go_"),
    "a missing pad": NOTE.replace("nAM=", "nAM"),
    "a doubled pad": NOTE.replace("nAM=", "nAM=="),
    "stray bits in the last character": NOTE.replace("nAM=", "nAN="),
    "a key id without a signature": f"{TEXT}\n— PeterNeumann x08gow==\n",
    "half a key id": f"{TEXT}\n— PeterNeumann x08=\n",
    "an empty signature": f"{TEXT}\n— PeterNeumann \n",
    "too many signatures": f"a\n\n{LINE * 101}",
    "too long": "a" * (1 << 20) + f"\n\n{LINE}",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_what_is_not_exactly_a_signed_note_is_refused(data: str) -> None:
    with pytest.raises(RequestError):
        parse_note(data)


def test_as_many_signatures_as_the_format_demands_are_accepted() -> None:
    assert len(parse_note(f"a\n\n{LINE * 16}").signatures) == 16


@pytest.mark.requirement("I12")
def test_a_changed_text_does_not_open() -> None:
    with pytest.raises(IntegrityError):
        open_note(parse_note(NOTE.replace("answer", "question")), NAME, PUBLIC)


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    broken = render_note(Note("a\n", (NoteSignature(NAME, key_id(NAME, PUBLIC), bytes(64)),)))
    forged = LINE.replace("nAM=", "nAI=")
    for data in (broken, f"{TEXT}\n{LINE}{forged}", f"{TEXT}\n{forged}{LINE}"):
        with pytest.raises(IntegrityError):
            open_note(parse_note(data), NAME, PUBLIC)


def test_a_signature_of_a_wrong_length_does_not_open() -> None:
    for length in (1, 63, 65):
        note = seal("a\n", "log", OURS, (KEY.sign(b"a\n") + b"x")[:length])
        with pytest.raises(IntegrityError):
            open_note(parse_note(note), "log", OURS)


def test_neither_the_name_nor_the_key_id_alone_makes_a_signature_ours() -> None:
    ours = seal("a\n", "log", OURS, KEY.sign(b"a\n"))
    for name, key in (("log2", OURS), ("log", PUBLIC)):
        with pytest.raises(IntegrityError):
            open_note(parse_note(ours), name, key)


def test_an_impossible_key_or_name_is_refused() -> None:
    for name, key in (("log", OURS[:-1]), ("log", b""), ("", OURS), ("a b", OURS), ("a+b", OURS), ("a\n", OURS)):
        with pytest.raises(RequestError):
            open_note(parse_note(NOTE), name, key)


NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="+"), min_size=1, max_size=8
)
SIGNATURES = st.builds(NoteSignature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=70))
BODIES = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=30).map(lambda text: f"{text}\n")
NOTES = st.builds(Note, BODIES, st.lists(SIGNATURES, min_size=1, max_size=4).map(tuple))


@given(NOTES)
def test_what_is_rendered_is_parsed_back(note: Note) -> None:
    assert parse_note(render_note(note)) == note


@given(
    st.text()
    | NOTES.map(render_note).flatmap(lambda text: st.sampled_from([text[1:], text[:-2] + "\n", text.replace("A", "B"), text]))
)
def test_every_accepted_text_is_rendered_as_it_was(data: str) -> None:
    try:
        note = parse_note(data)
    except RequestError:
        return
    assert render_note(note) == data
