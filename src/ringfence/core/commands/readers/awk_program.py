"""An awk program: pure, or not (POSIX awk, and gawk's additions)."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.commands.draft import Draft
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.command import Word

MOST: Final = 20_000
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_REGEX: Final = re.compile(r"/(?:[^/\\\n]|\\.)+/")
_COMMENT: Final = re.compile(r"#[^\n]*")
_BEFORE_REGEX: Final = frozenset("\n(,{};!~&|=<>?:+-*%^")
_WORD_BEFORE_REGEX: Final = re.compile(r"(?:^|\W)(?:print|printf|return|else|do|exit|case)\s*$")
_RUNS: Final = re.compile(
    r"\bsystem\b|\bgetline\b|@|\bextension\b|\bARGV\b|\bARGC\b|\bPROCINFO\b|\bSYMTAB\b|\bFUNCTAB\b|\bload\b"
)
_PRINTS: Final = re.compile(r"\bprintf?\b")
_ENDS: Final = re.compile(r"[;}\n]")
_NAMED: Final = re.compile(r'>>?\s*"(\d+)"\s*(?:[;}\n]|$)')


def awk(draft: Draft) -> None:
    """`awk PROGRAM FILE...`."""
    made = draft.cut
    words = list(made.words)
    programs = made.values("-e", "--source")
    if made.has("-f", "--file"):
        draft.doubt(Undecided.CODE, "a program of awk in a file")
    elif not programs and words:
        programs = [words.pop(0)]
    draft.uses[:] = [use for use in draft.uses if use.use is not Use.READ or made.has("-f", "--file")]
    for program in programs:
        _program(draft, program)
    for word in words:
        name, equals, _ = word.text.partition("=")
        if not equals or not name.isidentifier():
            draft.path(Use.READ, word)
    for word in made.values("-d", "-p", "-o", "--dump-variables", "--profile", "--pretty-print"):
        draft.becomes("writes")
        draft.path(Use.WRITE, word)
    if draft.command.takes_more:
        draft.path(Use.READ, Word(text="?", raw="files that are known only when it runs", is_known=False))


def _program(draft: Draft, program: Word) -> None:
    if not program.is_known or len(program.text) > MOST:
        draft.doubt(Undecided.CODE, "a part of awk's program is known only when it runs")
        return
    bare, strings = _told_apart(program.text)
    if "ENVIRON" in bare:
        draft.reads_environment()
    if _RUNS.search(bare) or _has_pipe(bare) or "\0" in bare:
        draft.doubt(Undecided.CODE, "awk's program runs a command, or reads what it pleases")
        return
    if any(_is_redirected(part) for part in _printed(bare)):
        named = [strings[int(at)] for at in _NAMED.findall(bare)]
        count = sum(1 for part in _printed(bare) if _is_redirected(part))
        if len(named) != count or any("\\" in name for name in strings):
            draft.doubt(Undecided.PATH, "awk writes to a file whose name is worked out when it runs")
        for name in named:
            draft.becomes("writes")
            draft.path(Use.WRITE, Word(text=name[1:-1], raw=name))


def _told_apart(text: str) -> tuple[str, list[str]]:
    """The program with each string as its number in quotes, without regular expressions and comments, and the strings.

    They are told apart from left to right, as awk does: a quote in a regular expression begins no string. A NUL stands
    where two awks could read it otherwise.
    """
    bare = ""
    strings: list[str] = []
    at = 0
    while at < len(text):
        letter = text[at]
        found = None
        put = letter
        if letter == '"':
            found = _STRING.match(text, at)
            put = f' "{len(strings)}" ' if found else "\0"
            strings += [found[0]] if found else []
        elif letter == "#":
            found = _COMMENT.match(text, at)
            put = ""
        elif letter == "/":
            found, put = _slash(text, at, bare)
        bare += put
        at = found.end() if found else at + 1
    return bare, strings


def _slash(text: str, at: int, bare: str) -> tuple[re.Match[str] | None, str]:
    """A regular expression that begins at `at`, or none, and what stands for it."""
    behind = bare.rstrip(" \t\r")
    before = ")" if behind.endswith(("++", "--")) else behind[-1:]
    found = _REGEX.match(text, at)
    if not before or before in _BEFORE_REGEX or _WORD_BEFORE_REGEX.search(bare[-12:]):
        inner = re.sub(r"\\.", "", found[0]) if found else "["
        # Within brackets a slash ends it for some awks and not for others.
        return found, "\0" if inner.rfind("[") > inner.rfind("]") else " 0 "
    # After a `)` or a `++` it can be either: as a division nothing may follow that would close the other.
    return None, "\0" if before == ")" and found else "/"


def _has_pipe(bare: str) -> bool:
    return "|" in bare.replace("||", "")


def _printed(bare: str) -> list[str]:
    """What stands after each `print`, to the end of its statement."""
    parts: list[str] = []
    for match in _PRINTS.finditer(bare):
        end = _ENDS.search(bare, match.end())
        parts.append(bare[match.end() : end.start() if end else len(bare)])
    return parts


def _is_redirected(part: str) -> bool:
    """A `>` outside of parentheses is no comparison here."""
    depth = 0
    for letter in part:
        depth += (letter == "(") - (letter == ")")
        if letter == ">" and depth <= 0:
            return True
    return False
