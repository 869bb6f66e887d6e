"""The values that everything else speaks of. Frozen; each file one kind."""
