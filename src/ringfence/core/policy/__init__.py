"""The operator's policies: read, held against the tools' own schemas, and evaluated by Cedar. Pure."""
