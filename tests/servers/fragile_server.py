"""An MCP server on stdio that does not start while it is ill: `python fragile_server.py WELL`.

It is well while the file WELL exists. Its tool `get` answers the number of its process; `die` ends it.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("get", "die")]


def answer(message: dict[str, Any]) -> dict[str, Any]:
    match message["method"]:
        case "initialize":
            return {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "fragile", "version": "1"},
            }
        case "tools/list":
            return {"tools": TOOLS}
        case "tools/call" if message["params"]["name"] == "die":
            os._exit(1)
        case "tools/call":
            return {"content": [{"type": "text", "text": str(os.getpid())}]}
        case _:
            raise LookupError


def main() -> None:
    if not Path(sys.argv[1]).exists():
        sys.exit(f"\033[31mno database; asked as {os.environ.get('DB_USER')}")
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        try:
            said = {"result": answer(message)}
        except LookupError:
            said = {"error": {"code": -32601, "message": "no such method"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}), flush=True)


main()
