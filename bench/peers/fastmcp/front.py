"""FastMCP's proxy over HTTP. `front.py URL PORT [--connected]`; runs in the peer's own environment.

As documented: `create_proxy(URL)`, which connects anew for each request.
With `--connected`: one client for all, always connected.
"""

import asyncio
import sys

from fastmcp import Client
from fastmcp.server import create_proxy


async def main() -> None:
    url, port, *rest = sys.argv[1:]
    how = {"transport": "http", "host": "127.0.0.1", "port": int(port), "show_banner": False, "log_level": "WARNING"}
    if "--connected" not in rest:
        await create_proxy(url).run_async(**how, stateless_http=True, json_response=True)
        return
    async with Client(url) as client:
        await create_proxy(client).run_async(**how, stateless_http=True, json_response=True)


asyncio.run(main())
