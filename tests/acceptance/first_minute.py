"""Follow README.md with a server that the project has not seen, from nothing to a gated call, and print the time.

`python -m tests.acceptance.first_minute`, in the root of the repository; `make first-minute` sets up the server before.
"""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent
from tests.acceptance.new_user import REPOSITORY, Shell, clone, followed
from tests.acceptance.readme import Readme
from tests.acceptance.terminal import INTERRUPT, Terminal

UNSEEN = REPOSITORY / "tests/servers/unseen/.venv"
GATED, READ = "sqlite__create_table", "sqlite__list_tables"
TABLE = "CREATE TABLE parcels (id INTEGER)"


async def follow(folder: Path) -> float:
    """Do it in an empty directory; the seconds that it took until the gated call was executed.

    Raises:
        AssertionError: README.md is not true.
    """
    assert (UNSEEN / ".ready").exists(), "the unseen server is not set up: run `make clients`"
    here, database = folder / "ringfence", folder / "parcels.sqlite"
    began = time.monotonic()
    clone(here, {"sqlite": {"command": str(UNSEEN / "bin/mcp-server-sqlite"), "args": ["--db-path", str(database)]}})
    readme = Readme((here / "README.md").read_text("utf-8"))
    with followed(here, readme.first_minute) as shell:
        review(here / "ringfence.yaml")
        shell.run(readme.command("ringfence reload"))
        await gated_call(shell, readme, database)
        took = time.monotonic() - began
        afterwards(shell, readme)
    return took


def review(config: Path) -> None:
    """Give the agent one tool that changes something, in the way that README.md says."""
    text = config.read_text("utf-8")
    offered = "# - sqlite.create_table "
    assert text.count(offered) == 1, text
    config.write_text(text.replace(offered, "- sqlite.create_table "), "utf-8")


async def gated_call(shell: Shell, readme: Readme, database: Path) -> None:
    """Read, then change something while a person approves it."""
    command, *arguments = readme.client_command
    # A client's server gets the client's folder and little of its environment.
    started = StdioServerParameters(command=command, args=arguments, cwd=shell.folder, env={"PATH": shell.environment["PATH"]})
    async with Client(started) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        assert listed == {READ, GATED, "sqlite__describe_table", "ringfence__claim"}, listed
        assert text_of(await client.call_tool(READ, {})) == "[]"
        asked = asyncio.create_task(client.call_tool(GATED, {"query": TABLE}))
        await asyncio.to_thread(approve, shell, readme, database)
        assert text_of(await asked) == "Table created successfully"
    assert tables(database) == ["parcels"]


def approve(shell: Shell, readme: Readme, database: Path) -> None:
    """Watch, read the card, approve."""
    with Terminal(readme.command("ringfence approvals watch"), shell.environment, shell.folder) as terminal:
        terminal.until("Type the word")
        assert TABLE in terminal.shown, terminal.shown
        assert tables(database) == []
        terminal.type("approve\n")
        terminal.until("Reason")
        terminal.type("a table for parcels\n")
        terminal.until("approved")
        terminal.type(INTERRUPT)


def afterwards(shell: Shell, readme: Readme) -> None:
    """The log knows it, and is whole; a kill ends the matter."""
    touched = shell.run([*readme.command("ringfence audit touched"), "--json"])
    assert "sqlite.create_table" in touched, touched
    shell.run(readme.command("ringfence audit verify"))


def tables(database: Path) -> list[str]:
    """The tables that the server's own file holds."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    finally:
        connection.close()


def text_of(result: CallToolResult) -> str:
    """The text of a success."""
    text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
    assert not result.is_error, text
    return text


def main() -> int:
    """Exit status 0, or 1 where README.md is not true."""
    with tempfile.TemporaryDirectory(prefix="first-minute-") as folder:
        try:
            took = asyncio.run(follow(Path(os.path.realpath(folder))))
        except AssertionError as error:
            print(f"README.md is not true: {error}", file=sys.stderr)
            return 1
    print(f"first minute: {took:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
