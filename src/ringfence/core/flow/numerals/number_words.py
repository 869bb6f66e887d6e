"""Numbers that are written out: English, German, French and Spanish, up to the millions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ringfence.core.definitions.wording import word_set

_TENS_PLACE: Final = 100
_THOUSAND: Final = 1_000


def _table(text: str) -> dict[str, int]:
    parts = text.split()
    return {word: int(value) for word, value in zip(parts[::2], parts[1::2], strict=True)}


_ENGLISH: Final = _table(
    """
    zero 0 one 1 two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9 ten 10 eleven 11 twelve 12 thirteen 13
    fourteen 14 fifteen 15 sixteen 16 seventeen 17 eighteen 18 nineteen 19 twenty 20 thirty 30 forty 40 fifty 50
    sixty 60 seventy 70 eighty 80 ninety 90 hundred 100 thousand 1000 million 1000000
    """
)
_GERMAN: Final = _table(
    """
    null 0 eins 1 eine 1 einen 1 einem 1 einer 1 ein 1 zwei 2 zwo 2 drei 3 vier 4 f\u00fcnf 5 sechs 6 sieben 7
    acht 8 neun 9 zehn 10 elf 11 zw\u00f6lf 12 dreizehn 13 vierzehn 14 f\u00fcnfzehn 15 sechzehn 16 siebzehn 17
    achtzehn 18 neunzehn 19 zwanzig 20 drei\u00dfig 30 dreissig 30 vierzig 40 f\u00fcnfzig 50 sechzig 60 siebzig 70
    achtzig 80 neunzig 90 hundert 100 tausend 1000 millionen 1000000 million 1000000
    """
)
_FRENCH: Final = _table(
    """
    z\u00e9ro 0 un 1 une 1 deux 2 trois 3 quatre 4 cinq 5 six 6 sept 7 huit 8 neuf 9 dix 10 onze 11 douze 12
    treize 13 quatorze 14 quinze 15 seize 16 vingt 20 vingts 20 trente 30 quarante 40 cinquante 50 soixante 60
    septante 70 huitante 80 octante 80 nonante 90 cent 100 cents 100 mille 1000 million 1000000 millions 1000000
    """
)
_SPANISH: Final = _table(
    """
    cero 0 un 1 uno 1 una 1 dos 2 tres 3 cuatro 4 cinco 5 seis 6 siete 7 ocho 8 nueve 9 diez 10 once 11 doce 12
    trece 13 catorce 14 quince 15 diecis\u00e9is 16 diecisiete 17 dieciocho 18 diecinueve 19 veinte 20 veintiuno 21
    veinti\u00fan 21 veintid\u00f3s 22 veintitr\u00e9s 23 veinticuatro 24 veinticinco 25 veintis\u00e9is 26
    veintisiete 27 veintiocho 28 veintinueve 29 treinta 30 cuarenta 40 cincuenta 50 sesenta 60 setenta 70 ochenta 80
    noventa 90 cien 100 ciento 100 doscientos 200 doscientas 200 trescientos 300 trescientas 300 cuatrocientos 400
    quinientos 500 quinientas 500 seiscientos 600 setecientos 700 ochocientos 800 novecientos 900 mil 1000
    mill\u00f3n 1000000 millones 1000000
    """
)
_LANGUAGES: Final[tuple[tuple[Mapping[str, int], frozenset[str]], ...]] = (
    (_ENGLISH, frozenset({"and"})),
    (_FRENCH, frozenset({"et"})),
    (_SPANISH, frozenset({"y"})),
)
_ALSO_ENGLISH: Final = word_set("once cent cents sept six mille mil million son un dos")
"""Words that are a number in one language and something else, or the same number, in an English sentence."""
_ARTICLES: Final = word_set("ein eine einen einem einer un une una uno")
_MORPHEMES: Final = re.compile("|".join(sorted((*_GERMAN, "und"), key=len, reverse=True)))
_LONGEST_COMPOUND: Final = 80
_WORD: Final = re.compile(r"[^\W\d_]+")
_HINTS: Final = (
    word_set("le la les des et pour avec est du au aux sur"),
    word_set("el los las y con del al por para es"),
)


def written_out(text: str) -> Iterator[tuple[int, int, int]]:
    """Each number that is written out in a folded text: its value, where it begins and where it ends."""
    words = [(found[0], found.start(), found.end()) for found in _WORD.finditer(text)]
    present = {word for word, _, _ in words}
    foreign = (False, len(_HINTS[0] & present) > 1, len(_HINTS[1] & present) > 1)
    at = 0
    while at < len(words):
        word, begin, end = words[at]
        if word not in _ARTICLES and word not in _ENGLISH and (value := _german(word)) is not None:
            yield value, begin, end
            at += 1
            continue
        for (table, joins), is_spoken in zip(_LANGUAGES, foreign, strict=True):
            if word not in table or (table is not _ENGLISH and not is_spoken and word in _ALSO_ENGLISH):
                continue
            value, used = _read(text, words, at, table, joins)
            if not (used == 1 and word in _ARTICLES):
                yield value, begin, words[at + used - 1][2]
            at += used
            break
        else:
            at += 1


def in_digits(text: str, written: Iterable[tuple[int, int, int]]) -> str:
    """The folded text with its written-out numbers, as `written_out` found them, in digits."""
    parts: list[str] = []
    at = 0
    for value, start, end in written:
        parts.extend((text[at:start], str(value)))
        at = end
    return "".join((*parts, text[at:])) if parts else text


def _german(word: str) -> int | None:
    if len(word) > _LONGEST_COMPOUND:
        return None
    parts: list[str] = []
    at = 0
    while at < len(word):
        found = _MORPHEMES.match(word, at)
        if found is None:
            return None
        parts.append(found[0])
        at = found.end()
    if parts[0] == "und" or parts[-1] == "und":
        return None
    total = group = 0
    for place, part in enumerate(parts):
        if part == "und":
            continue
        value = _GERMAN[part]
        joined = place > 0 and parts[place - 1] == "und"
        if value >= _THOUSAND:
            total, group = total + (group or 1) * value, 0
        elif value == _TENS_PLACE:
            group = (group or 1) * value
        elif group % _TENS_PLACE == 0 or (joined and group % _TENS_PLACE < 10):
            group += value
        else:
            return None
    return total + group


def _read(
    text: str, words: list[tuple[str, int, int]], at: int, table: Mapping[str, int], joins: frozenset[str]
) -> tuple[int, int]:
    """The number that begins at a word, and of how many words it is. A word that does not continue it ends it."""
    total = group = 0
    used = 0
    begun = False
    while at + used < len(words):
        word, begin, _ = words[at + used]
        if used and text[words[at + used - 1][2] : begin] not in (" ", "-"):
            break
        if begun and word in joins and at + used + 1 < len(words) and words[at + used + 1][0] in table:
            ahead = table[words[at + used + 1][0]]
            if ahead >= _TENS_PLACE or not _fits(group, ahead) or text[words[at + used][2] : words[at + used + 1][1]] != " ":
                break
            group += ahead
            used += 2
            continue
        value = table.get(word)
        if value is None:
            break
        if value >= _THOUSAND:
            if not begun and value > _THOUSAND:
                break
            if begun and (group == 0 or (total and total % (value * _THOUSAND))):
                break
            total, group = total + (group or 1) * value, 0
        elif value == _TENS_PLACE and 0 < group < _TENS_PLACE:
            group *= value
        elif value == 20 and group == 4 and table is _FRENCH:
            group = 80
        elif begun and not _fits(group, value):
            break
        else:
            group += value
        begun = True
        used += 1
    return total + group, max(used, 1)


def _fits(group: int, value: int) -> bool:
    """Whether one continues the other: `twenty` `five`, `cent` `quatre`, and not `two` `three`."""
    if value >= _TENS_PLACE:
        return group == 0
    rest = group % _TENS_PLACE
    if value >= 20:
        return rest == 0
    if value >= 10:
        return rest in (0, 60, 80)
    return rest == 0 or (rest % 10 == 0 and rest >= 10)
