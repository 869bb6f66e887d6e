"""The emergency slot: stops that must outlive the process while the database cannot be written.

A file of fixed size whose blocks are written out when it is created and only overwritten afterwards, so that saving a stop
needs no new space (on file systems that copy on write this is a hope, not a promise). Two halves take turns, each with a
generation and a SHA-256: a torn write leaves the other half. The half with the higher generation counts.

INVARIANT: while the store is not degraded, the slot is empty. A lifted stop can therefore never come back from here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ringfence.adapters.stores.sqlite.disk import Disk
from ringfence.adapters.stores.sqlite.rows import decode_stop, encode_stop
from ringfence.core.model.stop import Stop
from ringfence.errors import IntegrityError, UnavailableError

SLOT_NAME = "stops.emergency"
HALF = 32 * 1024
"""Bytes: about 150 stops with short reasons."""

_MAGIC = b"RFSLOT1\n"
_HEADER = len(_MAGIC) + 8 + 4 + 32
"""Magic, generation, length, SHA-256 of generation, length and content."""


class EmergencySlot:
    """Used by one thread at a time: whoever opens the store, then the writer."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._path = path
        self._disk = disk
        self._descriptor = -1
        self._generation = 0
        self._broken = ""
        self.is_empty = True

    def open(self) -> tuple[Stop, ...]:
        """Create or read the slot; returns what it holds.

        Raises: UnavailableError where it cannot be created or read, IntegrityError where both halves are damaged.
        """
        try:
            if not self._path.exists():
                self._create()
            self._descriptor = os.open(self._path, os.O_RDWR)
            content = os.pread(self._descriptor, 2 * HALF, 0)
        except OSError as error:
            raise UnavailableError(f"cannot use {self._path}: {error.strerror}") from error
        halves = [half for at in (0, HALF) if (half := _read_half(content[at : at + HALF])) is not None]
        if len(content) != 2 * HALF or not halves:
            raise IntegrityError(
                f"{self._path} is damaged: stops may have been in it",
                remedy="look into the log for what was stopped; remove the file only when nothing is missing",
            )
        self._generation, body = max(halves)
        stops = _decode(body)
        self.is_empty = not stops
        return stops

    def save(self, stops: Sequence[Stop]) -> None:
        """Replace the content, durably. Raises: OSError; after a failed fsync always, for nobody knows what the disk holds."""
        if self._broken:
            raise OSError(self._broken)
        body = b"[" + b",".join(encode_stop(stop) for stop in stops) + b"]"
        if len(body) > HALF - _HEADER:
            raise OSError("the emergency slot is full")
        generation = self._generation + 1
        os.pwrite(self._descriptor, _half(generation, body), HALF * (generation % 2))
        try:
            self._disk.sync(self._descriptor)
        except OSError as error:
            self._broken = f"an earlier fsync of the emergency slot failed: {error}"
            raise
        self._generation = generation
        self.is_empty = not stops

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _create(self) -> None:
        # Under another name first: a half-made slot must not look like a damaged one.
        new = self._path.with_suffix(".new")
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.pwrite(descriptor, _half(0, b"[]") + _half(0, b"[]"), 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        new.rename(self._path)
        sync_directory(self._path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(generation: int, body: bytes) -> bytes:
    return hashlib.sha256(generation.to_bytes(8, "big") + len(body).to_bytes(4, "big") + body).digest()


def _half(generation: int, body: bytes) -> bytes:
    header = _MAGIC + generation.to_bytes(8, "big") + len(body).to_bytes(4, "big") + _digest(generation, body)
    return (header + body).ljust(HALF, b"\0")


def _read_half(half: bytes) -> tuple[int, bytes] | None:
    at = len(_MAGIC)
    generation, length = int.from_bytes(half[at : at + 8], "big"), int.from_bytes(half[at + 8 : at + 12], "big")
    body = half[_HEADER : _HEADER + length]
    whole = half.startswith(_MAGIC) and len(body) == length and half[at + 12 : _HEADER] == _digest(generation, body)
    return (generation, body) if whole else None


def _decode(body: bytes) -> tuple[Stop, ...]:
    try:
        raws = msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"the emergency slot cannot be read: {error}") from error
    return tuple(decode_stop(bytes(raw)) for raw in raws)
