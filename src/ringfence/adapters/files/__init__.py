"""The file system of the machine that an agent's client runs on, as decisions see it."""
