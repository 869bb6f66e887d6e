"""Paths as a command names them, made absolute without looking at the file system."""

from __future__ import annotations

from typing import Final

from ringfence.core.model.local import PathUse, Use

ANY: Final = "**"
"""Stands for what is not known of a path."""
MOST: Final = 4096
"""Characters of a path; Linux knows no longer ones."""


def tidy(path: str) -> str:
    """`.`, `..` and doubled slashes taken out of an absolute path."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part and part != ".":
            parts.append(part)
    return "/" + "/".join(parts)


def absolute(text: str, cwd: str | None) -> str:
    """`text` below `cwd`; below anything where that is not known."""
    if text.startswith("/"):
        return tidy(text)
    return tidy(f"{cwd}/{text}") if cwd is not None else tidy(f"/{ANY}/{text}")


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it; both absolute and tidy."""
    return path == folder or path.startswith(folder if folder.endswith("/") else folder + "/")


def relative(path: str, folder: str) -> str:
    """`path` as it is written from within `folder`, where it lies there."""
    return path[len(folder) :].lstrip("/") or "." if is_below(path, folder) else path


def used(
    use: Use, text: str, cwd: str | None, *, below: bool = False, is_known: bool = True, is_pattern: bool = False
) -> PathUse:
    """One path that a word names. A word that is not known has `?` where it is not."""
    name = text.partition("\0")[0][:MOST]
    if not is_known:
        name = name.replace("?", ANY)
        if name.startswith(ANY):
            return PathUse(use=use, path=tidy("/" + name), below=below, is_pattern=True)
    path = absolute(name, cwd)
    return PathUse(
        use=use, path=path, below=below, is_pattern=is_pattern or not is_known or (cwd is None and not name.startswith("/"))
    )
