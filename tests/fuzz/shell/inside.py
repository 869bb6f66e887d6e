"""Runs commands one after another in a box, each in a fresh folder, and says what they did. Standard library only.

One JSON line in (`{"command": ...}`), one out: programs executed, files of the folder that were read, changed or removed. The
folder's files come as the first line. That a file was read is seen from its time of access, which tmpfs keeps.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from tracer import trace  # its neighbour here, by this name in the box

SECONDS = 4.0
BASH = "/usr/bin/bash"
LONG_AGO = 1


def lay_out(plan: dict[str, Any]) -> None:
    root, home = plan["root"], plan["home"]
    for folder in (root, home):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    for path, text in plan["files"].items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)
    for path, target in plan["links"].items():
        os.symlink(target, os.path.join(root, path))
    for path in plan["files"]:
        # Older than the last change, so that the kernel notes the next reading.
        os.utime(os.path.join(root, path), (LONG_AGO, LONG_AGO + 1))


def look(plan: dict[str, Any]) -> dict[str, list[str]]:
    root = plan["root"]
    read: list[str] = []
    changed: list[str] = []
    gone: list[str] = []
    for path, text in plan["files"].items():
        place = os.path.join(root, path)
        if os.path.islink(place) or not os.path.isfile(place):
            gone.append(path)
            continue
        stat = os.stat(place)
        if stat.st_atime_ns != LONG_AGO * 10**9:
            read.append(path)
        with open(place, encoding="utf-8", errors="replace") as file:
            if file.read() != text:
                changed.append(path)
    made: list[str] = []
    for folder, _, names in os.walk(root):
        made += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    extra = sorted(set(made) - set(plan["files"]) - set(plan["links"]))[:50]
    return {"read": read, "changed": changed, "gone": gone, "made": extra}


def main() -> None:
    plan = json.loads(sys.stdin.readline())
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 22, 1 << 22))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        command = json.loads(line)["command"]
        lay_out(plan)
        os.chdir(plan["root"])
        output = os.open("/tmp/output", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        environment = {"PATH": plan["path"], "HOME": plan["home"], "PWD": plan["root"], "LANG": "C.UTF-8"}
        traced = trace([BASH, "-c", command], output, environment, SECONDS)
        said = os.pread(output, 400, 0).decode("utf-8", "replace")
        os.close(output)
        os.chdir("/")
        did = {"executed": traced.executed, "timed_out": traced.timed_out, "said": said, **look(plan)}
        sys.stdout.write(json.dumps(did) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
