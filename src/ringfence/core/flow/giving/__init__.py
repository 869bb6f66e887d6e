"""Whether people's words give a value: one rule for each kind of value. Pure."""
