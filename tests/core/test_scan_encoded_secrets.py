"""Credentials of published formats are found in base64 and hex, as `cat key | base64` shows them."""

from __future__ import annotations

import base64
import textwrap

import pytest

from ringfence.core.scan.disguise_rules import ENCODED_SECRET
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import Scanner

SCANNER = Scanner()
BODY = textwrap.fill("MIIEowIBAAKCAQEA" + "q7Zk2P0dV3sYx1Lm" * 40, 64)
SECRETS = {
    "private-key": f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----\n",
    "openssh": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{BODY}\n-----END OPENSSH PRIVATE KEY-----\n",
    "aws": "AKIA" + "QWERTYUIOPASDFG2",
    "aws-secret": "aws_secret_access_key = " + "aB3dE6gH9jK2mN5pQ8sT" * 2,
    "github": "ghp_" + "aB3dE6gH9jK2mN5pQ8sTaB3dE6gH9jK2mN5p",
    "gitlab": "glpat-" + "aB3dE6gH9jK2mN5pQ8sT",
    "slack": "xoxb-123456789012-" + "aB3dE6gH9jK2mN5pQ8sT",
    "stripe": "sk_live_" + "aB3dE6gH9jK2mN5pQ8sT",
    "anthropic": "sk-ant-api03-" + "aB3dE6gH9jK2mN5pQ8sT" * 4,
    "npm": "npm_" + "aB3dE6gH9jK2mN5pQ8sTaB3dE6gH9jK2mN5p",
    "ringfence": "rfr_" + "aB3dE6gH9jK2mN5pQ8sTaB3dE6gH9jK2mN5pQ8sTaBc",
}
"""None of them opens anything."""


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str) -> str:
    """As the command `base64` prints it."""
    return "\n".join(textwrap.wrap(in_base64(text), 76)) + "\n"


def in_hex(text: str) -> str:
    """As `xxd -p` prints it."""
    return "\n".join(textwrap.wrap(text.encode().hex(), 60)) + "\n"


FORMS = {
    "base64": in_base64,
    "wrapped": wrapped,
    "url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "hex": lambda text: text.encode().hex(),
    "hex in lines": in_hex,
    "hex with blanks": lambda text: text.encode().hex(" "),
}


@pytest.mark.requirement("I9")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("before", ["", " ", "of ", "key: "])
def test_a_credential_is_masked_in_code(name: str, form: str, before: str) -> None:
    code = FORMS[form](before + SECRETS[name] + " ")
    text = f"what it said:\n{code}"
    seen = SCANNER.see({"text": text}, "")
    assert (Kind.SECRET, ENCODED_SECRET) in {(one.kind, one.rule) for one in seen.findings}
    masked = SCANNER.masked({"text": text}, seen)["text"]
    assert f"[masked: {ENCODED_SECRET}]" in masked
    assert "what it said:" in masked
    assert code.strip().splitlines()[-1] not in masked


def test_all_of_a_key_file_is_masked_from_its_first_line() -> None:
    text = "$ base64 id_rsa\n" + wrapped(SECRETS["openssh"]) + "\n$ echo done\n"
    masked = SCANNER.masked(text, SCANNER.see(text, ""))
    assert masked == f"$ base64 id_rsa\n[masked: {ENCODED_SECRET}]\n\n$ echo done\n"


@pytest.mark.parametrize(
    "said",
    [
        "-----BEGIN PUBLIC KEY-----\n" + BODY,
        "-----BEGIN CERTIFICATE-----\n" + BODY,
        "no PRIVATE KEY in here, only words about one, and a good deal of them",
        "AKIA is how they begin; AKIAIOSFODNN7EXAMPLE is the one of the manual",
        "ghp_ alone, npm_config_registry=https://host.example/ and sk_live_ too",
    ],
)
def test_what_only_begins_like_one_is_left_alone(said: str) -> None:
    for form in FORMS.values():
        assert not [one for one in SCANNER.see(form(said), "").findings if one.kind is Kind.SECRET]
