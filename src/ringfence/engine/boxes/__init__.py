"""Boxes as the gateway sees them: whose they are, their ways out, and what leaves them."""
