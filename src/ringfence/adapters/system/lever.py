"""The kill lever that works when nothing else does: a file named `KILL` in the state directory."""

from __future__ import annotations

from pathlib import Path

REASON_LIMIT = 500


class FileLever:
    """Pulled while the file exists. Its first line, if any, is the reason."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pulled(self) -> str | None:
        try:
            with self._path.open("rb") as file:
                text = file.read(REASON_LIMIT).decode("utf-8", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            # A lever that is there but cannot be read is pulled: whoever made it wanted a stop.
            return f"the lever file cannot be read ({error.strerror})"
        return (text.splitlines() or [""])[0].strip() or "the lever file was created"
