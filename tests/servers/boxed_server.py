"""A stdio MCP server that tries what it should not: files, variables, the network. Standard library alone, for a bare box."""

import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from typing import Any


def read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(10_000).replace("\0", " ")


def write(path: str) -> str:
    with open(path, "w", encoding="utf-8") as file:
        file.write("from the box")
    return "written"


def fetch(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:
            return f"{answer.status} {answer.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"


def dial(host: str, port: int) -> str:
    with socket.create_connection((host, port), timeout=3):
        return "connected"


def raw(text: str) -> str:
    """Whatever the inner listener answers to these bytes."""
    with socket.create_connection(("127.0.0.1", 7410), timeout=5) as box:
        box.sendall(text.encode())
        return box.recv(4000).decode()


def environment() -> str:
    return json.dumps(dict(os.environ))


def where() -> str:
    return json.dumps({"cwd": os.getcwd(), "pid": os.getpid(), "host": socket.gethostname(), "uid": os.getuid()})


def wait(seconds: float) -> str:
    time.sleep(seconds)
    return "waited"


def die() -> str:
    print("last words of the server", file=sys.stderr, flush=True)
    os._exit(3)


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
TOOLS: dict[str, tuple[Any, dict[str, Any]]] = {
    "read": (read, {"path": TEXT}),
    "write": (write, {"path": TEXT}),
    "fetch": (fetch, {"url": TEXT}),
    "dial": (dial, {"host": TEXT, "port": {"type": "integer"}}),
    "raw": (raw, {"text": TEXT}),
    "environment": (environment, {}),
    "where": (where, {}),
    "wait": (wait, {"seconds": NUMBER}),
    "die": (die, {}),
}


def answered(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "boxed", "version": "1"}}
    if method == "tools/list":
        return {
            "tools": [
                {"name": name, "description": name, "inputSchema": {"type": "object", "properties": properties}}
                for name, (_, properties) in TOOLS.items()
            ]
        }
    if method == "tools/call":
        try:
            text = TOOLS[params["name"]][0](**params.get("arguments", {}))
        except OSError as error:
            text = f"refused: {error}"
        return {"content": [{"type": "text", "text": str(text)}]}
    raise KeyError(method)


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        try:
            said: dict[str, Any] = {"result": answered(message["method"], message.get("params") or {})}
        except KeyError:
            said = {"error": {"code": -32601, "message": "no such method"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}), flush=True)


if __name__ == "__main__":
    main()
