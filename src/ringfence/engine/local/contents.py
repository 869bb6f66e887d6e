"""What would be put into files, sent or committed: how many lines, and which secrets stand in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

from ringfence.core.model.local import LocalAct, Use
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import ScanError, Scanner
from ringfence.engine.local.file_tools import Change, Described
from ringfence.ports.files import Files, Outgoing

MOST_COMPARED: Final = 1 << 20
MOST_SENT: Final = 1 << 20
MOST_SENT_FILES: Final = 20
MOST_SCANNED: Final = 4 << 20
"""Bytes of files that are scanned for one call."""
MOST_SECRETS: Final = 20


async def lines_of(described: Described, act: LocalAct, files: Files) -> int:
    """Lines that a file tool adds, changes and takes away; a line that is changed counts once."""
    if described.content is not None:
        path = act.paths[0] if act.paths else None
        before = await files.text(path.real, MOST_COMPARED) if path is not None and path.is_there else None
        return changed_lines(before or "", described.content)
    total = 0
    for change in described.changes:
        times = 1
        if change.is_everywhere and change.old and act.paths:
            times = max(1, (await files.text(act.paths[0].real, MOST_COMPARED) or "").count(change.old))
        total += times * changed_lines(change.old, change.new)
    return total


def changed_lines(old: str, new: str) -> int:
    """Lines between the first and the last difference, of the longer of the two."""
    before, after = old.splitlines(), new.splitlines()
    start = 0
    while start < len(before) and start < len(after) and before[start] == after[start]:
        start += 1
    end = 0
    while end < len(before) - start and end < len(after) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return max(len(before), len(after)) - start - end


def secrets_in(described: Described, act: LocalAct, scanner: Scanner) -> tuple[str, ...]:
    """Secrets in what a file tool would write, by rule and place."""
    changes: Sequence[Change] = described.changes
    texts = [described.content] if described.content is not None else [change.new for change in changes]
    where = act.paths[0].path if act.paths else act.text
    return tuple(dict.fromkeys(name for text in texts if text for name in _named(text, where, scanner)))[:MOST_SECRETS]


async def secrets_of_files(
    text: str, acts: Sequence[LocalAct], taken: Sequence[str], files: Files, scanner: Scanner
) -> tuple[str, ...]:
    """Secrets in a command itself, in files that an act sends away, and in those that a commit takes up (`taken`)."""
    named = list(_named(text, "the command", scanner))
    sent = [
        use.real
        for act in acts
        if act.profile.outbound
        for use in act.paths
        if use.use is Use.READ and use.is_there and not use.is_folder
    ]
    left = MOST_SCANNED
    for path in [*list(dict.fromkeys(sent))[:MOST_SENT_FILES], *taken]:
        body = await files.text(path, min(MOST_SENT, left)) if left > 0 else None
        if body:
            left -= len(body)
            named.extend(_named(body, path, scanner))
    return tuple(dict.fromkeys(named))[:MOST_SECRETS]


def secrets_of_pushed(pushed: Sequence[Outgoing], scanner: Scanner) -> tuple[str, ...]:
    """Secrets in what a push would send, by rule and place."""
    named = (name for one in pushed for name in _named(one.text, f"{one.path or 'git'} ({one.what})", scanner))
    return tuple(dict.fromkeys(islice(named, MOST_SECRETS)))


def _named(text: str, where: str, scanner: Scanner) -> list[str]:
    try:
        seen = scanner.see(text, "")
    except ScanError:
        return [f"not scanned in {where}"]
    return [f"{finding.rule} in {where}" for finding in seen.findings if finding.kind in (Kind.SECRET, Kind.OWN)]
