"""A store that forgets everything when the process ends."""
