"""DPoP proofs (RFC 9449): what is accepted, and that it counts once."""

import base64
import json
from typing import Any

import jwt
import pytest

from ringfence.adapters.identity.dpop import AHEAD_S, BACK_S, DpopProofs
from ringfence.ports.identity import BadProof, Proven
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.entropy import FakeEntropy
from ringfence.testing.keys import SigningKey

URL = "http://127.0.0.1:7410/mcp"
CREDENTIAL = "rfr_secret"
KEY = SigningKey()
SETTLED_MS = (AHEAD_S + 5) * 1000
"""After this no proof from before the start of a process can be taken for a fresh one."""

pytestmark = pytest.mark.requirement("I8")


def proofs(clock: FakeClock | None = None, **bounds: int) -> tuple[DpopProofs, FakeClock]:
    clock = clock or FakeClock()
    made = DpopProofs(clock, FakeEntropy(), **bounds)
    clock.advance(SETTLED_MS)
    return made, clock


def check(made: DpopProofs, proof: str, *, method: str = "POST", url: str = URL, credential: str = CREDENTIAL) -> Any:
    return made.check(proof, method=method, url=url, credential=credential)


@pytest.mark.parametrize("kind", ["ec", "ed"])
def test_a_proof_for_this_request_is_accepted_once(kind: str) -> None:
    made, clock = proofs()
    key = SigningKey(kind)
    proof = key.proof("POST", URL, CREDENTIAL, clock.now())
    found = check(made, proof)
    assert isinstance(found, Proven)
    assert found.binding == key.binding
    assert made.first_use(found)
    again = check(made, proof)
    assert isinstance(again, Proven)
    assert not made.first_use(again)


@pytest.mark.parametrize(
    "htu",
    [URL, URL + "?a=b", URL + "#x", "HTTP://127.0.0.1:7410/mcp"],
)
def test_the_url_is_compared_without_query_and_fragment(htu: str) -> None:
    made, clock = proofs()
    assert isinstance(check(made, KEY.proof("POST", htu, CREDENTIAL, clock.now())), Proven)


def test_a_usual_port_may_be_left_out() -> None:
    made, clock = proofs()
    proof = KEY.proof("POST", "https://gate.example/mcp", CREDENTIAL, clock.now())
    assert isinstance(check(made, proof, url="https://gate.example:443/mcp"), Proven)


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "GET"},
        {"htm": "post"},
        {"htm": None},
        {"htu": "http://127.0.0.1:7410/mcp/orders"},
        {"htu": "https://127.0.0.1:7410/mcp"},
        {"htu": "http://user@127.0.0.1:7410/mcp"},
        {"htu": "http://127.0.0.1:99999/mcp"},
        {"htu": URL + "\n"},
        {"htu": " " + URL},
        {"htu": None},
        {"htu": 7},
        {"ath": None},
        {"ath": "AAAA"},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 257},
        {"jti": 7},
        {"iat": None},
        {"iat": "now"},
        {"iat": True},
        {"iat": 1e300},
        {"nonce": "another"},
    ],
    ids=str,
)
def test_a_proof_of_something_else_is_none(changes: dict[str, Any]) -> None:
    made, clock = proofs()
    assert isinstance(check(made, KEY.proof("POST", URL, CREDENTIAL, clock.now(), **changes)), BadProof)


def test_a_proof_for_another_credential_is_none() -> None:
    made, clock = proofs()
    assert isinstance(check(made, KEY.proof("POST", URL, "rfr_other", clock.now())), BadProof)


@pytest.mark.parametrize(
    ("age_s", "good"), [(0, True), (BACK_S, True), (BACK_S + 1, False), (-AHEAD_S, True), (-AHEAD_S - 1, False)]
)
def test_a_proof_is_from_now(age_s: int, good: bool) -> None:
    clock = FakeClock()
    made = DpopProofs(clock, FakeEntropy())
    clock.advance(600_000)
    found = check(made, KEY.proof("POST", URL, CREDENTIAL, clock.now() - age_s * 1000))
    assert isinstance(found, Proven) is good
    assert good or not found.nonce, "a nonce would not help a client whose clock is wrong"


def test_a_proof_from_before_this_process_needs_its_nonce() -> None:
    made, clock = proofs()
    old = clock.now() - SETTLED_MS - 1000
    found = check(made, KEY.proof("POST", URL, CREDENTIAL, old))
    assert isinstance(found, BadProof)
    assert found.nonce
    assert isinstance(check(made, KEY.proof("POST", URL, CREDENTIAL, old, nonce=found.nonce)), Proven)


@pytest.mark.parametrize("restarted_after_s", [0, 1, 5, 9, 10])
def test_a_proof_that_was_used_just_before_a_restart_is_not_used_again(restarted_after_s: int) -> None:
    """Also not one of a client whose clock runs ahead: its `iat` lies after the restart."""
    before, clock = proofs()
    proof = KEY.proof("POST", URL, CREDENTIAL, clock.now() + AHEAD_S * 1000)
    used = check(before, proof)
    assert isinstance(used, Proven)
    assert before.first_use(used)
    clock.advance(restarted_after_s * 1000)
    after = DpopProofs(clock, FakeEntropy())
    assert isinstance(check(after, proof), BadProof)


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def reheaded(header: dict[str, Any]) -> str:
    """A proof whose header is another one; the signature is over the new one where the key can."""
    proof = KEY.proof("POST", URL, CREDENTIAL, FakeClock().now() + SETTLED_MS)
    claims = jwt.decode(proof, options={"verify_signature": False})
    return KEY.sign(claims, header)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT", "jwk": KEY.jwk},
        {"jwk": KEY.jwk},
        {"typ": "dpop+jwt"},
        {"typ": "dpop+jwt", "jwk": "text"},
        {"typ": "dpop+jwt", "jwk": {**KEY.jwk, "d": "AAAA"}},
        {"typ": "dpop+jwt", "jwk": {**KEY.jwk, "k": "AAAA"}},
        {"typ": "dpop+jwt", "jwk": {"kty": "oct", "k": "AAAA"}},
        {"typ": "dpop+jwt", "jwk": {**KEY.jwk, "crv": "P-384"}},
        {"typ": "dpop+jwt", "jwk": {**KEY.jwk, "x": KEY.jwk["y"]}},
        {"typ": "dpop+jwt", "jwk": {**KEY.jwk, "x": KEY.jwk["x"] + "AAAA"}},
        {"typ": "dpop+jwt", "jwk": SigningKey("ec").jwk},
        {"typ": "dpop+jwt", "jwk": SigningKey("ed").jwk},
        {"typ": "dpop+jwt", "jwk": SigningKey("rsa").jwk},
        {"typ": "dpop+jwt", "jwk": KEY.jwk, "crit": ["x"], "x": 1},
    ],
)
def test_a_header_that_is_not_a_proofs_is_refused(header: dict[str, Any]) -> None:
    made, _ = proofs()
    assert isinstance(check(made, reheaded(header)), BadProof)


def unsigned(algorithm: str, signature: bytes = b"") -> str:
    claims = jwt.decode(KEY.proof("POST", URL, CREDENTIAL, FakeClock().now() + SETTLED_MS), options={"verify_signature": False})
    return f"{encoded({'typ': 'dpop+jwt', 'alg': algorithm, 'jwk': KEY.jwk})}.{encoded(claims)}.{encoded(signature)}"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "ES256", "EdDSA", "ES384", "RS256", "", "ES256K"])
def test_no_algorithm_makes_a_proof_without_a_signature_count(algorithm: str) -> None:
    made, _ = proofs()
    assert isinstance(check(made, unsigned(algorithm, b"\0" * 64)), BadProof)


TWICE = encoded(b'{"typ":1,"typ":2}')


@pytest.mark.parametrize(
    "proof",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a" * 5000,
        "é.a.b",
        f"{encoded([])}.{encoded({})}.AA",
        f"{TWICE}.{encoded({})}.AA",
        f"{encoded(b'[' * 2000)}.{encoded({})}.AA",
        "." + "A" * 4000,
    ],
)
def test_what_is_no_proof_is_refused_and_nothing_else_happens(proof: str) -> None:
    made, _ = proofs()
    assert isinstance(check(made, proof), BadProof)


def test_a_key_that_floods_is_the_only_one_refused_and_room_comes_back() -> None:
    made, clock = proofs(per_key=3)
    other = SigningKey()

    def use(key: SigningKey) -> bool:
        found = check(made, key.proof("POST", URL, CREDENTIAL, clock.now()))
        assert isinstance(found, Proven)
        return made.first_use(found)

    assert [use(KEY) for _ in range(4)] == [True, True, True, False]
    assert use(other)
    clock.advance((BACK_S + AHEAD_S + 2) * 1000)
    assert use(KEY)


def test_nothing_is_forgotten_to_make_room() -> None:
    made, clock = proofs(most=2)
    first = check(made, KEY.proof("POST", URL, CREDENTIAL, clock.now()))
    assert made.first_use(first)
    for _ in range(5):
        made.first_use(check(made, SigningKey().proof("POST", URL, CREDENTIAL, clock.now())))
    assert not made.first_use(first)


def test_a_proof_from_ahead_is_remembered_for_as_long_as_it_holds() -> None:
    made, clock = proofs()
    proof = KEY.proof("POST", URL, CREDENTIAL, clock.now() + AHEAD_S * 1000)
    assert made.first_use(check(made, proof))
    clock.advance((AHEAD_S + BACK_S) * 1000)
    still = check(made, proof)
    assert isinstance(still, Proven)
    assert not made.first_use(still)
    clock.advance(1000)
    assert isinstance(check(made, proof), BadProof)


@pytest.mark.parametrize("sign", [0, 0x80])
@pytest.mark.parametrize(
    "point",
    [
        "01" + "00" * 31,
        "00" * 32,
        "ec" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    ],
)
def test_a_key_under_which_one_signature_holds_for_everything_is_none(point: str, sign: int) -> None:
    made, clock = proofs()
    raw = bytes.fromhex(point)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": encoded(raw[:-1] + bytes([raw[-1] | sign]))}
    claims = jwt.decode(KEY.proof("POST", URL, CREDENTIAL, clock.now()), options={"verify_signature": False})
    forged = f"{encoded({'typ': 'dpop+jwt', 'alg': 'EdDSA', 'jwk': jwk})}.{encoded(claims)}"
    found = check(made, f"{forged}.{encoded(bytes([1]) + bytes(63))}")
    assert isinstance(found, BadProof)
    assert "small order" in found.why
