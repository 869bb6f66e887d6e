"""To whom a credential is bound."""

import pytest

from ringfence.core.model.binding import BindingKind, bound_to, is_binding, kind_of, mismatch, with_key

KEY = "jkt:" + "A" * 43
CERTIFICATE = "x5t:" + "B" * 42 + "A"
USER = bound_to(BindingKind.LOCAL_USER, 1000)


@pytest.mark.parametrize("text", [USER, "uid:0", KEY, CERTIFICATE, f"{USER}+{KEY}", f"{CERTIFICATE}+{KEY}"])
def test_each_kind_has_one_form(text: str) -> None:
    assert is_binding(text)
    assert kind_of(text) is BindingKind(text[:3])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uid:",
        "uid:01",
        "uid:-1",
        "uid:root",
        "uid:1000 ",
        "uid:١",
        "jkt:",
        "jkt:" + "A" * 42,
        "jkt:" + "A" * 44,
        "jkt:" + "A" * 42 + "B",  # the last digit of 32 bytes has two bits that are zero
        "x5t:" + "A" * 42 + "=",
        "JKT:" + "A" * 43,
        "pid:7",
        "A" * 43,
        f"{KEY}+{KEY}",
        f"{KEY}+{USER}",
        f"{USER}+{CERTIFICATE}",
        f"{USER}+",
        f"{USER}+{KEY}+{KEY}",
    ],
)
def test_anything_else_is_no_binding(text: str) -> None:
    assert not is_binding(text)


@pytest.mark.requirement("I8")
@pytest.mark.parametrize("binding", [USER, KEY, CERTIFICATE])
@pytest.mark.parametrize("senders", [(), (USER,), (KEY,), (CERTIFICATE,), ("uid:1001",), ("x5t:" + "C" * 42 + "A",)])
def test_a_binding_holds_for_its_sender_alone(binding: str, senders: tuple[str, ...]) -> None:
    assert (mismatch(binding, frozenset(senders)) == "") is (binding in senders)


def test_what_is_bound_to_nobody_comes_from_anybody_who_proves_no_key() -> None:
    assert mismatch("", frozenset()) == ""
    assert mismatch("", frozenset({USER, CERTIFICATE})) == ""


@pytest.mark.requirement("I8")
@pytest.mark.parametrize("binding", ["", USER, CERTIFICATE])
def test_a_proven_key_is_the_one_that_the_credential_is_bound_to(binding: str) -> None:
    assert mismatch(binding, frozenset({KEY, USER, CERTIFICATE}))


@pytest.mark.requirement("I8")
@pytest.mark.parametrize("first", [USER, CERTIFICATE])
def test_what_is_bound_to_two_is_of_use_to_neither_alone(first: str) -> None:
    both = f"{first}+{KEY}"
    assert mismatch(both, frozenset({first, KEY})) == ""
    another = "jkt:" + "E" * 43
    for senders in ({first}, {KEY}, set[str](), {first, another}, {"uid:1001", KEY}):
        assert mismatch(both, frozenset(senders)), senders


@pytest.mark.parametrize("binding", ["", USER, CERTIFICATE, KEY, f"{USER}+{KEY}", f"{CERTIFICATE}+{KEY}"])
def test_a_key_of_its_own_comes_to_a_user_or_certificate_and_replaces_a_key(binding: str) -> None:
    own = "jkt:" + "E" * 43
    found = with_key(binding, "E" * 43)
    kept = {part for part in binding.split("+") if part and not part.startswith("jkt:")}
    assert set(found.split("+")) == {*kept, own}
    assert is_binding(found)


def test_in_a_box_counts_only_what_is_bound_to_that_box() -> None:
    own, other = (bound_to(BindingKind.BOX, letter * 42 + "A") for letter in "ab")
    assert mismatch(own, frozenset({own})) == ""
    for binding in ("", other, "uid:1000", bound_to(BindingKind.CERTIFICATE, "c" * 42 + "A")):
        assert "box" in mismatch(binding, frozenset({own}))
    assert mismatch(own, frozenset()) != ""
