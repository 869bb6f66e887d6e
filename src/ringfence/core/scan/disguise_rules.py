"""What says that a text may be an order to a model, or a credential, in another dress.

Code is looked for by what words become in it, so ordinary code is never read: each word at each of the three places that it can
have in a group of base64.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Final
from unicodedata import normalize

from ringfence.core.scan.rule import Kind, Reading, Rule

_STEMS: Final = (
    "ignore", "disregard", "forget ", "instruct", "previous", "assistant", "system", "prompt", "operator", "the user",
    "approved", "authori", "you are now", "you must", "you are an", "from now on", "language model", "ai agent",
    "conversation", "password", "im_start", "im_end", "anweisung", "benutzer", "nutzer", "consigne", "utilisateur",
    "instrucc", "usuario",
)  # fmt: skip
"""Of every phrase of the other rules at least one word."""
_BASE64: Final = r"[A-Za-z0-9+/_-]"
_LINE: Final = r"(?:\r?\n[A-Za-z0-9+/_-]+)"
_SIGN: Final = r"(?:\\x|0x|[ %:,])?"
_HEX: Final = r"[0-9a-f]{2}"

_LIKE_LATIN: Final = dict(
    zip(
        "аеорсухѕіјԁԛԝһкмтвнАВЕКМНОРСТУХЅІЈοανιρυκτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
        "aeopcyxsijdqwhkmtbhABEKMHOPCTYXSIJoavipuktABEZHIKMNOPTYX",
        strict=True,
    )
)
"""Letters of the Cyrillic and Greek scripts that look like Latin ones (Unicode TR 39, the plain cases)."""
_STYLED: Final = (*range(0xFF21, 0xFF5B), *range(0x1D400, 0x1D6A8), *range(0x24B6, 0x24EA))
"""Full-width, mathematical and circled letters."""


def _folds() -> dict[int, str]:
    plain = {code: normalize("NFKC", chr(code)) for code in _STYLED}
    styled = {code: letter for code, letter in plain.items() if len(letter) == 1 and letter.isascii() and letter != chr(code)}
    return {ord(letter): latin for letter, latin in _LIKE_LATIN.items()} | styled


FOLDS: Final = _folds()
"""For `str.translate`. One character for one, so that places can be told."""


def _in_base64(word: str) -> set[str]:
    """What of the word's code does not depend on what stands around it."""
    found: set[str] = set()
    for before in range(3):
        code = b64encode(b"\0" * before + word.encode() + b"\0\0").decode()
        found.add(code[-(-before * 8 // 6) : (before + len(word)) * 8 // 6])
    return found


def _in_hex(word: str) -> set[str]:
    """One digit after the other, and with what is set between bytes."""
    return {between.join(f"{byte:02x}" for byte in word.encode()) for between in ("", " ", "%", r"\\x")}


_SPELT: Final = tuple(each for stem in _STEMS for each in (stem, stem.capitalize(), stem.upper()))
# INVARIANT: literals alone. One class of signs before or behind them costs more than all rules together.
_CODED: Final = "|".join(sorted({code.replace("+", r"\+") for each in _SPELT for code in _in_base64(each)}))
_CODED_HEX: Final = "|".join(sorted({code for each in _SPELT for code in _in_hex(each)}))
_NOT_LATIN: Final = r"(?:\xd0[\x80-\xbf]|\xd1[\x80-\xbf]|\xd2[\xba\xbb]|\xd4[\x80-\x9d]|\xce[\x80-\xbf]|\xcf[\x80-\x8f])"
"""Cyrillic and Greek."""
_MIXED: Final = rf"[A-Za-z]{_NOT_LATIN}[A-Za-z]|[A-Za-z]{{2}}{_NOT_LATIN}|(?:{'|'.join(_LIKE_LATIN)})[a-z]"
_URL_IN_BASE64: Final = "(?:aHR0cHM6Ly|aHR0cDovL|SFRUUHM6Ly)"
_URL_IN_HEX: Final = "(?:[46]8[57]4[57]4[57]0(?:[57]3)?3a2f2f)"


def _other(rule: str, pattern: str, trigger: str, reading: Reading | None, skip: str = "") -> Rule:
    return Rule(rule, Kind.INSTRUCTIONS, pattern, trigger, skip, reading=reading)


_BEGINNINGS: Final = (
    "AKIA", "ASIA", "secret_access_key", "SECRET_ACCESS_KEY", "SecretAccessKey", "secretAccessKey", "ghp_", "gho_", "ghu_",
    "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glptt-", "glrt-", "glsoat-", "xoxa-", "xoxb-", "xoxe-", "xoxe.",
    "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-", "hooks.slack.com/services/", "sk_live_", "rk_live_", "whsec_", "sk-ant-",
    "T3BlbkFJ", "AIza", "ya29.", "GOCSPX-", "npm_", "pypi-AgE", "dop_v1_", "doo_v1_", "dor_v1_", "shpat_", "shpca_",
    "shppa_", "shpss_", "hvs.", "hvb.", "rfr_", "rfo_", "rfl_", "AGE-SECRET-KEY-", "-----BEGIN ", "PRIVATE KEY",
)  # fmt: skip
"""Of the formats of credentials: what at least four signs of code stand for. Tokens of Hugging Face, SendGrid and Telegram and
JSON web tokens by themselves have no such beginning."""
_SECRET_CODES: Final = "|".join(sorted({code.replace("+", r"\+") for each in _BEGINNINGS for code in _in_base64(each)}))
_SECRET_HEX: Final = "|".join(sorted({code for each in _BEGINNINGS for code in _in_hex(each)}))
_SIGN_OR_LINE: Final = r"(?:\\x|0x|[ %:,]|\r?\n)?"

ENCODED_SECRET: Final = "encoded-secret"
DISGUISE_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        ENCODED_SECRET,
        Kind.SECRET,
        rf"{_BASE64}*(?:{_SECRET_CODES}){_BASE64}*{_LINE}*={{0,2}}",
        trigger=f"(?:{_SECRET_CODES})",
        reading=Reading.BASE64,
    ),
    Rule(
        ENCODED_SECRET,
        Kind.SECRET,
        rf"(?i)(?:{_HEX}{_SIGN})*(?:{_SECRET_HEX})(?:{_SIGN_OR_LINE}{_HEX})*",
        trigger=f"(?i)(?:{_SECRET_HEX})",
        reading=Reading.HEX,
    ),
    _other(
        "encoded_orders", rf"{_BASE64}*(?:{_CODED}){_BASE64}*{_LINE}*={{0,2}}", trigger=f"(?:{_CODED})", reading=Reading.BASE64
    ),
    _other(
        "encoded_orders",
        rf"(?i)(?:{_HEX}{_SIGN})*(?:{_CODED_HEX})(?:{_SIGN}{_HEX})*",
        trigger=f"(?i)(?:{_CODED_HEX})",
        reading=Reading.HEX,
    ),
    # Not in a link, which is seen to lead where it leads, nor as a value in a listing of settings.
    _other(
        "encoded_link",
        rf"(?:^|[^A-Za-z0-9+/_=&?%.-])({_URL_IN_BASE64}{_BASE64}{{6,}}={{0,2}})",
        trigger=_URL_IN_BASE64,
        reading=None,
        skip=rf"\n[ ]{{2,}}[A-Za-z0-9_.-]+: {_URL_IN_BASE64}{_BASE64}*={{0,2}}",
    ),
    _other(
        "encoded_link",
        rf"(?i)(?:^|[^0-9a-z/=&?%._-])({_URL_IN_HEX}(?:[0-9a-f]{{2}}){{6,}})",
        trigger=f"(?i){_URL_IN_HEX}",
        reading=None,
    ),
    _other(
        "lookalike_letters",
        "",
        trigger=_MIXED + r"|(?:\xef\xbc[\xa1-\xba]|\xef\xbd[\x81-\x9a]){3}|(?:\xf0\x9d[\x90-\x9f][\x80-\xbf]){3}"
        r"|(?:\xe2\x92[\xb6-\xbf]|\xe2\x93[\x80-\xa9]){3}",
        reading=Reading.FOLDED,
    ),
)
