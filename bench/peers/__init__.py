"""The peers, each in an environment of its own under a directory here."""
