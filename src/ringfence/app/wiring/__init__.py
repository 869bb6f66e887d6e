"""Where every adapter is wired to the engine, and nothing else is done."""
