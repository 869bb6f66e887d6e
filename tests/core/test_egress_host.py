"""Which texts are names of hosts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.egress.host import host_of
from ringfence.core.egress.opening import Refusal

LONG = ".".join(["a" * 63] * 3)


@pytest.mark.parametrize(
    "text", ["api.example.com", "a.b", "xn--bcher-kva.example", "a-b.example", "1.example", f"{LONG}.{'a' * 61}", "1e100.net"]
)
def test_a_name_of_labels_is_a_host(text: str) -> None:
    assert host_of(text) == text


def test_case_is_folded_and_nothing_else() -> None:
    assert host_of("API.Example.COM") == "api.example.com"


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0x0.0x0.0x1",
        "0X7F.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "1.2.3",
        "1.2.3.4.5",
        "example.0",
        "example.0x1f",
        "example.0x",
        "256.256.256.256",
        "::1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fe80::1%eth0]",
        "fe80::1%25eth0",
        "[v1.a]",
        "]",
    ],
)
def test_an_address_in_any_notation_is_refused_as_one(text: str) -> None:
    refusal = host_of(text)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.status) == ("address_literal", 403)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "localhost",
        "a..b",
        ".a.b",
        "a.b.",
        "-a.b",
        "a-.b",
        "a_b.example",
        "a b.example",
        " a.example",
        "a.example\n",
        "a.example\0.b",
        "a%2e.example",
        "a@b.example",
        "a/b.example",
        "*.example.com",
        "ａ.example",
        "a。example",
        "bücher.example",
        "①.example",
        "a.example\u200b",
        "a" * 64 + ".b",
        LONG + "." + "a" * 62,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    assert isinstance(host_of(text), Refusal)


@given(st.text())
def test_what_is_accepted_is_the_text_in_lower_case(text: str) -> None:
    host = host_of(text)
    assert isinstance(host, Refusal) or (host == text.lower() and "." in host and host.isascii() and len(host) <= 253)
