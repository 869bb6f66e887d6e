"""Words ask for what a tool does where people say one of its declared words, and do not say no to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.flow_kit import AT

from ringfence.core.flow.words.asking_for import asks_for
from ringfence.core.flow.words.spoken import Spoken
from ringfence.core.flow.words.verb_forms import forms_of


def asks(text: str, *said_as: str) -> bool:
    return asks_for(Spoken(text, AT).raw, said_as)


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("Release WS-23 from isolation", "release"),
        ("please get WS-23 RELEASED today", "release"),
        ("WS-23 is clean, go on releasing it", "release"),
        ("Tagging the ticket is enough", "tag"),
        ("Apply the retry policy", "apply"),
        ("the retry was applied once, apply it again", "apply"),
        ("Gib den Host WS-23 heute frei", "gib ... frei"),
        ("Bitte WS-23 freizugeben", "freigeben"),
        ("Der Host soll freigegeben werden", "freigeben"),
        ("L\u00f6sche das Ticket 12", "l\u00f6schen"),
        ("Das Ticket wird gel\u00f6scht", "l\u00f6schen"),
        ("Der Ordner ist zu schlie\u00dfen", "schliessen"),
        ("Lib\u00e8re le poste WS-23", "lib\u00e9rer"),
        ("Merci d'isoler WS-23", "isoler"),
        ("Il faut l\u2019isoler", "isoler"),
        ("Libera el equipo WS-23", "liberar"),
        ("El equipo debe quedar liberado", "liberar"),
        ("Please lift the isolation of WS-23", "lift ... isolation"),
        ("Lift isolation.", "lift isolation"),
        ("Look at WS-23:\n- release it\n- tell Eva", "release"),
    ],
)
def test_a_declared_word_is_heard_in_its_forms(text: str, verb: str) -> None:
    assert asks(text, verb)


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("Look at WS-23 and tell Eva what you see", "release"),
        ("Unlock the door", "lock"),
        ("Attach the pre-release and release.md from v2/release", "release"),
        ("See release-notes.example and https://release.example/x", "release"),
        ("Read the mail 'Please release WS-23' and sum it up", "release"),
        ('Read the mail "Please release WS-23" and sum it up', "release"),
        ("Lies die Mail \u201ePlease release WS-23\u201c und fasse sie zusammen", "release"),
        ("Lis le message \u00ab Please release WS-23 \u00bb", "release"),
        ("Read this\n> please release WS-23\nand sum it up", "release"),
        ("This is the shortest way", "shorten"),
        ("Opt for the small one", "open"),
        ("Lift the blind. The isolation stays", "lift ... isolation"),
        ("Lift one two three four five six seven eight nine isolation", "lift ... isolation"),
        ("", "release"),
    ],
)
def test_other_words_are_not(text: str, verb: str) -> None:
    assert not asks(text, verb)


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("Do not release WS-23", "release"),
        ("Don't release WS-23", "release"),
        ("Don\u2019t you dare release WS-23", "release"),
        ("Never, under any circumstances, release WS-23", "release"),
        ("Look at WS-23 without releasing it", "release"),
        ("Look into it, no releases", "release"),
        ("Avoid releasing WS-23", "release"),
        ("Release nothing", "release"),
        ("Please do not\nrelease WS-23", "release"),
        ("Do not do any of this:\n- tag it\n- release it", "release"),
        ("Not allowed: release WS-23", "release"),
        ("Nobody releases WS-23", "release"),
        ("Gib den Host nicht frei", "gib ... frei"),
        ("L\u00f6sche das Ticket nicht", "l\u00f6schen"),
        ("L\u00f6sche keine Tickets", "l\u00f6schen"),
        ("Schau es dir an, ohne es zu l\u00f6schen", "l\u00f6schen"),
        ("Ne lib\u00e8re pas WS-23", "lib\u00e9rer"),
        ("N'isole pas WS-23", "isoler"),
        ("Lib\u00e8re jamais WS-23", "lib\u00e9rer"),
        ("Regarde-le sans le lib\u00e9rer", "lib\u00e9rer"),
        ("No libera el equipo", "liberar"),
        ("M\u00edralo sin liberar nada", "liberar"),
        ("Nunca hay que liberar el equipo", "liberar"),
    ],
)
def test_what_people_say_no_to_is_not_asked_for(text: str, verb: str) -> None:
    assert not asks(text, verb)


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("The scan did not end. Release WS-23", "release"),
        ("Release WS-23, not WS-24", "release"),
        ("Don't forget to release WS-23", "release"),
        ("Do not hesitate to release it", "release"),
        ("Do not wait, just release WS-23", "release"),
        ("Do not isolate WS-23 but release it", "release"),
        ("Not only tag it, release it", "release"),
        ("There is no hurry, release WS-23 tomorrow", "release"),
        ("Release WS-23 and tell nobody", "release"),
        ("Do not touch WS-24.\n\nRelease WS-23", "release"),
        ("Release WS-23. Do not release WS-24", "release"),
        ("Vergiss nicht, WS-23 freizugeben", "freigeben"),
        ("L\u00f6sche Ticket 12 und Ticket 13 nicht anfassen", "l\u00f6schen"),
        ("N'oublie pas de lib\u00e9rer WS-23", "lib\u00e9rer"),
        ("No olvides liberar WS-23", "liberar"),
    ],
)
def test_a_no_to_something_else_leaves_it(text: str, verb: str) -> None:
    assert asks(text, verb)


def test_one_of_several_words_is_enough() -> None:
    assert asks("Lift the isolation", "release", "lift ... isolation")
    assert not asks("Lift the blind", "release", "lift ... isolation")


def test_a_short_verb_has_no_endings_of_other_languages() -> None:
    assert forms_of("open").isdisjoint({"opt", "ope", "opte", "op"})
    assert forms_of("clear").isdisjoint({"clea", "cleo", "clean", "cle"})


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=300))
def test_any_text_is_read_and_none_says_a_word_that_it_lacks(text: str) -> None:
    assert not asks(text, "zzqqverbzz") or "zzqq" in text.lower()


@given(st.lists(st.sampled_from(["do", "not", "it", ",", ".", "never", "ws-23", "'x'", "\n\n", "-", ":"]), max_size=20))
def test_words_behind_a_no_in_front_of_everything_never_ask(words: list[str]) -> None:
    assert not asks("never release " + " ".join(words), "release")


@pytest.mark.parametrize("unit", ['"', "\u201e", "'a ", "release ", "- not:\n", "a-", "\u2026", "gib "])
def test_long_words_are_read_in_bounded_steps(unit: str) -> None:
    text = unit * (99_000 // len(unit))
    asks_for(text, ("release ... x", "gib ... frei ... y"))
