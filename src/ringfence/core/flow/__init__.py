"""Where the values of a call come from, and where they would go. Pure."""
