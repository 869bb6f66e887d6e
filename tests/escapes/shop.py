"""An MCP server over stdio: one tool for everybody, one for others only."""

from mcp.server.mcpserver import MCPServer

server = MCPServer("shop")


@server.tool()
def echo(text: str) -> str:
    """Say it again"""
    return f"you said {text}"


@server.tool()
def only_for_others() -> str:
    """Granted to another agent"""
    return "not for you"


if __name__ == "__main__":
    server.run("stdio")
