"""Readers of their own for commands whose words are more than options and paths: programs, scripts, URLs, revisions."""
