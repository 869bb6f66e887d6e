"""How a witness judges a checkpoint: C2SP tlog-witness, case by case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.test_audit_verify import KEY, LOG, NAME, PUBLIC, leaf, signed

from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import ED25519
from ringfence.core.audit.proof import consistency_proof
from ringfence.core.audit.stem import entry_hash
from ringfence.core.audit.tree import merkle_root
from ringfence.core.audit.witnessing import Seen, Verdict, judge, parse_request, render_request
from ringfence.errors import RequestError

TRUSTED = VerifierKey(NAME, ED25519, PUBLIC)
HASHES = [entry_hash(each) for each in LOG]
OTHER = [*LOG[:3], leaf(3, "something else"), *LOG[4:]]


def seen(size: int, log: list[bytes] = LOG) -> Seen:
    return Seen(size, merkle_root(map(entry_hash, log[:size]))) if size else Seen()


def asked(old: int, size: int, log: list[bytes] = LOG) -> bytes:
    return render_request(old, consistency_proof(old, [entry_hash(each) for each in log[:size]]), signed(log, size))


def verdict(body: bytes, before: Seen, key: VerifierKey | None = TRUSTED) -> Verdict:
    return judge(parse_request(body), key, before)


@given(st.integers(0, 10), st.integers(0, 10))
def test_a_log_that_only_grew_is_cosigned(one: int, other: int) -> None:
    old, size = sorted((one, other))
    assert verdict(asked(old, size), seen(old)) is Verdict.COSIGN


@pytest.mark.requirement("I12")
def test_each_refusal_has_its_own_status() -> None:
    assert verdict(asked(4, 8), seen(4), None) is Verdict.UNKNOWN_LOG
    assert verdict(asked(4, 8), seen(4), VerifierKey(NAME, ED25519, bytes(32))) is Verdict.UNTRUSTED
    assert verdict(asked(4, 8).replace(b"\n8\n", b"\n9\n"), seen(4)) is Verdict.UNTRUSTED
    assert verdict(asked(8, 8).replace(b"old 8", b"old 9"), seen(9)) is Verdict.MALFORMED
    assert verdict(asked(4, 8), seen(5)) is Verdict.STALE
    assert verdict(asked(0, 8), seen(5)) is Verdict.STALE
    assert verdict(asked(8, 8, OTHER), seen(8)) is Verdict.STALE
    assert verdict(asked(4, 8, OTHER), seen(4)) is Verdict.INCONSISTENT
    assert verdict(render_request(4, (), signed(LOG, 8)), seen(4)) is Verdict.INCONSISTENT
    assert verdict(render_request(0, (bytes(32),), signed(LOG, 8)), seen(0)) is Verdict.INCONSISTENT


def test_the_status_codes_are_those_of_the_specification() -> None:
    assert {each.name: each.value for each in Verdict} == {
        "COSIGN": 200,
        "MALFORMED": 400,
        "UNTRUSTED": 403,
        "UNKNOWN_LOG": 404,
        "STALE": 409,
        "INCONSISTENT": 422,
    }


@pytest.mark.requirement("I12")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n\n",
        b"old 0\n" + signed(LOG, 3).encode(),
        asked(0, 3).replace(b"old 0", b"old 00"),
        asked(0, 3).replace(b"old 0", b"old -1"),
        asked(0, 3).replace(b"old 0", b"OLD 0"),
        asked(0, 3).replace(b"old 0\n", b"old 0\r\n"),
        asked(0, 3)[:-1],
        asked(0, 3) + b"\n",
        asked(4, 8).replace(b"=\n", b"\n", 1),
        asked(0, 3).replace(b"\n3\n", b"\n3\nextension\n"),
        render_request(0, (bytes(32),) * 64, signed(LOG, 3)),
        b"\xff" + asked(0, 3),
        asked(0, 3) + b"x" * (1 << 16),
    ],
)
def test_what_is_not_exactly_a_request_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError):
        parse_request(body)


def test_63_hashes_are_still_read() -> None:
    assert len(parse_request(render_request(0, (bytes(32),) * 63, signed(LOG, 3))).proof) == 63
    assert KEY.public_key().public_bytes_raw() == PUBLIC
