"""`ringfence run -- COMMAND` on a real gateway: what it prints, what it answers, what stands in the log, how it is stopped."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from tests.servers.gateway_process import PATIENCE_S, GatewayProcess, People

RINGFENCE = str(Path(sys.executable).with_name("ringfence"))
pytestmark = pytest.mark.asyncio(loop_scope="module")
CONFIG: dict[str, Any] = {
    "version": 1,
    "agents": {
        "coder": {
            "purpose": "Works in a box.",
            "tools": [],
            "box": {"profile": "code"},
            "egress": {"unlisted": "ask", "hosts": [{"host": "listed.invalid"}]},
        },
        "light": {"purpose": "Has no way out.", "tools": [], "box": {"profile": "light"}},
        "free": {"purpose": "Lives where it wants.", "tools": [], "only_mcp": True},
    },
}
PING = """
import json, urllib.request
body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
    "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}).encode()
headers = {"content-type": "application/json", "accept": "application/json, text/event-stream", **HEADERS}
request = urllib.request.Request("http://127.0.0.1:7410/mcp", body, headers)
try:
    with urllib.request.urlopen(request, timeout=10) as answer:
        print(answer.status, "serverInfo" in answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code)
"""


@dataclass(slots=True)
class Boxing:
    """A gateway with people who open boxes."""

    gateway: GatewayProcess
    people: People
    credential: str
    state: Path

    async def begin(self, *command: str, agent: str = "coder", options: tuple[str, ...] = (), task: str = "a test") -> Process:
        """`ringfence run` as a process of its own."""
        environment = {**os.environ, "RINGFENCE_OPERATOR_CREDENTIAL": self.credential}
        start = [RINGFENCE, "run", "--state", str(self.state), "--agent", agent, "--task", task, *options, "--", *command]
        return await asyncio.create_subprocess_exec(*start, stdout=PIPE, stderr=PIPE, env=environment, start_new_session=True)

    async def run(self, *command: str, agent: str = "coder", options: tuple[str, ...] = ()) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a whole run."""
        return await over(await self.begin(*command, agent=agent, options=options))


async def over(process: Process) -> tuple[int, str, str]:
    async with asyncio.timeout(PATIENCE_S):
        out, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), errors.decode()


@asynccontextmanager
async def boxing(folder: Path) -> AsyncGenerator[Boxing]:
    config, state = folder / "ringfence.yaml", folder / "st"
    config.write_text(yaml.safe_dump(CONFIG))
    config.chmod(0o600)
    gateway = GatewayProcess(config, state)
    async with gateway.running(), gateway.people() as first:
        credential = await first.add_operator("ada", "admin")
        async with gateway.people(credential) as people:
            yield Boxing(gateway, people, credential, state)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Boxing]:
    async with boxing(tmp_path_factory.mktemp("box")) as made:
        yield made


async def until_started(people: People, task: str) -> str:
    """The run of the box that was opened for a task."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            entries = await people.log()
            runs = {e["run"] for e in entries if e["summary"].startswith("run opened") and task in json.dumps(e["body"])}
            started = [e["run"] for e in entries if e["summary"].startswith("box started") and e["run"] in runs]
            if started:
                return started[-1]
            await asyncio.sleep(0.05)


async def test_output_and_exit_code_are_those_of_the_command_and_the_log_has_both(box: Boxing) -> None:
    code, out, errors = await box.run("sh", "-c", "echo out; echo err >&2; exit 7")
    assert (code, out) == (7, "out\n")
    assert "err\n" in errors
    log = await box.people.log()
    last = next(e["run"] for e in reversed(log) if e["summary"].startswith("box ended"))
    told = {e["summary"].partition(":")[0]: e for e in log if e["run"] == last}
    assert told["box started"]["body"]["command"] == "sh -c echo out; echo err >&2; exit 7"
    assert {"namespaces", "seccomp"} <= set(told["box started"]["body"]["layers"])
    assert told["box ended"]["body"]["code"] == 7
    assert told["run closed"]


async def test_the_listener_is_the_runs_identity_and_no_credential_is_inside(box: Boxing) -> None:
    code, out, errors = await box.run("python3", "-c", PING.replace("HEADERS", "{}"))
    assert (code, out) == (0, "200 True\n"), errors
    code, out, _ = await box.run("sh", "-c", "env; cat /proc/1/environ")
    assert code == 0
    assert "rfr_" not in out
    assert box.credential not in out


async def test_nobody_elses_credential_works_through_the_listener(box: Boxing) -> None:
    _, foreign = await box.people.open_run("free")
    for header in (f"Bearer {foreign}x", "Bearer ", "Basic eDp5"):
        code, out, _ = await box.run("python3", "-c", PING.replace("HEADERS", repr({"authorization": header})))
        assert (code, out.strip()) == (0, "401")


async def test_an_agent_with_a_box_gets_no_run_outside_of_one(box: Boxing) -> None:
    status, answer = await box.people.ask("POST", "/runs", {"agent": "coder", "task": "escape"})
    assert status >= 400
    assert "boxes only" in json.dumps(answer)


async def test_the_credential_of_a_box_is_worth_nothing_elsewhere(box: Boxing) -> None:
    binding = "box:" + "A" * 43
    opened = await box.people.done("POST", "/runs", {"agent": "coder", "task": "steal me", "binding": binding})
    async with box.gateway.clients() as clients:
        answer = await clients.call(opened["credential"], "orders__get", {})
    assert answer.status == 401


async def test_a_host_that_no_rule_names_waits_for_a_person_who_lets_this_run_reach_it(box: Boxing) -> None:
    connect = (
        "import socket; s = socket.create_connection(('127.0.0.1', 7410));"
        "s.sendall(b'CONNECT %s:443 HTTP/1.1\\r\\nHost: %s:443\\r\\n\\r\\n'); print(s.recv(4000).decode())"
    )
    asking = await box.begin("python3", "-c", connect.replace("%s", "new.invalid"))
    ticket = await box.people.waiting()
    assert ticket["tool"] == "egress.connect"
    assert (await box.people.decide(ticket, "deny"))[0] < 300
    code, out, errors = await over(asking)
    assert code == 0, errors
    assert out.startswith("HTTP/1.1 403 ")
    assert "approval_denied" in out or "host" in out
    code, out, _ = await box.run("python3", "-c", connect.replace("%s", "new.invalid"), agent="light")
    assert out.startswith("HTTP/1.1 403 ")


@pytest.mark.requirement("I6")
async def test_a_kill_ends_every_process_of_the_box(box: Boxing) -> None:
    running = await box.begin("sh", "-c", "(setsid sleep 1000 &) ; echo up; sleep 1000", task="to be killed")
    run = await until_started(box.people, "to be killed")
    await box.people.done("POST", "/kill", {"scope": {"kind": "run", "target": run}, "reason": "test"})
    code, out, errors = await over(running)
    assert (code, out) == (137, "up\n")
    assert "killed by operator:ada" in errors
    ended = next(e for e in await box.people.log() if e["summary"].startswith("box ended") and e["run"] == run)
    assert "killed" in ended["body"]["why"]


async def test_json_says_how_it_ended(box: Boxing) -> None:
    code, out, _ = await box.run("true", options=("--json",))
    told = json.loads(out)
    assert (code, told["code"], told["why"]) == (0, 0, "")
    assert told["entry"].startswith("e")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--agent", "coder", "--task", "t", "--"), 2, "no command behind"),
        (("--task", "t", "--", "true"), 2, "--agent"),
        (("--agent", "nobody", "--task", "t", "--", "true"), 1, "no agent"),
        (("--agent", "coder", "--task", "t", "--env", "A B", "--", "true"), 2, "NAME=VALUE"),
        (("--agent", "coder", "--task", "t", "--", "no-such-program"), 127, ""),
    ],
)
async def test_what_is_asked_wrongly_is_told_clearly(box: Boxing, arguments: tuple[str, ...], code: int, says: str) -> None:
    environment = {**os.environ, "RINGFENCE_OPERATOR_CREDENTIAL": box.credential}
    process = await asyncio.create_subprocess_exec(
        RINGFENCE, "run", "--state", str(box.state), *arguments, stdout=PIPE, stderr=PIPE, env=environment
    )
    found, out, errors = await over(process)
    assert found == code, errors + out
    assert says in errors + out
