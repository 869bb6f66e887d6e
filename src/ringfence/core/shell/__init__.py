"""What a shell command would do, judged from its syntax tree. Begin with `walking.py`."""
