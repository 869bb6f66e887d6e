"""The shell's own commands, as far as they change what is known or run something. `table.py` says which file reads which."""
