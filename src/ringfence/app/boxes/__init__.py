"""Boxes from both sides: the supervisor that makes one, and the gateway that adopts it and serves its listener."""
