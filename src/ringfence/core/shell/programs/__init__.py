"""Programs that start other programs, and what they start. `starting.py` says which file reads which."""
