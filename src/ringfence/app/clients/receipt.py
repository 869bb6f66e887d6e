"""What an installation changed, and what stood there before: kept beside the files, so that it can be taken back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from ringfence.errors import ConfigError

FOLDER: Final = ".ringfence"
FILE: Final = "receipt.json"
LOCK: Final = "lock"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Before:
    """A file as it was."""

    digest: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Kept:
    """One file that was written."""

    name: str
    """Relative to the folder of the installation."""
    after: str
    """SHA-256 of what was written."""
    before: Before | None
    """None: there was no such file."""
    earlier: str | None = None
    """SHA-256 of what stood there when this was to be written: what a writing that was cut off leaves."""

    @property
    def copy(self) -> str:
        """The name of the copy of what was there."""
        return f"before-{self.name}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One installation."""

    files: tuple[Kept, ...]
    made_folder: bool
    """Whether the folder was made for it."""

    def of(self, name: str) -> Kept | None:
        return next((each for each in self.files if each.name == name), None)

    def text(self) -> bytes:
        value = {"format": _FORMAT, "made_folder": self.made_folder, "files": [asdict(each) for each in self.files]}
        return json.dumps(value, indent=2).encode() + b"\n"


def receipt_of(data: bytes, where: str) -> Receipt:
    """Read one.

    Raises:
        ConfigError: It is damaged.
    """
    try:
        value = cast(Mapping[str, Any], json.loads(data))
        if value["format"] != _FORMAT:
            raise ValueError(value["format"])
        files = tuple(_kept(each) for each in value["files"])
        return Receipt(files, bool(value["made_folder"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{where} is no receipt of this version: {error}",
            remedy="put the files back by hand; the copies of what was there lie beside it",
        ) from error


def _kept(value: Mapping[str, Any]) -> Kept:
    name, before = str(value["name"]), value["before"]
    if "/" in name or name in {"", ".", ".."}:
        raise ValueError(name)
    was = Before(str(before["digest"]), int(before["mode"]), int(before["uid"]), int(before["gid"])) if before else None
    earlier = value.get("earlier")
    return Kept(name, str(value["after"]), was, str(earlier) if earlier is not None else None)


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
