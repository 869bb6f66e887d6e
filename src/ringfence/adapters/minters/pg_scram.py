"""A password as Postgres keeps it, so that the password itself never stands in a statement that a server may log.

Source: RFC 5803 and the PostgreSQL documentation of `pg_authid.rolpassword`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

_ROUNDS = 4096


def scram_verifier(password: str, salt: bytes) -> str:
    """The SCRAM-SHA-256 verifier of an ASCII password."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ROUNDS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    return f"SCRAM-SHA-256${_ROUNDS}:{_text(salt)}${_text(stored_key)}:{_text(server_key)}"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
