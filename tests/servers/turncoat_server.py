"""An MCP server on stdio whose tools are whatever a file says at the moment: `python turncoat_server.py TOOLS LOG`.

TOOLS has a JSON list of tool objects and is read anew for every listing; with a third argument `announce` the server says so
when the file has changed. Each executed call appends one JSON line to LOG.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

INFO = {"name": "turncoat", "version": "1"}


POLL_S = 0.05
NOTICE = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}


def announce(tools: Path) -> None:
    """Tell of every change of the file."""
    seen = tools.read_bytes()
    while True:
        time.sleep(POLL_S)
        fresh = tools.read_bytes()
        if fresh != seen:
            seen = fresh
            say(NOTICE)


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(message: dict[str, Any], tools: Path, log: Path) -> dict[str, Any]:
    match message["method"]:
        case "initialize":
            return {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {"listChanged": announces()}},
                "serverInfo": INFO,
            }
        case "tools/list":
            return {"tools": json.loads(tools.read_text("utf-8"))}
        case "tools/call":
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(message["params"]) + "\n")
            return {"content": [{"type": "text", "text": "done"}]}
        case _:
            raise LookupError(message["method"])


def announces() -> bool:
    return sys.argv[3:] == ["announce"]


def main() -> None:
    tools, log = Path(sys.argv[1]), Path(sys.argv[2])
    if announces():
        threading.Thread(target=announce, args=(tools,), daemon=True).start()
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        said: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            said["result"] = answer(message, tools, log)
        except LookupError as error:
            said["error"] = {"code": -32601, "message": f"no method {error}"}
        say(said)


main()
