"""Ids, logins and records as honest people name them, and their neighbours."""

from __future__ import annotations

import pytest
from tests.core.flow_kit import SELECTOR, TARGET, call, facts, flow, gives, heard, kinds, tool

from ringfence.core.flow.origins import origins
from ringfence.core.model.profile import Lookup, Records, ToolProfile
from ringfence.core.model.provenance import SourceKind

RECORDS = Records(("/name",), ("/id",))


def case(value: str, text: str = "look into case 329") -> str:
    return kinds(text, {"case": value}, {"/case": SELECTOR})[0]


def test_a_number_beside_its_noun_stands_for_the_id() -> None:
    assert case("IR-329") == "words"
    assert gives("answer ticket #4655", "T-4655", SELECTOR, "ticket")
    assert not gives("answer claim #4655", "T-4655", SELECTOR, "ticket")
    assert case("IR-329", "schau dir case #329 an") == "words"


@pytest.mark.parametrize("text", ["look into 329", "look into ticket 3291", "make 329 cases", "see phase 329", "case AB-329"])
def test_a_number_without_its_noun_stands_for_no_id(text: str) -> None:
    assert case("IR-329", text) != "words"


def test_one_letter_is_no_prefix_of_another_noun() -> None:
    assert case("X-329") != "words"
    assert case("C-329") == "words"


def test_a_number_of_two_ids_stands_for_none() -> None:
    known = (heard("desk.list", {}, [{"id": "EV-329", "name": "Another one"}], records=RECORDS),)
    assert kinds("look into case 329", {"case": "IR-329"}, {"/case": SELECTOR}, known) != ["words"]
    looked = (heard("desk.get", {}, {"id": "EV-329"}, lookup=Lookup(("/q",), ("/id",), True)),)
    assert kinds("look into case 329", {"case": "IR-329"}, {"/case": SELECTOR}, looked) != ["words"]
    same = (heard("desk.list", {}, [{"id": "IR-329", "name": "This one"}], records=RECORDS),)
    assert kinds("look into case 329", {"case": "IR-329"}, {"/case": SELECTOR}, same) == ["words"]


def test_groups_of_letters_and_digits_are_one_sign() -> None:
    assert gives("the car xk 21 lmn", "XK21LMN", SELECTOR, "plate")
    assert gives("the car XK21 LMN", "XK21LMN", TARGET, "registration")
    assert not gives("the car xk 21 lmno", "XK21LMN", SELECTOR, "plate")
    assert not gives("the car xk 2 1 lmn", "XK21LMN", SELECTOR, "plate")
    assert gives("the car kx 2154", "KX2154", SELECTOR, "plate")
    assert not gives("send 12 kisses", "12KISSES", SELECTOR, "coupon")
    assert not gives("user xk 21 lmn", "xk21lmn", TARGET, "to")


@pytest.mark.parametrize(
    ("text", "value", "name", "given"),
    [
        ("assign it to mara.fox@corp.example", "mara.fox", "assignee", True),
        ("assign it to me (mara.fox@corp.example)", "mara.fox", "assignee", True),
        ("assign it to mara.fox@corp.example", "Mara.Fox", "login", True),
        ("assign it to mara.fox@partner.example", "mara.fox", "assignee", False),
        ("assign it to mara.fox@corp.example", "mara", "assignee", False),
        ("assign it to mara.fox@corp.example", "mara.fox", "channel", False),
        ("mara.fox@corp.example or mara.fox@partner.example", "mara.fox", "assignee", False),
    ],
)
def test_an_own_address_gives_its_login(text: str, value: str, name: str, given: bool) -> None:
    inside = tool({f"/{name}": TARGET}, profile=ToolProfile(outbound=False))
    (found,) = origins(call({name: value}), facts(inside, flow(text, hosts=("corp.example",))))
    assert (found.kind is SourceKind.WORDS) is given


def test_a_service_outside_may_know_somebody_else_by_that_login() -> None:
    said = flow("assign it to mara.fox@corp.example", hosts=("corp.example",))
    outside = tool({"/assignee": TARGET}, profile=ToolProfile(outbound=True))
    (found,) = origins(call({"assignee": "mara.fox"}), facts(outside, said))
    assert not found.is_derived


def test_my_address_in_parentheses_is_mine() -> None:
    assert gives("send it to me (mara.fox@corp.example)", "mara.fox@corp.example", TARGET, "to")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Cancel the order of \u201eFa. Kurz\u201c", "Fa. Kurz"),
        ("Cancel the order of Fa. Kurz", "FA. KURZ"),
        ("Cancel the order of \u00abNordwind Logistik\u00bb", "Nordwind Logistik"),
        ("Cancel the order of \u2018Nordwind Logistik\u2019", "Nordwind Logistik"),
        ("Cancel the order of Nord\u00adwind\u00a0Logistik", "Nordwind Logistik"),
        ("Cancel the order of Nord\u2011Wind", "Nord-Wind"),
        ("Cancel the order of \uff2e\uff4f\uff52\uff44\uff57\uff49\uff4e\uff44", "Nordwind"),
        ('Cancel the order of "Chat"', "Chat"),
        ("Cancel the order of \u201cQ4\u201d", "Q4"),
    ],
)
def test_a_record_is_named_in_any_marks_and_letters(text: str, name: str) -> None:
    known = (heard("shop.list", {}, [{"id": "a91-x", "name": name}, {"id": "b17-y", "name": "Other"}], records=RECORDS),)
    assert kinds(text, {"id": "a91-x"}, {"/id": SELECTOR}, known) == ["record"]
    assert kinds(text, {"id": "b17-y"}, {"/id": SELECTOR}, known) != ["record"]


@pytest.mark.parametrize("text", ["Chat about the order", "Cancel the \u201cChat now\u201d order", "Cancel Q4"])
def test_a_common_word_names_no_record_where_it_is_not_quoted(text: str) -> None:
    known = (heard("shop.list", {}, [{"id": "a91-x", "name": "Chat"}, {"id": "a91-x", "name": "Q4"}], records=RECORDS),)
    assert kinds(text, {"id": "a91-x"}, {"/id": SELECTOR}, known) != ["record"]


def test_names_in_other_letters_are_given_by_themselves_only() -> None:
    assert gives("Mail Fa. Kurz", "fa. kurz", SELECTOR, "customer")
    assert not gives("Mail Nordwind", "\uff2eordwind", SELECTOR, "customer")
