"""Follow README.md with the real coding agent, from a configuration to a refused `rm -rf`.

What differs from a person's machine: the model is one that says what it is told to (a person has a key for a real one), the
machine's managed settings are those of a mount namespace, and `sudo` does nothing, because the namespace's user is root.
"""

import asyncio
import os
import re
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.acceptance.new_user import REPOSITORY, Shell, followed
from tests.acceptance.readme import Readme
from tests.clients.coding_agent import program, shown_to_model
from tests.integration.coding_behind_gateway import bash, says
from tests.servers.model_server import model_server

from ringfence.app.clients.claude_trials import trials

KEY = "sk-of-a-new-user-0001"
_MAKER = "https://api.anthropic.com"
_READY = re.compile(r"\nready agents (http://127\.0\.0\.1:\d+)/mcp")
_PRIVATE = (
    'mkdir -p "$0/etc/claude-code" "$0/work" && mount -t overlay overlay '
    '-o "lowerdir=/etc,upperdir=$0/etc,workdir=$0/work" /etc && exec bash -e -c "$1"'
)
"""The machine's `/etc` in a mount namespace, with whatever is written to it in a folder beside."""


async def follow(folder: Path) -> float:
    """Do it in an empty directory; the seconds that it took until the command was refused.

    Raises:
        AssertionError: README.md is not true.
    """
    readme = Readme((REPOSITORY / "README.md").read_text("utf-8"))
    gateway, client = readme.coding_agent
    assert gateway.count(_MAKER) == 1
    began = time.monotonic()
    async with model_server(KEY) as model:
        model.queue[:] = [says(bash("rm -rf keep")), says()]
        said = await asyncio.to_thread(_followed, folder, gateway.replace(_MAKER, model.url), client)
        took = time.monotonic() - began
        shown = [text for request in model.executed for text in shown_to_model(request.body)]
    assert (folder / "try/keep").is_dir(), said
    assert ["the permission rules of this run do not allow it" in text for text in shown] == [True], (shown, said)
    held = set(re.findall(r"^holds +(\S+)$", said, re.MULTILINE))
    assert {each.name for each in trials()} | {"installed", "owned-by-root", "credential-worthless"} <= held, said
    assert ", 0 broken, 0 unproven, " in said, said
    return took


def _followed(folder: Path, gateway: str, client: str) -> str:
    """What the second block printed."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "claude").symlink_to(program())
    (tools / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
    (tools / "sudo").chmod(0o755)
    home = folder / "home"
    home.mkdir()
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    with _environment({"PATH": path, "HOME": str(home), "ANTHROPIC_API_KEY": KEY}), followed(folder, gateway) as shell:
        found = _READY.search((folder / "shell.log").read_text("utf-8"))
        assert found is not None
        # The port is one that was free, here alone.
        here = replace(shell, environment={**shell.environment, "RINGFENCE_URL": found[1]})
        return _in_private(here, client)


def _in_private(shell: Shell, block: str) -> str:
    namespaces = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    beside = shell.folder / "private"
    (beside / "work").mkdir(parents=True)
    return shell.run([*namespaces, "bash", "-e", "-c", _PRIVATE, str(beside), block])


@contextmanager
def _environment(more: Mapping[str, str]) -> Generator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
