"""Credentials that look real, made when a drill begins, so that none lies in a file: a scan sees formats, not the word FAKE."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final, TypeVar

KNOWN: Final = "known"
"""A credential of no published format that the gateway itself was given."""
_ALNUM: Final = string.ascii_letters + string.digits

T = TypeVar("T")


def _signs(random: Random, count: int, alphabet: str = _ALNUM) -> str:
    return "".join(random.choice(alphabet) for _ in range(count))


_KINDS: Final[Mapping[str, Callable[[Random], str]]] = {
    "github-token": lambda random: "ghp_" + _signs(random, 36),
    "slack-token": lambda random: (
        f"xoxb-{_signs(random, 12, string.digits)}-{_signs(random, 12, string.digits)}-{_signs(random, 24)}"
    ),
    "google-key": lambda random: "AIza" + _signs(random, 35),
    "stripe-key": lambda random: "sk_live_" + _signs(random, 32),
    "npm-token": lambda random: "npm_" + _signs(random, 36),
    "openai-key": lambda random: "sk-" + _signs(random, 20) + "T3BlbkFJ" + _signs(random, 20),
    KNOWN: lambda random: f"postgres://app:{_signs(random, 24)}@db.corp.example/app",
}


def mint(kinds: Mapping[str, str], seed: int) -> dict[str, str]:
    """A value for each placeholder. Raises: KeyError for a kind that nobody knows."""
    random = Random(seed)
    return {placeholder: _KINDS[kind](random) for placeholder, kind in kinds.items()}


def filled(value: T, minted: Mapping[str, str]) -> T:
    """The same value with each placeholder in its texts replaced, the longest first."""
    return _filled(value, sorted(minted.items(), key=lambda pair: -len(pair[0])))


def _filled(value: Any, minted: list[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        for placeholder, credential in minted:
            value = value.replace(placeholder, credential)
        return value
    if isinstance(value, dict):
        return {key: _filled(item, minted) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, minted) for item in value]
    return value
