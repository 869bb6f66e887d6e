"""Modes and owners of the files that a gateway relies on, as they lie there."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ringfence.app.config.policies import FOLDER, SUFFIX
from ringfence.app.config.settings import Loaded
from ringfence.app.doctor.facts import FileFact, Part, Unseen
from ringfence.app.doctor.references import every_reference

MOST_FILES: Final = 2000
_SOCKET, _OPEN = "control.sock", frozenset({"agents.sock", "KILL"})
"""In a state directory: people's socket, and what is meant to be open: agents' socket, and a lever that anybody makes."""
_KEYS: Final = (".key",)


def config_files(
    path: Path | None, loaded: Loaded | None, environment: Mapping[str, str], unseen: list[Unseen]
) -> Iterator[FileFact]:
    """The configuration with what it names, and the folders around them."""
    if path is None:
        return
    named: list[tuple[Path, Part]] = [(path, Part.RULES), (path.absolute().parent, Part.FOLDER)]
    if loaded is not None:
        named += _policies(loaded) + _trusted(loaded) + _secrets(loaded) + _programs(loaded, environment)
    for place, part in list(dict.fromkeys(named))[:MOST_FILES]:
        fact = fact_of(place, part, unseen)
        if fact is not None:
            yield fact


def state_files(state: Path | None, unseen: list[Unseen]) -> Iterator[FileFact]:
    """The state directory and everything in it, two levels deep."""
    if state is None:
        return
    if (fact := fact_of(state, Part.STATE, unseen)) is not None:
        yield fact
    try:
        inside = sorted(state.iterdir())
        below = [path for folder in inside if folder.is_dir() and not folder.is_symlink() for path in sorted(folder.iterdir())]
    except OSError as error:
        unseen.append(Unseen(what=str(state), why=f"it cannot be listed ({error.strerror})"))
        return
    for path in (inside + below)[:MOST_FILES]:
        if path.name in _OPEN:
            continue
        part = Part.SOCKET if path.name == _SOCKET else Part.KEY if path.name.endswith(_KEYS) else Part.STORED
        if (fact := fact_of(path, part, unseen)) is not None:
            yield fact


def operator_files(home: Path, environment: Mapping[str, str]) -> Iterator[FileFact]:
    """Operators' credentials that were kept (`operator add --save`)."""
    base = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    try:
        paths = sorted((base / "ringfence" / "operators").iterdir())
    except OSError:
        return
    for path in paths[:MOST_FILES]:
        if (fact := fact_of(path, Part.OPERATOR, [])) is not None:
            yield fact


def fact_of(path: Path, part: Part, unseen: list[Unseen]) -> FileFact | None:
    """One file as it lies there; a link counts as what it leads to. None: it is not there, or cannot be looked at."""
    try:
        status = path.stat()
    except FileNotFoundError:
        if part is not Part.STORED:  # journals of the store come and go
            unseen.append(Unseen(what=str(path), why="it is not there"))
        return None
    except OSError as error:
        unseen.append(Unseen(what=str(path), why=f"its mode cannot be read ({error.strerror})"))
        return None
    return FileFact(
        path=path,
        part=part,
        owner=status.st_uid,
        mode=stat.S_IMODE(status.st_mode) & 0o1777,
        is_folder=stat.S_ISDIR(status.st_mode),
        is_own_group=_is_own_group(status.st_uid, status.st_gid),
    )


def _is_own_group(uid: int, gid: int) -> bool:
    try:
        group, owner = grp.getgrgid(gid), pwd.getpwuid(uid)
    except KeyError:
        return False
    return group.gr_name == owner.pw_name and not set(group.gr_mem) - {owner.pw_name}


def _policies(loaded: Loaded) -> list[tuple[Path, Part]]:
    folder = loaded.policies.folder or loaded.path.absolute().parent / FOLDER
    try:
        policies = [path for path in sorted(folder.iterdir()) if path.name.endswith(SUFFIX)]
    except OSError:
        return []  # there is none, or loading the configuration has said why not
    return [(folder, Part.FOLDER), *((path, Part.POLICY) for path in policies)]


def _trusted(loaded: Loaded) -> list[tuple[Path, Part]]:
    tls = loaded.listen.tls
    found: list[tuple[Path, Part]] = []
    if tls is not None:
        found += [(tls.cert, Part.TRUSTED), (tls.key, Part.KEY), *([(tls.client_ca, Part.TRUSTED)] if tls.client_ca else [])]
    found += [(Path(issuer.file), Part.TRUSTED) for issuer in loaded.identity.issuers if issuer.file]
    found += [(forward.ca, Part.TRUSTED) for forward in loaded.log.forward if forward.ca is not None]
    return found


def _secrets(loaded: Loaded) -> list[tuple[Path, Part]]:
    return [(Path(ref.folder) / ref.name, Part.SECRET) for ref in every_reference(loaded) if ref.kind == "file"]


def _programs(loaded: Loaded, environment: Mapping[str, str]) -> list[tuple[Path, Part]]:
    """What the gateway starts: servers and commands that print secrets."""
    starts = [(server.command[0], str(server.cwd or "")) for server in loaded.servers.values() if server.command]
    for ref in every_reference(loaded):
        if ref.kind == "exec":
            try:
                words = shlex.split(ref.name)
            except ValueError:
                continue
            starts += [(words[0], ref.folder)] if words else []
    found: list[tuple[Path, Part]] = []
    for program, folder in starts:
        path = os.path.join(folder, program) if "/" in program else shutil.which(program, path=environment.get("PATH"))
        if path is not None and os.path.exists(path):
            found.append((Path(path), Part.PROGRAM))
    return sorted(found)
