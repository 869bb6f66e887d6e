"""Signing for AWS, and reading what STS answers."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.servers.moto_server import in_moto

from ringfence.adapters.minters.aws_answer import ANSWER_MOST, assumed, refusal
from ringfence.adapters.minters.aws_signature import Signer
from ringfence.errors import UnavailableError
from ringfence.ports.secrets import Secret

EXAMPLE = Signer(
    key_id=Secret("AKIDEXAMPLE"),
    secret=Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    token=None,
    region="us-east-1",
    service="service",
)
AT = int(datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp() * 1000)
HOST = "example.amazonaws.com"


@pytest.mark.parametrize(
    ("headers", "body", "signature"),
    [
        # AWS Signature Version 4 test suite: post-vanilla, post-x-www-form-urlencoded.
        ({}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            {"content-type": "application/x-www-form-urlencoded"},
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
)
def test_the_published_vectors_are_signed_as_published(headers: dict[str, str], body: bytes, signature: str) -> None:
    signed = EXAMPLE.headers(HOST, "/", headers, body, AT)["authorization"]
    assert signed.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ")
    assert signed.endswith(f"Signature={signature}")


SIGN = """
import base64, datetime
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
answer = []
for host, headers, body, at, secret, token in cases:
    moment = datetime.datetime.fromtimestamp(at / 1000, datetime.timezone.utc).replace(tzinfo=None)
    botocore.auth.get_current_datetime = lambda *a, **k: moment
    request = AWSRequest("POST", f"https://{host}/", headers=dict(headers), data=base64.b64decode(body))
    botocore.auth.SigV4Auth(Credentials("AKIDEXAMPLE", secret, token), "sts", "eu-west-1").add_auth(request)
    answer.append(request.headers["Authorization"])
"""
_ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
_CASE = st.tuples(
    st.from_regex(r"[a-z]{1,10}(\.[a-z]{1,8}){1,2}(:8[0-9]{3})?", fullmatch=True),
    st.dictionaries(st.from_regex(r"x-[a-z]{1,12}", fullmatch=True), _ASCII, max_size=3),
    st.binary(max_size=200),
    st.integers(1_000_000_000_000, 4_000_000_000_000),
    _ASCII,
    st.none() | _ASCII,
)


@given(st.lists(_CASE, min_size=30, max_size=30))
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.large_base_example, HealthCheck.too_slow])
def test_botocore_signs_the_same_requests_with_the_same_signatures(
    cases: list[tuple[str, dict[str, str], bytes, int, str, str | None]],
) -> None:
    ours: list[str] = []
    told: list[object] = []
    for host, headers, body, at, secret, token in cases:
        signer = Signer(
            key_id=Secret("AKIDEXAMPLE"),
            secret=Secret(secret),
            token=Secret(token) if token is not None else None,
            region="eu-west-1",
            service="sts",
        )
        ours.append(signer.headers(host, "/", headers, body, at)["authorization"])
        told.append([host, headers, base64.b64encode(body).decode(), at, secret, token])
    assert in_moto(SIGN, cases=told) == ours


ANSWER = """<?xml version="1.0"?>
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/reader/r_a</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>wJalrXUtnFEMI/K7MDENG</SecretAccessKey>
<SessionToken>AQoDYXdzEPT//+/=</SessionToken><Expiration>2026-11-21T18:00:00Z</Expiration></Credentials>
<PackedPolicySize>6</PackedPolicySize></AssumeRoleResult></AssumeRoleResponse>"""


def test_the_credential_is_read_from_an_answer() -> None:
    given = assumed(ANSWER.encode())
    assert (given.key_id, given.secret, given.token) == ("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG", "AQoDYXdzEPT//+/=")
    assert given.expires_at == int(datetime(2026, 11, 21, 18, tzinfo=UTC).timestamp() * 1000)
    assert "wJalr" not in repr(given)


@pytest.mark.requirement("I9")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<a>",
        ANSWER[:-5].encode(),
        b"\xff\xfe" + ANSWER.encode(),
        ANSWER.replace("<?xml", '<!DOCTYPE a [<!ENTITY e "ASIAIOSFODNN7EXAMPLE">]><?xml').encode(),
        ANSWER.replace("?>", '?><!DOCTYPE a [<!ENTITY e "x">]>').replace("ASIAIOSFODNN7EXAMPLE", "&e;").encode(),
        ANSWER.replace("?>", '?><!DOCTYPE a SYSTEM "file:///etc/passwd">').encode(),
        ANSWER.replace("ASIAIOSFODNN7EXAMPLE", "").encode(),
        ANSWER.replace("ASIAIOSFODNN7EXAMPLE", "ASIA\u2028EXAMPLEEXAMPLE").encode(),
        ANSWER.replace("AQoDYXdzEPT//+/=", "AQ\r\nx: y").encode(),
        ANSWER.replace("2026-11-21T18:00:00Z", "soon").encode(),
        ANSWER.replace("2026-11-21T18:00:00Z", "2026-11-21T18:00:00").encode(),
        ANSWER.replace("</Credentials>", "</Credentials><Credentials/>").encode(),
        ANSWER.replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="no-such"?>').encode(),
        ("<a>" * 1000 + "</a>" * 1000).encode(),
        ("<a>" + "<b/>" * 1000 + "</a>").encode(),
        b"<a>" + b" " * ANSWER_MOST + b"</a>",
    ],
    ids=range(18),
)
def test_an_answer_that_is_not_what_sts_answers_gives_nothing_and_is_not_quoted(body: bytes) -> None:
    with pytest.raises(UnavailableError) as failed:
        assumed(body)
    assert "wJalr" not in str(failed.value)
    assert "ASIA" not in str(failed.value)


def test_a_refusal_says_its_code_and_only_a_harmless_message() -> None:
    error = "<ErrorResponse xmlns='x'><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"
    assert refusal(403, error.format("AccessDenied", "u may not\nassume r").encode()) == (
        "STS refuses: AccessDenied: u may not assume r"
    )
    signature = refusal(403, error.format("SignatureDoesNotMatch", "the canonical string with a token").encode())
    assert signature == "STS refuses: SignatureDoesNotMatch"
    assert refusal(500, error.format("a b\nc", "x").encode()) == "STS answered with HTTP status 500"
    assert refusal(503, b"<html>") == "STS answered with HTTP status 503"
