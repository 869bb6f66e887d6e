"""`Files` in memory."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from typing import Final

from ringfence.core.model.local import Tracked
from ringfence.ports.files import Found, Outgoing

_MAGIC: Final = re.compile(r"[*?\[]")


class FakeFiles:
    """`texts` are files by their absolute path, `links` where a link leads, `states` what git says."""

    def __init__(
        self,
        texts: Mapping[str, str] | None = None,
        *,
        links: Mapping[str, str] | None = None,
        states: Mapping[str, Tracked] | None = None,
        folders: Sequence[str] = (),
    ) -> None:
        self.texts = dict(texts or {})
        self.links = dict(links or {})
        self.sends: Sequence[Outgoing] | None = ()
        """What a push would send; None: nobody can say."""
        self.asked_to_send: list[tuple[str, tuple[str, ...] | None, str]] = []
        self.states = dict(states or {})
        self._folders = set(folders)

    async def look(self, paths: Sequence[str]) -> Sequence[Found]:
        return [self._found(path) for path in paths]

    async def fitting(self, pattern: str, most: int) -> Sequence[str] | None:
        wanted = [part for part in pattern.split("/") if part]
        fits = sorted(path for path in self._everything() if _fits(path, wanted))
        return fits if len(fits) <= most else None

    async def below(self, folder: str, most: int) -> Sequence[str] | None:
        inside = sorted(path for path in {*self.texts, *self.links} if path.startswith(folder.rstrip("/") + "/"))
        return inside if len(inside) <= most else None

    async def text(self, path: str, most: int) -> str | None:
        text = self.texts.get(self._real(path))
        return text if text is not None and len(text.encode()) <= most else None

    async def digest(self, path: str, most: int) -> str | None:
        text = await self.text(path, most)
        return hashlib.sha256(text.encode()).hexdigest() if text is not None else None

    async def uncommitted(self, folder: str, most: int) -> Sequence[str] | None:
        found = sorted(path for path, state in self.states.items() if state is not Tracked.CLEAN)
        return found if len(found) <= most else None

    async def outgoing(self, folder: str, revisions: Sequence[str] | None, remote: str, most: int) -> Sequence[Outgoing] | None:
        self.asked_to_send.append((folder, tuple(revisions) if revisions is not None else None, remote))
        if self.sends is None or sum(len(one.text) for one in self.sends) > most:
            return None
        return self.sends

    async def tracked(self, path: str) -> Tracked:
        return self.states.get(path, Tracked.UNKNOWN)

    def _found(self, path: str) -> Found:
        real = self._real(path)
        if real in self.texts:
            return Found(path=path, real=real, is_there=True, size=len(self.texts[real].encode()))
        is_folder = real in self._all_folders()
        return Found(path=path, real=real, is_there=is_folder, is_folder=is_folder)

    def _real(self, path: str) -> str:
        for _ in range(40):
            for link, target in self.links.items():
                if path == link or path.startswith(link + "/"):
                    path = target + path[len(link) :]
                    break
            else:
                return path
        return path

    def _all_folders(self) -> set[str]:
        found = {"/", *self._folders}
        for path in (*self.texts, *self.links, *self._folders):
            parts = path.split("/")
            found.update("/".join(parts[:count]) for count in range(2, len(parts)))
        return found

    def _everything(self) -> set[str]:
        return {*self.texts, *self.links, *self._all_folders()} - {"/"}


def _fits(path: str, wanted: Sequence[str]) -> bool:
    parts = [part for part in path.split("/") if part]
    return len(parts) == len(wanted) and all(map(_part_fits, parts, wanted))


def _part_fits(part: str, pattern: str) -> bool:
    if not _MAGIC.search(pattern):
        return part == pattern
    if part.startswith(".") and not pattern.startswith((".", "[")):
        return False
    return re.compile(translate(pattern.replace("[^", "[!"))).match(part) is not None
