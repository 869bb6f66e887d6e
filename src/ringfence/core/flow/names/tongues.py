"""Languages and countries by the names that people use for them. Data and a predicate.

Codes of ISO 639-1 and ISO 3166-1 alpha-2, of the languages and countries with most speakers and inhabitants and of those of
Europe; names in English and as they call themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_LANGUAGES: Final = """
ar arabic, \u0627\u0644\u0639\u0631\u0628\u064a\u0629; bg bulgarian, \u0431\u044a\u043b\u0433\u0430\u0440\u0441\u043a\u0438
bn bengali, \u09ac\u09be\u0982\u09b2\u09be; ca catalan, catal\u00e0; cs czech, \u010de\u0161tina; da danish, dansk
de german, deutsch; el greek, \u03b5\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac; en english
es spanish, espa\u00f1ol, castellano
et estonian, eesti; fa persian, farsi, \u0641\u0627\u0631\u0633\u06cc; fi finnish, suomi; fr french, fran\u00e7ais
ga irish, gaeilge; he hebrew, \u05e2\u05d1\u05e8\u05d9\u05ea; hi hindi, \u0939\u093f\u0928\u094d\u0926\u0940
hr croatian, hrvatski
hu hungarian, magyar; id indonesian, bahasa indonesia; is icelandic, \u00edslenska; it italian, italiano
ja japanese, \u65e5\u672c\u8a9e; ko korean, \ud55c\uad6d\uc5b4; lt lithuanian, lietuvi\u0173; lv latvian, latvie\u0161u
ms malay, bahasa melayu; nl dutch, nederlands; no norwegian, norsk; pl polish, polski; pt portuguese, portugu\u00eas
ro romanian, rom\u00e2n\u0103; ru russian, \u0440\u0443\u0441\u0441\u043a\u0438\u0439; sk slovak, sloven\u010dina
sl slovenian, slovene, sloven\u0161\u010dina; sr serbian, srpski, \u0441\u0440\u043f\u0441\u043a\u0438; sv swedish, svenska
sw swahili, kiswahili; ta tamil, \u0ba4\u0bae\u0bbf\u0bb4\u0bcd; th thai, \u0e44\u0e17\u0e22; tr turkish, t\u00fcrk\u00e7e
uk ukrainian, \u0443\u043a\u0440\u0430\u0457\u043d\u0441\u044c\u043a\u0430; ur urdu, \u0627\u0631\u062f\u0648
vi vietnamese, ti\u1ebfng vi\u1ec7t; zh chinese, mandarin, \u4e2d\u6587
"""
_COUNTRIES: Final = """
ae united arab emirates; ar argentina; at austria, \u00f6sterreich; au australia; be belgium, belgi\u00eb, belgique
bd bangladesh; bg bulgaria; br brazil, brasil; ca canada; ch switzerland, schweiz, suisse, svizzera; cl chile; cn china
co colombia; cy cyprus; cz czech republic, czechia, \u010desko; de germany, deutschland; dk denmark, danmark
ee estonia, eesti; eg egypt; es spain, espa\u00f1a; fi finland, suomi; fr france
gb united kingdom, great britain; gr greece, \u03b5\u03bb\u03bb\u03ac\u03b4\u03b1; hr croatia, hrvatska
hu hungary, magyarorsz\u00e1g; id indonesia; ie ireland, \u00e9ire; il israel; in india; is iceland, \u00edsland
it italy, italia
jp japan, \u65e5\u672c; ke kenya; kr south korea, \ud55c\uad6d; lt lithuania, lietuva; lu luxembourg, luxemburg
lv latvia, latvija
mt malta; mx mexico, m\u00e9xico; my malaysia; ng nigeria; nl netherlands, nederland; no norway, norge; nz new zealand
pe peru, per\u00fa; ph philippines; pk pakistan; pl poland, polska; pt portugal; ro romania, rom\u00e2nia; rs serbia, srbija
ru russia; sa saudi arabia; se sweden, sverige; sg singapore; si slovenia, slovenija; sk slovakia, slovensko; th thailand
tr turkey, t\u00fcrkiye; tw taiwan; ua ukraine, \u0443\u043a\u0440\u0430\u0457\u043d\u0430
us united states, united states of america, usa; vn vietnam, vi\u1ec7t nam; za south africa
"""
_OF_LANGUAGES: Final = frozenset({"language", "languages", "lang", "locale", "locales"})
_OF_COUNTRIES: Final = frozenset({"country", "countries"})


def _table(text: str) -> Mapping[str, tuple[str, ...]]:
    rows = (row.strip().partition(" ") for line in text.strip().splitlines() for row in line.split(";"))
    return {code: tuple(name.strip() for name in names.split(",")) for code, _, names in rows}


_NAMES: Final = _table(_LANGUAGES)
_PLACES: Final = _table(_COUNTRIES)


def names_of(code: str, name: tuple[str, ...]) -> tuple[str, ...]:
    """The names, without capitals, of the language or country that a code is for an argument of this name
    none for others."""
    if len(code) != 2 or not (code.islower() or code.isupper()):
        return ()
    if not _OF_LANGUAGES.isdisjoint(name):
        return _NAMES.get(code.lower(), ())
    return _PLACES.get(code.lower(), ()) if not _OF_COUNTRIES.isdisjoint(name) else ()
