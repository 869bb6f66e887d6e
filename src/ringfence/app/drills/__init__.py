"""Drills: public incidents replayed through a real gateway, and look-alike runs that must not be stopped."""
