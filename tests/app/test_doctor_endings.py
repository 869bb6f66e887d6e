"""`doctor` on certificates, keys and tokens that end, with real ones."""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from tests.app.doctor_kit import NOW, QUIET, Looked, Place
from tests.servers.certificates import Authority

from ringfence.app.doctor.doctor import judge
from ringfence.app.doctor.facts import Ending, Facts, HeldRun
from ringfence.app.doctor.findings import Code, Severity
from ringfence.core.model.identifiers import Millis

DAY_MS = 86_400_000


def now() -> Millis:
    return Millis(int(dt.datetime.now(dt.UTC).timestamp() * 1000))


def codes(looked: Looked) -> set[tuple[Code, Severity]]:
    return {(finding.code, finding.severity) for finding in looked.diagnosis.findings}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (60, set[Any]()),
        (20, {(Code.EXPIRES_SOON, Severity.WARNING)}),
        (3, {(Code.EXPIRES_SOON, Severity.SERIOUS)}),
        (-0.01, {(Code.EXPIRED, Severity.SERIOUS)}),
    ],
)
def test_the_end_of_a_certificate_is_told_of_in_time(tmp_path: Path, days: float, expected: set[Any]) -> None:
    place = Place.made(tmp_path)
    cert, key, _ = Authority(place.work).issue("server", server=True, life=dt.timedelta(days=days))
    place.configure({**QUIET, "listen": {"tls": {"cert": cert.name, "key": key.name}}})
    looked = place.look(now=now())
    assert codes(looked) == expected
    assert all(finding.where == (str(cert),) for finding in looked.diagnosis.findings)


def test_the_authority_of_clients_is_looked_at_too_and_a_wide_key(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    authority = Authority(place.work)
    cert, key, _ = authority.issue("server", server=True, life=dt.timedelta(days=300))
    key.chmod(0o640)
    tls = {"cert": cert.name, "key": key.name, "client_ca": authority.file.name}
    place.configure({**QUIET, "listen": {"tls": tls}})
    looked = place.look(now=now())
    assert looked.where(Code.EXPIRES_SOON) == {str(authority.file)}
    assert looked.where(Code.READABLE_BY_OTHERS) == {str(key)}


def test_a_file_that_holds_no_certificate_is_told_of(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    place.write("a.pem", "nothing")
    place.write("a.key", "nothing", 0o600)
    place.configure({**QUIET, "listen": {"tls": {"cert": "a.pem", "key": "a.key"}}})
    assert place.look().where(Code.NOT_LOOKED_AT) == {str(place.work / "a.pem")}


def test_the_keys_of_an_issuer_are_looked_at(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    _, _, certificate = Authority(place.work).issue("issuer", life=dt.timedelta(days=2))
    encoded = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    soon = now() // 1000 + 10 * 86_400
    keys = [{"kty": "EC", "kid": "a", "x5c": [encoded]}, {"kty": "EC", "kid": "b", "exp": soon}, {"kty": "EC", "kid": "c"}]
    place.write("keys.json", json.dumps({"keys": keys}))
    issuer = {
        "url": "https://idp.example",
        "audience": "x",
        "keys": {"file": "keys.json"},
        "agents": {"sub": {"a": "clerk"}},
    }
    place.configure({**QUIET, "identity": {"issuers": [issuer]}})
    looked = place.look(now=now())
    keys_found = [finding for finding in looked.diagnosis.findings if "issuer's key" in finding.what]
    assert [(finding.what[18:19], finding.severity) for finding in keys_found] == [
        ("a", Severity.SERIOUS),
        ("b", Severity.WARNING),
    ]
    assert "clerk is a bearer" in looked.of(Code.UNBOUND_BEARER).what
    place.write("keys.json", "[1]")
    assert str(place.work / "keys.json") in place.look(now=now()).where(Code.NOT_LOOKED_AT)


@pytest.mark.requirement("I9")
def test_a_token_with_an_end_is_told_of_by_its_reference(tmp_path: Path) -> None:
    def token(days: float) -> str:
        claims = json.dumps({"sub": "gateway", "exp": now() / 1000 + days * 86_400}).encode()
        return ".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (b'{"alg":"ES256"}', claims, b"s" * 30)
        )

    place = Place.made(tmp_path)
    kept, given = token(2), token(400)
    place.write("token", kept, 0o600)
    web = {"url": "https://b.example/mcp", "headers": {"X-A": {"from": "file:token"}, "X-B": {"from": "env:GIVEN"}}}
    place.configure({**QUIET, "servers": {**QUIET["servers"], "web": web}})
    looked = place.look({"GIVEN": given}, now=now())
    assert looked.where(Code.EXPIRES_SOON) == {"file:token"}
    assert kept not in looked.printed
    assert given not in looked.printed


def test_what_is_not_good_yet_is_refused_now_and_is_serious() -> None:
    later = Ending(what="A key", where="x", since=Millis(NOW + DAY_MS), until=Millis(NOW + 100 * DAY_MS))
    [finding] = judge(Facts(now=NOW, gateway_uid=1, endings=(later,)))
    assert (finding.code, finding.severity) == (Code.EXPIRED, Severity.SERIOUS)
    assert "is not good before 2027-01-16" in finding.what


def test_credentials_that_live_too_long_are_told_of(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    mint = {"minter": "pg", "grants": [{"on": "table a", "privileges": ["select"]}], "lifetime": "2h"}
    place.configure(
        {
            **QUIET,
            "minters": {"pg": {"postgres": {"from": "env:PG"}}},
            "tools": {"shop.look": {"effect": "read", "credential": {"argument": "/dsn", "mint": mint}}},
            "agents": {"clerk": {"purpose": "x", "tools": ["shop.*"], "only_mcp": True, "run_ttl": "48h"}},
        }
    )
    assert place.look().where(Code.LONG_LIVED) == {"agents.clerk.run_ttl", "tools.shop.look.credential.mint.lifetime"}


@pytest.mark.parametrize(
    ("is_unbound", "has_end", "expected"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_only_an_unbound_credential_without_an_end_lives_too_long(is_unbound: bool, has_end: bool, expected: bool) -> None:
    run = HeldRun(id="r", agent="a", is_standing=True, is_unbound=is_unbound, has_end=has_end)
    found = {finding.code for finding in judge(Facts(now=NOW, gateway_uid=1, runs=(run,)))}
    assert (Code.LONG_LIVED in found) is expected
    assert (Code.UNBOUND_BEARER in found) is is_unbound
