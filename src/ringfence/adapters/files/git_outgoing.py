"""What a push would send: the objects of commits that a remote is not known to have.

What a remote has is what the repository remembers of it (`refs/remotes`): nobody is asked over the network. Objects are read as
they are stored, so nothing of the repository runs: no filter, no driver of a diff. A list of commits that somebody made to be
quick (`commit-graph`) is not believed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

from ringfence.adapters.files.git_state import git
from ringfence.ports.files import Outgoing

MOST_COMMITS: Final = 200
MOST_OBJECTS: Final = 5_000
_MOST_LISTED: Final = 2 << 20
_MOST_SAID: Final = 1 << 20
_REVISION: Final = re.compile(r"(?!-)(?!.*\.\.)[\w./@{}~#+=-]+")
"""Names that mean a commit and all before it. Nothing that leaves some of them out."""
_REMOTE: Final = re.compile(r"\w[\w.-]*(?:/[\w.-]+)*")
_NAME: Final = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_EVERYWHERE: Final = ("--branches", "--tags", "HEAD")
_SETTINGS: Final = (
    r"^(push\.default|remote\.pushdefault|remote\..*\.(push|mirror|url|pushurl)|branch\..*\.(remote|pushremote))$"
)


async def outgoing(folder: str, revisions: Sequence[str] | None, remote: str, most: int) -> Sequence[Outgoing] | None:
    """What `Files.outgoing` says."""
    root = await git(folder, "rev-parse", "--show-toplevel", most=_MOST_SAID)
    settings = await _settings(folder)
    if root is None or settings is None:
        return None
    remote = remote or await _pushed_to(folder, settings)
    wanted = _wanted(revisions, remote, settings)
    if wanted is None:
        return None
    known = (f"--remotes={remote}",) if _REMOTE.fullmatch(remote) and f"remote.{remote}.url" in settings else ()
    listed = await git(
        folder, "-c", "core.commitGraph=false", "rev-list", "--objects", f"--max-count={MOST_COMMITS + 1}",
        *(("--not", *known, "--not") if known else ()), *wanted, "--", most=_MOST_LISTED,
    )  # fmt: skip
    if listed is None:
        return None
    names = _names(listed)
    if not names:
        return []
    if len(names) > MOST_OBJECTS:
        return None
    return await _read(folder, root.decode("utf-8", "surrogateescape").rstrip("\n"), names, most)


async def _settings(folder: str) -> Mapping[str, str] | None:
    """Those of the repository itself that say what is pushed, and where to; a user's own are not looked at."""
    said = await git(folder, "config", "--null", "--list", most=_MOST_SAID)
    if said is None:
        return None
    pairs = (one.partition("\n")[::2] for one in said.decode("utf-8", "surrogateescape").split("\0") if one)
    return {name: value for name, value in pairs if re.match(_SETTINGS, name, re.IGNORECASE)}


async def _pushed_to(folder: str, settings: Mapping[str, str]) -> str:
    head = await git(folder, "symbolic-ref", "--quiet", "--short", "HEAD", most=_MOST_SAID)
    branch = head.decode("utf-8", "surrogateescape").strip() if head else ""
    names = (f"branch.{branch}.pushremote", "remote.pushdefault", f"branch.{branch}.remote")
    return next((settings[name] for name in names if settings.get(name)), "origin")


def _wanted(revisions: Sequence[str] | None, remote: str, settings: Mapping[str, str]) -> Sequence[str] | None:
    if revisions is None:
        return _EVERYWHERE
    if not revisions:
        is_more = settings.get("push.default") == "matching" or any(
            f"remote.{remote}.{what}" in settings for what in ("push", "mirror")
        )
        return _EVERYWHERE if is_more else ("HEAD",)
    if not all(_REVISION.fullmatch(one) for one in revisions):
        return None
    return ("--end-of-options", *revisions)


def _names(listed: bytes) -> dict[bytes, bytes]:
    """Objects with their paths; commits, tags and the trees of whole commits have none."""
    found: dict[bytes, bytes] = {}
    for line in listed.split(b"\n"):
        name, _, path = line.partition(b" ")
        if _NAME.fullmatch(name):
            found[name] = path
    return found


async def _read(folder: str, top: str, names: Mapping[bytes, bytes], most: int) -> Sequence[Outgoing] | None:
    asked = b"".join(name + b"\n" for name in names)
    said = await git(
        folder, "cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", given=asked, most=_MOST_LISTED
    )
    if said is None:
        return None
    kinds: dict[bytes, bytes] = {}
    size = commits = 0
    for line in said.split(b"\n"):
        parts = line.split(b" ")
        if len(parts) != 3:
            if line:
                return None  # an object is missing
            continue
        if parts[1] != b"tree":
            kinds[parts[0]] = parts[1]
            size += int(parts[2])
            commits += parts[1] == b"commit"
    if size > most or commits > MOST_COMMITS:
        return None
    wanted = b"".join(name + b"\n" for name in kinds)
    read = await git(folder, "cat-file", "--batch", given=wanted, most=size + 200 * len(kinds))
    return _contents(read, top, names) if read is not None else None


def _contents(read: bytes, top: str, names: Mapping[bytes, bytes]) -> Sequence[Outgoing] | None:
    found: list[Outgoing] = []
    at = 0
    while at < len(read):
        end = read.find(b"\n", at)
        parts = read[at:end].split(b" ")
        if end < 0 or len(parts) != 3:
            return None
        name, kind, length = parts[0], parts[1].decode(), int(parts[2])
        text = read[end + 1 : end + 1 + length].decode("utf-8", "replace")
        at = end + 1 + length + 1
        path = os.path.join(top, names[name].decode("utf-8", "surrogateescape")) if kind == "blob" and names.get(name) else ""
        found.append(Outgoing(path=path, what=f"{kind} {name[:10].decode()}", text=text))
    return found
