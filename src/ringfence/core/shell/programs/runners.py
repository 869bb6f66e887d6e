"""Runners of projects: `uv run`, `npx`, `bundle exec`. What they start is a command too, covered by the rule for its runner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.core.shell.command import Word
from ringfence.core.shell.programs.options import Grammar, getopt, options


@dataclass(frozen=True, slots=True)
class Inner:
    """What a program starts besides being a command itself."""

    via: str
    commands: tuple[tuple[Word, ...], ...] = ()
    texts: tuple[Word, ...] = ()
    """Given to a shell."""
    is_covered: bool = False
    leaves: bool = False


_UV: Final = getopt(
    "nqvmsUp:w:C:f:i:P:",
    "frozen locked no-sync isolated active no-project exact no-dev only-dev dev all-extras all-groups "
    "no-default-groups all-packages no-env-file offline quiet verbose module script no-config "
    "no-cache refresh no-editable upgrade reinstall native-tls managed-python no-managed-python with: "
    "with-editable: with-requirements: extra: group: no-group: only-group: no-extra: package: python: "
    "project: directory: env-file: index: default-index: index-url: extra-index-url: find-links: "
    "cache-dir: config-file: color: resolution: prerelease:",
)
_PLAIN: Final = getopt(
    "qvnyscIC:",
    "quiet verbose no-interaction no-plugins silent yes no-install offline prefer-offline no "
    "recursive parallel bail directory: project: env-file: package: filter: workspace: prefix: call:",
)
_NPX: Final = getopt(
    "yqp:c:w:C:",
    "yes no no-install quiet prefer-offline offline prefer-online ignore-existing bun package: call: "
    "workspace: prefix: cache: userconfig: registry:",
)
# By program and subcommand; an empty subcommand: the program itself. The number: operands before the command.
_RUNNERS: Final[dict[str, dict[str, tuple[Grammar, int]]]] = {
    "uv": {"run": (_UV, 0)},
    "poetry": {"run": (_PLAIN, 0)},
    "pipenv": {"run": (_PLAIN, 0)},
    "pdm": {"run": (_PLAIN, 0)},
    "rye": {"run": (_PLAIN, 0)},
    "hatch": {"run": (_PLAIN, 0)},
    "pixi": {"run": (_PLAIN, 0)},
    "bundle": {"exec": (_PLAIN, 0)},
    "mise": {"exec": (_PLAIN, 0), "x": (_PLAIN, 0)},
    "direnv": {"exec": (_PLAIN, 1)},
    "rbenv": {"exec": (_PLAIN, 0)},
    "pyenv": {"exec": (_PLAIN, 0)},
    "asdf": {"exec": (_PLAIN, 0)},
    "npx": {"": (_NPX, 0)},
    "bunx": {"": (_NPX, 0)},
    "pnpx": {"": (_NPX, 0)},
    "npm": {"exec": (_NPX, 0), "x": (_NPX, 0)},
    "pnpm": {"exec": (_NPX, 0), "dlx": (_NPX, 0)},
    "yarn": {"exec": (_NPX, 0), "dlx": (_NPX, 0)},
    "bun": {"x": (_NPX, 0)},
    "dotenv": {"run": (_PLAIN, 0), "--": (_PLAIN, 0)},
    "op": {"run": (_PLAIN, 0)},
    "doppler": {"run": (_PLAIN, 0)},
    "aws-vault": {"exec": (_PLAIN, 1)},
    "conda": {
        "run": (
            getopt("n:p:", "no-capture-output live-stream name: prefix: cwd:"),
            0,
        )
    },
    "cross-env": {"": (_PLAIN, 0)},
    "dotenvx": {"run": (_PLAIN, 0)},
    "perf": {"stat": (getopt("advBgiTe:c:C:o:r:n:p:t:x:G:"), 0), "record": (getopt("agve:c:C:o:F:p:t:"), 0)},
    "hyperfine": {},
    "valgrind": {"": (getopt("qvh"), 0)},
    "coverage": {},
}
_MOST: Final = 3
_PNPM_VALUED: Final = frozenset(
    {"-C", "--dir", "-F", "--filter", "--filter-prod", "--workspace-concurrency", "--reporter", "--loglevel", "--prefix"}
)
_PNPM: Final = frozenset({
    "access", "add", "adduser", "approve-builds", "audit", "bin", "bugs", "c", "cat-file", "cat-index", "completion",
    "config", "create", "dedupe", "deploy", "deprecate", "dist-tag", "dlx", "docs", "doctor", "dt", "edit", "env",
    "exec", "explain", "fetch", "find-hash", "get", "help", "home", "i", "ignored-builds", "import", "info", "init",
    "install", "install-test", "issues", "it", "licenses", "link", "list", "ll", "ln", "la", "login", "logout", "ls",
    "m", "multi", "outdated", "owner", "pack", "patch", "patch-commit", "patch-remove", "ping", "pkg", "prefix", "prune",
    "publish", "rb", "rebuild", "recursive", "remove", "repo", "restart", "rm", "root", "run", "run-script", "search",
    "self-update", "server", "set", "setup", "show", "star", "start", "stop", "store", "t", "team", "test", "token",
    "tst", "un", "unlink", "uninstall", "unpublish", "unstar", "up", "update", "upgrade", "version", "view", "whoami",
    "why",
})  # fmt: skip
"""Subcommands that pnpm has."""


def started(name: str, words: Sequence[Word]) -> Inner | None:
    subcommands = _RUNNERS.get(name)
    if not subcommands:
        return None
    if "" in subcommands:
        grammar, operands = subcommands[""]
        return _read(name, words, 1, grammar, operands)
    if name == "pnpm" and (at := _falls_through(words)):
        return _read(name, words, at, _PLAIN, 0)
    if name == "yarn" and (at := _in_workspaces(words)):
        return _read(f"yarn {words[at].text}", words, at + 1, _NPX, 0)
    for at in range(1, len(words)):
        if words[at].text in subcommands:
            grammar, operands = subcommands[words[at].text]
            return _read(f"{name} {words[at].text}", words, at + 1, grammar, operands)
        if not words[at].text.startswith("-") and not words[at - 1].text.startswith("-"):
            return None
    return None


def _falls_through(words: Sequence[Word]) -> int:
    """Where the word is that pnpm has no subcommand of: a script of the project, or else a program. 0: nowhere."""
    for at in range(1, len(words)):
        if not words[at].text.startswith("-"):
            behind_option = at > 1 and words[at - 1].text in _PNPM_VALUED
            if not behind_option:
                return 0 if words[at].text in _PNPM else at
    return 0


def _in_workspaces(words: Sequence[Word]) -> int:
    """Where `exec` stands in `yarn workspaces foreach exec CMD` and `yarn workspace NAME exec CMD`. 0: nowhere."""
    texts = [word.text for word in words[:12]]
    if not {"workspace", "workspaces"} & set(texts[1:6]):
        return 0
    return next((at for at in range(2, len(texts)) if texts[at] in ("exec", "dlx")), 0)


def _read(via: str, words: Sequence[Word], start: int, grammar: Grammar, operands: int) -> Inner | None:
    read = options(words, grammar, start)
    call = [word for word in (read.value("c", "call"),) if word is not None]
    begin = min(len(words), read.at + operands)
    # `cross-env A=b cmd`: what stands before the command is an assignment.
    while begin < len(words) and "=" in words[begin].text and not words[begin].text.startswith("-"):
        begin += 1
    command = tuple(words[begin:])
    every = [command] if command else []
    if read.odd:
        # Of an option that is not known nobody can say whether a value stands behind it.
        every += [command[number:] for number in range(1, min(_MOST, len(command)))]
    if (read.has("m") or read.has("module")) and via == "uv run":
        every = [(Word(text="python", raw="python"), Word(text="-m", raw="-m"), *one) for one in every]
    return Inner(via=via, commands=tuple(every), texts=tuple(call), is_covered=True)
