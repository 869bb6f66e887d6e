"""What an approval of a client's call is bound to besides its words: what it would do, and the files that it works from.

The same words do another thing where a script was rewritten, a link turned or a pattern fits other files. Whoever approved them
approved what they meant then.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

from ringfence.core.model.identifiers import Digest
from ringfence.core.model.local import Judgement, LocalAct, PathUse, Use
from ringfence.core.model.profile import Effect
from ringfence.core.strict_json.canonical import digest_of
from ringfence.ports.files import Files

MOST_FILES: Final = 20
"""Files whose text counts, of one call."""
MOST_LOOKED_FOR: Final = 200
MOST_BYTES: Final = 8 << 20
_TAKEN: Final = frozenset({Use.EXECUTE, Use.READ})
"""What is applied, sent or fed to a shell is read first."""


async def seal_of(judgement: Judgement, files: Files | None) -> Digest:
    """The same for two calls that do the same as far as it can be known."""
    taken = frozenset({Use.EXECUTE}) if _is_reading(judgement) else _TAKEN
    named = dict.fromkeys(
        use.real or use.path
        for act in judgement.acts
        for use in act.paths
        if use.use in taken and not (use.is_folder or use.is_pattern or use.through)
    )
    texts = [[path, await _text(path, files)] for path in list(named)[:MOST_FILES]]
    texts += await _worked_from(judgement, named, files)
    doubts = [[doubt.kind.value, _plain(doubt.why)] for doubt in judgement.doubts]
    return digest_of({"acts": [_act(act) for act in judgement.acts], "doubts": doubts, "texts": texts})


async def _worked_from(judgement: Judgement, named: Container[str], files: Files | None) -> list[list[str]]:
    """The files that nobody names, and that say what is done."""
    meant = dict.fromkeys(path for act in judgement.acts for path in act.works_from if path not in named)
    found = await files.look(list(meant)[:MOST_LOOKED_FOR]) if files is not None and meant else ()
    there = [one for one in found if one.is_there and not one.is_folder][:MOST_FILES]
    return [[_plain(one.path), _plain(one.real), await _text(one.real, files)] for one in there]


def _is_reading(judgement: Judgement) -> bool:
    """Whether nothing comes of what stands in a file but that it is read."""
    reads = all(act.profile.effect is Effect.READ and not act.profile.outbound for act in judgement.acts)
    return reads and not judgement.doubts and not any(act.doubts for act in judgement.acts)


async def _text(path: str, files: Files | None) -> str:
    if files is None:
        return ""
    digest = await files.digest(path, MOST_BYTES)
    if digest is not None:
        return digest
    (found,) = await files.look([path])
    return f"{found.size} bytes" if found.is_there else ""


def _act(act: LocalAct) -> dict[str, Any]:
    return {
        "kind": act.kind.value,
        "text": _plain(act.text),
        "words": [_plain(word) for word in act.words],
        "tool": act.tool,
        "via": [_plain(each) for each in act.via],
        # What lies below a folder changes all the time; the folder as a whole was approved.
        "paths": [_path(use) for use in act.paths if not use.through],
        "hosts": [_plain(host) for host in act.hosts],
        "doubts": [[doubt.kind.value, _plain(doubt.why)] for doubt in act.doubts],
        "statements": [_plain(each) for each in act.statements],
        "why": _plain(act.why),
    }


def _path(use: PathUse) -> list[Any]:
    return [use.use.value, _plain(use.path), _plain(use.real), use.below, use.is_pattern, _plain(use.moved_to)]


def _plain(text: str) -> str:
    """Names of files need not be Unicode, and canonical JSON has to be."""
    return text.encode("utf-8", "backslashreplace").decode()
