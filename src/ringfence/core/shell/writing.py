"""What a text writes to files before it runs them: scripts are read for what they will do, not for what they hold now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Direction, Redirection, Word
from ringfence.core.shell.places import is_pipe, path_of
from ringfence.core.shell.recording import Around, Line, Recorder
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.tasks import LANGUAGES, files_of, task_of, text_of
from ringfence.core.shell.words import Words
from ringfence.core.shell.written import Unread, Written

_MOST_TEXTS: Final = 8
_MOST_TOUCHED: Final = 4_000
_WRITERS: Final = frozenset(
    [
        "base32",
        "base64",
        "bspatch",
        "bunzip2",
        "bzip2",
        "cp",
        "curl",
        "dd",
        "ditto",
        "ed",
        "ex",
        "gawk",
        "git",
        "go",
        "gunzip",
        "gzip",
        "install",
        "iconv",
        "ln",
        "lwp-request",
        "m4",
        "mv",
        "openssl",
        "patch",
        "perl",
        "pr",
        "rename",
        "rsync",
        "scp",
        "sed",
        "sftp",
        "sort",
        "sponge",
        "tar",
        "tee",
        "touch",
        "truncate",
        "uudecode",
        "uniq",
        "unzip",
        "vim",
        "wget",
        "xxd",
        "xz",
        "zcat",
        "zstd",
    ]
)
"""Commands that may leave something else in a file that is among their words."""
_PASSES_ON: Final = frozenset(
    [
        "awk",
        "base64",
        "cat",
        "column",
        "cut",
        "gawk",
        "grep",
        "head",
        "jq",
        "less",
        "nl",
        "paste",
        "rev",
        "sed",
        "shuf",
        "sort",
        "tac",
        "tail",
        "tr",
        "uniq",
        "yq",
    ]
)
"""Commands that print what stands in the files that they are given."""
_COUNTS: Final = frozenset({"wc", "cksum", "sum", "md5sum", "sha256sum", "cmp"})


def somewhere(text: str) -> str:
    """What stands for a relative path where nobody knows the place."""
    return f"?/{text}"


@dataclass(slots=True)
class Writing(Words):
    wrote: dict[str, dict[Written, None]] = field(default_factory=dict[str, "dict[Written, None]"])
    """Every text that a path may hold, in the order in which it was written."""
    touched: set[str] = field(default_factory=set[str])
    start: str | None = None
    """Where the whole text begins, for commands of which nobody knows where they are run."""

    def emit(self, line: Line, scope: Scope, around: Around) -> None:
        Recorder.emit(self, line, scope, around)
        self._peruse(line, scope)

    def _peruse(self, line: Line, scope: Scope) -> None:
        """Whether what it passes on may hold an index with a command in it, because this run wrote it."""
        name = line.words[0].text.rpartition("/")[2] if line.words else ""
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
                self.keep_at(one.target, said, scope, is_added=one.direction is Direction.APPEND)

    def keep_at(self, target: Word, said: str | None, scope: Scope, *, is_added: bool) -> None:
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
        if not line.words or line.words[0].text.rpartition("/")[2] not in _WRITERS or len(self.touched) > _MOST_TOUCHED:
            return
        for word in line.words[1:]:
            text = word.text.rpartition("=")[2] if word.text.startswith("-") else word.text
            if word.is_known and text:
                for place in scope.places:
                    path = path_of(text, place)
                    if path is not None:
                        self.touched.add(path)

    def task(self, line: Line, scope: Scope) -> Doubt | None:
        """Whether a command runs a file that this run wrote, in a language that is not read here, or what its words say.

        A script of Python, Node and the like that an earlier call wrote is told by its act, and is not looked at here.
        """
        found = task_of(line.words)
        if found is None:
            return None
        name, task, rest = found
        told = text_of(task, rest)
        if told is not None:
            return Doubt(Undecided.EVAL, f"a word decides what {name} runs: {told}"[:200])
        files = tuple(files_of(name, task, rest))
        if any(text == "-" or is_pipe(text) for text in files) and not LANGUAGES.fullmatch(name):
            return Doubt(Undecided.SCRIPT, f"what {name} runs comes through a pipe")
        places = [place for place in scope.places if place is not None] or [self.start]
        paths = {path_of(text, place) for text in files for place in places if text}
        for path in sorted(path for path in paths if path is not None):
            if path in self.wrote or path in self.touched:
                return Doubt(Undecided.SCRIPT, f"it runs what this text wrote: {path}"[:200])
            if not LANGUAGES.fullmatch(name) and self.written(path) is not Unread.NOT_WRITTEN:
                return Doubt(Undecided.SCRIPT, f"it runs what this run wrote: {path}"[:200])
        return None

    def texts_at(self, path: str) -> list[Written]:
        """What a file may hold that is run now. Empty: this run has not written it."""
        if path in self.wrote:
            return list(self.wrote[path])
        before = self.written(path)
        if path in self.touched:
            return [Unread.UNREADABLE]
        return [] if before is Unread.NOT_WRITTEN else [before]
