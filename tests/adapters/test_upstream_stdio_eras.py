"""A stdio server of both eras: which of them a call is made in, and in which process."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.test_upstream_stdio import text_of

from ringfence.adapters.upstream.options import StdioOptions
from ringfence.adapters.upstream.stdio import StdioUpstream
from ringfence.adapters.wire.mcp import Era
from ringfence.ports.upstream import Answered, Sending
from ringfence.testing.contracts.upstream import sending
from ringfence.testing.contracts.upstream_features import CAPABILITIES, Client, asking, said

SDK_SERVER = Path(__file__).parents[1] / "servers" / "logging_server.py"
BOTH = """
import json, os, sys

def say(identity, **answer):
    print(json.dumps({"jsonrpc": "2.0", "id": identity, **answer}), flush=True)

older = None
for line in sys.stdin:
    message = json.loads(line)
    identity, method = message.get("id"), message["method"]
    if method == "server/discover":
        say(identity, result={"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
    elif method == "initialize" and "--modern-only" in sys.argv:
        with open(sys.argv[1], "a") as tries:
            tries.write("x")
        say(identity, error={"code": -32022, "message": "no", "data": {"supported": ["2026-07-28"]}})
    elif method == "initialize":
        older = message["params"]["capabilities"]
        say(identity, result={"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}})
    elif method == "tools/call":
        meta = message["params"].get("_meta", {})
        declared = older if older is not None else meta["io.modelcontextprotocol/clientCapabilities"]
        level = meta.get("io.modelcontextprotocol/logLevel")
        era = "modern" if older is None else "legacy"
        text = json.dumps({"era": era, "pid": os.getpid(), "declared": declared, "level": level})
        say(identity, result={"resultType": "complete", "content": [{"type": "text", "text": text}]})
"""


@asynccontextmanager
async def both(tmp_path: Path, *flags: str, era: Era | None = None) -> AsyncGenerator[StdioUpstream]:
    (tmp_path / "both.py").write_text(BOTH)
    args = ("-I", str(tmp_path / "both.py"), str(tmp_path / "tries"), *flags)
    upstream = StdioUpstream(StdioOptions(command=sys.executable, args=args, era=era))
    try:
        yield upstream
    finally:
        await upstream.close()


def called(*, legacy: bool, capabilities: Mapping[str, Any] | None = None, principal: str = "r_1") -> Sending:
    return replace(
        sending("a", principal=principal),
        legacy_client=legacy,
        capabilities=CAPABILITIES if capabilities is None else capabilities,
        on_requests=Client().ask,
    )


async def test_a_legacy_client_that_may_be_asked_is_served_in_the_older_era_by_a_process_of_its_own(tmp_path: Path) -> None:
    async with both(tmp_path) as upstream:
        older = said(await upstream.call(called(legacy=True)))
        modern = said(await upstream.call(called(legacy=False)))
        again = said(await upstream.call(called(legacy=True)))
        assert (older["era"], modern["era"]) == ("legacy", "modern")
        assert older["declared"] == CAPABILITIES
        assert again == older
        assert older["pid"] != modern["pid"]
        assert upstream.health().era == "modern"


@pytest.mark.requirement("I17")
async def test_the_older_process_belongs_to_one_principal_and_ends_with_it(tmp_path: Path) -> None:
    async with both(tmp_path) as upstream:
        mine = said(await upstream.call(called(legacy=True)))
        theirs = said(await upstream.call(called(legacy=True, principal="r_2")))
        assert mine["pid"] != theirs["pid"]
        await upstream.forget("r_1")
        assert said(await upstream.call(called(legacy=True)))["pid"] != mine["pid"]
        assert said(await upstream.call(called(legacy=True, principal="r_2")))["pid"] == theirs["pid"]


async def test_a_client_that_may_not_be_asked_keeps_the_servers_own_era_also_when_it_wants_logs(tmp_path: Path) -> None:
    async with both(tmp_path) as upstream:
        plain = said(await upstream.call(called(legacy=True, capabilities={})))
        wants_logs = replace(called(legacy=True, capabilities={}), log_level="info", on_log=lambda _: None)
        logged = said(await upstream.call(wants_logs))
        assert (plain["era"], logged["era"]) == ("modern", "modern")
        assert plain["pid"] == logged["pid"]
        assert logged["level"] == "info"


async def test_a_server_of_the_modern_era_alone_is_tried_once(tmp_path: Path) -> None:
    async with both(tmp_path, "--modern-only") as upstream:
        answers = [said(await upstream.call(called(legacy=True, principal=f"r_{n}"))) for n in range(3)]
        assert {answer["era"] for answer in answers} == {"modern"}
        assert (tmp_path / "tries").read_text() == "x"
        health = upstream.health()
        assert (health.state, health.retry_s) == ("up", None)


async def test_an_operators_word_on_the_era_stands(tmp_path: Path) -> None:
    async with both(tmp_path, era=Era.MODERN) as upstream:
        assert said(await upstream.call(called(legacy=True)))["era"] == "modern"


async def test_a_server_on_the_official_kit_asks_while_the_call_goes_on(tmp_path: Path) -> None:
    command = StdioOptions(command=sys.executable, args=(str(SDK_SERVER), str(tmp_path / "log"), "stdio"))
    upstream, client = StdioUpstream(command), Client()
    try:
        for legacy in (True, False):
            call = replace(asking("elicitation", ask=client.ask), legacy_client=legacy)
            assert isinstance(await upstream.call(call), Answered)
        assert len(client.asked) == 2
        pids = [text_of(await upstream.call(replace(called(legacy=legacy), tool="where"))) for legacy in (True, False)]
        assert pids[0] != pids[1]
    finally:
        await asyncio.wait_for(upstream.close(), 20)
