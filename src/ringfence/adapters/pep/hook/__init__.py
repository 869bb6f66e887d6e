"""The enforcement point of coding agents: their hooks."""
