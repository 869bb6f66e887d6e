"""The command form of the hook, as this version installs it."""

from importlib.resources import files


def hook_file() -> bytes:
    """Its text."""
    return (files("ringfence.app.clients") / "hook_command.py").read_bytes()
