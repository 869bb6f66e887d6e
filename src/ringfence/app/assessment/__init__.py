"""`assess` and `init`: what the servers of a `.mcp.json` could do, and the configuration that would contain them."""
