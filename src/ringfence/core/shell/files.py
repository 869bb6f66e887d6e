"""What a text writes to files before it runs them: scripts are read for what they will do, not for what they hold now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ringfence.core.shell.command import Direction, Redirection, Word
from ringfence.core.shell.places import path_of
from ringfence.core.shell.recording import Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.written import Unread, Written


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MOST_TEXTS: Final = 8
_MOST_TOUCHED: Final = 4_000
_WRITERS: Final = _names(
    "base32 base64 bspatch bunzip2 bzip2 cp curl dd ditto ed ex gawk git go gunzip gzip install iconv ln "
    "lwp-request m4 mv openssl patch perl pr rename rsync scp sed sftp sort sponge tar tee touch truncate uudecode uniq "
    "unzip vim wget xxd xz zcat zstd"
)
"""Commands that may leave something else in a file that is among their words."""
_PASSES_ON: Final = _names("awk base64 cat column cut gawk grep head jq less nl paste rev sed shuf sort tac tail tr uniq yq")
"""Commands that print what stands in the files that they are given."""
_COUNTS: Final = frozenset({"wc", "cksum", "sum", "md5sum", "sha256sum", "cmp"})


def somewhere(text: str) -> str:
    """What stands for a relative path where nobody knows the place."""
    return f"?/{text}"


@dataclass(slots=True, kw_only=True)
class Files:
    written: Callable[[str], Written]
    """What this run wrote to an absolute path before."""
    start: str
    """Where the whole text begins, for commands of which nobody knows where they are run."""
    wrote: dict[str, dict[Written, None]] = field(default_factory=dict[str, "dict[Written, None]"])
    """Every text that a path may hold, in the order in which it was written."""
    touched: set[str] = field(default_factory=set[str])
    is_fed: bool = False
    """A file was read that this run wrote, and that may hold more than numbers."""

    def peruse(self, line: Line, scope: Scope) -> None:
        """Whether what it passes on may hold an index with a command in it, because this run wrote it."""
        name = line.program if line.words else ""
        if self.is_fed or name in _COUNTS:
            return
        targets = [one.target for one in line.redirections if one.direction in {Direction.READ, Direction.BOTH}]
        if name in _PASSES_ON:
            targets += line.words[1:]
        for target in targets:
            for place in scope.places:
                path = path_of(target.text, place) if target.is_known else None
                if path is not None and any(isinstance(text, Unread) or "[" in text for text in self.texts_at(path)):
                    self.is_fed = True

    def keep(self, redirections: tuple[Redirection, ...], said: str | None, scope: Scope) -> None:
        """What goes to files by redirection."""
        for one in redirections:
            if one.direction is not Direction.READ:
                self._keep_at(one.target, said, scope, is_added=one.direction is Direction.APPEND)

    def _keep_at(self, target: Word, said: str | None, scope: Scope, *, is_added: bool) -> None:
        if not target.is_known or target.is_pattern:
            return
        for place in scope.places:
            if len(self.wrote) < _MOST_TOUCHED:
                self._put(path_of(target.text, place) or somewhere(target.text), said, is_added=is_added)

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
        if not line.words or line.program not in _WRITERS or len(self.touched) > _MOST_TOUCHED:
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
