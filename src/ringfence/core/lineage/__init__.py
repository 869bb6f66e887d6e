"""From what a run read to what it did: the entries of a run as one story. Pure; needs the log alone."""
