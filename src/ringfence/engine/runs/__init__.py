"""Runs: opened, given to children, ended."""
