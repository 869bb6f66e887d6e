"""The machine itself: time, randomness, the lever file."""
