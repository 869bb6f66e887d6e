"""What is doubtful about texts that a server wrote for a model to read. Pure.

Two grades. `hidden_in` finds what no honest definition needs: characters that a model reads and a person does not see. Such a
definition is quarantined until a person has approved it (tool poisoning and line jumping; tag characters, bidi and zero-width
controls, ANSI). `text_findings` tells people what else looks wrong; it decides nothing, because words can always be found that
no list knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ringfence.core.explaining.plain_text import hides, plain

MAX_TEXT = 20_000
_MOST_STRINGS = 2000
_LONG_DESCRIPTION = 4000
_LAYOUT = "\n\r\t"
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Neither control nor format characters, and blank all the same."""
_PRINTABLE_AND_HIDDEN = re.compile(f"[{''.join(sorted(_FILLERS))}\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_WITHOUT_LAYOUT = dict.fromkeys(map(ord, _LAYOUT))
_SYMBOLS = frozenset({"So", "Sk", "Sm", "Po", "Nd"})
"""What an emoji presentation selector may follow (UTS 51)."""
_JOINER, _TEXT_STYLE, _EMOJI_STYLE = "\u200d", "\ufe0e", "\ufe0f"

_INSTRUCTIONS = tuple(
    (re.compile(pattern, re.IGNORECASE), what)
    for pattern, what in (
        (
            r"\b(?:ignore|disregard|forget)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|other)\b",
            "tell the model what to ignore",
        ),
        (r"\b(?:do not|don't|never)\s+(?:tell|mention|inform|show|reveal)\b[^.\n]{0,60}\buser", "tell the model what to hide"),
        (r"<\s*/?\s*(?:important|system|instructions?|secret|critical)\s*>", "hold a tag that poses as an instruction"),
        (r"\b(?:before|after|when(?:ever)?)\s+(?:using|calling|invoking)\s+(?:any|other|all|every)\b", "reach for other tools"),
        (r"\byou\s+(?:must|have to|should)\s+(?:always|first|never)\b", "give the model orders"),
        (r"~/\.(?:ssh|aws|gnupg|config|netrc|env)|\bid_rsa\b|/etc/(?:passwd|shadow)", "name files that hold secrets"),
        (
            r"<!--|\[(?://|comment|_)\]\s*:\s*(?:#|<)|<[a-z]+[^>]{0,80}\b(?:display\s*:\s*none|font-size\s*:\s*0)",
            "hold a comment that a rendered page does not show",
        ),
        (r"(?<![A-Za-z0-9+/])(?=[A-Za-z/+]{0,100}[0-9])[A-Za-z0-9+/]{160,}", "hold a long block of encoded data"),
    )
)


def hidden_in(value: Any) -> tuple[str, ...]:
    """The characters of any text or key, wherever it stands, that a model reads and a person does not see: `U+E0041`, sorted.

    Line breaks and tabs are seen. So are joiners and presentation selectors inside emoji, and nowhere else.
    """
    found: set[str] = set()
    for text in _every_text(value):
        # Nearly every text ends here: `isprintable` knows all but a few of the characters that matter.
        if not text.translate(_WITHOUT_LAYOUT).isprintable() or _PRINTABLE_AND_HIDDEN.search(text):
            found.update(f"U+{ord(char):04X}" for place, char in enumerate(text) if _is_hidden(text, place, char))
    return tuple(sorted(found, key=lambda name: int(name[2:], 16)))


def text_findings(definition: Mapping[str, Any], others: Collection[str] = ()) -> list[str]:
    """What is doubtful about the texts of a definition. `others` has the names of other servers' tools."""
    texts = list(_texts(definition))
    found: list[str] = []
    odd = {f"U+{ord(char):04X}" for text in texts for char in text if hides(char) and char not in _LAYOUT}
    if hidden := sorted(odd.union(hidden_in(definition))):
        found.append(f"its texts hold characters that a person does not see ({', '.join(hidden[:5])})")
    whole = "\n".join(text for text in texts if not text.startswith("data:image/"))[:MAX_TEXT]
    for pattern, what in _INSTRUCTIONS:
        if match := pattern.search(whole):
            found.append(f"its texts {what}: `{plain(match[0], 60)}`")
    mentioned = sorted(
        name for name in others if _distinct(name) and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", whole)
    )
    if mentioned:
        found.append(f"its texts speak of another server's tool: `{plain(mentioned[0])}`")
    if len(str(definition.get("description") or "")) > _LONG_DESCRIPTION:
        found.append(f"its description is longer than {_LONG_DESCRIPTION} characters")
    return found


def _is_hidden(text: str, place: int, char: str) -> bool:
    if char in _LAYOUT:
        return False
    before = text[place - 1] if place else ""
    if char in (_TEXT_STYLE, _EMOJI_STYLE):
        return not before or unicodedata.category(before) not in _SYMBOLS
    if char == _JOINER:
        after = text[place + 1 : place + 2]
        inside = before and (before == _EMOJI_STYLE or unicodedata.category(before) in ("So", "Sk"))
        return not (inside and after and unicodedata.category(after) == "So")
    category = unicodedata.category(char)
    if category == "Cn":
        # Emoji of a newer Unicode than this Python's are seen; everything else that is not assigned is not.
        return not 0x1F000 <= ord(char) <= 0x1FAFF
    if category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return True
    return char in _FILLERS or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _distinct(name: str) -> bool:
    """Whether a tool's name cannot be an ordinary word."""
    return len(name) >= 6 and bool(re.search(r"[_-]|[a-z][A-Z]", name))


def _texts(definition: Mapping[str, Any]) -> Iterator[str]:
    """Every text of a definition, keys included, within bounds."""
    for count, text in enumerate(_every_text(definition)):
        if count >= _MOST_STRINGS:
            return
        yield text[:MAX_TEXT]


def _every_text(value: Any) -> Iterator[str]:
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            stack += [*item.values(), *item.keys()]
        elif isinstance(item, list | tuple):
            stack += item
