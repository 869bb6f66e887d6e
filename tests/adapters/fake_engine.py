"""Stands in for podman: keeps containers as files in $HOME, and executes their commands as plain processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

PLACE = Path(os.environ["HOME"])


def main(arguments: list[str]) -> int:
    with (PLACE / "log").open("a") as log:
        log.write(json.dumps(arguments) + "\n")
    verb, name = arguments[0], arguments[-1]
    if verb == "info":
        print((PLACE / "info").read_text())
    elif verb == "create":
        kept = arguments[arguments.index("--name") + 1]
        (PLACE / f"{kept}.json").write_text(json.dumps(arguments[arguments.index("the-image") + 1 :]))
        print("0123456789ab")
    elif verb == "start":
        command = json.loads((PLACE / f"{name}.json").read_text())
        with subprocess.Popen(command, env={"PATH": os.defpath}) as process:
            (PLACE / f"{name}.pid").write_text(str(process.pid))
            code = process.wait()
        (PLACE / f"{name}.pid").unlink(missing_ok=True)
        return code if code >= 0 else 128 - code
    elif verb in ("pause", "unpause"):
        os.kill(int((PLACE / f"{name}.pid").read_text()), signal.SIGSTOP if verb == "pause" else signal.SIGCONT)
    elif verb == "rm":
        if (PLACE / f"{name}.pid").exists():
            os.kill(int((PLACE / f"{name}.pid").read_text()), signal.SIGKILL)
        for kind in ("json", "pid"):
            (PLACE / f"{name}.{kind}").unlink(missing_ok=True)
    elif verb == "ps":
        print("\n".join(path.stem for path in PLACE.glob("*.json")))
    elif verb == "inspect":
        print(((PLACE / "starved").exists() and "true") or "false")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
