"""What the messages proxy sees of a run: texts that may hold secrets, tools that ran beside the gateway, changed prompts."""
