"""What README.md tells a new user to run, taken out of it word by word."""

import json
import re
from dataclasses import dataclass

_MARKED = re.compile(r"<!-- first-minute:start -->\n```sh\n(.*?)```\n<!-- first-minute:end -->", re.DOTALL)
_CODING = re.compile(r"<!-- coding-agent:start -->\n```sh\n(.*?)```\n<!-- coding-agent:end -->\n\n```sh\n(.*?)```", re.DOTALL)
_SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_JSON = re.compile(r"```json\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Readme:
    """The text of README.md. Every method raises AssertionError where the text no longer says it."""

    text: str

    @property
    def first_minute(self) -> str:
        """The marked shell block, as printed."""
        found = _MARKED.findall(self.text)
        assert len(found) == 1, "README.md has to hold one marked shell block"
        return found[0]

    @property
    def coding_agent(self) -> tuple[str, str]:
        """The marked shell block that leaves a gateway in the background, and the block after it, as printed."""
        found = _CODING.findall(self.text)
        assert len(found) == 1, "README.md has to hold one marked pair of shell blocks for a coding agent"
        return found[0]

    @property
    def client_command(self) -> list[str]:
        """The command of the one server that a client is to be configured with."""
        [block] = _JSON.findall(self.text)
        [server] = json.loads(block)["mcpServers"].values()
        return [server["command"], *server["args"]]

    def command(self, beginning: str) -> list[str]:
        """A one-line command in one of the shell blocks, without its comment."""
        lines = [line.partition(" #")[0].strip() for block in _SHELL.findall(self.text) for line in block.splitlines()]
        found = [line.split() for line in lines if line.startswith(beginning)]
        assert found, f"README.md no longer says `{beginning}`"
        return found[0]
