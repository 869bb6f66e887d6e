"""The gateway's own tools: what a run asks of the gateway itself is a call like any other."""
