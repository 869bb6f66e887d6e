"""Heads of CONNECT, and where any head ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.egress.connect import connect_of, is_for_proxy
from ringfence.core.egress.head import MOST_CONNECT, Head, head_of, length_of_head
from ringfence.core.egress.opening import Asked, Refusal


def head(line: str, *fields: str) -> bytes:
    return "\r\n".join([line, *fields, "", ""]).encode("latin-1")


def test_a_plain_connect_is_read() -> None:
    assert connect_of(head("CONNECT API.example.com:8443 HTTP/1.1", "Host: x")) == Asked("api.example.com", 8443)
    assert connect_of(head("CONNECT api.example.com:443 HTTP/1.0")) == Asked("api.example.com", 443)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET http://api.example.com/ HTTP/1.1", 405),
        ("OPTIONS * HTTP/1.1", 405),
        ("connect api.example.com:443 HTTP/1.1", 405),
        ("CONNECT api.example.com HTTP/1.1", 400),
        ("CONNECT :443 HTTP/1.1", 400),
        ("CONNECT api.example.com: HTTP/1.1", 400),
        ("CONNECT api.example.com:0 HTTP/1.1", 400),
        ("CONNECT api.example.com:65536 HTTP/1.1", 400),
        ("CONNECT api.example.com:99999999999999999999 HTTP/1.1", 400),
        ("CONNECT api.example.com:+443 HTTP/1.1", 400),
        ("CONNECT api.example.com:４４３ HTTP/1.1".encode().decode("latin-1"), 400),
        ("CONNECT api.example.com:443:443 HTTP/1.1", 403),
        ("CONNECT 10.0.0.1 HTTP/1.1", 403),
        ("CONNECT [::1]:443 HTTP/1.1", 403),
        ("CONNECT localhost:443 HTTP/1.1", 403),
        ("CONNECT\tapi.example.com:443\tHTTP/1.1", 400),
        ("CONNECT api.example.com:443 HTTP/1.1 ", 400),
        ("CONNECT https://api.example.com:443 HTTP/1.1", 403),
        ("CONNECT api.example.com:443/ HTTP/1.1", 400),
        ("CONNECT api.example.com:443 HTTP/3", 505),
        ("", 400),
    ],
)
def test_any_other_first_line_is_refused(line: str, status: int) -> None:
    refusal = connect_of(head(line))
    assert isinstance(refusal, Refusal)
    assert refusal.status == status


@pytest.mark.parametrize(
    "field", ["Content-Length: 0", "transfer-encoding: chunked", "no colon", " folded: a", "a b: c", ": a"]
)
def test_a_connect_with_a_body_or_a_malformed_field_is_refused(field: str) -> None:
    assert isinstance(connect_of(head("CONNECT api.example.com:443 HTTP/1.1", field)), Refusal)


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_for_whom_a_connection_is_does_not_change_with_what_follows(first: bytes, rest: bytes) -> None:
    decided = is_for_proxy(first)
    assert decided is None or is_for_proxy(first + rest) is decided


@given(st.binary(max_size=300), st.integers(1, 400))
def test_no_bytes_make_the_reader_of_heads_raise(data: bytes, most: int) -> None:
    length = length_of_head(data, most)
    assert length is None or isinstance(length, Refusal) or 4 <= length <= len(data)
    connect_of(data)
    head_of(data)


@given(
    st.lists(
        st.sampled_from([b"CONNECT ", b"a.example:1", b" HTTP/1.1", b"\r\n", b"\r", b"\n", b"\0", b": ", b"X", b"[", b"%"])
    )
)
def test_no_pieces_of_heads_make_it_raise(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    if isinstance(length := length_of_head(data, MOST_CONNECT), int):
        connect_of(data[:length])


@given(st.binary(max_size=60))
def test_where_a_head_ends_does_not_depend_on_how_it_comes(data: bytes) -> None:
    whole = data + b"\r\n\r\n"
    at_once = length_of_head(whole, 100)
    bit_by_bit = next(
        (found for end in range(len(whole) + 1) if (found := length_of_head(whole[:end], 100, max(0, end - 1))) is not None),
        None,
    )
    assert type(at_once) is type(bit_by_bit)
    assert isinstance(at_once, Refusal) or at_once == bit_by_bit


def test_a_head_that_is_too_large_or_has_a_stray_character_is_refused_before_its_end() -> None:
    assert isinstance(length_of_head(b"a" * 100, 100), Refusal)
    for data in (b"a\nb", b"a\rb", b"a\0b", b"\n"):
        assert isinstance(length_of_head(data, 100), Refusal)
    assert length_of_head(b"a\r", 100) is None


def test_what_comes_behind_a_head_is_not_looked_at() -> None:
    assert length_of_head(b"a\r\n\r\n\n\0\r", 100) == 5


def test_fields_are_found_whatever_their_case() -> None:
    found = head_of(head("x", "Foo:  bar ", "FOO: baz"))
    assert isinstance(found, Head)
    assert found.all("foo") == ["bar", "baz"]


def test_what_was_looked_at_is_not_looked_at_again() -> None:
    """A head that comes byte by byte, from many connections at once, would keep the gateway from everything else."""
    assert isinstance(length_of_head(b"\0" + b"a" * 60, 100), Refusal)
    assert length_of_head(b"\0" + b"a" * 60, 100, 61) is None
