"""What a test's mail server shows to those who want TLS."""

from __future__ import annotations

import ssl

from tests.servers.certificates import Authority


def server_context(authority: Authority) -> ssl.SSLContext:
    """A certificate for 127.0.0.1, signed by an authority of the test."""
    certificate, key, _ = authority.issue("mail", server=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
