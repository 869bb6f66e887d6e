"""People's words: which are their own, what they name and what they ask for. Pure."""
