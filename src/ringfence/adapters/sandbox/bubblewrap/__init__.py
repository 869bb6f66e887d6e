"""Boxes made with bubblewrap: no daemon, no image, no setuid program of ours. Read sandbox.py first, then box.py."""
