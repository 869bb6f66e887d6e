"""Rules for what of MCP goes beside `tools/call`: other methods, requests of servers, metadata of clients."""
