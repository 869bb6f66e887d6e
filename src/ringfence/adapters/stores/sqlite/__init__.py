"""The embedded store: state in memory, truth in SQLite, one writer."""
