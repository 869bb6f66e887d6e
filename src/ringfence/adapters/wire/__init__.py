"""JSON-RPC and SSE between bytes and values, shared by adapters. No I/O."""
