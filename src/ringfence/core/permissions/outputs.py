"""Files that a project's own tools write where their words say so. No profile knows all their options: names have to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from ringfence.core.model.local import Kind, LocalAct, PathUse, Place, Scope, Use
from ringfence.core.model.profile import Effect

_WRITES: Final = re.compile(
    r"-o|--?.*(out(?!line)|report|dest|profile|log-?file|junit|xml|html|cache-?(dir|location|file)|buildinfo|declarationdir|trace"
    r"|target-?dir|version-path|result|basetemp|install-?dir|save|dump).*",
    re.IGNORECASE,
)
_MENDS: Final = re.compile(r"-[wi]|--?(fix|write|in-?place|apply|reformat|overwrite|add-noqa|add-ignore).*", re.IGNORECASE)
_MENDERS: Final = frozenset({
    "eslint", "prettier", "stylelint", "biome", "dprint", "codespell", "autopep8", "yapf", "autoflake", "docformatter",
    "djlint", "sqlfluff", "clang-format", "standard", "xo", "oxlint", "swiftformat", "ktlint", "rubocop", "pyupgrade", "ruff",
})  # fmt: skip
_FORMATTERS: Final = frozenset({"black", "isort", "rustfmt", "pyupgrade", "gofumpt", "swiftformat"})
"""Those that change files without being told."""
MOST: Final = 200
_LONGEST: Final = 400


@lru_cache(maxsize=256)
def outputs(act: LocalAct, place: Place) -> tuple[PathUse, ...]:
    """What its words name as written: values of options that are called like it, and all operands of what mends files.

    Relative to the folder of the run: which one the act works in is not known here.
    """
    is_tool = act.kind is Kind.COMMAND and act.profile.effect is Effect.WRITE and act.scope is Scope.PROJECT
    if not is_tool or not act.words or act.words[0] == "git":
        return ()
    texts = [text for text in _named(act) if text and len(text) <= _LONGEST and "\0" not in text][:MOST]
    return tuple(PathUse(use=Use.WRITE, path=_whole(text, place.cwd), below=True) for text in dict.fromkeys(texts))


def _whole(text: str, folder: str) -> str:
    parts: list[str] = []
    for part in (text if text.startswith("/") else f"{folder}/{text}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def _named(act: LocalAct) -> Iterable[str]:
    words = act.words[1:]
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name.startswith("-") and _WRITES.fullmatch(name):
            named = value if equals else words[at + 1] if at + 1 < len(words) else ""
            yield from (named, named.rpartition(":")[2])
    name = _tool(act)
    if name in _FORMATTERS or (name in _MENDERS and (any(map(_MENDS.fullmatch, words)) or "format" in words[:3])):
        yield from (word for word in words if not word.startswith("-"))


def _tool(act: LocalAct) -> str:
    """Its name; of `python -m black` the module's."""
    name = act.words[0].rpartition("/")[2]
    if name.startswith("python") and "-m" in act.words[1:-1]:
        return act.words[act.words.index("-m") + 1]
    return name
