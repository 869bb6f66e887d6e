"""Command rules held against one simple command.

On the strict side a rule means what it says in whatever spelling: with a path before the name, behind wrappers, with other
quotes, with options in another order or before the subcommand. On the allowing side it means its text, and how much of a
command it names decides what it can speak for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from ringfence.core.model.local import LocalAct
from ringfence.core.permissions.globs import fits_text

_BLANKS: Final = re.compile(r"\s+")
_QUOTES: Final = str.maketrans("", "", "'\"\\")
MANY_FACED: Final = frozenset(
    {
        "git", "jj", "hg", "svn", "gh", "glab", "docker", "podman", "nerdctl", "kubectl", "oc", "helm", "terraform",
        "tofu", "pulumi", "ansible",
        "aws", "gcloud", "gsutil", "az", "doctl", "heroku", "fly", "flyctl", "vercel", "netlify", "wrangler", "firebase",
        "supabase",
        "npm", "pnpm", "yarn", "bun", "deno", "pip", "pip3", "uv", "poetry", "pipx", "conda", "cargo", "rustup", "go",
        "gem", "bundle", "composer",
        "dotnet", "nuget", "brew", "apt", "apt-get", "dnf", "yum", "pacman", "snap", "systemctl", "launchctl", "vault",
        "op", "redis-cli",
    }
)  # fmt: skip
"""Programs whose name alone says nothing: what they do is said by the word after it."""
_ELEVATES: Final = frozenset(
    {
        "sudo", "doas", "su", "pkexec", "runuser", "ssh", "chroot", "nsenter", "unshare", "setpriv", "docker", "podman",
        "kubectl", "oc", "nerdctl",
        "systemd-run", "machinectl", "flatpak-spawn", "adb", "gosu", "su-exec", "busctl", "at", "batch", "crontab",
    }
)  # fmt: skip
"""What is run through them is run as somebody else, somewhere else, or later."""


_SHORTEST: Final = 4
"""Characters of a long option that is too short to be one that was shortened."""


class Names(IntEnum):
    """How much of a command an allow rule names."""

    NOTHING = 0
    """It does not fit."""
    ANYTHING = 1
    """It fits whatever the command is."""
    PROGRAM = 2
    COMMAND = 3
    """The program, and its subcommand where it has any."""
    TEXT = 4
    """All of it: somebody read exactly this."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    text: str
    """Blanks collapsed, without the ` *` or `:*` at the end."""
    is_open: bool
    """More words may follow."""
    words: tuple[str, ...]
    head: str
    """What every text begins with that fits."""


@lru_cache(maxsize=4096)
def _read(pattern: str) -> _Pattern:
    text = _BLANKS.sub(" ", pattern).strip()
    is_open = False
    for end in (":*", " *"):
        if text.endswith(end):
            text, is_open = text[: -len(end)], True
            break
    return _Pattern(text, is_open, tuple(text.split(" ")), text.partition("*")[0])


def collapsed(text: str) -> str:
    """A text with each run of blanks as one."""
    return _BLANKS.sub(" ", text).strip()


def fits_line(pattern: str, line: str) -> bool:
    """Whether a rule's pattern fits one text."""
    read = _read(pattern)
    if not line.startswith(read.head):
        return False
    return fits_text(read.text, line) or (read.is_open and fits_text(read.text + " *", line))


@dataclass(frozen=True, slots=True)
class Spelt:
    """A command in all its spellings, made once for all rules."""

    lines: tuple[str, ...]
    plain: tuple[str, ...]
    """Without quotes."""
    words: tuple[str, ...]
    """The first without its folders."""


def spell(act: LocalAct) -> Spelt:
    """All spellings of a command."""
    words: tuple[str, ...] = (_base(act.words[0]), *act.words[1:]) if act.words else ()
    spellings = [act.text, *map(collapsed, act.spellings), *([" ".join(words)] if words else [])]
    lines = dict.fromkeys(spellings)
    return Spelt(tuple(lines), tuple(dict.fromkeys(line.translate(_QUOTES) for line in lines)), words)


def strictly(pattern: str, spelt: Spelt) -> bool:
    """Whether a deny or ask rule fits a command in any of its spellings."""
    if any(fits_line(pattern, line) for line in spelt.lines):
        return True
    plain = _plain(pattern)
    if any(fits_line(plain, line) for line in spelt.plain):
        return True
    return bool(spelt.words) and _means(_read(plain), spelt.words)


@lru_cache(maxsize=4096)
def _plain(pattern: str) -> str:
    return pattern.translate(_QUOTES)


def _base(name: str) -> str:
    return name.rpartition("/")[2] or name


def _means(pattern: _Pattern, words: tuple[str, ...]) -> bool:
    """Whether a command has all words and options that a pattern names, wherever options stand and however they are bundled."""
    if not pattern.words or not fits_text(pattern.words[0], words[0]) or "*" in pattern.words[0]:
        return False
    wanted = [word for word in pattern.words[1:] if not word.startswith("-")]
    options = [word for word in pattern.words[1:] if word.startswith("-")]
    if not wanted and not options:
        return False
    given = [word for word in words[1:] if word.startswith("-")]
    if not all(_has_option(option, given) for option in options):
        return False
    rest = list(words[1:])
    if not pattern.is_open and not pattern.words[-1].endswith("*"):
        plain = [word for word in rest if not word.startswith("-")]
        return len(plain) == len(wanted) and all(map(fits_text, wanted, plain)) and len(given) == len(options)
    return _in_order(wanted, rest)


def _in_order(wanted: list[str], words: list[str]) -> bool:
    """Whether the first words that are no options, and no values of options before them, are the wanted ones.

    Nobody here knows which options take a value, so a word after an option may be one or none. Linear in the words.
    """
    starts = {0}
    for want in wanted:
        following: set[int] = set()
        is_looking = False
        for at, word in enumerate(words):
            begins = at in starts
            if word.startswith("-"):
                is_looking = is_looking or begins
                continue
            if (is_looking or begins) and fits_text(want, word):
                following.add(at + 1)
            is_looking = is_looking and _may_take_a_value(words[at - 1])
        starts = following
        if not starts:
            return False
    return True


def _may_take_a_value(word: str) -> bool:
    return word.startswith("-") and word != "--" and "=" not in word


def _has_option(option: str, given: list[str]) -> bool:
    if any(fits_text(option, word) or (word.startswith("--") and word.startswith(option + "=")) for word in given):
        return True
    if option.startswith("--") and any(_is_short_for(word, option) for word in given):
        return True
    letters = option[1:].rstrip("*")
    if option.startswith("--") or not letters.isalpha():
        return False
    bundled = {letter for word in given if not word.startswith("--") for letter in word[1:]}
    return set(letters) <= bundled


def _is_short_for(word: str, option: str) -> bool:
    """Long options may be shortened: `--no-verif` is `--no-verify`."""
    name = word.partition("=")[0]
    return len(name) > _SHORTEST and option.rstrip("*").startswith(name)


def names(pattern: str, act: LocalAct) -> Names:
    """How much of a command an allow rule names."""
    line = act.text
    if not line:
        return Names.NOTHING
    if act.words and "/" in act.words[0] and not line.startswith(act.words[0]):
        line = " ".join((act.words[0], *line.split(" ")[1:]))
    if act.via and act.is_covered:
        # A rule for `npx tsc` speaks for `tsc` where `npx` starts it.
        by_runner = _fits(pattern, f"{act.via[-1]} {act.text}", act, begun=len(act.via[-1].split(" ")))
        return max(by_runner, _fits(pattern, line, act))
    if any(_base(wrapper.split(" ")[0]) in _ELEVATES for wrapper in act.via if wrapper):
        line = " ".join((*act.via, line))
    return _fits(pattern, line, act)


def _fits(pattern: str, line: str, act: LocalAct, *, begun: int = 0) -> Names:
    """How much of a line a pattern names. The first `begun` words start the program and are none of it."""
    read = _read(pattern)
    if "*" not in read.text and not read.is_open:
        return Names.TEXT if read.text == line else Names.NOTHING
    if not fits_line(pattern, line) or _hides_a_host(pattern, act) or _leads_elsewhere(pattern, act) or _leaves(read, act):
        return Names.NOTHING
    literal = next((at for at, word in enumerate(read.words) if "*" in word), len(read.words))
    if literal == 0:
        return Names.ANYTHING
    if begun and literal <= begun:
        return Names.PROGRAM
    program = _base(read.words[begun])
    subcommands = [word for word in read.words[begun + 1 : literal] if not word.startswith("-")]
    return Names.COMMAND if program not in MANY_FACED or subcommands else Names.PROGRAM


def _leaves(read: _Pattern, act: LocalAct) -> bool:
    """Whether a folder that a pattern names is left again by what its `*` stands for: `./cmd/*` and `./cmd/../../x`."""
    folders = [word.partition("*")[0] for word in read.words if "/*" in word]
    return any(
        word.startswith(folder) and ".." in word[len(folder) :].split("/") for folder in folders if folder for word in act.words
    )


_HOST: Final = re.compile(r"://([^/:*?#@\s]+)")


def _leads_elsewhere(pattern: str, act: LocalAct) -> bool:
    """Whether a rule that names a host would speak for an act that reaches others too."""
    hosts = {host.lower() for host in _HOST.findall(pattern)}
    return bool(hosts) and any(host not in hosts for host in act.hosts)


def _hides_a_host(pattern: str, act: LocalAct) -> bool:
    """What a `*` stands for in an address may hold an `@`, behind which stands the true host for some readers."""
    return "://" in pattern and "@" not in pattern and any("://" in word and "@" in word for word in act.words)
