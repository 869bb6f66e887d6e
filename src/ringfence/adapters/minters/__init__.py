"""Makers of credentials that last for one call."""
