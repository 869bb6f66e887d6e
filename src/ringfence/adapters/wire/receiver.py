"""What a receiver of the log is called: told apart from every other one, and without what its address may hide."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit


def receiver_name(kind: str, url: str, *, shows_path: bool) -> str:
    """Kind, host and port, and a path that may be shown; where there is more to the address, some of its digest besides.

    Positions are kept under this name, so it is the same for the same address.
    """
    parts = urlsplit(url)
    path = parts.path if shows_path else ""
    is_whole = not parts.query and (shows_path or parts.path in ("", "/"))
    mark = "" if is_whole else f" #{hashlib.sha256(url.encode()).hexdigest()[:8]}"
    return f"{kind} {parts.netloc.rpartition('@')[2] or 'receiver'}{path}{mark}"
