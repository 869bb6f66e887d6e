"""The first flight of a TLS client."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.egress.client_hello import MOST, Hello, asks_again, hello_of, judged
from ringfence.core.egress.opening import Refusal

HOST = "api.example.com"


def flight(name: str | None = HOST) -> bytes:
    """What OpenSSL says first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.set_alpn_protocols(["h2", "http/1.1"])
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


def vector(width: int, data: bytes) -> bytes:
    return len(data).to_bytes(width, "big") + data


def sni(*names: tuple[int, bytes]) -> tuple[int, bytes]:
    return 0, vector(2, b"".join(bytes([kind]) + vector(2, name) for kind, name in names))


def made(*extensions: tuple[int, bytes], version: int = 0x0303, session: bytes = b"", tail: bytes = b"") -> bytes:
    """A message made by hand, in one record."""
    body = version.to_bytes(2, "big") + bytes(32) + vector(1, session) + vector(2, b"\x13\x01") + vector(1, b"\0")
    body += vector(2, b"".join(kind.to_bytes(2, "big") + vector(2, data) for kind, data in extensions)) + tail
    return record(b"\x01" + vector(3, body))


def record(data: bytes, kind: int = 22) -> bytes:
    return bytes([kind]) + b"\x03\x01" + vector(2, data)


NAMED = sni((0, HOST.encode()))


def test_the_name_and_the_protocols_of_a_real_client_are_found() -> None:
    assert hello_of(flight()) == Hello(name=HOST, encrypted=False, protocols=(b"h2", b"http/1.1"))


def test_a_message_in_many_records_is_put_together() -> None:
    message = flight()[5:]
    for size in (10, 11, 50):
        records = b"".join(record(message[at : at + size]) for at in range(0, len(message), size))
        assert hello_of(records) == hello_of(flight())


def test_a_message_that_is_not_whole_needs_more() -> None:
    whole = flight()
    assert all(hello_of(whole[:end]) is None for end in range(len(whole)))


def test_what_follows_in_further_records_is_left_alone() -> None:
    assert hello_of(flight() + b"\x17\x03\x03\x00\x01x") == hello_of(flight())


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x80\x2e\x01\x03\x01",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x16\x02\x00\x00\x05hello",
        record(b"\x02" + vector(3, bytes(40))),
        record(b""),
        b"\x16\x03\x01\xff\xff",
        record(b"\x01" + (20_000).to_bytes(3, "big")),
        record(made(NAMED)[5:] + b"x"),
        record(made(NAMED)[5:10]) + record(b"\x02\x28", 21),
        made(NAMED, tail=b"x"),
        made(NAMED, NAMED),
        made(NAMED, version=0x0203),
        made(NAMED, session=bytes(33)),
        made((16, b"\x00\x09\x02h2"), NAMED),
        record(b"\x01" + vector(3, b"\x03\x03" + bytes(32) + b"\0\0\x02\x13\x01\x01\0")),
        b"\x16\x03\x01\x00\x01\x01" * 65,
    ],
)
def test_what_is_no_whole_hello_is_refused(data: bytes) -> None:
    refusal = hello_of(data)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "client_hello"


@pytest.mark.parametrize(
    "extension",
    [
        (10, b""),
        sni(),
        sni((0, b"a.example"), (0, HOST.encode())),
        sni((0, HOST.encode()), (1, b"x")),
        sni((1, HOST.encode())),
        sni((0, b"127.0.0.1")),
        sni((0, b"::1")),
        sni((0, b"")),
        sni((0, HOST.encode() + b".")),
        sni((0, HOST.encode() + b"\0")),
        sni((0, b"localhost")),
        (0, vector(2, b"\0" + vector(2, HOST.encode())) + b"x"),
    ],
)
def test_anything_but_one_server_name_is_refused(extension: tuple[int, bytes]) -> None:
    assert isinstance(hello_of(made(extension)), Refusal)


def test_a_name_in_upper_case_is_the_same() -> None:
    hello = hello_of(made(sni((0, HOST.upper().encode()))))
    assert isinstance(hello, Hello)
    assert judged(hello, HOST, sees_inside=False) is None


def test_another_name_is_refused() -> None:
    hello = hello_of(flight("other.example.com"))
    assert isinstance(hello, Hello)
    assert isinstance(judged(hello, HOST, sees_inside=True), Refusal)


@pytest.mark.parametrize("extension", [0xFE0D, 0xFD00])
def test_an_encrypted_hello_is_refused_where_nobody_looks_inside(extension: int) -> None:
    hello = hello_of(made(NAMED, (extension, b"xyz")))
    assert isinstance(hello, Hello)
    refusal = judged(hello, HOST, sees_inside=False)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "encrypted_hello"
    assert judged(hello, HOST, sees_inside=True) is None


def test_a_second_message_may_come_behind_a_change_of_ciphers_and_early_data() -> None:
    before = record(b"\x01", 20) + record(b"early", 23)
    assert hello_of(before + flight(), retried=True) == hello_of(flight())
    assert isinstance(hello_of(before + flight()), Refusal)
    assert hello_of(before[:7], retried=True) is None


RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def test_a_server_that_asks_again_is_recognised() -> None:
    answer = record(b"\x02" + vector(3, b"\x03\x03" + RETRY + bytes(6)))
    assert asks_again(answer) is True
    assert asks_again(answer[:20]) is None
    assert asks_again(record(b"\x02" + vector(3, b"\x03\x03" + bytes(38)))) is False
    assert asks_again(b"\x15\x03\x03\x00\x02\x02\x28") is False
    assert asks_again(b"") is None


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_make_it_raise(data: bytes, retried: bool) -> None:
    hello_of(data, retried=retried)
    asks_again(data)


@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 400))
def test_no_hello_that_was_bent_makes_it_raise_or_names_another_host(at: int, byte: int, cut: int) -> None:
    whole = bytearray(made(NAMED, (16, b"\x00\x03\x02h2"), (43, b"\x02\x03\x04")))
    whole[at % len(whole)] = byte
    for data in (whole, whole[: cut % len(whole)]):
        hello = hello_of(data)
        assert not isinstance(hello, Hello) or hello.name.count(".") == 2 or hello.name != HOST


def test_more_bytes_than_one_message_may_take_are_refused() -> None:
    endless = b"\x16\x03\x01\x00\x01\x01" + b"\x16\x03\x01\x00\x01\x00" * (MOST // 6 + 2)
    assert isinstance(hello_of(endless), Refusal)
