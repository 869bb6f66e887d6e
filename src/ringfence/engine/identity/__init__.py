"""Who calls, in whose name, and which runs stand above."""
