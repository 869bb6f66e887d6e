"""What lies in the state directory of a gateway that does not run, read without opening it for work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ringfence.adapters.stores.sqlite.lock import StateLock
from ringfence.adapters.stores.sqlite.raw import raw_runs
from ringfence.core.model.run import Credential, Run


def stored_runs(state: Path) -> Sequence[tuple[Run, Sequence[Credential]]]:
    """Every run with its credentials. Raises: UnavailableError, also where a gateway uses it; IntegrityError."""
    with StateLock(state):
        return raw_runs(state)
