"""What a developer's box needs around it: an index for pip, a registry for npm, git over HTTPS, and an API that wants a key."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import ssl
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from tests.boxes.wheels import closure, wheel

PIP, NPM, GIT, API = "index.test", "npm.test", "git.test", "api.test"
HOSTS = (PIP, NPM, GIT, API)
PORT = 443


@dataclass
class Index:
    """All of them, behind one address; told apart by `Host`."""

    key: str
    """What the API wants in `Authorization`."""
    repository: Path
    """Bare, made ready for dumb HTTP."""
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    seen: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """The head of each request to the API."""

    def stock(self) -> None:
        """Everything that can be installed."""
        for name, found in closure("mcp", "pytest").items():
            file, content = wheel(found)
            self.files[f"{PIP}/files/{file}"] = content
            link = f'<a href="../../files/{file}#sha256={hashlib.sha256(content).hexdigest()}">{file}</a>'
            self.files[f"{PIP}/simple/{name}/"] = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
        package = _package()
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode()
        version = {
            "name": "@demo/built", "version": "1.0.0", "dist": {"tarball": f"https://{NPM}/built.tgz", "integrity": integrity},
        }  # fmt: skip
        about = {"name": "@demo/built", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        self.files[f"{NPM}/@demo/built"] = json.dumps(about).encode()
        self.files[f"{NPM}/built.tgz"] = package

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
                await reader.readexactly(int(fields.get("content-length", "0")))
                status, kind, body = self._answer(head[0].split(" ")[1], fields)
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
                )
                await writer.drain()
        except (OSError, ValueError, IndexError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, target: str, fields: dict[str, str]) -> tuple[str, str, bytes]:
        host, path = fields.get("host", "").partition(":")[0], unquote(target.partition("?")[0])
        if host == API:
            self.seen.append({"path": path, **fields})
            known = fields.get("authorization") == f"Bearer {self.key}"
            return ("200 OK", "application/json", b'{"orders": 3}') if known else ("401 Unauthorized", "text/plain", b"")
        if host == GIT:
            file = (self.repository / path.lstrip("/")).resolve()
            if file.is_file() and file.is_relative_to(self.repository):
                return "200 OK", "application/octet-stream", file.read_bytes()
            return "404 Not Found", "text/plain", b""
        found = self.files.get(host + path)
        kind = "text/html" if path.startswith("/simple/") else "application/octet-stream"
        if path.startswith("/@"):
            kind = "application/json"
        return ("404 Not Found", "text/plain", b"") if found is None else ("200 OK", kind, found)


async def an_index(index: Index, address: str, context: ssl.SSLContext) -> asyncio.Server:
    """Serves it."""
    return await asyncio.start_server(index.serve, address, PORT, ssl=context)


def _package() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tarball:
        for name, text in (
            ("package.json", json.dumps({"name": "@demo/built", "version": "1.0.0", "main": "index.js"})),
            ("index.js", "module.exports = (n) => n * 2;\n"),
        ):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            tarball.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()
