"""The outside world. Each adapter knows ports and core, never its neighbours."""
