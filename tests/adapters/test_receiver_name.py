"""Receivers of the log are told apart by their names, which show nothing that an address hides."""

import pytest

from ringfence.adapters.wire.receiver import receiver_name

ADDRESSES = (
    "https://siem.example/in",
    "https://siem.example/other",
    "https://siem.example:8088/in",
    "https://siem.example:8089/in",
    "https://siem.example/in?to=a",
    "https://siem.example/in?to=b",
    "https://siem.example/",
)


@pytest.mark.parametrize("shows_path", [True, False])
def test_no_two_addresses_have_one_name(shows_path: bool) -> None:
    assert len({receiver_name("x", url, shows_path=shows_path) for url in ADDRESSES}) == len(ADDRESSES)


def test_a_name_shows_no_credential() -> None:
    url = "https://user:s3cret@siem.example:8088/t0ken?key=s3cret"
    assert receiver_name("http", url, shows_path=True).startswith("http siem.example:8088/t0ken #")
    assert receiver_name("webhook", url, shows_path=False).startswith("webhook siem.example:8088 #")
    assert "s3cret" not in receiver_name("http", url, shows_path=True)
