"""What a configuration makes of calls of an agent's own tools, tried out beside the gateway."""
