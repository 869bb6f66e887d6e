"""Marks that a program puts its input in the place of: `{}` of `xargs -I` and `find -exec`."""

from __future__ import annotations

from dataclasses import replace

from ringfence.core.shell.command import Word


def filled(word: Word, mark: str) -> Word:
    """A word in which something else will stand for `mark`."""
    if mark not in word.text:
        return word
    return replace(word, text=word.text.replace(mark, "?") if mark == "{}" else "?", is_known=False)
