"""Policy enforcement points: bytes in, `enforce`, bytes out."""
