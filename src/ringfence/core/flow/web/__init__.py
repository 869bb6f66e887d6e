"""Hosts and addresses: how they are written, and whose they are. Pure."""
