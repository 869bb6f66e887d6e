"""The certificate authority of one run, which exists only in memory and which only this run's box trusts."""

from __future__ import annotations

import os
import ssl
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ALPN: Final = "http/1.1"
"""HTTP/2 is not offered: on one connection it could ask for several hosts."""
_MOST_HOSTS: Final = 256
_EARLIER: Final = timedelta(hours=1)
"""For clocks that are a little behind."""


class Authority:
    """P-256. One key for the authority, one for all hosts; what it signs is kept for the hosts asked for last."""

    def __init__(self, run: str, now: datetime, life: timedelta = timedelta(days=1)) -> None:
        self._key, self._host_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self._life = now - _EARLIER, now + life
        self._name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ringfence"),
                x509.NameAttribute(NameOID.COMMON_NAME, f"Ringfence run {run}"[:64]),
            ]
        )
        subject = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        self._certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(subject, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self._above = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject)
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()

    @property
    def pem(self) -> str:
        """The authority's certificate: what the box trusts, besides nothing or besides the machine's own bundle."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def context(self, host: str) -> ssl.SSLContext:
        """The server's side of TLS as this host."""
        known = self._contexts.get(host)
        if known is not None:
            self._contexts.move_to_end(host)
            return known
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
        context.num_tickets = 0
        context.set_alpn_protocols([ALPN])
        _load(context, self._leaf(host))
        self._contexts[host] = context
        if len(self._contexts) > _MOST_HOSTS:
            self._contexts.popitem(last=False)
        return context

    def _leaf(self, host: str) -> bytes:
        """Its chain and key, as PEM."""
        certificate = (
            self._builder(x509.Name([]), self._host_key)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._host_key.public_key()), critical=False)
            .add_extension(self._above, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        key = self._host_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return certificate.public_bytes(serialization.Encoding.PEM) + key

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=name,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=self._life[0].astimezone(UTC),
            not_valid_after=self._life[1].astimezone(UTC),
        )


def trusting(cafile: str | None = None) -> ssl.SSLContext:
    """How servers outside are verified: by the machine's bundle, or by this file alone. Raises OSError."""
    context = ssl.create_default_context(cafile=cafile)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([ALPN])
    return context


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    """`ssl` reads keys from files only, so this one lies in memory and has no name that another process could open."""
    descriptor = os.memfd_create("leaf", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
