"""Places in a row as people count them: `the second page`, `die dritte Zeile`. Data and a search.

Only of what is counted through: the first ticket of a list is not the ticket with the number 1.
"""

from __future__ import annotations

import re
from typing import Final

_ORDINALS: Final = tuple(
    tuple(row.split())
    for row in (
        "first 1st erste[nrsm]? premier premi\u00e8re primer primer[oa] 1er 1\u00aa 1\u00ba",
        "second 2nd zweite[nrsm]? deuxi\u00e8me seconde segund[oa]",
        "third 3rd dritte[nrsm]? troisi\u00e8me tercer tercer[oa]",
        "fourth 4th vierte[nrsm]? quatri\u00e8me cuart[oa]",
        "fifth 5th f\u00fcnfte[nrsm]? cinqui\u00e8me quint[oa]",
        "sixth 6th sechste[nrsm]? sixi\u00e8me sext[oa]",
        "seventh 7th siebte[nrsm]? septi\u00e8me s\u00e9ptim[oa]",
        "eighth 8th achte[nrsm]? huiti\u00e8me octav[oa]",
        "ninth 9th neunte[nrsm]? neuvi\u00e8me noven[oa]",
        "tenth 10th zehnte[nrsm]? dixi\u00e8me d\u00e9cim[oa]",
    )
)
_COUNTED: Final = {
    words.split()[0]: "|".join(words.split())
    for words in (
        "page pages seite p\u00e1gina", "line lines zeile ligne l\u00ednea", "row rows zeile ligne fila",
        "column columns spalte colonne columna", "sheet sheets blatt feuille hoja", "step steps schritt \u00e9tape paso",
        "chapter chapters kapitel chapitre cap\u00edtulo", "section sections abschnitt secci\u00f3n",
        "floor stock \u00e9tage piso",
        "attempt versuch tentative intento", "round runde tour ronda", "phase fase", "stage stufe", "slot",
        "level ebene niveau nivel",
        "position platz posici\u00f3n", "quarter quartal trimestre", "version fassung versi\u00f3n", "revision",
        "part teil partie parte",
        "reminder mahnung rappel recordatorio", "tier",
    )
}  # fmt: skip


def ordinal_in(low: str, value: int, name: tuple[str, ...]) -> int:
    """Where a folded text says the place, for an argument that is named after what is counted; -1 where it does not."""
    if not 1 <= value <= len(_ORDINALS):
        return -1
    for word in name:
        noun = _COUNTED.get(word) or _COUNTED.get(word.removesuffix("s"))
        if noun is None:
            continue
        found = re.search(rf"(?<![\w.-])(?:{'|'.join(_ORDINALS[value - 1])}) (?:{noun})(?![\w-])", low)
        if found is not None:
            return found.start()
    return -1
