"""Codes, and what things are called. Pure."""
