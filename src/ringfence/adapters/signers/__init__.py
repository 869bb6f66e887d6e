"""Keys that sign checkpoints."""
