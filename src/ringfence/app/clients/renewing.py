"""Keeping a run open while its client waits for a person: a credential ends with a quarter of an hour of nothing."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_EVERY_S: Final = 60.0
"""Well below the shortest half life that is usual; a run that lives shorter is renewed by use."""
_PATIENCE_S: Final = 20.0
logger = logging.getLogger(__name__)


@contextmanager
def renewed(agents: Path, credential: str, every_s: float = _EVERY_S) -> Generator[None]:
    """Renew a run over the agents' unix socket while the block runs. A renewal that is refused is left at that."""
    done = threading.Event()

    def keep() -> None:
        while not done.wait(every_s):
            if not _renew(agents, credential):
                return

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _renew(agents: Path, credential: str) -> bool:
    """Whether it is worth trying again."""
    link = http.client.HTTPConnection("localhost", timeout=_PATIENCE_S)
    link.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.sock.settimeout(_PATIENCE_S)
    try:
        link.sock.connect(str(agents))
        link.request("POST", "/runs/renew", headers={"Authorization": f"Bearer {credential}", "Content-Length": "0"})
        answer = link.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        # A gateway that is started again goes on with the run.
        logger.debug("the run was not renewed: %s", error)
        return True
    finally:
        link.close()
    return answer.status < 400
