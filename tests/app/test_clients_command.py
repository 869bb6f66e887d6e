"""The command form of the hook: whatever happens, a call that was not decided does not run."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ringfence.app.clients import hook_command
from ringfence.app.clients.tiny_web import Answer, Asked, served

EVENT = b'{"hook_event_name": "PreToolUse"}'
DECIDED = b'{"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"}}'


def hook(*options: str, event: bytes = EVENT, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Start it as a client does."""
    return subprocess.run(
        [sys.executable, "-I", "-S", hook_command.__file__, *options],
        input=event,
        capture_output=True,
        env={"RINGFENCE_RUN": "rf-credential", **environment},
        timeout=30,
        check=False,
    )


@contextmanager
def raw(answer: bytes) -> Generator[str]:
    """A server that answers any request with these bytes; its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            link, _ = server.accept()
            with link:
                link.recv(1 << 16)
                link.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_an_event_and_its_answer_are_carried_with_the_credential_of_the_run() -> None:
    asked: list[Asked] = []

    def answering(one: Asked) -> Answer:
        asked.append(one)
        return Answer(body=DECIDED)

    with served(answering) as port:
        ended = hook("--url", f"http://127.0.0.1:{port}", "--path", "/hook/codex")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, DECIDED, b"")
    assert asked == [Asked("POST", "/hook/codex", "Bearer rf-credential", EVENT)]


def test_it_speaks_over_the_unix_socket_too(tmp_path: Path) -> None:
    place = str(tmp_path / "agents.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place)
        server.listen()

        def serve() -> None:
            link, _ = server.accept()
            with link:
                link.recv(1 << 16)
                link.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        ended = hook("--socket", place)
        thread.join()
    assert (ended.returncode, ended.stdout) == (0, b"{}")


@pytest.mark.requirement("I3")
@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(403, DECIDED),
        Answer(302, DECIDED),
        Answer(body=b""),
        Answer(body=b"allowed", kind="text/plain"),
        Answer(body=b'["allow"]'),
        Answer(body=b'{"hookSpecificOutput": {'),
    ],
    ids=str,
)
def test_an_answer_that_decides_nothing_refuses(answer: Answer) -> None:
    with served(lambda _: answer) as port:
        ended = hook("--url", f"http://127.0.0.1:{port}")
    assert ended.returncode == hook_command.REFUSED
    assert ended.stdout == b""
    assert ended.stderr.startswith(b"ringfence: refused")


@pytest.mark.requirement("I3")
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n{}",
    ],
)
def test_an_answer_that_is_not_whole_refuses(answer: bytes) -> None:
    with raw(answer) as url:
        ended = hook("--url", url)
    assert (ended.returncode, ended.stdout) == (hook_command.REFUSED, b"")


@pytest.mark.requirement("I3")
def test_an_answer_that_never_comes_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = hook("--url", f"http://127.0.0.1:{server.getsockname()[1]}", "--timeout", "0.2")
    assert ended.returncode == hook_command.REFUSED


@pytest.mark.requirement("I3")
@pytest.mark.parametrize(
    "options",
    [
        ["--url", "http://127.0.0.1:1"],
        ["--url", "http://gateway.example:7410"],
        ["--url", "https://127.0.0.1:7410"],
        ["--url", "http://127.0.0.1:99999999"],
        ["--socket", "/nowhere/agents.sock"],
        ["--url"],
        ["--colour", "red"],
        ["--url", "http://127.0.0.1:1", "--path", "/hook HTTP/1.1\r\nX: y"],
        ["--url", "http://127.0.0.1:1", "--timeout", "soon"],
        [],
    ],
)
def test_a_gateway_that_is_not_there_or_not_named_refuses(options: list[str]) -> None:
    assert hook(*options).returncode == hook_command.REFUSED


@pytest.mark.requirement("I3")
def test_no_event_and_no_credential_that_could_be_one_refuse() -> None:
    with served(lambda _: Answer(body=DECIDED)) as port:
        url = f"http://127.0.0.1:{port}"
        assert hook("--url", url, event=b"").returncode == hook_command.REFUSED
        assert hook("--url", url, RINGFENCE_RUN="a\r\nX-Other: b").returncode == hook_command.REFUSED


@pytest.mark.requirement("I3")
def test_it_knows_no_proxy_and_nothing_that_python_reads(tmp_path: Path) -> None:
    (tmp_path / "os.py").write_text("raise SystemExit(0)\n")
    trapped: list[Asked] = []

    def trap(asked: Asked) -> Answer:
        trapped.append(asked)
        return Answer()

    with served(trap) as trapping, served(lambda _: Answer(body=DECIDED)) as port:
        proxy = f"http://127.0.0.1:{trapping}"
        variables = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), proxy)
        ended = hook(
            "--url", f"http://127.0.0.1:{port}", PYTHONPATH=str(tmp_path), PYTHONSTARTUP=str(tmp_path / "os.py"), **variables
        )
    assert (ended.returncode, ended.stdout, trapped) == (0, DECIDED, [])


@pytest.mark.requirement("I3")
def test_an_error_that_nobody_foresaw_refuses(tmp_path: Path) -> None:
    source = Path(hook_command.__file__).read_text("utf-8")
    spoiled = tmp_path / "hook.py"
    spoiled.write_text(source.replace("options = asked_of(arguments)", "raise KeyError(arguments)"), "utf-8")
    ended = subprocess.run(
        [sys.executable, "-I", "-S", str(spoiled)], input=EVENT, capture_output=True, timeout=30, check=False
    )
    assert ended.returncode == hook_command.REFUSED


def test_it_needs_nothing_but_what_python_has_built_in() -> None:
    program = (
        "import os, sys; text = open(sys.argv[1]).read(); before = set(sys.modules)\n"
        "exec(compile(text, 'hook', 'exec'), {'__name__': 'hook'})\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-I", "-S", "-c", program, hook_command.__file__]
    loaded = subprocess.run(command, capture_output=True, timeout=30, check=True, env=dict(os.environ))
    assert set(loaded.stdout.decode().split()) == {"_socket"}
