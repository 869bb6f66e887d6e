"""The real coding agent, headless, on a machine of its own: a mount namespace has managed settings where the client looks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.gateway_process import PATIENCE_S

HERE = Path(__file__).parent / "claude"
PYTHON = HERE / ".venv/bin/python"
MANAGED = "/etc/claude-code"
"""Where the client looks for what its operator decided."""


def program() -> Path:
    """The client. Raises AssertionError where it was not set up."""
    found = next(HERE.glob(".venv/lib/python3*/site-packages/claude_agent_sdk/_bundled/claude"), None)
    assert found is not None, "the coding agent's client is missing: `make clients` sets it up"
    return found


@dataclass(slots=True)
class Turn:
    """What one prompt came to."""

    code: int
    said: list[dict[str, Any]]
    """Its messages, as it streams them."""
    errors: str

    @property
    def end(self) -> dict[str, Any]:
        """Its last message; empty where it never came to one."""
        return next((each for each in reversed(self.said) if each.get("type") == "result"), {})

    def results(self) -> list[tuple[str, bool]]:
        """What every tool gave, and whether as an error, in the order in which they ended, subagents' too."""
        found: list[tuple[str, bool]] = []
        for each in self.said:
            blocks = each["message"]["content"] if each.get("type") == "user" else []
            for block in blocks if isinstance(blocks, list) else []:
                if block.get("type") == "tool_result":
                    found.append((text_of(block.get("content")), block.get("is_error") is True))
        return found

    @property
    def only(self) -> tuple[str, bool]:
        """The one result."""
        results = self.results()
        assert len(results) == 1, (results, self.end, self.errors)
        return results[0]


def text_of(content: Any) -> str:
    """The text of a block's content, however it is put."""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content or [])


def shown_to_model(body: Mapping[str, Any]) -> list[str]:
    """Every tool's result in one request to the model."""
    found: list[str] = []
    for message in body.get("messages", ()):
        blocks = message["content"] if isinstance(message["content"], list) else []
        found += [text_of(block.get("content")) for block in blocks if block.get("type") == "tool_result"]
    return found


@dataclass(slots=True)
class Machine:
    """One machine with one project on it."""

    folder: Path
    managed: Path
    """What stands at `/etc/claude-code`."""
    environment: dict[str, str] = field(default_factory=dict[str, str])
    """Of every client that is started here, beside the plain one."""

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @classmethod
    def made(cls, folder: Path, managed: Path, **environment: str) -> Machine:
        """An empty one, with managed settings from elsewhere."""
        machine = cls(folder, managed, environment)
        for each in (machine.home, machine.project):
            each.mkdir(parents=True)
        return machine

    def put(self, path: str, content: str | Mapping[str, Any]) -> Path:
        """A file of the project."""
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return file

    def inside(self, *command: str) -> list[str]:
        """A command that sees the managed settings. Nothing else of the machine is hidden, and nothing on it is changed."""
        bound: list[str] = []
        for entry in sorted(os.scandir("/etc"), key=lambda entry: entry.name):
            if entry.path != MANAGED:
                kind = ("--symlink", os.readlink(entry.path)) if entry.is_symlink() else ("--ro-bind-try", entry.path)
                bound += [*kind, entry.path]
        managed = ("--ro-bind", str(self.managed), MANAGED)
        return ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--tmpfs", "/etc", *bound, *managed, "--", *command]

    def surroundings(self, **environment: str) -> dict[str, str]:
        """The environment of what is started here."""
        plain = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }
        return {**plain, **self.environment, **environment}

    async def begin(self, prompt: str, *options: str, **environment: str) -> Process:
        """The client with one prompt, as a process in a group of its own."""
        command = (str(program()), "-p", prompt, "--output-format", "stream-json", "--verbose", *options)
        return await self.start(*command, **environment)

    async def start(self, *command: str, **environment: str) -> Process:
        """Any command here, with nothing of our environment."""
        return await asyncio.create_subprocess_exec(
            *self.inside(*command),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=self.surroundings(**environment),
            cwd=self.project,
            start_new_session=True,
            limit=1 << 24,
        )

    async def prompt(self, prompt: str, *options: str, **environment: str) -> Turn:
        """One prompt to its end."""
        return await finished(await self.begin(prompt, *options, **environment))


async def finished(process: Process) -> Turn:
    """What a client said, once it ended."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            out, errors = await process.communicate()
    finally:
        # With whatever it began and did not wait for.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    assert process.returncode is not None
    said = [json.loads(line) for line in out.decode().splitlines() if line.startswith("{")]
    return Turn(process.returncode, said, errors.decode("utf-8", "replace"))
