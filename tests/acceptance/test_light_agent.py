"""A light agent: one file with a box and nothing else is complete, and its command runs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.servers.gateway_process import PATIENCE_S, GatewayProcess

RINGFENCE = str(Path(sys.executable).with_name("ringfence"))
DOCS = Path(__file__).parents[2] / "docs/sandbox.md"
LOOK = "echo hello > /work/note; cat /work/note; ls /home /root 2>&1 | head -1; (echo > /dev/tcp/127.0.0.1/22) 2>&1 | head -1"


def written() -> str:
    """The configuration as docs/sandbox.md has it."""
    found = re.search(r"## Light agents\n.*?```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


async def ringfence(folder: Path, *arguments: str, credential: str = "") -> tuple[int, str, str]:
    environment = {**os.environ, **({"RINGFENCE_OPERATOR_CREDENTIAL": credential} if credential else {})}
    process = await asyncio.create_subprocess_exec(
        RINGFENCE, *arguments, stdout=PIPE, stderr=PIPE, cwd=folder, env=environment, start_new_session=True
    )
    async with asyncio.timeout(PATIENCE_S):
        out, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), errors.decode()


async def test_the_file_of_the_docs_is_complete_and_its_command_runs(tmp_path: Path) -> None:
    config = tmp_path / "ringfence.yaml"
    config.write_text(written())
    config.chmod(0o600)
    checked = await ringfence(tmp_path, "config", "check", "ringfence.yaml")
    assert checked[0] == 0, checked
    assert "warning" not in checked[2]
    code, out, _ = await ringfence(tmp_path, "assess", "ringfence.yaml", "--json")
    assert code == 0
    (agent,) = json.loads(out)["agents"]
    assert agent["light"] is True
    assert agent["reaches"] == ["its own workspace"]
    assert {"policies", "profiles and approvals of tools", "egress rules"} <= set(agent["off"])
    _, told, _ = await ringfence(tmp_path, "assess", "ringfence.yaml")
    assert "That is enough" in told

    gateway = GatewayProcess(config, tmp_path / "st", options=())
    async with gateway.running(), gateway.people() as people:
        credential = await people.add_operator("ada", "admin")
        run = ("run", "--state", "st", "--agent", agent["agent"], "--task", "look around", "--", "bash", "-c", LOOK)
        code, out, errors = await ringfence(tmp_path, *run, credential=credential)
        assert code == 0, errors
        assert out.splitlines()[0] == "hello"
        assert "No such file" in out
        assert "refused" in out
        assert any(entry["summary"].startswith("box started") for entry in await people.log())
        status = await people.done("GET", "/status")
        assert status["posture"] == "boxed"
