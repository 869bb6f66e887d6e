"""Waiting, in turn or beside the event loop, without holding up anything else."""
