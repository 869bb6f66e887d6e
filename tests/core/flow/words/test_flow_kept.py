"""What was found in people's words is kept: once for all who ask, and not without a bound."""

from __future__ import annotations

from tests.core.flow_kit import AT

from ringfence.core.flow.words.spoken import MOST_KEPT, is_read, spoken_of
from ringfence.core.model.words import Words


def said(text: str, at: int = AT) -> Words:
    return Words(text, "operator:jo", at)


def test_the_same_words_of_the_same_day_are_read_once() -> None:
    words = said("look into kept case 1")
    assert spoken_of(words) is spoken_of(said("look into kept case 1", AT + 1))
    assert spoken_of(words) is not spoken_of(said("look into kept case 1", AT + 86_400_000))


def test_words_are_read_when_everything_was_found_and_not_before() -> None:
    words = said("look into kept case 2 by 3 March 2027")
    assert not is_read(words)
    assert spoken_of(words).counted
    assert not is_read(words)
    spoken_of(words).read()
    assert is_read(words)


def test_what_nobody_asks_for_any_more_makes_room() -> None:
    first, asked_for = said("look into kept case 3"), said("look into kept case 4")
    for words in (first, asked_for):
        spoken_of(words).read()
    for number in range(12):
        spoken_of(said(f"kept {number} " + "word " * (MOST_KEPT // 50)))
        spoken_of(asked_for)
    assert not is_read(first)
    assert is_read(asked_for)
