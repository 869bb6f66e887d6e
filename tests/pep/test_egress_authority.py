"""The authority of one run."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta

from cryptography import x509

from ringfence.adapters.pep.egress.authority import Authority, trusting

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_two_runs_do_not_trust_each_other() -> None:
    one, other = Authority("a", NOW), Authority("b", NOW)
    assert one.pem != other.pem
    assert (
        x509.load_pem_x509_certificate(one.pem.encode()).public_key()
        != x509.load_pem_x509_certificate(other.pem.encode()).public_key()
    )


def test_an_authority_signs_hosts_only_and_for_a_day() -> None:
    certificate = x509.load_pem_x509_certificate(Authority("a", NOW).pem.encode())
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    assert certificate.not_valid_after_utc - NOW == timedelta(days=1)


def test_hosts_are_kept_and_their_number_is_bounded() -> None:
    authority = Authority("a", NOW)
    first = authority.context("a.example")
    assert authority.context("a.example") is first
    for number in range(256):
        authority.context(f"h{number}.example")
    assert authority.context("a.example") is not first


def test_no_key_lies_in_a_file_or_stays_open() -> None:
    before = os.listdir("/proc/self/fd")
    Authority("a", NOW).context("a.example")
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_servers_outside_are_verified_by_name_and_chain() -> None:
    context = trusting()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
