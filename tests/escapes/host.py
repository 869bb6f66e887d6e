"""The host around the boxes: a gateway, a user with secrets and a checkout, processes and memory to attack."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.escapes.machine import environment, paths
from tests.escapes.naive_proxy import naive_proxy
from tests.escapes.services import EVIL_PORT, PUMP_PORT, REBINDS, SINK_PORT, Services, context_of, services
from tests.servers.certificates import Authority
from tests.servers.gateway_process import GatewayProcess

RINGFENCE = (sys.executable, "-m", "ringfence")
LIMITS = {
    "profile": "code", "memory_mib": 256, "processes": 96, "open_files": 256, "workspace_mib": 64, "tmp_mib": 48,
    "file_mib": 64, "cpu_percent": 200, "wall_clock": "300s",
}  # fmt: skip
PRIVATE = {"private": True}
INNER = "7410"
IPC_PRIVATE, IPC_RMID = 0, 0
"""Of sys/ipc.h."""
_SHM = "ringfence-escapes"
SOMEBODY = 54321
"""An ordinary user of the machine, for what root's boxes work in."""


def shop() -> dict[str, Any]:
    """The server's place in a configuration. Its environment is built from nothing, so it is told where the libraries are."""
    program = str(Path(__file__).with_name("shop.py"))
    return {"command": ["/usr/bin/env", f"PYTHONPATH={paths()}", sys.executable, program], "share": "server"}


def configuration(shared: str) -> dict[str, Any]:
    """`shared`: a folder that boxes of one agent write, and of which they are shown a part besides."""
    paths = [{"methods": ["GET"], "path": "/allowed/*"}, {"methods": ["GET", "POST"], "path": "/echo"}]
    api: dict[str, Any] = {
        "host": "api.test", "mode": "terminate", "credential": {"from": "env:API_KEY"}, "header": "X-Key", "paths": paths,
    }  # fmt: skip
    small = {"host": "small.test", "mode": "terminate", "paths": [{"methods": ["POST"], "path": "/upload"}], "up_mib": 1}
    hosts = [
        {**api, **PRIVATE},
        {**small, **PRIVATE},
        *({"host": name, **PRIVATE} for name in ("tunnel.test", "loop.test", REBINDS, "public.test")),
        {"host": "pump.test", "port": PUMP_PORT, **PRIVATE},
        {"host": "inside.test"},
    ]
    granted = {"effect": "read", "sensitivity": "internal", "outbound": False}
    return {
        "version": 1,
        "servers": {"shop": shop()},
        "tools": {"shop.echo": granted, "shop.only_for_others": granted},
        "agents": {
            "coder": {"purpose": "works in a box", "tools": ["shop.echo"], "box": LIMITS, "egress": {"hosts": hosts}},
            "sharer": {"purpose": "works where others do", "tools": [], "box": {**LIMITS, "shows": [f"{shared}/tools"]}},
            "other": {"purpose": "works elsewhere", "tools": ["shop.only_for_others"], "only_mcp": True},
        },
    }


@dataclass
class Host:
    """What attempts are told of it, what they must not learn, and what it heard."""

    folder: Path
    gateway: GatewayProcess
    services: Services
    facts: dict[str, str]
    secrets: dict[str, str]
    proxy: int
    """Of the controls."""
    held: int
    """A descriptor of a secret file, which the caller of `ringfence run` leaves open."""
    environment: dict[str, str]
    copies: int = 0
    victims: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    def checkout(self) -> Path:
        """Another copy of the user's checkout, with a socket that somebody listens on."""
        self.copies += 1
        made = self.folder / "user" / f"checkout-{self.copies}"
        shutil.copytree(self.folder / "user" / "repo", made, symlinks=True)
        return made

    def renew_victims(self) -> None:
        """Two processes of the user's, with a password in the arguments and a token in the environment."""
        self.end_victims()
        command = [sys.executable, "-c", "import time; time.sleep(3600)", f"--password={self.secrets['ARG_SECRET']}"]
        self.victims = [subprocess.Popen(command, env=self.environment, cwd=self.facts["OUT"]) for _ in range(2)]
        self.facts |= {"VICTIM": str(self.victims[0].pid), "SECOND_VICTIM": str(self.victims[1].pid)}

    def end_victims(self) -> None:
        for victim in self.victims:
            victim.kill()
            victim.wait()
        self.victims = []

    def renew_files(self) -> None:
        """The files of the user that attempts are given, as they were."""
        Path(self.facts["GIVEN"]).write_text("the user's\n", "ascii")
        Path(self.facts["LOG"]).write_text(f"{self.secrets['FILE_SECRET']}\n", "ascii")
        shared = Path(self.facts["SHARED"])
        shutil.rmtree(shared, ignore_errors=True)
        (shared / "tools").mkdir(parents=True)
        for path in (shared, shared / "tools"):
            path.chmod(0o755)
            if os.geteuid() == 0:
                os.chown(path, SOMEBODY, SOMEBODY)  # a box may not work in a folder of root's

    @contextmanager
    def streams(self) -> Generator[tuple[IO[bytes], IO[bytes]]]:
        """What a box has for its standard input and output."""
        with open(self.facts["GIVEN"], "rb") as given, open(self.facts["LOG"], "ab") as log:
            yield given, log

    def logged(self) -> bytes:
        return Path(self.facts["LOG"]).read_bytes()

    def boxed(self, *options: str, agent: str = "coder") -> list[str]:
        """The beginning of a command line that runs what follows in a box."""
        state = str(self.folder / "state")
        return [*RINGFENCE, "run", "--state", state, "--agent", agent, "--task", "tries to get out", *options, "--"]


@asynccontextmanager
async def a_host(folder: Path) -> AsyncGenerator[Host]:
    """Everything of it, in `folder`, on the tests' own machine."""
    hidden = {
        f"{name}_SECRET": f"{name.lower()}-{secrets.token_hex(12)}" for name in ("FILE", "KEY", "ENV", "ARG", "SHM", "SYSV")
    }
    hidden |= {"REMOTE_TOKEN": f"remote-{secrets.token_hex(12)}", "API_KEY": f"api-{secrets.token_hex(12)}"}
    certificates = folder / "certificates"
    certificates.mkdir()
    authority = Authority(certificates)
    facts = _furnished(folder, hidden)
    variables = {
        **environment(), "HOME": facts["HOST_HOME"], "XDG_RUNTIME_DIR": str(folder / "run"), "SSL_CERT_FILE": str(authority.file),
        "PRODUCTION_TOKEN": hidden["ENV_SECRET"], "API_KEY": hidden["API_KEY"],
    }  # fmt: skip
    os.environ.update(variables)
    config = folder / "ringfence.yaml"
    config.touch(mode=0o600)
    config.write_text(json.dumps(configuration(facts["SHARED"])), "utf-8")
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(services(folder, authority))
        gateway = GatewayProcess(config, folder / "state", RINGFENCE, ("--control-port", facts["CONTROL_PORT"]))
        await stack.enter_async_context(gateway.running())
        proxy = await naive_proxy(hidden["API_KEY"], context_of(authority), authority.client())
        stack.callback(proxy.close)
        facts |= {"DATA_PORT": gateway.url.rpartition(":")[2], "GATEWAY": str(gateway.pid)}
        hidden["STATE_SECRET"] = (folder / "state" / "log.key").read_text("ascii").split()[-1][:60]
        facts |= _let_in(folder, variables)
        held = os.open(facts["SECRET_FILE"], os.O_RDONLY)
        stack.callback(os.close, held)
        port = proxy.sockets[0].getsockname()[1]
        host = Host(folder, gateway, served, facts, hidden, port, held, variables)
        stack.callback(host.end_victims)
        stack.callback(shutil.rmtree, facts["SHARED"], ignore_errors=True)
        _shared_memory(facts, hidden)
        stack.callback(_without_shared_memory, facts)
        yield host


def _furnished(folder: Path, hidden: dict[str, str]) -> dict[str, str]:
    """The files of the user, and what attempts are told of them."""
    home, out, user = folder / "home", folder / "out", folder / "user"
    for each in (home / ".ssh", out, user / "repo", folder / "state", folder / "run"):
        each.mkdir(parents=True, mode=0o700)
    (home / ".bashrc").write_text("alias ll='ls -l'\n", "ascii")
    (home / ".ssh" / "id_ed25519").write_text(hidden["KEY_SECRET"], "ascii")
    (folder / "secret.txt").write_text(hidden["FILE_SECRET"], "ascii")
    (out / "linked").write_text("the user's\n", "ascii")
    left = Path("/tmp") / f"left-{secrets.token_hex(6)}"
    _repository(user / "repo", hidden["REMOTE_TOKEN"])
    return {
        "OUT": str(out), "HOST_HOME": str(home), "STATE": str(folder / "state"), "SECRET_FILE": str(folder / "secret.txt"),
        "UNIX": str(folder / "daemon.sock"), "SINK_PORT": str(SINK_PORT), "EVIL_PORT": str(EVIL_PORT), "NODE": os.uname().nodename,
        "HANDLE": _handle(folder / "secret.txt"), "CONTROL_PORT": str(_free_port()), "LEFT_IN_TMP": str(left), "KNOWN": "",
        "BESIDE": str(folder / "scratch"), "GIVEN": str(out / "given"), "LOG": str(out / "log"),
        "SHARED": str(Path("/tmp") / f"shared-{secrets.token_hex(6)}"),
    }  # fmt: skip


def _repository(repo: Path, token: str) -> None:
    (repo / "README").write_text("a project\n", "ascii")
    (repo / "package.json").write_text("{}\n", "ascii")
    own = {"PATH": os.defpath, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    for command in (
        "init -q -b main", "config user.name user", "config user.email user@example.com", "add -A", "commit -q -m first", "branch keep",
        "tag v1", f"remote add origin https://x:{token}@example.com/repo.git",
    ):  # fmt: skip
        subprocess.run(["git", *command.split()], cwd=repo, env=own, check=True, capture_output=True)


def _handle(path: Path) -> str:
    """`struct file_handle` of a file (open_by_handle_at(2)), as hex."""
    libc = ctypes.CDLL(None, use_errno=True)
    held, mount = ctypes.create_string_buffer((128).to_bytes(4, sys.byteorder) + bytes(132)), ctypes.c_int()
    if libc.name_to_handle_at(-100, str(path).encode(), held, ctypes.byref(mount), 0) != 0:
        return ""
    return held.raw[: 8 + int.from_bytes(held.raw[:4], sys.byteorder)].hex()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _let_in(folder: Path, variables: dict[str, str]) -> dict[str, str]:
    """Credentials that an attempt is given to misuse: an operator's, and that of another agent's run."""
    state = str(folder / "state")

    def told(*command: str) -> dict[str, Any]:
        ran = subprocess.run(
            [*RINGFENCE, *command, "--state", state, "--json"], env=variables, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    operator = told("operator", "add", "ada", "--role", "admin")["credential"]
    other = told("run", "start", "--agent", "other", "--task", "something else")["credential"]
    return {"OPERATOR_CREDENTIAL": operator, "OTHER_CREDENTIAL": other, "KNOWN": f"{operator} {other}"}


def _shared_memory(facts: dict[str, str], hidden: dict[str, str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    number = libc.shmget(IPC_PRIVATE, 4096, 0o1600)
    at = libc.shmat(number, None, 0)
    ctypes.memmove(at, hidden["SYSV_SECRET"].encode(), len(hidden["SYSV_SECRET"]))
    Path("/dev/shm", f"{_SHM}-{os.getpid()}").write_text(hidden["SHM_SECRET"], "ascii")
    Path(facts["LEFT_IN_TMP"]).write_text(hidden["FILE_SECRET"], "ascii")
    facts["QUEUE"] = f"{_SHM}-{os.getpid()}"
    libc.mq_open(f"/{facts['QUEUE']}".encode(), os.O_CREAT | os.O_RDWR, 0o600, None)
    facts["SHM_ID"] = str(number)


def _without_shared_memory(facts: dict[str, str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmctl(int(facts["SHM_ID"]), IPC_RMID, None)
    libc.mq_unlink(f"/{facts['QUEUE']}".encode())
    for left in (Path("/dev/shm", f"{_SHM}-{os.getpid()}"), Path(facts["LEFT_IN_TMP"])):
        with suppress(OSError):
            left.unlink()


async def said_by(
    command: Sequence[str], host: Host, given: bytes, cwd: Path, deadline_s: float, **more: Any
) -> tuple[bytes, bytes]:
    """Run it to its end, or for that long. Raises TimeoutError."""
    ran = await asyncio.create_subprocess_exec(
        *command, env=host.environment, cwd=cwd, stdin=more.pop("stdin", asyncio.subprocess.PIPE),
        stdout=more.pop("stdout", asyncio.subprocess.PIPE), stderr=asyncio.subprocess.PIPE, pass_fds=(host.held,), limit=8_000_000, **more,
    )  # fmt: skip
    try:
        async with asyncio.timeout(deadline_s):
            return await ran.communicate(given if ran.stdin is not None else None)
    except TimeoutError:
        ran.kill()
        raise
