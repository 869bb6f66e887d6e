"""The stdio upstream: what its processes inherit, how they end, and what a bad one can do."""

import asyncio
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from ringfence.adapters.upstream.options import StdioOptions
from ringfence.adapters.upstream.stdio import StdioUpstream
from ringfence.adapters.wire.mcp import Era
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import Answered, Failed, NotSent, Unknown
from ringfence.testing.contracts.upstream import sending

# A bare legacy server. `on_call(message, say)` is what a test fills in.
PREAMBLE = """
import json, os, subprocess, sys, time

def say(message):
    sys.stdout.buffer.write((json.dumps(message) if isinstance(message, dict) else message).encode("latin-1") + b"\\n")
    sys.stdout.buffer.flush()

def fine(message, text="fine"):
    return {"jsonrpc": "2.0", "id": message["id"], "result": {"content": [{"type": "text", "text": text}]}}

def serve(on_call):
    for line in sys.stdin.buffer:
        message = json.loads(line)
        method = message.get("method")
        if method == "initialize":
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}
            say({"jsonrpc": "2.0", "id": message["id"], "result": result})
        elif method == "tools/call":
            on_call(message)
        elif method == "server/discover":
            say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}})
"""


@asynccontextmanager
async def upstream_of(tmp_path: Path, body: str, **options: Any) -> AsyncGenerator[StdioUpstream]:
    script = tmp_path / "server.py"
    script.write_text(PREAMBLE + textwrap.dedent(body))
    upstream = StdioUpstream(StdioOptions(command=sys.executable, args=("-I", str(script)), **options))
    try:
        yield upstream
    finally:
        await upstream.close()


async def eventually(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to hold")


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def text_of(reply: object) -> str:
    assert isinstance(reply, Answered), reply
    return reply.result["content"][0]["text"]


# --- what a process gets


@pytest.mark.requirement("I9")
@pytest.mark.attack("A8")
async def test_a_process_inherits_no_environment_and_no_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_SECRET", "canary")
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    body = """
    def on_call(message):
        say(fine(message, json.dumps({"env": dict(os.environ), "fds": sorted(os.listdir("/proc/self/fd")),
                                      "cwd": os.getcwd(), "leader": os.getsid(0) == os.getpid()})))
    serve(on_call)
    """
    try:
        async with upstream_of(tmp_path, body, env={"TOKEN": "given"}, cwd=str(tmp_path)) as upstream:
            seen = json.loads(text_of(await upstream.call(sending("look"))))
    finally:
        os.close(reading)
        os.close(writing)
    seen["env"].pop("LC_CTYPE", None)
    assert seen["env"] == {"PATH": "/usr/local/bin:/usr/bin:/bin", "TOKEN": "given"}
    assert len(seen["fds"]) == 4
    assert seen["cwd"] == str(tmp_path)
    assert seen["leader"] is True


@pytest.mark.requirement("I17")
@pytest.mark.attack("A7", "A10")
async def test_each_principal_has_its_own_process(tmp_path: Path) -> None:
    body = "serve(lambda message: say(fine(message, str(os.getpid()))))"
    async with upstream_of(tmp_path, body) as upstream:
        pids = [text_of(await upstream.call(sending("where", principal=who))) for who in ("r_1", "r_2", "r_1")]
        assert pids[0] == pids[2] != pids[1]
        await upstream.forget("r_1")
        assert not is_alive(int(pids[0]))
        assert is_alive(int(pids[1]))
    assert not is_alive(int(pids[1]))


async def test_concurrent_first_calls_start_one_process(tmp_path: Path) -> None:
    body = "serve(lambda message: say(fine(message, str(os.getpid()))))"
    async with upstream_of(tmp_path, body) as upstream:
        replies = await asyncio.gather(*(upstream.call(sending("where")) for _ in range(8)))
        assert len({text_of(reply) for reply in replies}) == 1


async def test_no_more_processes_than_configured(tmp_path: Path) -> None:
    async with upstream_of(tmp_path, "serve(lambda message: say(fine(message)))", max_processes=1) as upstream:
        assert isinstance(await upstream.call(sending("a", principal="r_1")), Answered)
        assert isinstance(await upstream.call(sending("a", principal="r_2")), NotSent)
        await upstream.forget("r_1")
        assert isinstance(await upstream.call(sending("a", principal="r_2")), Answered)


async def test_an_idle_process_is_ended_and_started_again_when_needed(tmp_path: Path) -> None:
    body = "serve(lambda message: say(fine(message, str(os.getpid()))))"
    async with upstream_of(tmp_path, body, idle_s=0.05) as upstream:
        first = int(text_of(await upstream.call(sending("where"))))
        await eventually(lambda: not is_alive(first))
        assert int(text_of(await upstream.call(sending("where")))) != first


# --- starting


async def test_a_command_that_does_not_exist_sends_nothing() -> None:
    upstream = StdioUpstream(StdioOptions(command="no-such-command-anywhere"))
    assert isinstance(await upstream.call(sending("a")), NotSent)
    with pytest.raises(UnavailableError):
        await upstream.describe()
    await upstream.close()


async def test_a_server_that_dies_at_once_is_reported_with_its_last_words_for_operators_only(tmp_path: Path) -> None:
    async with upstream_of(tmp_path, "sys.exit('cannot \\x1b[31mfind its database')") as upstream:
        with pytest.raises(UnavailableError) as caught:
            await upstream.describe()
        assert "find its database" in caught.value.remedy
        assert "\x1b" not in caught.value.remedy
        assert "database" not in str(caught.value)
        reply = await upstream.call(sending("a"))
    assert isinstance(reply, NotSent)
    assert "database" not in reply.why


async def test_a_server_that_dies_of_the_probe_is_started_again_without_it(tmp_path: Path) -> None:
    body = """
    first = json.loads(sys.stdin.buffer.readline())
    if first["method"] == "server/discover":
        sys.exit(1)
    say({"jsonrpc": "2.0", "id": first["id"], "result": {"protocolVersion": "2024-11-05", "capabilities": {}}})
    serve(lambda message: say(fine(message)))
    """
    async with upstream_of(tmp_path, body) as upstream:
        assert isinstance(await upstream.call(sending("a")), Answered)


async def test_a_server_that_is_silent_to_the_probe_is_taken_for_an_older_one(tmp_path: Path) -> None:
    body = """
    sys.stdin.buffer.readline()
    serve(lambda message: say(fine(message)))
    """
    async with upstream_of(tmp_path, body, probe_s=0.3) as upstream:
        assert isinstance(await upstream.call(sending("a")), Answered)
        assert isinstance(await upstream.call(sending("a")), Answered)


async def test_a_server_that_never_finishes_its_handshake_sends_nothing(tmp_path: Path) -> None:
    body = "say('{}'); time.sleep(60)"
    async with upstream_of(tmp_path, body, probe_s=0.1, start_s=0.1, stop_s=0.1) as upstream:
        assert isinstance(await upstream.call(sending("a")), NotSent)


# --- ending


async def test_the_whole_group_ends_with_the_process_even_against_its_will(tmp_path: Path) -> None:
    body = """
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", stubborn])
    def on_call(message):
        say(fine(message, json.dumps([os.getpid(), child.pid])))
    serve(on_call)
    time.sleep(60)
    """
    async with upstream_of(tmp_path, body, stop_s=0.2) as upstream:
        pids = json.loads(text_of(await upstream.call(sending("where"))))
        assert all(is_alive(pid) for pid in pids)
    await eventually(lambda: not any(is_alive(pid) for pid in pids))


async def test_a_polite_server_ends_by_itself_when_its_input_closes(tmp_path: Path) -> None:
    body = f"""
    serve(lambda message: say(fine(message)))
    open({str(tmp_path / "bye")!r}, "w").close()
    """
    async with upstream_of(tmp_path, body) as upstream:
        await upstream.call(sending("a"))
    assert (tmp_path / "bye").exists()


@pytest.mark.requirement("I2")
async def test_a_crash_leaves_calls_in_flight_unknown_and_the_next_call_starts_anew(tmp_path: Path) -> None:
    body = """
    def on_call(message):
        if message["params"]["name"] == "die":
            os._exit(1)
        if message["params"]["name"] == "echo":
            say(fine(message))
    serve(on_call)
    """
    async with upstream_of(tmp_path, body) as upstream:
        await upstream.call(sending("echo"))
        hanging = asyncio.create_task(upstream.call(sending("hang")))
        assert isinstance(await upstream.call(sending("die")), Unknown)
        assert isinstance(await hanging, Unknown)
        assert isinstance(await upstream.call(sending("echo")), Answered)


async def test_a_child_that_keeps_the_pipe_open_does_not_keep_a_dead_server_alive(tmp_path: Path) -> None:
    body = """
    def on_call(message):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        os._exit(0)
    serve(on_call)
    """
    async with upstream_of(tmp_path, body) as upstream:
        assert isinstance(await upstream.call(sending("die")), Unknown)


async def test_forgetting_a_principal_ends_its_calls(tmp_path: Path) -> None:
    started = tmp_path / "started"
    body = f"""
    serve(lambda message: open({str(started)!r}, "w").close())
    """
    async with upstream_of(tmp_path, body) as upstream:
        call = asyncio.create_task(upstream.call(sending("hang")))
        await eventually(started.exists)
        await upstream.forget("r_1")
        assert isinstance(await call, Unknown)


# --- bad answers

BAD: dict[str, str] = {
    "result and error": 'say({**fine(message), "error": {"code": 1, "message": "x"}})',
    "neither": 'say({"jsonrpc": "2.0", "id": message["id"]})',
    "result that is text": 'say({"jsonrpc": "2.0", "id": message["id"], "result": "x"})',
    "result without content": 'say({"jsonrpc": "2.0", "id": message["id"], "result": {}})',
    "too long a line": 'say("x" * 70000)',
    "too much that is not MCP": 'for _ in range(20): say("listening on port 80")',
    "invalid UTF-8 again and again": 'for _ in range(20): say("\\xff")',
    "duplicate keys again and again": """for _ in range(20): say('{"jsonrpc":"2.0","jsonrpc":"2.0"}')""",
    "a flood": 'for _ in range(5000): say({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})',
    "closed output": "os.close(1)",
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.requirement("I2")
async def test_a_spoilt_answer_leaves_the_outcome_unknown(name: str, tmp_path: Path) -> None:
    body = f"""
    def on_call(message):
        {BAD[name]}
    serve(on_call)
    """
    async with upstream_of(tmp_path, body, max_line=65536) as upstream:
        reply = await upstream.call(sending("a"))
        assert isinstance(reply, Unknown), reply
        assert "deadline" not in reply.why


async def test_an_answer_to_another_id_never_becomes_this_calls_answer(tmp_path: Path) -> None:
    body = """
    def on_call(message):
        for wrong in (message["id"] + 1, str(message["id"]), 0):
            say({**fine(message, "wrong"), "id": wrong})
        say(json.dumps(fine(message, "right")) + "\\n" + json.dumps(fine(message, "twice")))
    serve(on_call)
    """
    async with upstream_of(tmp_path, body) as upstream:
        assert text_of(await upstream.call(sending("a"))) == "right"
        assert text_of(await upstream.call(sending("a"))) == "right"
        assert upstream.oddities["answer to nothing"] == 8


async def test_a_stray_line_is_counted_and_survived(tmp_path: Path) -> None:
    body = """
    def on_call(message):
        say("Server started!")
        say(fine(message))
    serve(on_call)
    """
    async with upstream_of(tmp_path, body) as upstream:
        assert isinstance(await upstream.call(sending("a")), Answered)
        assert upstream.oddities["line that is not strict JSON"] == 1


async def test_what_a_server_asks_is_refused_and_ping_answered(tmp_path: Path) -> None:
    body = """
    def on_call(message):
        say({"jsonrpc": "2.0", "id": "p", "method": "ping"})
        pong = json.loads(sys.stdin.buffer.readline())
        say({"jsonrpc": "2.0", "id": "s", "method": "sampling/createMessage", "params": {}})
        refusal = json.loads(sys.stdin.buffer.readline())
        say(fine(message, json.dumps([pong, refusal])))
    serve(on_call)
    """
    async with upstream_of(tmp_path, body) as upstream:
        pong, refusal = json.loads(text_of(await upstream.call(sending("a"))))
    assert pong == {"jsonrpc": "2.0", "id": "p", "result": {}}
    assert refusal["error"]["code"] == -32601


@pytest.mark.attack("A13")
async def test_a_flood_on_stderr_is_bounded_and_harms_nothing(tmp_path: Path) -> None:
    body = """
    def on_call(message):
        for _ in range(500):
            sys.stderr.write("x" * 10000)
        say(fine(message))
    serve(on_call)
    """
    async with upstream_of(tmp_path, body, max_stderr=1000) as upstream:
        assert isinstance(await upstream.call(sending("a")), Answered)


# --- the guard


@pytest.mark.requirement("I6")
async def test_a_line_that_has_not_left_whole_dies_with_the_process_on_cancellation(tmp_path: Path) -> None:
    """The server stops reading, so that most of a large call waits in our pipe."""
    log = tmp_path / "log"
    body = f"""
    def on_call(message):
        open({str(log)!r}, "a").write(message["params"]["name"] + "\\n")
        if message["params"]["name"] == "stall":
            time.sleep(1.5)
    serve(on_call)
    """
    asked = asyncio.Event()

    def look() -> bool:
        asked.set()
        return True

    async with upstream_of(tmp_path, body) as upstream:
        stalled = asyncio.create_task(upstream.call(sending("stall")))
        await eventually(log.exists)
        large = asyncio.create_task(upstream.call(sending("large", {"text": "x" * 1_000_000}, may_send=look)))
        await asked.wait()
        later = asyncio.create_task(upstream.call(sending("later", may_send=lambda: False)))
        large.cancel()
        await asyncio.wait([large])
        assert isinstance(await stalled, Unknown)
        assert isinstance(await later, NotSent)
    assert log.read_text() == "stall\n"


async def test_a_call_waits_for_its_turn_and_looks_only_then(tmp_path: Path) -> None:
    go = tmp_path / "go"
    body = f"""
    def on_call(message):
        while not os.path.exists({str(go)!r}):
            time.sleep(0.01)
        say(fine(message))
    serve(on_call)
    """
    looks: list[str] = []

    def look(name: str) -> Callable[[], bool]:
        return lambda: not looks.append(name)

    async with upstream_of(tmp_path, body) as upstream:
        first = asyncio.create_task(upstream.call(sending("a", may_send=look("a"))))
        await eventually(lambda: looks == ["a"])
        large = asyncio.create_task(upstream.call(sending("b", {"text": "x" * 1_000_000}, may_send=look("b"))))
        await eventually(lambda: looks == ["a", "b"])
        third = asyncio.create_task(upstream.call(sending("c", may_send=look("c"))))
        await asyncio.sleep(0)
        assert looks == ["a", "b"]
        go.touch()
        replies = await asyncio.gather(first, large, third)
        assert all(isinstance(reply, Answered) for reply in replies)
        assert looks == ["a", "b", "c"]


@pytest.mark.requirement("I6")
async def test_a_call_cancelled_while_its_process_starts_is_never_sent(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    body = f"""
    open({str(begun)!r}, "w").write(str(os.getpid()))
    time.sleep(60)
    """
    async with upstream_of(tmp_path, body) as upstream:
        asked: list[bool] = []
        call = asyncio.create_task(upstream.call(sending("a", may_send=lambda: not asked.append(True))))
        await eventually(lambda: begun.exists() and bool(begun.read_text()))
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        assert asked == []
        await eventually(lambda: not is_alive(int(begun.read_text())))


# --- real servers


async def test_the_time_server_works(tmp_path: Path) -> None:
    upstream = StdioUpstream(StdioOptions(command=sys.executable, args=("-m", "mcp_server_time", "--local-timezone", "UTC")))
    try:
        assert {tool["name"] for tool in (await upstream.describe()).tools} == {"get_current_time", "convert_time"}
        reply = await upstream.call(sending("get_current_time", {"timezone": "Europe/Berlin"}))
        assert "Europe/Berlin" in text_of(reply)
        assert isinstance(await upstream.call(sending("no_such_tool")), Failed)
    finally:
        await upstream.close()


@pytest.mark.parametrize("era", [None, Era.LEGACY])
def test_the_git_server_works_on_the_loop_of_production(tmp_path: Path, era: Era | None) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "new.txt").write_text("x")
    command = ("-m", "mcp_server_git", "--repository", str(tmp_path))

    async def work() -> tuple[int, Any, Any]:
        upstream = StdioUpstream(StdioOptions(command=sys.executable, args=command, era=era))
        try:
            tools = (await upstream.describe()).tools
            withheld = await upstream.call(sending("git_status", {"repo_path": str(tmp_path)}, may_send=lambda: False))
            return len(tools), withheld, await upstream.call(sending("git_status", {"repo_path": str(tmp_path)}))
        finally:
            await upstream.close()

    count, withheld, reply = uvloop.run(work())
    assert count == 12
    assert isinstance(withheld, NotSent)
    assert "new.txt" in text_of(reply)
