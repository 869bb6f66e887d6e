"""A machine as a new user has it: a clone, an `.mcp.json` for servers of their own, one shell."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
LONGEST_S = 600.0
"""An installation over a slow line; a bound for a hung shell."""
_POLL_S = 0.02
_AFTER = '\necho "$!" > up.pid\nenv -0 > shell.environment\nwait\n'
"""What comes after the block: the shell says what it started, and stays."""


@dataclass(frozen=True)
class Shell:
    """The shell in which the block was run, with the gateway in its background."""

    folder: Path
    environment: dict[str, str]

    def run(self, command: Sequence[str]) -> str:
        """What a command prints. Raises AssertionError where it fails."""
        done = subprocess.run([*command], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout


def clone(folder: Path, servers: dict[str, Any]) -> None:
    """A fresh clone of what is committed here, and beside its README the `.mcp.json` of a client."""
    subprocess.run(["git", "clone", "--quiet", "--local", str(REPOSITORY), str(folder)], check=True)
    (folder / ".mcp.json").write_text(json.dumps({"mcpServers": servers}), "utf-8")


@contextmanager
def followed(folder: Path, block: str) -> Generator[Shell]:
    """Run a shell block that leaves `ringfence up` in the background; give the shell once that is ready, and end it after.

    Raises:
        AssertionError: A command failed, or nothing became ready.
    """
    log, pid = folder / "shell.log", folder / "up.pid"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RINGFENCE_", "VIRTUAL_ENV"))}
    # Another gateway may be at the default port of this machine.
    environment = {**inherited, "RINGFENCE_PORT": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with log.open("wb") as output:
        shell = subprocess.Popen(
            ["bash", "-e", "-c", block + _AFTER], cwd=folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        end = time.monotonic() + LONGEST_S
        while "\nready " not in (said := log.read_text("utf-8", "replace")):
            assert shell.poll() is None, f"the shell ended:\n{said}"
            assert time.monotonic() < end, f"nothing became ready:\n{said}"
            time.sleep(_POLL_S)
        exported = (folder / "shell.environment").read_text("utf-8").rstrip("\0").split("\0")
        yield Shell(folder, dict(line.split("=", 1) for line in exported))
    finally:
        if pid.exists() and shell.poll() is None:
            os.kill(int(pid.read_text()), signal.SIGTERM)
        elif shell.poll() is None:
            shell.terminate()
        shell.wait()
