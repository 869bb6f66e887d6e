"""Repositories of operators, and the quarantine that stands between them and a box's clone."""
