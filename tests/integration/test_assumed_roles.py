"""A real gateway, a real MCP server and the server of moto: one call, one role with a session policy of its own.

Tested against moto, not AWS.
"""

import json
import re
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.app.cli_kit import short_folder
from tests.servers.gateway_process import Answer, GatewayProcess
from tests.servers.moto_server import PYTHON, REGION, Moto, moto_server

SERVER = Path(__file__).parents[1] / "servers" / "cloud_server.py"
READ = {
    "effect": "read",
    "reversible": True,
    "bounded": True,
    "costs_money": False,
    "identity": False,
    "outbound": False,
    "sensitivity": "internal",
}
STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::<bucket>/<key>"}


@pytest.fixture(scope="module")
def moto() -> Generator[Moto]:
    with moto_server() as server:
        yield server


def configuration(folder: Path, moto: Moto, endpoint: str) -> Path:
    for name, value in (("aws.id", moto.key_id), ("aws.secret", moto.secret)):
        (folder / name).write_text(value, "utf-8")
        (folder / name).chmod(0o600)
    mint = {
        "minter": "lake",
        "role": moto.role,
        "policy": {"Version": "2012-10-17", "Statement": [STATEMENT]},
        "arguments": {"bucket": {"from": "/bucket"}, "key": {"from": "/key", "allow": ["slashes"]}},
    }
    by_variable = {**READ, "credential": {"env": "AWS_*", "mint": mint}}
    account = {
        "region": REGION,
        "endpoint": endpoint,
        "access_key_id": {"from": "file:aws.id"},
        "secret_access_key": {"from": "file:aws.secret"},
    }
    settings = {
        "version": 1,
        "minters": {"lake": {"aws": account}},
        "servers": {"s3": {"command": [str(PYTHON), str(SERVER), moto.url, REGION]}},
        "tools": {
            **{f"s3.{name}": by_variable for name in ("read", "drop", "tattle")},
            "s3.by_file": {**READ, "credential": {"argument": "/credential", "mint": mint}},
        },
        "agents": {"analyst": {"purpose": "looks at reports", "tools": ["s3.*"]}},
    }
    config = folder / "ringfence.yaml"
    config.write_text(json.dumps(settings), "utf-8")
    return config


@asynccontextmanager
async def served(moto: Moto, endpoint: str = "") -> AsyncGenerator[tuple[GatewayProcess, Path]]:
    """A gateway with its first operator, and its state."""
    with short_folder() as folder:
        state = folder / "state"
        async with GatewayProcess(configuration(folder, moto, endpoint or moto.url), state).running() as gateway:
            async with gateway.people() as people:
                await people.add_operator("ada", "admin")
            yield gateway, state


async def call(gateway: GatewayProcess, *tools: str, **arguments: Any) -> list[Answer]:
    """One after the other, in one run."""
    async with gateway.people() as people, gateway.clients() as clients:
        _, credential = await people.open_run("analyst")
        return [await clients.call(credential, f"s3__{tool}", arguments) for tool in tools]


def said(answer: Answer) -> Any:
    text = answer.result["content"][0]["text"]
    return json.loads(text) if text.startswith("{") else text


@pytest.mark.requirement("I8")
async def test_a_tool_works_under_a_role_of_its_run_and_the_log_names_it(moto: Moto) -> None:
    async with served(moto) as (gateway, _):
        read, by_file, drop = await call(gateway, "read", "by_file", "drop", bucket="reports", key="may.txt")
        async with gateway.people() as people:
            log = await people.log()
    runs = {entry["run"] for entry in log if entry["kind"] == "outcome"}
    assert len(runs) == 1
    who = f"arn:aws:sts::123456789012:assumed-role/reader/{runs.pop()}"
    assert [said(answer)["text"] for answer in (read, by_file)] == ["twelve", "twelve"]
    assert [said(answer)["who"] for answer in (read, by_file)] == [who, who]
    assert said(drop) == "AccessDenied"
    used = [entry["body"]["credential"] for entry in log if entry["kind"] == "outcome"]
    assert used[0].startswith(f"{moto.role} as r_")
    decided = [entry["body"]["credential"] for entry in log if entry["kind"] == "decision"]
    assert decided[0]["as"] == "env AWS_*"
    assert decided[0]["from"].startswith(f"minted by lake: {moto.role} with policy ")


@pytest.mark.requirement("I8")
async def test_a_wildcard_in_an_argument_is_denied_as_an_argument(moto: Moto) -> None:
    async with served(moto) as (gateway, _):
        (answer,) = await call(gateway, "read", bucket="*", key="may.txt")
        assert not answer.is_result
        async with gateway.people() as people:
            log = await people.log()
    (reason,) = [entry["body"]["reasons"][0] for entry in log if entry["kind"] == "decision"]
    assert reason["code"] == "arguments"
    assert "does not allow wildcards" in reason["detail"]


@pytest.mark.requirement("I9")
async def test_no_value_is_given_away_or_written_down(moto: Moto) -> None:
    async with served(moto) as (gateway, state):
        (answer,) = await call(gateway, "tattle", bucket="reports", key="may.txt")
        # The access key id is known by its form as well.
        assert said(answer) == "[masked: aws-access-key] [masked: configured-secret] [masked: configured-secret]"
        await gateway.stop()
        written = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file()) + gateway.errors().encode()
        assert moto.secret.encode() not in written
        # The rules of the scan stand in the state too, and with them the first letters of such a key's id.
        assert re.search(rb"ASIA[A-Z0-9]{16}", written) is None


@pytest.mark.requirement("I3")
async def test_an_sts_that_is_down_stops_only_that_tool_and_operators_hear_why(moto: Moto) -> None:
    async with served(moto, "http://127.0.0.1:1") as (gateway, _):
        (answer,) = await call(gateway, "read", bucket="reports", key="may.txt")
        assert answer.code == "not_sent"
        assert "STS" not in json.dumps(answer.body)
        assert "STS does not answer: ClientConnectorError" in gateway.errors()
