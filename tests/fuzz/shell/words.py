"""One word in other spellings that bash reads the same way."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

FOLDERS = {"rm": "/usr/bin/rm", "cat": "/bin/cat", "curl": "/usr/bin/curl", "wget": "/usr/bin/wget", "git": "/usr/bin/git"}


def quoted(text: str) -> str:
    """In single quotes, whatever it has."""
    return "'" + text.replace("'", "'\\''") + "'"


def double_quoted(text: str) -> str:
    """In double quotes, nothing in it expanded."""
    return '"' + "".join("\\" + sign if sign in '"\\$`' else sign for sign in text) + '"'


def _split(word: str, rng: Random) -> str:
    at = rng.randrange(len(word) + 1)
    return f"{word[:at]}{rng.choice(['', chr(39) * 2, chr(34) * 2, chr(92) + chr(10)])}{word[at:]}"


def _backslash(word: str, rng: Random) -> str:
    at = rng.randrange(len(word))
    return f"{word[:at]}\\{word[at:]}"


def _half_quoted(word: str, rng: Random) -> str:
    at = rng.randrange(len(word) + 1)
    return f"'{word[:at]}'{word[at:]}" if rng.random() < 0.5 else f'{word[:at]}"{word[at:]}"'


def _ansi(word: str, rng: Random) -> str:
    kinds: tuple[Callable[[str], str], ...] = (
        lambda sign: sign,
        lambda sign: f"\\x{ord(sign):02x}",
        lambda sign: f"\\{ord(sign):03o}",
        lambda sign: f"\\u{ord(sign):04x}",
    )
    return "$'" + "".join(rng.choice(kinds)(sign) for sign in word) + "'"


def _substituted(word: str, rng: Random) -> str:
    return rng.choice(["$(echo {})", "`echo {}`", "$(printf %s {})", "$(printf '{}')", "$(echo '{}')"]).format(word)


def _defaulted(word: str, rng: Random) -> str:
    return rng.choice(["${{nope:-{}}}", "${{nope-{}}}", "${{HOME:+{}}}", "${{nope:={}}}"]).format(word)


def _unicode_free(word: str, rng: Random) -> str:
    return f'$"{word}"' if rng.random() < 0.5 else f"{word}$nope"


PLAIN: tuple[Callable[[str, Random], str], ...] = (_split, _backslash, _half_quoted, _ansi, _unicode_free)
RUN_TIME: tuple[Callable[[str, Random], str], ...] = (_substituted, _defaulted)


def disguised(word: str, rng: Random) -> str:
    """A word of letters, digits and signs that mean nothing to bash, written in another way."""
    pool = PLAIN if rng.random() < 0.6 else (*PLAIN, *RUN_TIME)
    return rng.choice(pool)(word, rng)


def name(word: str, rng: Random) -> str:
    """The name of a command in another spelling."""
    if word in FOLDERS and rng.random() < 0.35:
        word = FOLDERS[word]
        word = rng.choice([word, word.replace("/usr/bin/", "/usr/bin/../bin/"), word.replace("/", "//"), word])
        if rng.random() < 0.3:
            return word[:-1] + f"[{word[-1]}]"
        if rng.random() < 0.2:
            return word[:-1] + "?"
    return disguised(word, rng) if rng.random() < 0.6 else word


def path(word: str, rng: Random) -> str:
    """A relative path in another spelling."""
    folder, _, last = word.rpartition("/")
    before = f"{folder}/" if folder else ""
    ways: list[Callable[[], str]] = [
        lambda: f"./{word}",
        lambda: f"V/../{word}",
        lambda: f"$PWD/{word}",
        lambda: f'"$PWD"/{word}',
        lambda: f"${{PWD}}/{word}",
        lambda: f"~+/{word}",
        lambda: f".//{word}",
        lambda: f"{before}{last[:1]}*{last[1:]}" if last not in ("", ".") else word,
        lambda: f"{before}{last[:-1]}?" if len(last) > 2 else word,
        lambda: f"{before}{last[:-1]}[{last[-1]}]" if len(last) > 2 else word,
        lambda: f"{{{word},}}" if word != "." else word,
        lambda: f"{before}{{{last},nope}}" if word != "." else word,
        lambda: disguised(word, rng),
        lambda: disguised(word, rng),
    ]
    return rng.choice(ways)()
