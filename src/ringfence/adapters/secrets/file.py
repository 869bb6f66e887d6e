"""Secrets in files that nobody else can read: `file:PATH`."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

from ringfence.adapters.secrets.text import secret_of
from ringfence.errors import UnavailableError
from ringfence.ports.secrets import MAX_SECRET_BYTES, Secret, SecretRef


class FileSecrets:
    """Implements `ports.secrets.SecretSource`."""

    async def read(self, ref: SecretRef) -> Secret:
        return await asyncio.to_thread(_read, ref)

    async def close(self) -> None:
        pass


def _read(ref: SecretRef) -> Secret:
    path = Path(ref.folder) / ref.name
    try:
        # Non-blocking: a FIFO planted in its place must not hang the reader.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UnavailableError(f"the secret {ref} is not a regular file")
            if status.st_mode & 0o077:
                raise UnavailableError(
                    f"the secret {ref} is open to other users (mode {stat.S_IMODE(status.st_mode):04o})",
                    remedy=f"chmod 600 {path}",
                )
            data = os.read(descriptor, MAX_SECRET_BYTES + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "unreadable"
        raise UnavailableError(f"the secret {ref} cannot be read: {why}") from None
    return secret_of(ref, data)
