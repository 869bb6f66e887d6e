"""Servers over streamable HTTP. Read upstream.py first."""
