"""Streams in which a secret may lie across two pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.scan.redactor import MASK, Redactor
from ringfence.core.scan.sieve import Sieve

SECRET = "s3cr3t-4f9a8b7c6d5e"


def a_redactor(*secrets: str) -> Redactor:
    redactor = Redactor()
    redactor.learn_lasting(secrets or (SECRET,))
    return redactor


def sieved(redactor: Redactor, text: str, cuts: list[int]) -> list[str]:
    sieve = Sieve(redactor)
    ends = [*sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [sieve.piece(text[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]
    return [*pieces, sieve.rest()]


CUTS = st.lists(st.integers(0, 10_000), max_size=30)
TEXTS = st.lists(st.one_of(st.just(SECRET), st.text(st.characters(max_codepoint=255), max_size=30), st.just("\n")), max_size=8)


@given(TEXTS, CUTS)
def test_however_a_stream_is_cut_it_is_masked_as_a_whole(texts: list[str], cuts: list[int]) -> None:
    redactor = a_redactor()
    whole = "".join(texts)
    assert "".join(sieved(redactor, whole, cuts)) == redactor.text(whole)


@given(TEXTS, CUTS)
def test_no_piece_gives_any_part_of_a_secret_out_before_its_end(texts: list[str], cuts: list[int]) -> None:
    whole = "".join(texts).replace(SECRET, "") + SECRET
    masked = "".join(sieved(a_redactor(), whole, cuts)[:-1])
    assert not masked.endswith(tuple(SECRET[:end] for end in range(6, len(SECRET))))


@given(TEXTS, CUTS)
def test_without_secrets_everything_goes_on_at_once(texts: list[str], cuts: list[int]) -> None:
    pieces = sieved(Redactor(), "".join(texts), cuts)
    assert "".join(pieces) == "".join(texts)
    assert pieces[-1] == ""


def test_a_whole_line_goes_on_at_once() -> None:
    assert Sieve(a_redactor()).piece("data: one\n\n") == "data: one\n\n"


def test_how_much_is_kept_back_does_not_tell_a_right_guess_from_a_wrong_one() -> None:
    redactor = a_redactor()
    for end in range(1, len(SECRET)):
        right, wrong = SECRET[:end], SECRET[: end - 1] + "#"
        assert len(Sieve(redactor).piece("x" * 5000 + right)) == len(Sieve(redactor).piece("x" * 5000 + wrong))


def test_each_line_of_a_secret_of_several_is_masked() -> None:
    redactor = a_redactor("first-line-0123456789\nsecond-line-0123456789")
    sieve = Sieve(redactor)
    everything = (
        sieve.piece("a first-line-0123") + sieve.piece("456789\nsecond-line-") + sieve.piece("0123456789\n") + sieve.rest()
    )
    assert everything == f"a {MASK}\n{MASK}\n"
