"""Putting files where a client's operator decides, with a way back that is exact to the byte."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.app.clients import files, receipt
from ringfence.app.clients.plan import HOOK_FILE
from ringfence.app.clients.receipt import Before, Kept, Receipt, digest
from ringfence.errors import ConfigError, UnavailableError


@dataclass(frozen=True, slots=True)
class Change:
    """One file."""

    path: Path
    before: bytes | None
    """What is there now; None: nothing."""
    after: bytes

    @property
    def is_one(self) -> bool:
        return self.before != self.after

    def difference(self) -> str:
        """What would be different, as a unified diff."""
        old, new = ((data or b"").decode("utf-8", "replace").splitlines(keepends=True) for data in (self.before, self.after))
        name = "nothing" if self.before is None else str(self.path)
        return "".join(difflib.unified_diff(old, new, name, str(self.path)))


class Installation:
    """What Ringfence put into one folder."""

    def __init__(self, folder: Path, *, over_changes: bool = False) -> None:
        """`over_changes`: also where somebody changed a file since; what they made of it is kept beside it."""
        self.folder = folder
        self._beside = folder / receipt.FOLDER
        self._over_changes = over_changes
        self._seen: dict[str, bytes | None] = {}

    def receipt(self) -> Receipt | None:
        """What was installed here; None: nothing. Raises: ConfigError, UnavailableError."""
        data = files.read(self._beside / receipt.FILE)
        return None if data is None else receipt.receipt_of(data, str(self._beside / receipt.FILE))

    def originals(self, names: Sequence[str]) -> dict[str, bytes | None]:
        """What each file was without Ringfence.

        Raises:
            ConfigError: Somebody changed a file since it was installed, or lost its receipt, so nobody can tell.
            UnavailableError: A file cannot be read.
        """
        done = self.receipt()
        if done is None and files.read(self.folder / HOOK_FILE) is not None:
            there = ", ".join(sorted(each.name for each in self.folder.iterdir() if each.is_file()))
            raise ConfigError(
                f"{self.folder} has files of Ringfence, and no receipt of what stood there before them",
                remedy=f"see which of these are Ringfence's, take them out and put back what you know: {there}",
            )
        found: dict[str, bytes | None] = {}
        for name in names:
            kept = done.of(name) if done is not None else None
            found[name] = files.read(self.folder / name) if kept is None else self._original(kept)
        self._seen |= found
        return found

    def changes(self, wanted: Mapping[str, bytes]) -> list[Change]:
        """What there is to write. Raises: ConfigError, UnavailableError."""
        return [Change(self.folder / name, files.read(self.folder / name), data) for name, data in wanted.items()]

    def put(self, wanted: Mapping[str, bytes]) -> list[Path]:
        """Write them, and the receipt before that; which files somebody had changed, as they are kept now.

        Raises:
            ConfigError: Somebody changed a file since, or others can write to the folder.
            UnavailableError: It cannot be written.
        """
        # The folder of a first installation may still have to be made.
        made = not self.folder.exists()
        self._trusted()
        self._make(self.folder)
        self._make(self._beside)
        self._trusted()
        with files.alone(self._beside / receipt.LOCK):
            done = self.receipt()
            seen, originals = dict(self._seen), self.originals([*wanted])
            if any(originals[name] != data for name, data in seen.items() if name in originals):
                raise ConfigError(f"somebody else wrote to {self.folder} meanwhile", remedy="do it again")
            kept: list[Kept] = [each for each in (done.files if done else ()) if each.name not in wanted]
            for name, data in wanted.items():
                before, there = self._keep(name, originals[name], done), files.read(self.folder / name)
                known = done.of(name) if done is not None else None
                earlier = known.earlier if known is not None and there == data else digest(there) if there is not None else None
                kept.append(Kept(name, digest(data), before, earlier))
            changed = self._kept_changes(done)
            written = Receipt(tuple(kept), done.made_folder if done is not None else made)
            files.write(self._beside / receipt.FILE, written.text(), owner=(0, 0))
            for name, data in wanted.items():
                files.write(self.folder / name, data, owner=(0, 0))
        return changed

    def take_back(self) -> tuple[list[Path], list[Path]]:
        """Put back what was there; which files, and which of them somebody had changed, as they are kept now.

        Raises:
            ConfigError: Nothing was installed here, or somebody changed a file since.
            UnavailableError: It cannot be written.
        """
        if self.receipt() is None:
            self.originals([HOOK_FILE])
            raise ConfigError(f"nothing was installed in {self.folder}")
        # What it says is done in the name of root: files, owners, modes.
        self._trusted()
        with files.alone(self._beside / receipt.LOCK):
            done = self.receipt()
            if done is None:
                raise ConfigError(f"somebody else took everything out of {self.folder} meanwhile")
            back = {each.name: self._original(each) for each in done.files}
            changed = self._kept_changes(done)
            for each in done.files:
                path, data = self.folder / each.name, back[each.name]
                if data is not None and each.before is not None:
                    files.write(path, data, each.before.mode & 0o777, (each.before.uid, each.before.gid))
                    continue
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise files.unwritable(path, error) from error
            self._clear(done)
        return [self.folder / each.name for each in done.files], changed

    def _trusted(self) -> None:
        """Raises: ConfigError: Others can put something else in the place of what is here."""
        for place in dict.fromkeys((self._beside, self._beside.resolve())):
            if others := files.writable_by_others(place, frozenset({0, os.geteuid()})):
                raise ConfigError(
                    f"{others}: whoever can write there disarms the client",
                    remedy=f"chmod go-w, and chown to root, of {self.folder}",
                )

    def _original(self, kept: Kept) -> bytes | None:
        """What a file was. Raises: ConfigError, UnavailableError."""
        path, copy = self.folder / kept.name, self._beside / kept.copy
        was = kept.before.digest if kept.before is not None else None
        if not self._over_changes and self._is_changed(kept):
            raise ConfigError(
                f"{path} was changed since Ringfence wrote it",
                remedy="put your change into a file of its own (managed-settings.d/NAME.json for Claude Code) and take it out "
                "there; or --over-changes, which keeps the changed file beside it. What stood there before Ringfence is "
                f"{copy if was is not None else 'nothing'}",
            )
        if was is None:
            return None
        data = files.read(copy)
        if data is None or digest(data) != was:
            raise ConfigError(f"{copy} is not what stood there before Ringfence", remedy=f"put {path} back by hand")
        return data

    def _is_changed(self, kept: Kept) -> bool:
        there = files.read(self.folder / kept.name)
        now = digest(there) if there is not None else None
        # A file that is as it was: a writing that was cut off, or one that was taken back by hand.
        return now not in {kept.after, kept.earlier, kept.before.digest if kept.before is not None else None}

    def _kept_changes(self, done: Receipt | None) -> list[Path]:
        """Files that somebody changed, each under a name of its own, which no client reads. Raises: UnavailableError."""
        kept: list[Path] = []
        for each in done.files if done is not None else ():
            data = files.read(self.folder / each.name)
            if data is not None and self._is_changed(each):
                kept.append(self.folder / f"{each.name}.changed-{digest(data)[:8]}")
                files.write(kept[-1], data, 0o600, (0, 0))
        return kept

    def _keep(self, name: str, original: bytes | None, done: Receipt | None) -> Before | None:
        """Keep what a file was. Raises: UnavailableError."""
        if original is None:
            return None
        known = done.of(name) if done is not None else None
        if known is not None and known.before is not None:
            return known.before
        try:
            found = (self.folder / name).stat()
        except OSError as error:
            raise UnavailableError(f"{self.folder / name} cannot be read: {error.strerror}") from error
        files.write(self._beside / f"before-{name}", original, found.st_mode & 0o777, (found.st_uid, found.st_gid))
        return Before(digest(original), found.st_mode & 0o7777, found.st_uid, found.st_gid)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=files.FOLDER_MODE)
            # Whatever root's umask is: a client that cannot read its managed settings goes on without them.
            folder.chmod(files.FOLDER_MODE)
        except FileExistsError:
            pass
        except OSError as error:
            raise files.unwritable(folder, error) from error
        if folder.is_symlink() or not folder.is_dir():
            raise ConfigError(f"{folder} is a link, or no folder", remedy="make it a folder that belongs to root")

    def _clear(self, done: Receipt) -> None:
        try:
            for name in (*(each.copy for each in done.files), receipt.FILE, receipt.LOCK):
                (self._beside / name).unlink(missing_ok=True)
            self._beside.rmdir()
            if done.made_folder and not any(self.folder.iterdir()):
                self.folder.rmdir()
        except OSError as error:
            raise files.unwritable(self._beside, error) from error
