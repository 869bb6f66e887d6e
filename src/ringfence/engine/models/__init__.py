"""Requests to models that are under way: read `calls` first."""
