"""Witnesses of the log: asking others to cosign, and what our own small witness remembers."""
