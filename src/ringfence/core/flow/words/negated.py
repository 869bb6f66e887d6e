"""What people say that is not to be done. Pure.

`Never send anything to press@corp.example` names an address, and gives it nothing. A guess by the words that forbid or except,
in four languages; what is missed counts as said, and what is left out too often costs a question.
"""

from __future__ import annotations

import re
from typing import Final

_FORBIDDING: Final = re.compile(
    r"""(?<![\w'"\u2019-])(?:
        (?:do|must|should|may|shall)\ not | (?:do|must|should)n['\u2019]?t | can['\u2019]?t | cannot | never | not\ to
      | but\ not | and\ not | no\ longer | refrain\ from | hands\ off | leav(?:e|ing)\ out
      | (?:keep|stay|steer|kept)\ (?:\w+\ ){0,4}?(?:away\ from|clear\ of|out\ of\ reach\ of)
      | finger\ weg\ von | (?:halte?|haltet)\ (?:dich|euch|es|sie)\ fern\ von
      | niemals | nie | keinesfalls | auf\ keinen\ fall | nicht\ (?:an|nach|mit|f\u00fcr|zu|auf|\u00fcber|in|als)
      | ne\ \w+\ (?:pas|jamais) | jamais | nunca | jam\u00e1s
    )(?![\w-])""",
    re.IGNORECASE | re.VERBOSE,
)
_EXCEPTING: Final = re.compile(
    r"""(?<![\w'"\u2019-])(?:
        except(?:ing|\ for)? | excluding | with\ the\ exception\ of | (?:apart|aside)\ from | barring
      | instead\ of | rather\ than | other\ than | au\u00dfer | mit\ ausnahme\ von | abgesehen\ von | anstatt
      | sauf | hormis | \u00e0\ l['\u2019]exception\ de | excepto | (?:a|con)\ excepci\u00f3n\ de
      | en\ lugar\ de | au\ lieu\ de
    )(?![\w-])""",
    re.IGNORECASE | re.VERBOSE,
)
_NOT_FORBIDDING: Final = re.compile(
    r"\s*(?:forget|hesitate|worry|mind|wait\b|only|fail\b|miss\b|vergessen|oublie|olvides)|[^.;\n]{0,80}"
    r"\b(?:more|less|later|earlier|longer|fewer) than\b|[^.;\n]{0,80}\b(?:exceed|mehr als|plus de|m\u00e1s de)\b",
    re.IGNORECASE,
)
_END: Final = re.compile(
    r"[.;!?](?=\s|\Z|[\"')\u201d])|\n|,?\s(?:but|instead|aber|sondern|mais|sino|pero)\b|,\s(?:only|just|rather|please|then|nur|bitte|dann)\b"
    r"|\s[\u2013\u2014]\s",
    re.IGNORECASE,
)
_END_OF_EXCEPTION: Final = re.compile(rf",\s|\)|{_END.pattern}", re.IGNORECASE)
_MOST: Final = 500
_LONGEST: Final = 1_000


def without_negated(text: str, gap: str) -> str:
    """The text with a gap where something is forbidden or excepted, to the end of its clause. Not within a quotation."""
    places = sorted(
        [(found.end(), _END) for found in _FORBIDDING.finditer(text)]
        + [(found.end(), _END_OF_EXCEPTION) for found in _EXCEPTING.finditer(text)],
        key=lambda place: place[0],
    )
    kept: list[str] = []
    at = 0
    for begin, ending in places[:_MOST]:
        if begin < at or _NOT_FORBIDDING.match(text, begin) or _is_quoted(text, begin):
            continue
        end = ending.search(text, begin, begin + _LONGEST)
        kept.append(text[at:begin])
        at = end.start() if end is not None else min(begin + _LONGEST, len(text))
        kept.append(gap)
    return "".join((*kept, text[at:]))


def _is_quoted(text: str, at: int) -> bool:
    """Whether the place stands within quotation marks on its line: what somebody calls a thing forbids nothing."""
    line = text[max(text.rfind("\n", 0, at), at - _LONGEST) + 1 : at]
    return (
        line.count('"') % 2 == 1 or line.rfind("\u201c") > line.rfind("\u201d") or line.rfind("\u201e") > line.rfind("\u201c")
    )
