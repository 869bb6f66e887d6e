"""pip and npm install through the way out, from an index on the own network that speaks plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import sys
import tarfile
import zipfile
from functools import cache
from pathlib import Path

import pytest
from tests.pep.egress_answering import an_answering, with_body
from tests.pep.egress_programs import program, run
from tests.pep.egress_world import World, a_world

from ringfence.core.model.egress import EgressMode, EgressRule, PathRule

INDEX = "index.example.com"
PORT = 8080
BASE = f"https://{INDEX}:{PORT}"
RULE = EgressRule(
    host=INDEX,
    port=PORT,
    mode=EgressMode.TERMINATE,
    paths=(PathRule(methods=frozenset({"GET"}), path="/*"),),
    private=True,
    tls=False,
)


@cache  # an archive holds the second that it was made in
def a_wheel() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as wheel:
        wheel.writestr("boxed_demo.py", "ANSWER = 42\n")
        wheel.writestr("boxed_demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: boxed-demo\nVersion: 1.0\n")
        wheel.writestr("boxed_demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("boxed_demo-1.0.dist-info/RECORD", "boxed_demo.py,,\n")
    return made.getvalue()


@cache
def a_tarball() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tarball:
        for name, text in (
            ("package.json", json.dumps({"name": "@demo/boxed", "version": "1.0.0", "main": "index.js"})),
            ("index.js", "module.exports = 42;\n"),
        ):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            tarball.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()


def index(head: bytes, _: bytes) -> list[bytes]:
    wheel, tarball = a_wheel(), a_tarball()
    path = head.split(b" ")[1].decode()
    match path:
        case "/simple/boxed-demo/":
            digest = hashlib.sha256(wheel).hexdigest()
            link = f'<a href="../../files/boxed_demo-1.0-py3-none-any.whl#sha256={digest}">boxed_demo-1.0-py3-none-any.whl</a>'
            return [with_body(f"<!DOCTYPE html><html><body>{link}</body></html>".encode(), "Content-Type: text/html")]
        case "/files/boxed_demo-1.0-py3-none-any.whl":
            return [with_body(wheel)]
        case "/@demo%2fboxed":
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
            dist = {"tarball": f"{BASE}/tarballs/boxed.tgz", "integrity": integrity}
            version = {"name": "@demo/boxed", "version": "1.0.0", "dist": dist}
            packument = {"name": "@demo/boxed", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
            return [with_body(json.dumps(packument).encode(), "Content-Type: application/json")]
        case "/tarballs/boxed.tgz":
            return [with_body(tarball)]
        case _:
            return [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]


def an_index(world: World) -> None:
    world.names.addresses[INDEX] = ["10.1.2.3"]


@pytest.mark.parametrize("secrets", [(), ("some-known-secret-0123",)])
async def test_pip_installs(secrets: tuple[str, ...], tmp_path: Path) -> None:
    target = tmp_path / "site"
    async with a_world(RULE, secrets=secrets) as world, an_answering(world, index, tls=False, port=PORT):
        an_index(world)
        options = [
            "--isolated",
            "--no-input",
            "--disable-pip-version-check",
            "--no-cache-dir",
            "--cert",
            str(tmp_path / "ca.pem"),
        ]
        proxy = ["--proxy", f"http://127.0.0.1:{world.port}", "--index-url", f"{BASE}/simple/"]
        pip = [sys.executable, "-m", "pip"] if shutil.which("pip", path=str(Path(sys.executable).parent)) else [program("pip")]
        said = await run(
            world, world.authority.pem, tmp_path, *pip, "install", *options, *proxy, "-t", str(target), "boxed-demo"
        )
        assert (target / "boxed_demo.py").exists(), said


async def test_npm_installs_a_scoped_package(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "x", "version": "1.0.0"}')
    async with a_world(RULE) as world, an_answering(world, index, tls=False, port=PORT):
        an_index(world)
        options = ["--registry", f"{BASE}/", "--no-audit", "--no-fund", "--no-update-notifier", "--fetch-retries", "0"]
        said = await run(world, world.authority.pem, tmp_path, program("npm"), "install", *options, "@demo/boxed")
        assert (tmp_path / "node_modules/@demo/boxed/index.js").exists(), said
