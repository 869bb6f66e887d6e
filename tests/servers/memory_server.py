"""An MCP server on stdio that remembers: `python memory_server.py FILE`.

`remember` adds a text to FILE, `recall` answers all of it. `page` and `case` answer a text of their own; `post` appends to
FILE.posted.
"""

import json
import sys
from pathlib import Path
from typing import Any

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}}
TOOLS = [{"name": name, "inputSchema": TEXT} for name in ("remember", "recall", "page", "case", "post")]
NOTES = Path(sys.argv[1])
POSTED = NOTES.with_name(f"{NOTES.name}.posted")


def done(name: str, text: str) -> str:
    match name:
        case "remember" | "post":
            with (NOTES if name == "remember" else POSTED).open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
            return "done"
        case "recall":
            return NOTES.read_text("utf-8") if NOTES.exists() else ""
        case "page":
            return "a page that anybody may write"
        case "case":
            return "case 4711: what nobody outside may know"
        case _:
            raise LookupError


def answer(message: dict[str, Any]) -> dict[str, Any]:
    match message["method"]:
        case "initialize":
            return {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "memory", "version": "1"},
            }
        case "tools/list":
            return {"tools": TOOLS}
        case "tools/call":
            params = message["params"]
            text = done(params["name"], str(params.get("arguments", {}).get("text", "")))
            return {"content": [{"type": "text", "text": text}]}
        case _:
            raise LookupError


def main() -> None:
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
