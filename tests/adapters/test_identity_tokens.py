"""Access tokens of configured issuers: whose they are, and every way in which they are nobody's."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from ringfence.adapters.identity.outside import Authorities
from ringfence.core.model.issuer import Believed, Issuer
from ringfence.ports.identity import Outsider
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.keys import SigningKey

pytestmark = pytest.mark.requirement("I8")

ISSUER = "https://idp.example"
OTHER = "https://other.example"
AUDIENCE = "https://gate.example/mcp"
KEYS = {kind: SigningKey(kind, kid=kind) for kind in ("ec", "ec384", "ed", "rsa")}
KEY = KEYS["ec"]
FOREIGN = SigningKey("ec", kid="foreign")
NOW_S = FakeClock().now() // 1000


def key_file(folder: Path, *published: dict[str, Any]) -> Path:
    path = folder / "keys.json"
    path.write_text(json.dumps({"keys": list(published)}))
    return path


def issuer(path: Path, url: str = ISSUER, **changes: Any) -> Issuer:
    given: dict[str, Any] = {"agents": {"client_id": {"desk": "support"}, "sub": {"robot": "reader", "both": "reader"}}}
    return Issuer(url=url, audience=AUDIENCE, file=str(path), **{**given, **changes})


def authorities(folder: Path, *published: dict[str, Any]) -> Authorities:
    path = key_file(folder, *(published or [key.published for key in KEYS.values()]))
    return Authorities(Believed(issuers=(issuer(path),)), FakeClock())


def claims(**changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "u1",
        "client_id": "desk",
        "exp": NOW_S + 300,
        "iat": NOW_S,
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def token(key: SigningKey = KEY, header: dict[str, Any] | None = None, **changes: Any) -> str:
    return key.sign(claims(**changes), {"kid": key.kid, "typ": "at+jwt", **(header or {})})


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("kind", list(KEYS))
async def test_a_token_of_each_kind_of_key_is_its_subjects(tmp_path: Path, kind: str) -> None:
    found = await authorities(tmp_path).by_token(token(KEYS[kind]))
    assert isinstance(found, Outsider)
    assert (found.agent, found.binding, found.until) == ("support", "", (NOW_S + 300) * 1000)
    assert json.loads(found.subject) == [ISSUER, "desk", "u1"]
    assert found.still()


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "PS384"])
async def test_an_rsa_key_without_an_algorithm_of_its_own_takes_those_of_rsa(tmp_path: Path, algorithm: str) -> None:
    key = KEYS["rsa"]
    made = authorities(tmp_path, {**key.jwk, "kid": key.kid})
    assert isinstance(await made.by_token(token(key, {"alg": algorithm})), Outsider)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": OTHER},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"iss": [ISSUER]},
        {"aud": "https://gate.example"},
        {"aud": AUDIENCE + "/"},
        {"aud": [OTHER]},
        {"aud": []},
        {"aud": {AUDIENCE: 1}},
        {"aud": None},
        {"exp": None},
        {"exp": NOW_S},
        {"exp": NOW_S - 1},
        {"exp": str(NOW_S + 300)},
        {"exp": True},
        {"exp": -1},
        {"exp": NOW_S + 25 * 3600},
        {"exp": 1e300},
        {"nbf": NOW_S + 61},
        {"nbf": "soon"},
        {"iat": NOW_S + 61},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"client_id": "nobody"},
        {"client_id": None},
        {"client_id": ["desk"]},
        {"client_id": "x" * 300, "sub": "robot"},
        {"sub": "robot"},  # with client_id "desk": two agents
        {"cnf": {}},
        {"cnf": "text"},
        {"cnf": {"jkt": "short"}},
        {"cnf": {"jwk": KEY.jwk}},
        {"cnf": {"jkt": "A" * 43, "x5t#S256": "A" * 43}},
        {"cnf": {"kid": "A" * 43}},
    ],
)
async def test_a_token_that_says_something_else_is_nobodys(tmp_path: Path, changes: dict[str, Any]) -> None:
    found = await authorities(tmp_path).by_token(token(**changes))
    assert isinstance(found, str)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [OTHER, AUDIENCE]},
        {"nbf": NOW_S + 59},
        {"exp": NOW_S + 0.5},
        {"client_id": None, "azp": "desk", "sub": "robot"},
        {"sub": "both", "client_id": "unmapped"},
    ],
)
async def test_what_a_token_may_say(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert isinstance(await authorities(tmp_path).by_token(token(**changes)), Outsider)


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "foreign"},
        {"kid": "../../../etc/passwd"},
        {"kid": "' or 1=1 --"},
        {"kid": ""},
        {"kid": "rsa"},
        {"typ": "dpop+jwt"},
        {"typ": "logout+jwt"},
        {"typ": 7},
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
    ],
)
async def test_a_header_chooses_nothing_but_a_key_of_the_issuer(tmp_path: Path, header: dict[str, Any]) -> None:
    text = KEY.sign(claims(), {"kid": KEY.kid, "typ": "at+jwt"})
    head = json.loads(base64.urlsafe_b64decode(text.split(".")[0] + "=="))
    signed = f"{encoded({**head, **header})}.{text.split('.')[1]}"
    # Signed by the right key over the changed header, so that nothing but the header is at fault.
    assert isinstance(await authorities(tmp_path).by_token(f"{signed}.{_es256(signed)}"), str)


def _es256(signed: str) -> str:
    assert isinstance(KEY.private, ec.EllipticCurvePrivateKey)
    return encoded(ECAlgorithm(ECAlgorithm.SHA256).sign(signed.encode(), KEY.private))


@pytest.mark.parametrize("named", ["jku", "x5u", "jwk", "x5c"])
async def test_a_key_that_the_token_brings_along_is_not_used(tmp_path: Path, named: str) -> None:
    brought = {"jwk": FOREIGN.jwk, "jku": "http://127.0.0.1:9/keys", "x5u": "http://127.0.0.1:9/x", "x5c": ["AAAA"]}[named]
    forged = FOREIGN.sign(claims(), {"kid": KEY.kid, "typ": "at+jwt", named: brought})
    assert isinstance(await authorities(tmp_path).by_token(forged), str)


def public_bytes(key: SigningKey) -> bytes:
    return key.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("kind", list(KEYS))
async def test_a_public_key_is_no_secret_to_sign_with(tmp_path: Path, kind: str) -> None:
    key = KEYS[kind]
    secrets = [public_bytes(key), public_bytes(key).strip(), json.dumps(key.jwk).encode(), b""]
    made = authorities(tmp_path)
    for secret in secrets:
        signed = f"{encoded({'alg': 'HS256', 'kid': kind, 'typ': 'at+jwt'})}.{encoded(claims())}"
        mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        assert isinstance(await made.by_token(f"{signed}.{encoded(mac)}"), str)


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "", "HS256", "ES256", "ES384", "EdDSA", "RS256", "PS256", "ES256K", 7, None]
)
@pytest.mark.parametrize("kind", list(KEYS))
async def test_no_algorithm_makes_a_signature_unnecessary(tmp_path: Path, algorithm: Any, kind: str) -> None:
    made = authorities(tmp_path)
    for signature in (b"", b"\0" * 64, b"\0" * 256):
        unsigned = f"{encoded({'alg': algorithm, 'kid': kind, 'typ': 'at+jwt'})}.{encoded(claims())}.{encoded(signature)}"
        assert isinstance(await made.by_token(unsigned), str)


async def test_a_token_of_one_issuer_does_not_count_for_another(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    one, two = key_file(tmp_path, KEY.published), key_file(tmp_path / "b", {**FOREIGN.published, "kid": KEY.kid})
    made = Authorities(Believed(issuers=(issuer(one), issuer(two, OTHER))), FakeClock())
    assert isinstance(await made.by_token(token()), Outsider)
    assert isinstance(await made.by_token(token(iss=OTHER)), str)
    assert isinstance(await made.by_token(FOREIGN.sign(claims(), {"kid": KEY.kid})), str)
    assert isinstance(await made.by_token(FOREIGN.sign(claims(iss=OTHER), {"kid": KEY.kid})), Outsider)


@pytest.mark.parametrize("text", ["", "a.b.c", "..", "." * 9000, "a" * 8193, "é.é.é", f"{encoded({})}.{encoded([])}.AA"])
async def test_what_is_no_token_is_nobodys(tmp_path: Path, text: str) -> None:
    assert isinstance(await authorities(tmp_path).by_token(text), str)


async def test_a_token_with_a_claim_twice_is_nobodys(tmp_path: Path) -> None:
    twice = json.dumps(claims())[:-1] + ', "client_id": "desk"}'
    signed = f"{encoded({'alg': 'ES256', 'kid': KEY.kid})}.{encoded(twice.encode())}"
    assert isinstance(await authorities(tmp_path).by_token(f"{signed}.{_es256(signed)}"), str)


@pytest.mark.parametrize(("member", "kind"), [("jkt", "jkt"), ("x5t#S256", "x5t")])
async def test_a_token_keeps_its_binding(tmp_path: Path, member: str, kind: str) -> None:
    found = await authorities(tmp_path).by_token(token(cnf={member: "A" * 43}))
    assert isinstance(found, Outsider)
    assert found.binding == f"{kind}:{'A' * 43}"


async def test_a_changed_configuration_takes_back_what_it_gave(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY.published)
    made = Authorities(Believed(issuers=(issuer(path),)), FakeClock())
    found = await made.by_token(token())
    assert isinstance(found, Outsider)
    made.replace(Believed(issuers=(issuer(path, agents={"client_id": {"desk": "reader"}}),)))
    assert not found.still()
    made.replace(Believed(issuers=(issuer(path),)))
    assert found.still()
    made.replace(Believed())
    assert not found.still()
    assert isinstance(await made.by_token(token()), str)


async def test_a_key_that_leaves_the_file_counts_no_longer(tmp_path: Path) -> None:
    made = authorities(tmp_path)
    assert isinstance(await made.by_token(token()), Outsider)
    key_file(tmp_path, FOREIGN.published)
    assert isinstance(await made.by_token(token()), str)
    assert isinstance(await made.by_token(token(FOREIGN)), Outsider)
    (tmp_path / "keys.json").unlink()
    assert isinstance(await made.by_token(token(FOREIGN)), str)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"keys": 7}', '{"keys": [7]}', '{"keys": []}', " " * 300_000, json.dumps({"keys": [{"kty": "x"}] * 101})],
)
async def test_a_key_file_that_is_none_gives_no_keys(tmp_path: Path, content: str) -> None:
    made = authorities(tmp_path)
    (tmp_path / "keys.json").write_text(content)
    assert isinstance(await made.by_token(token()), str)


@pytest.mark.parametrize(
    "key",
    [
        {**KEY.published, "use": "enc"},
        {**KEY.published, "key_ops": ["sign"]},
        {**KEY.published, "key_ops": 7},
        {**KEY.published, "alg": "RS256"},
        {**KEY.published, "alg": 7},
        {**KEY.published, "d": "AAAA"},
        {**KEY.published, "crv": "P-521"},
        {**KEY.published, "kid": "x" * 301},
        {"kty": "oct", "k": "AAAA", "kid": KEY.kid, "alg": "HS256"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": KEY.kid},
        {**KEYS["rsa"].published, "e": "A" * 400, "kid": KEY.kid},
    ],
)
async def test_a_key_that_is_not_for_this_is_left_out(tmp_path: Path, key: dict[str, Any]) -> None:
    made = authorities(tmp_path, key, FOREIGN.published)
    assert isinstance(await made.by_token(token()), str)
    assert isinstance(await made.by_token(token(FOREIGN)), Outsider)


async def test_two_keys_of_one_name_are_no_set(tmp_path: Path) -> None:
    assert isinstance(await authorities(tmp_path, KEY.published, {**FOREIGN.published, "kid": KEY.kid}).by_token(token()), str)


async def test_without_a_kid_there_has_to_be_one_key_only(tmp_path: Path) -> None:
    nameless = KEY.sign(claims())
    assert isinstance(await authorities(tmp_path, KEY.published).by_token(nameless), Outsider)
    assert isinstance(await authorities(tmp_path, KEY.published, FOREIGN.published).by_token(nameless), str)


SPIFFE = "spiffe://example.org/desk"


@pytest.mark.parametrize(
    ("uris", "agent"),
    [((SPIFFE,), "support"), ((SPIFFE + "/",), None), (("spiffe://example.org/other",), None), ((SPIFFE, SPIFFE + "2"), None)],
)
def test_a_certificate_maps_by_its_one_uri(uris: tuple[str, ...], agent: str | None) -> None:
    made = Authorities(Believed(certificates={SPIFFE: "support"}), FakeClock())
    found = made.by_certificate(uris, "A" * 43, 5000)
    assert (found.agent if isinstance(found, Outsider) else None) == agent
    if isinstance(found, Outsider):
        assert (found.subject, found.binding, found.until) == (SPIFFE, "x5t:" + "A" * 43, 5000)
        made.replace(Believed())
        assert not found.still()
