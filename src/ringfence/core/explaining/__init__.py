"""Decisions in words: all of them for operators, their class for agents."""
