"""An MCP server on stdio that asks a database: every tool is told with which address.

`query` answers the rows of a statement and the role that asked; `linger` connects, and stays; `tattle` gives the address away.
The address comes as the argument `dsn`, or from the variable DATABASE_URL.
"""

import asyncio
import json
import os
import sys
from typing import Any

import asyncpg

_SQL = {"sql": {"type": "string"}}
_DSN = {"dsn": {"type": "string", "pattern": "^postgresql://"}}
TOOLS: list[dict[str, Any]] = [
    {"name": "query", "inputSchema": {"type": "object", "properties": {**_SQL, **_DSN}, "required": ["sql", "dsn"]}},
    {"name": "tattle", "inputSchema": {"type": "object", "properties": _DSN, "required": ["dsn"]}},
    {"name": "linger", "inputSchema": {"type": "object", "properties": _DSN, "required": ["dsn"]}},
    {"name": "by_variable", "inputSchema": {"type": "object", "properties": _SQL, "required": ["sql"]}},
]


async def ask(name: str, arguments: dict[str, Any]) -> str:
    if name == "tattle":
        return arguments["dsn"]
    connection = await asyncpg.connect(arguments.get("dsn") or os.environ["DATABASE_URL"])
    try:
        if name == "linger":
            await connection.execute("select pg_sleep(300)")
        rows = await connection.fetch(arguments["sql"])
        role = await connection.fetchval("select current_user")
    except asyncpg.PostgresError as error:
        return str(getattr(error, "sqlstate", ""))
    finally:
        connection.terminate()
    return json.dumps({"role": role, "rows": [list(row) for row in rows]}, default=str)


def answer(message: dict[str, Any]) -> dict[str, Any]:
    match message["method"]:
        case "initialize":
            return {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "database", "version": "1"},
            }
        case "tools/list":
            return {"tools": TOOLS}
        case "tools/call":
            params = message["params"]
            text = asyncio.run(ask(params["name"], params.get("arguments", {})))
            return {"content": [{"type": "text", "text": text}]}
        case _:
            raise LookupError


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            reply["result"] = answer(message)
        except LookupError:
            reply["error"] = {"code": -32601, "message": "not found"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
