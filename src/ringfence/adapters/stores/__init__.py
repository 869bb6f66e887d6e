"""Durable state and the log."""
