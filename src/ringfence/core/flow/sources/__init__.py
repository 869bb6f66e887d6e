"""What may decide besides words: the configuration, lookups and records. Pure."""
