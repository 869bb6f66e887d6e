"""Commands that show variables, and builtins of the shell that set them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from ringfence.core.commands.draft import Draft
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.doubts import decides
from ringfence.core.shell.values import Value
from ringfence.core.shell.variables import changes_what_runs

_HARMLESS: Final = frozenset(
    {
        "HOME",
        "USER",
        "PWD",
        "SHELL",
        "LANG",
        "PATH",
        "TERM",
        "TZ",
        "EDITOR",
        "LOGNAME",
        "HOSTNAME",
        "OLDPWD",
        "SHLVL",
        "TMPDIR",
        "LC_ALL",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "JAVA_HOME",
        "GOPATH",
        "GOROOT",
        "NODE_ENV",
        "CI",
        "DISPLAY",
        "COLUMNS",
        "LINES",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "CARGO_HOME",
    }
)
_SUBSCRIPT: Final = re.compile(r"\[.*[$`(].*", re.DOTALL)


def shows_all(draft: Draft) -> None:
    """`env` or `set` alone print every variable; `printenv NAME` one."""
    words = draft.command.words
    name = words[0].text.rpartition("/")[2]
    if name == "printenv" and len(words) > 1:
        if not all(word.text in _HARMLESS and word.is_known for word in words[1:]):
            draft.reads_environment()
        return
    if name == "set":
        if len(words) == 1:
            draft.reads_environment()
        return
    if name in ("export", "declare", "typeset", "local", "readonly"):
        _declares(draft)
        return
    draft.reads_environment()


def _declares(draft: Draft) -> None:
    words = [word for word in draft.command.words[1:] if not word.text.startswith(("-", "+"))]
    flags = [word.text for word in draft.command.words[1:] if word.text.startswith(("-", "+"))]
    if draft.command.assignments:
        is_worked_out = any("i" in flag or "n" in flag for flag in flags)
        if is_worked_out and any("[" in value.text or not value.is_known for _, value in draft.command.assignments):
            draft.doubt(Undecided.EVAL, "an index is worked out as an expression, which may run a command")
        return
    if not words:
        if not any("f" in flag or "F" in flag for flag in flags):
            draft.reads_environment()
        return
    if any("p" in flag for flag in flags) and not all(word.text in _HARMLESS for word in words):
        draft.reads_environment()
    for word in words:
        name, equals, value = word.text.partition("=")
        if equals and (name == "IFS" or changes_what_runs(name, Value(value, is_known=word.is_known))):
            draft.doubts.append(decides(name))
        if _SUBSCRIPT.match(name):
            draft.doubt(Undecided.EVAL, "an index is worked out as an expression, which may run a command")
        if not word.is_known and "?" in name:
            draft.doubt(Undecided.WORD, "which variable is set is known only when it runs")


_CLEARS: Final = {
    "dmesg": re.compile(r"-[a-zA-Z]*[CcDEn].*|--(clear|read-clear|console-.*)"),
    "journalctl": re.compile(r"--(rotate|vacuum-.*|flush|setup-keys|relinquish-var|update-catalog)"),
    "ss": re.compile(r"-[a-zA-Z]*K.*|--kill"),
    "nvidia-smi": re.compile(r"-(r|pm|pl|ac|rac|c|e|mig|am|lgc|lmc).*|--gpu-reset.*"),
    "hostname": re.compile(r"-F|-b|--(file|boot).*|[^-].*"),
}
_TELLS: Final = {
    "ip": ("show", "list", "lst", "get", "help", "monitor"),
    "loginctl": ("list-", "show-", "user-status", "session-status", "seat-status"),
    "hostnamectl": ("status", "show", "help"),
}
_FAMILIES: Final = frozenset({"inet", "inet6", "link", "mpls", "bridge"})


def machine(draft: Draft) -> None:
    """`ip`, `journalctl`, `hostname` and the like tell how the machine is, or change it."""
    name = draft.command.words[0].text.rpartition("/")[2]
    words = [word.text for word in draft.command.words[1:]]
    if name in _CLEARS:
        changes = any(_CLEARS[name].fullmatch(text) for text in words)
    elif name == "ip":
        plain = [text for text in words if not text.startswith("-")]
        plain = plain[1:] if plain[:1] and plain[0] in _FAMILIES and "-f" in words else plain
        # `s` alone is `set` to some objects and `show` to others.
        is_told = len(plain) < 2 or (len(plain[1]) > 1 and any(verb.startswith(plain[1]) for verb in _TELLS["ip"]))
        changes = not is_told or any(text in ("-b", "-batch") or text.startswith("-force") for text in words)
    elif name in _TELLS:
        plain = [text for text in words if not text.startswith("-")]
        changes = bool(plain) and not plain[0].startswith(_TELLS[name])
    else:
        changes = False
    if changes or (name != "getent" and not all(word.is_known for word in draft.command.words)):
        draft.becomes("breaks")
    if name == "getent" and any(text.startswith(("hosts", "ahosts")) for text in words):
        draft.becomes("fetches")
        draft.host("?")


def kills(draft: Draft) -> None:
    """`kill %1` and `kill $SERVER` end what the same shell began; a known number is somebody's process."""
    words = [word for word in draft.command.words[1:] if not word.text.startswith("-")]
    begun = all(word.text.startswith("%") or re.fullmatch(r'"?\$(\{?\w+\}?|!)"?', word.raw) for word in words)
    if (words and begun) or any(word.text in ("-l", "-L", "-0") for word in draft.command.words[1:]):
        draft.settles("says")


def tests(draft: Draft) -> None:
    """`test`, `[`, `[[`: names and kinds of files. An index in a number is an expression, which may run a command."""
    words = draft.command.words[1:]
    for index, word in enumerate(words):
        if (
            _SUBSCRIPT.search(word.text)
            and "[" in word.text
            and any(other.text in ("-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v", "-R") for other in words)
        ):
            draft.doubt(Undecided.EVAL, "an index is worked out as an expression, which may run a command")
        if word.text in (
            "-e",
            "-f",
            "-d",
            "-r",
            "-w",
            "-x",
            "-s",
            "-L",
            "-h",
            "-p",
            "-S",
            "-b",
            "-c",
            "-O",
            "-G",
            "-N",
            "-nt",
            "-ot",
            "-ef",
        ) and index + 1 < len(words):
            draft.path(Use.LIST, words[index + 1])


def reads_in(draft: Draft) -> None:
    """`read NAME`, `mapfile`, `getopts`, `unset`, `let`: an index in a name is an expression."""
    for word in draft.command.words[1:]:
        if "[" in word.text and _SUBSCRIPT.search(word.text):
            draft.doubt(Undecided.EVAL, "an index is worked out as an expression, which may run a command")
        if word.text == "-C" and draft.command.words[0].text in ("mapfile", "readarray"):
            draft.doubt(Undecided.EVAL, "it runs text as a command")


def prints(draft: Draft) -> None:
    """`printf -v NAME[...]`."""
    words = draft.command.words[1:]
    if words and words[0].text.startswith("-v"):
        reads_in(draft)


def processes(draft: Draft) -> None:
    """`ps e`, without a dash, shows each process with its variables."""
    words = [word.text for word in draft.command.words]
    for before, text in pairwise(words):
        is_value = re.fullmatch(r"-[A-Za-z]*[CGUgkopqstu]|--[a-z]+", before) is not None
        if (text.isalpha() and "e" in text and not is_value) or text == "-E":
            draft.reads_environment()


_PLACED: Final = re.compile(r"\+(\d*[gG%]?|F|/[^\n\r]*|\?[^\n\r]*)")


def pages(draft: Draft) -> None:
    """`less +!COMMAND`: what follows a `+` is typed into it."""
    if any(word.text.startswith("+") and not _PLACED.fullmatch(word.text) for word in draft.command.words[1:]):
        draft.doubt(Undecided.CODE, "a pager runs a command of its words")


def edits(draft: Draft) -> None:
    """An editor: what it reads on its input are commands, and one of them runs any program."""
    command = draft.command
    if command.piped or command.stdin is not None or any(one.direction.value != "write" for one in command.redirections):
        draft.doubt(Undecided.CODE, "an editor does what its input says")
    if any(word.text.startswith("+") and word.text[1:2] not in ("", *"0123456789") for word in command.words[1:]):
        draft.doubt(Undecided.CODE, "an editor runs a command of its words")
