"""A box in which commands really run: no network, nothing of the machine but its programs, a folder in memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

HERE = Path(__file__).parent
STAND_INS = ("curl", "wget", "git")
"""Programs that a machine may not have: one that does nothing takes their place, because it is their start that counts."""


class BoxFault(Exception):
    """The box itself failed."""


@dataclass(frozen=True, slots=True)
class Did:
    """What a command did in the box."""

    executed: tuple[tuple[str, ...], ...]
    """Each program: its file, then its words."""
    read: frozenset[str]
    changed: frozenset[str]
    gone: frozenset[str]
    made: frozenset[str]
    timed_out: bool
    said: str


class Box:
    """One box; commands run in it one after another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, command: str) -> Did:
        """Run a command with bash in the folder as it was laid out. Raises: BoxFault."""
        answer = self._ask({"command": command})
        if not answer:
            raise BoxFault(f"the box ended at {command!r}")
        did = cast("dict[str, Any]", json.loads(answer))
        sets = {name: frozenset(cast("list[str]", did[name])) for name in ("read", "changed", "gone", "made")}
        executed = tuple(tuple(words) for words in cast("list[list[str]]", did["executed"]))
        return Did(executed=executed, timed_out=did["timed_out"], said=did["said"], **sets)

    def _ask(self, message: Mapping[str, Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return ""
        return self._process.stdout.readline()


@contextmanager
def box(root: str, home: str, files: Mapping[str, str], links: Mapping[str, str]) -> Generator[Box]:
    """A box with a folder `root` of these files and links. `root` and `home` lie below /tmp. Raises: BoxFault."""
    plan = {"root": root, "home": home, "files": dict(files), "links": dict(links), "path": "/usr/bin:/bin:/stand-ins"}
    process = subprocess.Popen(_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(plan) + "\n")
        process.stdin.flush()
        yield Box(process)
    finally:
        process.kill()
        process.communicate()


def _command() -> list[str]:
    python = os.path.realpath(sys.executable)
    prefix = os.path.realpath(sys.base_prefix)
    words = [shutil.which("bwrap") or "/usr/bin/bwrap", "--unshare-all", "--die-with-parent", "--clearenv"]
    words += ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib64"):
        place = Path("/") / name
        if place.is_symlink():
            words += ["--symlink", os.readlink(place), str(place)]
        elif place.is_dir():
            words += ["--ro-bind", str(place), str(place)]
    if not prefix.startswith("/usr"):
        words += ["--ro-bind", prefix, prefix]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/inside"]
    words += ["--ro-bind", str(HERE / "inside.py"), "/inside/inside.py"]
    words += ["--ro-bind", str(HERE / "tracer.py"), "/inside/tracer.py", "--dir", "/stand-ins"]
    for name in STAND_INS:
        words += ["--symlink", "/usr/bin/true", f"/stand-ins/{name}"]
    return [*words, "--setenv", "PYTHONDONTWRITEBYTECODE", "1", "--", python, "-I", "-S", "/inside/inside.py"]
