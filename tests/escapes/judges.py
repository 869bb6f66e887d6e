"""Looks at the host's side of an attempt."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.escapes.attempt import Aftermath, Judge

SAYS = "ESCAPED"


def says(after: Aftermath) -> str:
    """Its script saw it succeed: for what only the process itself can tell."""
    return next((line[:200] for line in after.said.splitlines() if line.startswith(SAYS)), "")


def knows(*names: str) -> Judge:
    """One of these secrets of the host stands in what it printed."""

    def judge(after: Aftermath) -> str:
        return next((f"it knows {name}" for name in names if after.facts[name] in after.said), "")

    return judge


def exists(path: str) -> Judge:
    """A file of the host; `{NAME}` is a fact."""

    def judge(after: Aftermath) -> str:
        where = path.format(**after.facts, ID=after.id)
        return f"{where} was made" if os.path.lexists(where) else ""

    return judge


def marked(path: str) -> Judge:
    """A file of the host carries the attempt's mark."""

    def judge(after: Aftermath) -> str:
        where = Path(path.format(**after.facts, ID=after.id))
        return f"{where} was changed" if where.is_file() and f"mark-{after.id}-" in where.read_text("utf-8") else ""

    return judge


def heard(*services: str) -> Judge:
    """The attempt's mark reached one of these."""

    def judge(after: Aftermath) -> str:
        mark = f"mark-{after.id}-".encode()
        return next((f"{name} heard it" for name in services if mark in after.heard[name]), "")

    return judge


def gone(pid: str) -> Judge:
    """A process of the host is no more."""

    def judge(after: Aftermath) -> str:
        try:
            state = Path(f"/proc/{after.facts[pid]}/stat").read_text("ascii").rpartition(")")[2].split()[0]
        except OSError:
            return f"{pid} is dead"
        return f"{pid} is dead" if state in "ZX" else ""

    return judge


def at_least(most: int) -> Judge:
    """It counted how much it got: `GOT n`."""

    def judge(after: Aftermath) -> str:
        got = [int(line.split()[1]) for line in after.said.splitlines() if line.startswith("GOT ")]
        return f"it got {got[-1]}" if got and got[-1] >= most else ""

    return judge


def troubled(after: Aftermath) -> str:
    return after.trouble


def refs(repo: Path) -> dict[str, str]:
    """Every ref of the user's repository but those that hold the results of runs."""
    lines = _git(repo, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {name: value for name, value in (line.split(" ") for line in lines) if not name.startswith("refs/heads/agent/")}


def moved(after: Aftermath) -> str:
    """A ref of the user is another one than before."""
    assert after.repo is not None
    now = refs(after.repo)
    return next((f"{name} moved" for name in {*now, *after.before} if now.get(name) != after.before.get(name)), "")


def committed(path: str) -> Judge:
    """A ref of the user's repository, the result's too, carries this path."""

    def judge(after: Aftermath) -> str:
        assert after.repo is not None
        first = after.before["refs/heads/main"]
        changed = _git(after.repo, "log", "--all", "--name-only", "--format=", f"^{first}").splitlines()
        return f"{path} arrived" if path in changed else ""

    return judge


def in_checkout(path: str, text: str = "") -> Judge:
    """The user's checkout has that file, with that text."""

    def judge(after: Aftermath) -> str:
        assert after.repo is not None
        where = after.repo / path
        return f"{path} is the user's" if os.path.lexists(where) and (not text or text in where.read_text("utf-8")) else ""

    return judge


def either(*judges: Judge) -> Judge:
    def judge(after: Aftermath) -> str:
        return next(filter(None, (each(after) for each in judges)), "")

    return judge


def _git(repo: Path, *arguments: str) -> str:
    own = {"PATH": os.defpath, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    quiet = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    return subprocess.run(["git", *quiet, *arguments], cwd=repo, env=own, check=True, capture_output=True, text=True).stdout
