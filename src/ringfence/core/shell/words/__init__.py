"""Words as the shell makes them. Begin with `expanding.py`; a test holds all of it to bash itself."""
