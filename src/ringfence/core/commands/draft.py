"""One command while its words are read: what it would do, as far as it is known by now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from ringfence.core.commands.kinds import KINDS, CommandKind
from ringfence.core.commands.options import Cut
from ringfence.core.commands.paths import used
from ringfence.core.commands.producers import Listed, printed
from ringfence.core.commands.profile import Role
from ringfence.core.commands.strictest import joined, wider
from ringfence.core.model.local import Doubt, PathUse, Place, Scope, Undecided, Use
from ringfence.core.model.profile import ToolProfile
from ringfence.core.shell.command import Command, Word

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})
ENVIRONMENT: Final = "/proc/self/environ"
"""Stands for the variables of the process: who prints one prints what is in it."""
_USES: Final = {
    Role.LIST: (Use.LIST, False), Role.READ: (Use.READ, False), Role.TREE: (Use.READ, True), Role.WRITE: (Use.WRITE, False),
    Role.DELETE: (Use.DELETE, False), Role.DELETE_TREE: (Use.DELETE, True), Role.EXECUTE: (Use.EXECUTE, False),
    Role.ENV_FILE: (Use.READ, False),
}  # fmt: skip
_REMOTE_PLACE: Final = re.compile(r"(?:[\w.+-]+@)?(\[[0-9A-Fa-f:]+\]|[\w.-]+):(?!//)(.*)", re.DOTALL)


@dataclass(slots=True)
class Draft:
    """Readers add to it; nothing that was said is ever taken back."""

    command: Command
    place: Place
    cut: Cut
    profile: ToolProfile
    scope: Scope
    cwd: str | None
    uses: list[PathUse] = field(default_factory=list[PathUse])
    hosts: list[str] = field(default_factory=list[str])
    doubts: list[Doubt] = field(default_factory=list[Doubt])
    sql: list[str] = field(default_factory=list[str])
    """SQL texts, still to be read."""
    dialect: str = ""
    why: list[str] = field(default_factory=list[str])
    is_known: bool = True
    also: list[str] = field(default_factory=list[str])
    """Other texts that a deny or ask rule is held against."""
    produced: tuple[Listed, ...] = ()
    """Where the files lie that are added to its words when it runs."""

    def becomes(self, kind: str | CommandKind) -> None:
        """It does that as well."""
        more = KINDS[kind] if isinstance(kind, str) else kind
        self.profile = joined(self.profile, more.profile)
        self.scope = wider(self.scope, more.scope)
        if more.does not in self.why:
            self.why.append(more.does)

    def settles(self, kind: str) -> None:
        """It does that, and nothing of what its profile says: a reader knows better."""
        self.profile, self.scope = KINDS[kind].profile, KINDS[kind].scope
        self.why.append(KINDS[kind].does)

    def doubt(self, kind: Undecided, why: str) -> None:
        """Somebody has to look at it."""
        self.doubts.append(Doubt(kind, why))

    def path(
        self,
        use: Use,
        word: Word,
        *,
        below: bool = False,
        empties: bool = False,
        moved_to: str = "",
        only: Sequence[str] = (),
        skips: Sequence[str] = (),
    ) -> None:
        """A path that it touches."""
        if word.text == "-" and use in (Use.READ, Use.WRITE):
            return
        places = self.produced if not word.is_known and word.text == "?" and "$" not in word.raw else printed(word)
        if places and self.cwd is not None:
            for place in places:
                folder = used(use, place.folder, self.cwd, below=True)
                self.uses.append(replace(folder, only=place.only))
            return
        made = used(use, word.text, self.cwd, below=below, is_known=word.is_known, is_pattern=word.is_pattern)
        self.uses.append(replace(made, empties=empties, moved_to=moved_to, only=tuple(only), skips=tuple(skips)))
        if not word.is_known and use is not Use.LIST:
            self.doubt(Undecided.PATH, f"which file it would {use.value} is known only when it runs: {word.raw[:80]}")
        elif self.cwd is None and use is not Use.LIST and not word.text.startswith("/"):
            self.doubt(Undecided.PATH, f"the folder of {word.text[:80]} is known only when it runs")

    def reads_environment(self) -> None:
        """It shows variables of its process."""
        self.uses.append(PathUse(use=Use.READ, path=ENVIRONMENT, real=ENVIRONMENT, is_there=True))

    def host(self, host: str) -> None:
        """A host that it reaches."""
        self.hosts.append(host)

    def role(self, role: Role | None, word: Word) -> None:
        """A word, or an option's value, that is of this role."""
        if role is None or role in (Role.VALUE, Role.OPTIONAL):
            return
        if role in _USES:
            use, below = _USES[role]
            self.path(use, word, below=below)
        elif role is Role.WIPE:
            self.path(Use.WRITE, word, empties=True)
        elif role is Role.DATA:
            if word.text.startswith("@") and word.text != "@-":
                self.path(Use.READ, Word(text=word.text[1:], raw=word.raw, is_known=word.is_known))
        elif role is Role.FOLDER:
            self.path(Use.LIST, word)
        elif role in (Role.HOST, Role.URL):
            self.host(host_of(word))
        elif role is Role.PLACE:
            self._place(word)
        elif role is Role.CODE:
            self.doubt(Undecided.CODE, f"it runs {word.raw[:80]}")
        elif role is Role.SQL:
            self.sql.append(word.text if word.is_known else "?")

    def _place(self, word: Word) -> None:
        match = _REMOTE_PLACE.fullmatch(word.text)
        if match:
            self.host(match[1].lower() if word.is_known else "?")
        elif "://" in word.text:
            self.host(host_of(word))
        else:
            self.path(Use.READ, word, below=True)


def host_of(word: Word) -> str:
    """The host of a URL, or of `user@host:path`, in lower case; `?` where it is not known."""
    text = word.text
    if not word.is_known and "?" in text.rpartition("://")[2].partition("/")[0]:
        return "?"
    if "://" not in text:
        match = _REMOTE_PLACE.fullmatch(text)
        text = "ssh://" + (
            match[1] if match and not match[2].isdigit() else text.rpartition("@")[2] if "/" not in text else text
        )
    try:
        host = (urlsplit(text).hostname or "").rstrip(".").lower()
    except ValueError:
        return "?"
    return host if host and "?" not in host and "*" not in host and "{" not in host else "?"


def is_loopback(hosts: Sequence[str]) -> bool:
    """Whether nothing but this machine is reached."""
    return bool(hosts) and all(
        host in LOOPBACK or (host.startswith("127.") and host.replace(".", "").isdigit()) for host in hosts
    )
