"""One suite per port; every adapter and fake runs it."""
