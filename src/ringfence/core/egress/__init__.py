"""What may leave a box: from bytes to what is asked for, and whether a rule has it so. Pure."""
