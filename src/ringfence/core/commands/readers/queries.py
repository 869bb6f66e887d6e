"""`jq` and `yq`."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.commands.draft import Draft
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.command import Word

_ENVIRONMENT: Final = re.compile(r"\$ENV\b|\benv\b|\bstrenv\b|\benvsubst\b")
_TWO: Final = frozenset({"--arg", "--argjson"})
_FILE: Final = frozenset({"--rawfile", "--slurpfile", "--argfile"})
_LOADS: Final = re.compile(r"\b(\w*load\w*|eval|import|include)\b")


def jq(draft: Draft) -> None:
    """`jq FILTER FILE...`; options that take two values are why it reads its words itself."""
    draft.uses.clear()
    draft.doubts.clear()
    rest = list(draft.command.words[1:])
    words: list[Word] = []
    has_filter = False
    while rest:
        word = rest.pop(0)
        text = word.text
        if text in _TWO:
            del rest[:2]
        elif text in _FILE:
            for path in rest[1:2]:
                draft.path(Use.READ, path)
            del rest[:2]
        elif text in ("--indent", "-L", "--library-path"):
            del rest[:1]
            if text != "--indent":
                draft.doubt(Undecided.CODE, "a library of jq")
        elif text in ("-f", "--from-file"):
            has_filter = True
            for path in rest[:1]:
                draft.path(Use.READ, path)
            draft.doubt(Undecided.CODE, "a program of jq in a file")
            del rest[:1]
        elif text in ("--args", "--jsonargs"):
            break
        elif not text.startswith("-") or text == "-":
            words.append(word)
        elif not text.startswith("--") and "f" in text:
            draft.doubt(Undecided.CODE, "a program of jq in a file")
    if words and not has_filter:
        _filter(draft, words.pop(0))
    for word in words:
        draft.path(Use.READ, word)
    if draft.command.takes_more:
        draft.path(Use.READ, Word(text="?", raw="files that are known only when it runs", is_known=False))


def yq(draft: Draft) -> None:
    """`yq EXPRESSION FILE...`; with `-i` in its place."""
    words = draft.cut.words
    if words and words[0].text in ("eval", "e", "eval-all", "ea"):
        words = words[1:]
        draft.uses.clear()
        for word in words[1:]:
            draft.path(Use.READ, word)
    if words:
        _filter(draft, words[0])
    if draft.cut.has("-i", "--inplace", "--in-place", "-s", "--split-exp"):
        draft.becomes("writes")
        for word in words[1:]:
            draft.path(Use.WRITE, word)
    if draft.cut.has("-s", "--split-exp", "--split-exp-file"):
        draft.doubt(Undecided.PATH, "which files it writes is worked out when it runs")


def _filter(draft: Draft, program: Word) -> None:
    if not program.is_known and "?" in program.text:
        draft.doubt(Undecided.CODE, "a part of the filter is known only when it runs")
        return
    bare = re.sub(r'"(?:[^"\\]|\\[^(])*"', '""', program.text)
    if _ENVIRONMENT.search(bare):
        draft.reads_environment()
    if _LOADS.search(bare):
        draft.doubt(Undecided.CODE, "the filter loads a file")
