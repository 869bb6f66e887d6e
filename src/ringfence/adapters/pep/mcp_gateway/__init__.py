"""The MCP gateway: an MCP server to agents, for both protocol eras."""
