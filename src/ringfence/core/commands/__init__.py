"""What each command does: profiles from a data file, and what they say of one command's words. Pure."""
