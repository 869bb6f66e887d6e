"""The shell's grammar, one file for each kind of node: what it runs, and what is known after it."""
