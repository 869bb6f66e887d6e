"""Boxes for the processes of runs."""
