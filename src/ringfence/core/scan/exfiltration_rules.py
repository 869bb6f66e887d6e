"""Links and images that are there to carry data away, and requests to put it into one."""

from __future__ import annotations

from typing import Final

from ringfence.core.scan.rule import Kind, Rule, words

_DATA: Final = (
    r"(?:(?:user|chat|conversation|private|secret|stolen|exfil(?:trated)?|leaked|sensitive|base64|encoded|env|e?mail|file|customer"
    r"|personal|account|system)[ _-]?)?"
    r"(?:data|conversation|history|secrets?|contents?|prompt|context|memory|passwords?|credentials|summary|transcript|messages|payload)"
)
_PLACE: Final = (
    r"[/=?&.](?:\{\{?|\$\{|<|%7b|\[|__)[ _]{0,2}(?:(?:the|your|all|insert)[ _-])?" + _DATA + r"[ _]{0,2}(?:\}|>|%7d|\]|__)"
)
_ADDING: Final = r"(?:append|add|attach|put|insert|encode|embed|include|place)"

EXFILTRATION_RULES: Final[tuple[Rule, ...]] = (
    words(
        "exfil_link",
        r"(?:\]\([ <]{0,3}|\]:[ \t<]{0,4}|\b(?:src|href)\s{0,2}=\s{0,2}[\x22']?|url\([\x22']?)(?:https?:)?//[^\s)\x22'\x00]*?"
        + _PLACE,
        trigger=_PLACE,
    ),
    Rule(
        "exfil_link",
        Kind.INSTRUCTIONS,
        words(
            "",
            rf"\b{_ADDING}~(?:[a-z0-9']+~){{0,4}}(?:conversation|chat~history|(?:chat|conversation)~(?:history|log)|everything~(?:you|above)"
            r"|what~you~(?:know|found|read)|previous~messages?|your~(?:answer|findings|results?|context|memory))~(?:[a-z0-9']+~){0,6}"
            r"(?:to|in|into|as|onto|at)~(?:[a-z]+~){0,4}(?:url|link|image|query~string|query~parameters?|path)\b",
        ).pattern,
        trigger=words(
            "", rf"\b{_ADDING}~(?:[a-z0-9']+~){{0,4}}(?:conversation|chat|everything|what~you|previous|your)~"
        ).pattern,
        skip=words("", rf"\b(?:not|never|don'?t|avoid)~(?:[a-z]+~)?{_ADDING}(?:ing)?").pattern,
    ),
)
