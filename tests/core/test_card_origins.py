"""What a card says of where values come from."""

from __future__ import annotations

import pytest
from tests.core.flow_kit import TARGET, found

from ringfence.core.approvals.card import ORIGINS_SHOWN, origin_lines
from ringfence.core.model.profile import Authority, Role
from ringfence.core.model.provenance import Origin, SourceKind


def _origin(pointer: str, kind: SourceKind, **more: str) -> Origin:
    return Origin(pointer, Authority(pointer, Role.TARGET), kind, **more)


def test_what_nothing_speaks_for_stands_first() -> None:
    lines = origin_lines((_origin("/a", SourceKind.WORDS), _origin("/b", SourceKind.RESULT), _origin("/c", SourceKind.FIXED)))
    assert [(line["pointer"], line["derived"]) for line in lines] == [("/b", False), ("/a", True), ("/c", True)]


@pytest.mark.requirement("I15")
def test_foreign_text_is_spelled_out_and_cut() -> None:
    origin = _origin("/a\u202e", SourceKind.RESULT, where="at /x\u200b", quoted="\u202epay" + "x" * 900, near="a\u200bb")
    (line,) = origin_lines((origin,))
    assert line["pointer"] == "/a\u27e8U+202E\u27e9"
    assert line["where"] == "at /x\u27e8U+200B\u27e9"
    assert line["quoted"].startswith("\u27e8U+202E\u27e9pay")
    assert len(line["quoted"]) == 400
    assert line["near"] == "a\u27e8U+200B\u27e9b"


def test_a_card_lists_a_bounded_number_of_origins() -> None:
    assert len(origin_lines(tuple(_origin(f"/{place}", SourceKind.NOWHERE) for place in range(500)))) == ORIGINS_SHOWN


@pytest.mark.parametrize("value", ["ops@corp.examp1e", "ops@corp.exampl", "opss@corp.example", "\u043eps@corp.example"])
def test_a_value_one_character_away_from_a_trusted_one_is_pointed_at(value: str) -> None:
    origin = found("Mail ops@corp.example", {"to": value}, {"/to": TARGET})["/to"]
    assert (origin.is_derived, origin.near) == (False, "ops@corp.example")


def test_a_value_that_is_far_from_every_trusted_one_is_near_none() -> None:
    assert found("Mail ops@corp.example", {"to": "eve@other.example"}, {"/to": TARGET})["/to"].near == ""
