"""The folder that the shapes are decided in: what is to stay, what is not to be read, what is not to be written."""

from __future__ import annotations

from pathlib import Path

MARK = "MARK-of-a-secret"
FILES = {
    ".env": f"TOKEN={MARK}\n",
    "sub/.env": f"TOKEN={MARK}\n",
    "secrets/k.txt": f"{MARK}\n",
    "keep/f": "kept\n",
    "protected/f": "orig\n",
    "src": "text\n",
    "V/f": "kept\n",
    "evil/git": "#!/bin/sh\ntouch M\n",
    "README.md": "# A project\n",
}


def lay_out(root: Path) -> None:
    """Write it into `root`, which exists."""
    for path, text in FILES.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    (root / "evil/git").chmod(0o755)
    (root / "pre_link").symlink_to(".env")
    (root / "pre_plink").symlink_to("protected")
