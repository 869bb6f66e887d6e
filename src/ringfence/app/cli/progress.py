"""Telling a person how far long work has come; nobody else."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
STEP = 5_000


def counted(items: Iterable[T], total: int, done: str, *, quiet: bool = False) -> Iterator[T]:
    """Pass items on; on a terminal, count them on stderr. `total` 0: unknown."""
    shown = not quiet and sys.stderr.isatty()
    count = 0
    for item in items:
        yield item
        count += 1
        if shown and count % STEP == 0:
            of = f" of {total:,}" if total else ""
            sys.stderr.write(f"\r{count:,}{of} entries {done} ")
            sys.stderr.flush()
    if shown and count >= STEP:
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()
