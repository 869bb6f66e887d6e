"""Parsers that run outside the core."""
