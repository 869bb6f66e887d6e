"""Which addresses a name may stand for."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.egress.addresses import MOST, judged, pinned
from ringfence.core.egress.opening import Refusal

PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
PRIVATE = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::2", "fc00::1"]
NEVER = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.8",
    "192.0.2.2",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:93.184.216.34",
    "::ffff:0:93.184.216.34",
    "64:ff9b::7f00:1",
    "64:ff9b::5db8:d822",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:5db8:d822::1",
    "3fff::1",
    "5f00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_dialled(address: str) -> None:
    assert judged([address]) == (address,)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_a_rule_that_says_so(address: str) -> None:
    assert isinstance(judged([address]), Refusal)
    assert judged([address], private=True) == (address,)


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("private", [False, True])
def test_loopback_metadata_and_every_other_special_address_is_never_dialled(address: str, private: bool) -> None:
    refusal = judged([address], private=private)
    assert isinstance(refusal, Refusal)
    assert refusal.status == 403


@pytest.mark.parametrize("bad", ["10.0.0.1", "127.0.0.1", "nonsense", "", "1.2.3", "0x7f.1"])
def test_one_bad_answer_refuses_the_whole_name(bad: str) -> None:
    assert isinstance(judged(["93.184.216.34", bad]), Refusal)
    assert isinstance(judged([bad, "93.184.216.34"]), Refusal)


def test_no_answer_and_too_many_are_refused() -> None:
    assert isinstance(judged([]), Refusal)
    assert isinstance(judged(["93.184.216.34"] * (MOST + 1)), Refusal)


def test_addresses_come_back_in_order_once_and_in_one_notation() -> None:
    answers = ["2606:4700:4700:0:0:0:0:1111", "1.1.1.1", "2606:4700:4700::1111"]
    assert judged(answers) == ("2606:4700:4700::1111", "1.1.1.1")


@given(st.ip_addresses())
def test_whatever_is_allowed_is_global_by_the_standard_library_too(address: IPv4Address | IPv6Address) -> None:
    assert isinstance(judged([str(address)]), Refusal) or address.is_global


@given(st.lists(st.text(max_size=40), max_size=5), st.booleans())
def test_no_answer_makes_the_judge_raise(answers: list[str], private: bool) -> None:
    judged(answers, private=private)


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "10.0.0.7", "fd12::7", "93.184.216.34"])
def test_an_address_that_the_operator_wrote_down_may_be_near(text: str) -> None:
    assert pinned([text]) == (text,)


@pytest.mark.parametrize(
    "text",
    ["169.254.169.254", "fd00:ec2::254", "169.254.1.1", "fe80::1", "224.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1", "host"],
)
def test_what_hands_out_credentials_is_never_dialled_even_so(text: str) -> None:
    assert isinstance(pinned([text]), Refusal)
