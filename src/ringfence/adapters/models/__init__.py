"""Model APIs over HTTP."""
