"""`ringfence connect`: the stdio bridge that a client configures as its one MCP server. Read bridge.py first."""
