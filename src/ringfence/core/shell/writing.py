"""What a text writes to files before it runs them: scripts are read for what they will do, not for what they hold now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ringfence.core.shell.command import Direction, Redirection, Word
from ringfence.core.shell.places import path_of
from ringfence.core.shell.recording import Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.words import Words
from ringfence.core.shell.written import Unread, Written

_MOST_TEXTS: Final = 8
_MOST_TOUCHED: Final = 4_000
_LOOKS: Final = frozenset(
    {
        ".", "[", "bash", "cat", "cd", "chmod", "cut", "dash", "diff", "echo", "egrep", "export", "file", "grep", "head", "less", "ls", "make", "md5sum",
        "node", "printf", "python", "python3", "ruby", "perl", "realpath", "rg", "sh", "sha256sum", "shellcheck", "source", "stat", "tail", "test", "wc", "which", "zsh",
    }
)  # fmt: skip


@dataclass(slots=True)
class Writing(Words):
    wrote: dict[str, dict[Written, None]] = field(default_factory=dict[str, "dict[Written, None]"])
    """Every text that a path may hold, in the order in which it was written."""
    touched: set[str] = field(default_factory=set[str])

    def keep(self, redirections: tuple[Redirection, ...], said: str | None, scope: Scope) -> None:
        """What goes to files by redirection."""
        for one in redirections:
            if one.direction is not Direction.READ:
                self.keep_at(one.target, said, scope, is_added=one.direction is Direction.APPEND)

    def keep_at(self, target: Word, said: str | None, scope: Scope, *, is_added: bool) -> None:
        if not target.is_known or target.is_pattern:
            return
        for place in scope.places:
            path = path_of(target.text, place)
            if path is not None and len(self.wrote) < _MOST_TOUCHED:
                self._put(path, said, is_added=is_added)

    def _put(self, path: str, said: str | None, *, is_added: bool) -> None:
        texts = self.wrote.setdefault(path, {})
        if said is None or len(texts) >= _MOST_TEXTS:
            texts[Unread.UNREADABLE] = None
        elif not is_added:
            texts[said] = None
        else:
            before = list(texts) or [self.written(path)]
            for one in before:
                texts[one + said if isinstance(one, str) else Unread.UNREADABLE] = None

    def touch(self, line: Line, scope: Scope) -> None:
        """Paths among the words of a command that may have changed them."""
        if not line.words or line.words[0].text.rpartition("/")[2] in _LOOKS or len(self.touched) > _MOST_TOUCHED:
            return
        for word in line.words[1:]:
            text = word.text.rpartition("=")[2] if word.text.startswith("-") else word.text
            if word.is_known and text:
                for place in scope.places:
                    path = path_of(text, place)
                    if path is not None:
                        self.touched.add(path)

    def texts_at(self, path: str) -> list[Written]:
        """What a file may hold that is run now. Empty: this run has not written it."""
        if path in self.wrote:
            return list(self.wrote[path])
        before = self.written(path)
        if path in self.touched:
            return [Unread.UNREADABLE]
        return [] if before is Unread.NOT_WRITTEN else [before]
