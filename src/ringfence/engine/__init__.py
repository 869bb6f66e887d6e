"""The one path that a call takes. Read `enforce` first."""
