"""What a server asks and says on its pipe: it names no call, so it belongs to the only one under way, or to none."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.test_upstream_stdio import eventually, is_alive, text_of, upstream_of

from ringfence.adapters.wire.mcp import Era
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import Answered, ClientAnswer, Granted, Notice, NoticeKind, Sending, ServerRequest, Unknown
from ringfence.testing.contracts.upstream import sending
from ringfence.testing.contracts.upstream_features import CAPABILITIES, Client

ASK = """
def ask(identity, method="elicitation/create", params={"message": "m"}):
    say({"jsonrpc": "2.0", "id": identity, "method": method, "params": params})

def heard():
    return json.loads(sys.stdin.buffer.readline())
"""


def with_client(tool: str, ask: Any, **fields: Any) -> Sending:
    return replace(
        sending(tool, principal=fields.pop("principal", "r_1")), capabilities=CAPABILITIES, on_requests=ask, **fields
    )


async def test_the_answer_goes_back_under_the_servers_own_id(tmp_path: Path) -> None:
    body = f"""{ASK}
def on_call(message):
    ask("s-1")
    answer = heard()
    ask(7, "no/such/method")
    say(fine(message, json.dumps([answer, heard()])))
serve(on_call)
"""
    client = Client()
    async with upstream_of(tmp_path, body, era=Era.LEGACY) as upstream:
        answer, refusal = json.loads(text_of(await upstream.call(with_client("a", client.ask))))
    assert answer["id"] == "s-1"
    assert answer["result"]["action"] == "accept"
    assert refusal["id"] == 7
    assert refusal["error"]["code"] == -32601
    assert len(client.asked) == 1


@pytest.mark.requirement("I17")
async def test_beside_another_call_nobody_can_tell_whose_question_it_is(tmp_path: Path) -> None:
    body = f"""{ASK}
def on_call(message):
    if message["params"]["name"] == "first":
        global first
        first = message
        return
    ask(1)
    say(fine(message, json.dumps(heard())))
    say(fine(first))
serve(on_call)
"""
    client = Client()
    looked = asyncio.Event()

    def look() -> bool:
        looked.set()
        return True

    async with upstream_of(tmp_path, body, era=Era.LEGACY) as upstream:
        first = asyncio.create_task(upstream.call(with_client("first", client.ask, may_send=look)))
        await looked.wait()
        answer = json.loads(text_of(await upstream.call(with_client("second", client.ask))))
        assert isinstance(await first, Answered)
        assert upstream.oddities["request outside any call"] == 1
    assert answer["error"]["code"] == -32601
    assert client.asked == []


async def test_what_is_asked_after_the_answer_is_asked_of_nobody(tmp_path: Path) -> None:
    body = f"""{ASK}
def on_call(message):
    global late
    if message["params"]["name"] == "last":
        return say(fine(message, json.dumps(late)))
    question = {{"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": {{}}}}
    say(json.dumps(fine(message)) + "\\n" + json.dumps(question))
    late = heard()
serve(on_call)
"""
    client = Client()
    async with upstream_of(tmp_path, body, era=Era.LEGACY) as upstream:
        assert isinstance(await upstream.call(with_client("a", client.ask)), Answered)
        late = json.loads(text_of(await upstream.call(with_client("last", client.ask))))
    assert late["error"]["code"] == -32601
    assert client.asked == []


async def test_a_server_that_asks_without_an_end_is_killed(tmp_path: Path) -> None:
    body = f"""{ASK}
def on_call(message):
    for n in range(5000):
        ask(n)
serve(on_call)
"""
    async with upstream_of(tmp_path, body, era=Era.LEGACY) as upstream:
        reply = await upstream.call(with_client("a", Client().ask))
    assert isinstance(reply, Unknown)
    assert "flood" in reply.why


@pytest.mark.requirement("I6")
async def test_after_a_stop_no_answer_of_the_client_leaves(tmp_path: Path) -> None:
    log = tmp_path / "log"
    body = f"""{ASK}
def on_call(message):
    ask(1)
    open({str(log)!r}, "w").write(sys.stdin.buffer.readline().decode())
serve(on_call)
"""
    stopped = False

    async def ask(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        nonlocal stopped
        stopped = True
        return {key: Granted({"action": "accept", "content": {"secret": "canary"}}) for key in requests}

    async with upstream_of(tmp_path, body, era=Era.LEGACY) as upstream:
        reply = await upstream.call(with_client("a", ask, may_send=lambda: not stopped, deadline_s=3.0))
        await eventually(log.exists)
    assert isinstance(reply, Unknown)
    assert "notifications/cancelled" in log.read_text()


@pytest.mark.requirement("I17")
async def test_a_legacy_process_is_kept_apart_by_principal_and_by_what_is_declared(tmp_path: Path) -> None:
    body = "serve(lambda message: say(fine(message, str(os.getpid()))))"
    async with upstream_of(tmp_path, body) as upstream:
        pids: list[str] = []
        for principal, capabilities in (("r_1", CAPABILITIES), ("r_1", {}), ("r_2", CAPABILITIES), ("r_1", CAPABILITIES)):
            item = replace(sending("where", principal=principal), capabilities=capabilities)
            pids.append(text_of(await upstream.call(item)))
        assert len(set(pids)) == 3
        assert pids[0] == pids[3]
        await upstream.forget("r_1")
        assert [is_alive(int(pid)) for pid in pids[:3]] == [False, False, True]


async def test_a_modern_process_hears_what_is_declared_with_each_call(tmp_path: Path) -> None:
    body = """
    serve(lambda message: say(fine(message, json.dumps([os.getpid(), message["params"]["_meta"]]))))
    """
    async with upstream_of(tmp_path, body, era=Era.MODERN) as upstream:
        first = json.loads(text_of(await upstream.call(replace(sending("a"), capabilities=CAPABILITIES))))
        second = json.loads(text_of(await upstream.call(replace(sending("a"), log_level="error", on_log=print))))
    assert first[0] == second[0]
    key = "io.modelcontextprotocol/clientCapabilities"
    assert [first[1][key], second[1][key]] == [CAPABILITIES, {}]
    assert second[1]["io.modelcontextprotocol/logLevel"] == "error"


# --- logs

LOGGING = """
for line in sys.stdin.buffer:
    message = json.loads(line)
    method = message.get("method")
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}, "logging": {}}}
        say({"jsonrpc": "2.0", "id": message["id"], "result": result})
    elif method == "logging/setLevel":
        levels.append(message["params"]["level"])
        say({"jsonrpc": "2.0", "id": message["id"], "result": {}})
    elif method == "tools/call":
        for params in (LOGS if message["params"]["name"] == "log" else []):
            say({"jsonrpc": "2.0", "method": "notifications/message", "params": params})
        say(fine(message, json.dumps(levels)))
"""


async def test_a_level_is_set_once_and_lowered_only_where_a_call_wants_more(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with upstream_of(tmp_path, f"levels = []\nLOGS = []\n{LOGGING}", era=Era.LEGACY) as upstream:
        for level in ("error", "error", "critical", "info", "warning", None):
            reply = await upstream.call(replace(sending("a"), log_level=level, on_log=heard.append))
        assert json.loads(text_of(reply)) == ["error", "info"]


async def test_only_logs_that_can_be_shown_are_passed_on(tmp_path: Path) -> None:
    logs = [
        {"level": "info", "data": "one", "logger": "l" * 999, "secret": 1},
        {"level": "debug", "data": "too little"},
        {"level": "loud", "data": "no level"},
        {"data": "no level"},
        {"level": ["info"], "data": "no level"},
        {"level": "error"},
        {"level": "error", "data": "x" * 70_000},
        {"level": "error", "data": None},
    ]
    heard: list[Any] = []
    body = f"levels = []\nLOGS = json.loads({json.dumps(logs)!r})\n{LOGGING}"
    async with upstream_of(tmp_path, body, era=Era.LEGACY) as upstream:
        await upstream.call(replace(sending("log"), log_level="info", on_log=heard.append))
    assert heard == [{"level": "info", "data": "one", "logger": "l" * 256}, {"level": "error", "data": None}]


async def test_a_flood_of_logs_is_thinned_out(tmp_path: Path) -> None:
    heard: list[Any] = []
    body = f"levels = []\nLOGS = [{{'level': 'info', 'data': n}} for n in range(500)]\n{LOGGING}"
    async with upstream_of(tmp_path, body, era=Era.LEGACY) as upstream:
        await upstream.call(replace(sending("log"), log_level="info", on_log=heard.append))
    assert 0 < len(heard) < 100


# --- notices

NOTICES = """
for line in sys.stdin.buffer:
    message = json.loads(line)
    method = message.get("method")
    if method == "initialize":
        capabilities = {"tools": {"listChanged": True}, "resources": {"subscribe": True}}
        say({"jsonrpc": "2.0", "id": message["id"], "result": {"protocolVersion": "2025-11-25", "capabilities": capabilities}})
    elif method == "resources/subscribe":
        say({"jsonrpc": "2.0", "id": message["id"], "result": {}})
        say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        say({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": message["params"]["uri"]}})
        END
"""


async def test_a_process_that_is_listened_to_is_not_idle(tmp_path: Path) -> None:
    heard: list[Notice] = []
    pid = tmp_path / "pid"
    body = f"open({str(pid)!r}, 'w').write(str(os.getpid()))\n" + NOTICES.replace("END", "pass")
    async with upstream_of(tmp_path, body, era=Era.LEGACY, idle_s=0.01) as upstream:
        listening = asyncio.create_task(upstream.listen(frozenset({"a://b"}), heard.append))
        await eventually(lambda: len(heard) == 2)
        await asyncio.sleep(0.1)
        assert is_alive(int(pid.read_text()))
        listening.cancel()
        await asyncio.wait([listening])
        await eventually(lambda: not is_alive(int(pid.read_text())))
    assert heard == [Notice(NoticeKind.TOOLS), Notice(NoticeKind.UPDATED, "a://b")]


async def test_the_notices_are_lost_with_their_process(tmp_path: Path) -> None:
    heard: list[Notice] = []
    async with upstream_of(tmp_path, NOTICES.replace("END", "sys.exit()"), era=Era.LEGACY) as upstream:
        with pytest.raises(UnavailableError, match="lost"):
            await upstream.listen(frozenset({"a://b"}), heard.append)
    assert len(heard) == 2
