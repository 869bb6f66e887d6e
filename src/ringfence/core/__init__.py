"""The policy decision point. Pure: no I/O, no clock, no randomness, no logging; `now` is an argument."""
