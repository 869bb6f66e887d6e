"""Wheels of what is installed here, for an index of the tests' own."""

from __future__ import annotations

import io
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_LEFT_OUT = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def closure(*names: str) -> dict[str, Distribution]:
    """These and all that they need here, by canonical name."""
    found: dict[str, Distribution] = {}
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        wanted = Requirement(waiting.pop())
        name = canonicalize_name(wanted.name)
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for line in found[name].requires or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in {"", *wanted.extras}):
                needed.marker = None
                waiting.append(str(needed))
    return found


def wheel(of: Distribution) -> tuple[str, bytes]:
    """File name and content of a wheel with the same files (PyPA: binary distribution format)."""
    stem = f"{canonicalize_name(of.name).replace('-', '_')}-{of.version}"
    lines: list[str] = []
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path in of.files or ():
            if ".." in path.parts or path.suffix == ".pyc" or path.name in _LEFT_OUT:
                continue
            archive.writestr(str(path), path.read_binary())
            lines.append(f"{path},,")
        record = next(path.parent for path in of.files or () if path.name == "METADATA") / "RECORD"
        archive.writestr(str(record), "\n".join([*lines, f"{record},,"]) + "\n")
    tags = [line.partition(":")[2].strip() for line in (of.read_text("WHEEL") or "").splitlines() if line.startswith("Tag:")]
    return f"{stem}-{tags[0]}.whl", made.getvalue()
